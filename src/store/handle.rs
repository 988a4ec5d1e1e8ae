//! An open database: who hands work to the one writer, and who lends connections to readers.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::Connection;

use super::audit::chain::Walked;
use super::audit::keeper::ChainKeeper;
use super::database::fault;
use super::database::fault::Doing;
use super::database::health;
use super::database::health::Health;
use super::database::{connection, settings};
use super::directory::DataDirectory;
use super::lists::read_cache::CacheUses;
use super::lists::remembered::Remembered;
use super::sql::{Reading, Writing};
use super::writer::Writer;
use super::writer::figures::WriterFigures;
use super::writer::job::Needs;
use super::writer::write_gate::WriteGate;
use crate::domain::audit::state::AuditState;
use crate::error::{Error, Result};

/// Requests that read at a time. More than this only wait for the processor.
pub const READERS: u32 = 4;
/// Read-only connections, shared by all threads: two are left for what a write reads before it is one, and for keys.
const CONNECTIONS: u32 = READERS + 2;
/// How long a read waits for a connection before it is refused as overloaded.
const READER_WAIT: Duration = Duration::from_secs(5);

/// An open database: one writer thread and a pool of readers.
pub struct Store {
    pub(super) writer: Writer,
    readers: r2d2::Pool<SqliteConnectionManager>,
    health: Arc<Health>,
    directory: Arc<DataDirectory>,
    pub(super) chain: Arc<ChainKeeper>,
    remembered: Remembered,
    /// Whether the ledger has its [`super::Seat`].
    pub(super) seat_is_taken: AtomicBool,
    /// What the last walk along the audit log found; locked while one goes on.
    pub(super) walked: Mutex<Option<Walked>>,
    /// How the audit log was last seen.
    pub(super) audit: Mutex<AuditState>,
}

/// A read connection of one thread's own.
pub struct Reader(Connection);

impl Reader {
    /// Looks into the database. What is read by several statements may be of several moments.
    pub fn look(&self) -> Reading<'_> {
        Reading::of(&self.0)
    }
}

impl Store {
    /// Runs `work` in the write transaction and answers after it is on disk. An error or a panic undoes this closure alone.
    pub(super) fn write<T: Send + 'static>(
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
            let mut connection = connection::open(path, connection::read_only_flags())?;
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

    /// What the writer counts of itself.
    pub fn writer_figures(&self) -> &WriterFigures {
        &self.writer.figures
    }

    /// How often searches were remembered.
    pub fn search_uses(&self) -> CacheUses {
        self.remembered.uses()
    }

    /// Whether writes succeed, and whether one must come before all others.
    pub fn gate(&self) -> &Arc<WriteGate> {
        self.writer.gate()
    }

    /// Whether writes succeed: the file is in its place and not damaged, the writer is there, and the disk takes what it writes.
    ///
    /// # Errors
    /// [`Error::Unavailable`] with the reason.
    pub fn ready(&self) -> Result<()> {
        self.health.may_write()?;
        self.writer.ready()?;
        self.gate().ready()
    }

    /// Whether the writer is there, whether its writes succeed or not.
    pub fn has_writer(&self) -> bool {
        self.writer.ready().is_ok()
    }

    /// What is known of the audit log without a walk.
    pub fn audit_state(&self) -> AuditState {
        let state = self.audit.lock().unwrap_or_else(PoisonError::into_inner);
        state.clone()
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
        let outcome = self.read(health::quick_check);
        self.health.checked(&outcome);
        outcome
    }

    /// A store of these parts.
    pub(super) fn assemble(
        directory: Arc<DataDirectory>,
        writer: Connection,
        chain: Arc<ChainKeeper>,
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
        let writer = Writer::start(writer, Arc::clone(&chain), Arc::clone(&health))?;
        Ok(Self {
            writer,
            readers,
            health,
            directory,
            chain,
            remembered: Remembered::default(),
            seat_is_taken: AtomicBool::new(false),
            walked: Mutex::default(),
            audit: Mutex::default(),
        })
    }
}
