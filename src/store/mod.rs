//! SQLite, and nothing else: every SQL statement of the program is in this folder, and only this folder knows the libraries
//! behind it. No policy rules, no HTTP.
//!
//! [`Store::unit_of_work`] hands a closure to the one writer thread ([`writer`]); [`Store::read`] runs one on a pooled read-only
//! connection. [`directory`] owns the data directory, [`open`] decides whether a file is ours and sound, [`migrate`] brings it
//! to this version's schema, [`health`] says whether it still is.

pub mod access_profile_details;
pub mod access_profile_lists;
pub mod access_profile_roles;
pub mod access_profile_versions;
pub mod access_profiles;
pub mod anchor;
pub mod api_key_hints;
pub mod api_key_secrets;
pub mod api_keys;
pub mod audit;
pub mod budget_overrides;
mod checkpoints;
mod connection;
pub mod decision_rows;
pub mod directory;
pub mod explained_names;
mod fault;
pub mod followers;
pub mod former_secrets;
pub mod health;
mod id_set;
pub mod idempotency;
pub mod journal;
pub mod kept_revocations;
pub mod mass_assignment;
pub mod migrate;
pub mod name_keys;
pub mod names;
pub mod open;
pub mod packed_versions;
mod pages;
pub mod place;
pub mod policies;
pub mod private;
pub mod propagation;
pub mod read_cache;
mod remembered;
pub mod roles;
pub mod rotated_keys;
pub mod rotations;
mod search;
pub mod sequences;
pub mod settings;
mod sql;
mod taken;
pub mod tool_groups;
mod unit_of_work;
pub mod usage;
pub mod user_access_profiles;
pub mod user_lists;
pub mod users;
pub mod virtual_key_lists;
pub mod virtual_keys;
pub mod write_gate;
pub mod writer;

use std::ops::Deref;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::Connection;

use self::directory::DataDirectory;
use self::fault::Doing;
use self::health::Health;
use self::remembered::Remembered;
pub use self::unit_of_work::{Occasion, Seat, Work, WorkInTurn};
use self::write_gate::WriteGate;
use self::writer::Writer;
pub use self::writer::{Needs, Submitted};
use crate::domain::audit::ChainKey;
use crate::error::{Error, Result};

/// Requests that read at a time. More than this only wait for the processor.
pub const READERS: u32 = 4;
/// Read-only connections, shared by all threads: two are left for what a write reads before it is one, and for keys.
const CONNECTIONS: u32 = READERS + 2;
/// How long a read waits for a connection before it is refused as overloaded.
const READER_WAIT: Duration = Duration::from_secs(5);

/// An open database: one writer thread and a pool of readers.
pub struct Store {
    writer: Writer,
    readers: r2d2::Pool<SqliteConnectionManager>,
    health: Arc<Health>,
    directory: Arc<DataDirectory>,
    chain: ChainKey,
    remembered: Remembered,
    /// Whether the ledger has its [`Seat`].
    seat_is_taken: AtomicBool,
    /// What the last walk along the audit log found; locked while one goes on.
    walked: Mutex<Option<anchor::Walked>>,
}

/// A consistent view of the database.
pub struct Reading<'c> {
    connection: &'c Connection,
    /// What was found before; none where the view is no committed one.
    remembered: Option<&'c Remembered>,
}

/// A place in the open write transaction: for what this folder does by itself, and for the ledger ([`Seat`]).
pub struct Writing<'c> {
    reading: Reading<'c>,
    chain: &'c ChainKey,
}

impl<'c> Deref for Writing<'c> {
    type Target = Reading<'c>;

    fn deref(&self) -> &Reading<'c> {
        &self.reading
    }
}

/// A read connection of one thread's own.
pub struct Reader(Connection);

impl Reader {
    /// Looks into the database. What is read by several statements may be of several moments.
    pub fn look(&self) -> Reading<'_> {
        Reading {
            connection: &self.0,
            remembered: None,
        }
    }
}

impl Store {
    /// Runs `work` in the write transaction and answers after it is on disk. An error or a panic undoes this closure alone.
    fn write<T: Send + 'static>(
        &self,
        needs: Needs,
        work: impl FnOnce(&Writing<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.writer.write(needs, work)
    }

    /// A connection for one thread of its own that reads all the time.
    ///
    /// # Errors
    /// When it can't be opened.
    pub fn reader(&self) -> Result<Reader> {
        let path = self.directory.database();
        let open = || {
            let mut connection = Connection::open_with_flags(path, connection::read_only_flags())?;
            connection::prepare_reader(&mut connection)?;
            Ok(connection)
        };
        open().doing("opening a read connection").map(Reader)
    }

    /// Runs `work` on a consistent view of the database.
    ///
    /// # Errors
    /// What `work` answers; [`Error::Unavailable`] when every connection stays busy.
    pub fn read<T>(&self, work: impl FnOnce(&Reading<'_>) -> Result<T>) -> Result<T> {
        let mut connection = self.readers.get().map_err(|_| Error::Unavailable {
            code: "overloaded",
            reason: "every database connection is busy".to_owned(),
        })?;
        let transaction = connection
            .transaction()
            .doing("opening a read transaction")?;
        let answer = work(&Reading {
            connection: &transaction,
            remembered: Some(&self.remembered),
        });
        if let Err(Error::Unavailable {
            code: fault::DAMAGED,
            reason,
        }) = &answer
        {
            self.health.set_damaged(reason);
        }
        answer
    }

    /// A number that every write raises before it is acknowledged. What is read after asking for it holds every write that was
    /// acknowledged by then, so it may be shown for as long as the number stays the same.
    pub fn generation(&self) -> u64 {
        self.writer.generation()
    }

    /// Whether writes succeed, and whether one must come before all others.
    pub fn gate(&self) -> &Arc<WriteGate> {
        self.writer.gate()
    }

    /// Whether requests should be sent here.
    ///
    /// # Errors
    /// [`Error::Unavailable`] with the reason.
    pub fn ready(&self) -> Result<()> {
        self.health.ready()?;
        self.gate().ready()
    }

    /// Writes something small, to see whether that is possible again.
    ///
    /// # Errors
    /// As [`Store::unit_of_work`].
    pub fn try_to_write(&self) -> Result<()> {
        self.write(Needs::FIRST, settings::try_to_write)
    }

    /// The state of the database.
    pub fn health(&self) -> &Arc<Health> {
        &self.health
    }

    /// The directory this store lives in.
    pub fn directory(&self) -> &DataDirectory {
        &self.directory
    }

    /// Reads the whole file for damage; may take seconds. The outcome is kept in [`Store::health`].
    ///
    /// # Errors
    /// [`Error::Unavailable`] with what was found.
    pub fn check_integrity(&self) -> Result<()> {
        let outcome = self.read(|reading| open::quick_check(reading.connection));
        self.health.checked(&outcome);
        outcome
    }

    /// Finishes every write that is waiting, copies the log into the file, and notes that the stop was clean. Later writes are
    /// refused.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Internal`] when the file could not be brought up to date; nothing acknowledged is lost.
    pub fn close(&self, now: Timestamp) -> Result<()> {
        self.writer.stop()?;
        self.anchor_audit_log(now)?;
        if self.health.integrity_is_good() {
            self.directory.note_clean_stop();
        }
        // Threads that are about to end may hold the store a moment longer; nothing is written any more.
        self.directory.release();
        Ok(())
    }

    fn assemble(
        directory: Arc<DataDirectory>,
        writer: Connection,
        chain: ChainKey,
        health: Arc<Health>,
    ) -> Result<Self> {
        let manager = SqliteConnectionManager::file(directory.database())
            .with_flags(connection::read_only_flags())
            .with_init(connection::prepare_reader);
        let readers = r2d2::Pool::builder()
            .max_size(CONNECTIONS)
            .connection_timeout(READER_WAIT)
            .test_on_check_out(false)
            .build(manager)
            .map_err(|error| Error::internal("opening read connections", error))?;
        let writer = Writer::start(writer, chain.clone(), Arc::clone(&health))?;
        Ok(Self {
            writer,
            readers,
            health,
            directory,
            chain,
            remembered: Remembered::default(),
            seat_is_taken: AtomicBool::new(false),
            walked: Mutex::default(),
        })
    }
}
