//! Deciding whether a file is ours and sound before anything is written, opening it, and closing it.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};

use super::connection::{self, prepare_writer, read_only_flags, writer_flags};
use super::fault::Doing;
use super::health::{Health, quick_check};
use super::{migrate, settings};
use crate::domain::audit::ChainKey;
use crate::error::{Error, Result};
use crate::store::audit::anchor;
use crate::store::audit::keeper::{ChainKeeper, random_key, read_key};
use crate::store::directory::DataDirectory;
use crate::store::directory::files::{NEW_DATABASE, NEW_DATABASE_JOURNAL};
use crate::store::directory::private;
use crate::store::directory::private::Rule;
use crate::store::directory::room::has_log;
use crate::store::handle::Store;
use crate::store::lists::name_keys;
use crate::store::lists::search;
use crate::store::sql::{Reading, Writing};

/// `PRAGMA application_id` of our files: "TOLK".
const APPLICATION_ID: u32 = 0x544F_4C4B;
/// How long a start waits for the full check; a larger file is checked while the server runs.
const CHECK_BUDGET: Duration = Duration::from_millis(500);
/// Oldest SQLite that does not corrupt a WAL database under two connections (RELIABILITY.md).
const OLDEST_SQLITE: i32 = 3_051_003;
const HEADER: usize = 100;

impl Store {
    /// Opens the database of a directory, making it if the directory never had one. A file that is not ours, damaged, or from a
    /// newer version is not changed by a byte.
    ///
    /// # Errors
    /// [`Error::Refused`] with the path and what to do.
    pub fn open(directory: Arc<DataDirectory>, now: Timestamp) -> Result<Self> {
        if rusqlite::version_number() < OLDEST_SQLITE {
            return Err(Error::refused(format!(
                "SQLite {} can corrupt this kind of database",
                rusqlite::version()
            )));
        }
        let path = directory.database();
        let clean = match (
            private::is_there(&path),
            private::is_there(&directory.marker()),
        ) {
            (false, true) => return Err(lost(&directory)),
            (false, false) => {
                create(&directory, now)?;
                true
            }
            (true, _) => {
                let checked = inspect(&directory)?;
                checked || directory.stop_was_clean()
            }
        };
        let found = read_key(&directory, false)?;
        // From here on the file may change, and a start that was refused has changed nothing.
        let clean = directory.forget_clean_stop() && clean;
        for path in [&path, &directory.write_ahead_log()] {
            if let Some(before) = private::tighten(path) {
                log::warn!(
                    "others could use {} ({before:04o}), and may have read it; it is closed to them now",
                    path.display()
                );
            }
        }
        let mut connection =
            connection::open(&path, writer_flags()).doing("opening the database")?;
        prepare_writer(&connection)?;
        upgrade(&directory, &mut connection, now)?;
        let keeper = ChainKeeper::open(&directory, found, &Reading::of(&connection))?;
        let chain = keeper.key();
        make_up(&mut connection, &chain, name_keys::refresh)?;
        make_up(&mut connection, &chain, search::fill)?;
        if !private::is_there(&directory.marker()) {
            directory.write_private(
                &directory.marker(),
                b"The database beside this file was created. If it is gone, restore a backup.\n",
            )?;
        }
        let health = Arc::new(Health::new(path, clean)?);
        let store = Self::assemble(directory, connection, Arc::new(keeper), health)?;
        store.anchor_audit_log(now)?;
        Ok(store)
    }

    /// Finishes every write that is waiting, copies the log into the file, and notes that the stop was clean. Later writes are
    /// refused.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Internal`] when the file could not be brought up to date; nothing acknowledged is lost.
    pub fn close(&self, now: Timestamp) -> Result<()> {
        self.writer.stop()?;
        self.anchor_audit_log(now)?;
        if self.health().integrity_is_good() {
            self.directory().note_clean_stop();
        }
        // Threads that are about to end may hold the store a moment longer; nothing is written any more.
        self.directory().release();
        Ok(())
    }
}

/// Makes a database aside and moves it into place, so that there is never half of one.
fn create(directory: &DataDirectory, now: Timestamp) -> Result<()> {
    let staged = directory.root().join(NEW_DATABASE);
    // Most times there is none.
    let _ = std::fs::remove_file(directory.root().join(NEW_DATABASE_JOURNAL));
    private::create(&staged).map_err(cannot_create(&staged))?;
    let mut connection =
        connection::open(&staged, writer_flags()).doing("creating the database")?;
    migrate::run(&mut connection)?;
    connection
        .execute_batch("PRAGMA journal_mode = DELETE")
        .doing("creating the database")?;
    connection
        .close()
        .map_err(|(_, error)| Error::internal("creating the database", error))?;
    directory.write_private(&directory.audit_key(), &random_key()?.0)?;
    anchor::begin(directory, now)?;
    let moved = std::fs::rename(&staged, directory.database())
        .and_then(|()| File::open(directory.root())?.sync_all());
    moved.map_err(cannot_create(&directory.database()))
}

fn cannot_create(path: &Path) -> impl Fn(std::io::Error) -> Error {
    move |error| Error::refused(format!("can't create {}: {error}", path.display()))
}

/// Looks at an existing file. True when it was wholly checked and is sound.
fn inspect(directory: &DataDirectory) -> Result<bool> {
    let path = directory.database();
    let logged = has_log(&path);
    check_header(&path, logged)?;
    let connection = open_to_inspect(&path, logged)
        .doing("opening the database")
        .map_err(|error| refuse_damaged(directory, &error))?;
    let schema = schema(&connection).map_err(|error| refuse_damaged(directory, &error))?;
    if schema > migrate::newest() {
        let version = settings::app_version(&Reading::of(&connection));
        return Err(newer(&path, schema, version));
    }
    let interrupt = connection.get_interrupt_handle();
    let (sender, receiver) = channel();
    let check = std::thread::spawn(move || {
        let outcome = quick_check(&Reading::of(&connection));
        // Nobody listens when the time was up.
        let _ = sender.send(());
        outcome
    });
    let in_time = receiver.recv_timeout(CHECK_BUDGET).is_ok();
    if !in_time {
        interrupt.interrupt();
    }
    match check.join() {
        Ok(Ok(())) => Ok(true),
        Ok(Err(error @ Error::Unavailable { .. })) => Err(refuse_damaged(directory, &error)),
        _ if !in_time => Ok(false),
        Ok(Err(error)) => Err(refuse_damaged(directory, &error)),
        Err(_) => Err(Error::refused(format!(
            "the check of {} panicked",
            path.display()
        ))),
    }
}

/// Opens a file so that it is not changed.
pub(in crate::store) fn open_to_inspect(path: &Path, logged: bool) -> rusqlite::Result<Connection> {
    if logged {
        return connection::open(path, read_only_flags());
    }
    // Without a log nothing else can be in the file's way, and nothing is made beside it.
    let escaped = path.display().to_string();
    let escaped = escaped
        .replace('%', "%25")
        .replace('?', "%3f")
        .replace('#', "%23");
    let uri = format!("file:{escaped}?immutable=1");
    connection::open(uri, read_only_flags() | OpenFlags::SQLITE_OPEN_URI)
}

/// Reads the first 100 bytes (SQLite file format, "The Database Header") without opening a database.
pub(super) fn check_header(path: &Path, logged: bool) -> Result<()> {
    let shown = path.display();
    let mut file = private::open(path, Rule::Database, false)?
        .ok_or_else(|| Error::refused(format!("can't read {shown}: it went away")))?;
    let length = file.metadata().map_or(0, |metadata| metadata.len());
    let mut header = [0_u8; HEADER];
    if length == 0 {
        return Err(Error::refused(format!(
            "{shown} is empty: a database was lost; restore a backup, or remove the file and the file `initialized` to start anew"
        )));
    }
    if file.read_exact(&mut header).is_err() || &header[..16] != b"SQLite format 3\0" {
        return Err(Error::refused(format!(
            "{shown} is not a SQLite database; restore a backup or name another directory with --data-dir"
        )));
    }
    let number = |at: usize| {
        u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    if number(68) != APPLICATION_ID {
        return Err(Error::refused(format!(
            "{shown} is a database of another program; name another directory with --data-dir"
        )));
    }
    let page_size = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65_536,
        size => u64::from(size),
    };
    let expected = page_size * u64::from(number(28));
    if !logged && length < expected {
        return Err(Error::refused(format!(
            "{shown} is cut short: {length} bytes of {expected}; nothing was changed, restore a backup"
        )));
    }
    let schema = i64::from(number(60));
    if schema > migrate::newest() {
        let version = open_to_inspect(path, logged)
            .ok()
            .and_then(|connection| settings::app_version(&Reading::of(&connection)));
        return Err(newer(path, schema, version));
    }
    Ok(())
}

fn newer(path: &Path, schema: i64, version: Option<String>) -> Error {
    let wrote = version.map_or_else(
        || "a newer version".to_owned(),
        |version| format!("Tollkeeper {version}"),
    );
    Error::refused(format!(
        "{} was written by {wrote} (schema {schema}); this is {} (schema {}): run {wrote} or newer, or restore a backup",
        path.display(),
        env!("CARGO_PKG_VERSION"),
        migrate::newest()
    ))
}

fn lost(directory: &DataDirectory) -> Error {
    Error::refused(format!(
        "{} is gone, but {} says there was one; restore a backup, or remove that file too to start anew",
        directory.database().display(),
        directory.marker().display()
    ))
}

fn refuse_damaged(directory: &DataDirectory, finding: &Error) -> Error {
    Error::refused(format!(
        "{} can't be used: {finding}; nothing was changed, restore a backup (see {})",
        directory.database().display(),
        directory.backups().display()
    ))
}

/// Lets something be made that a migration can't make in SQL, all or nothing.
fn make_up(
    connection: &mut Connection,
    chain: &ChainKey,
    work: impl FnOnce(&Writing<'_>) -> Result<()>,
) -> Result<()> {
    const DOING: &str = "making up for what a migration left";
    let transaction = connection.transaction().doing(DOING)?;
    work(&Writing::of(&transaction, chain))?;
    transaction.commit().doing(DOING)
}

pub(super) fn schema(connection: &Connection) -> Result<i64> {
    Reading::of(connection).value("reading the schema version", "PRAGMA user_version", [])
}

/// Copies the database aside when a migration is about to change it, then migrates.
fn upgrade(directory: &DataDirectory, connection: &mut Connection, now: Timestamp) -> Result<()> {
    let schema = schema(connection)?;
    if schema == migrate::newest() {
        return Ok(());
    }
    let folder = private::behind_our_link(&directory.backups())?;
    private::folder(&folder)?;
    let copy = folder.join(format!("tollkeeper-schema-{schema}-{}.db", now.as_second()));
    private::create_new(&copy).map_err(cannot_create(&copy))?;
    let mut target =
        connection::open(&copy, writer_flags()).doing("creating the copy before the migration")?;
    Backup::new(connection, &mut target)
        .and_then(|backup| backup.run_to_completion(1_000, Duration::ZERO, None))
        .doing("copying the database before the migration")?;
    log::info!(
        "copied the database to {} before migrating it to schema {}",
        copy.display(),
        migrate::newest()
    );
    migrate::run(connection)
}
