//! What a start would do to the schema of a database, and a trial of it on a copy. The database itself is only read.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::backup::Backup;

use super::connection::{open, writer_flags};
use super::fault::Doing;
use super::health::quick_check;
use super::open::{check_header, open_to_inspect, schema};
use super::{migrate, settings};
use crate::error::{Error, Result};
use crate::store::directory::files::{COMMAND_SOCKET, CONTROL_SOCKET, DATABASE, MIGRATION_TRIAL};
use crate::store::directory::private;
use crate::store::directory::room::has_log;
use crate::store::sql::Reading;

/// Of which schema a database is, and what a start would change.
pub struct SchemaStatus {
    /// The file.
    pub database: PathBuf,
    /// Its schema.
    pub schema: i64,
    /// The one of this version.
    pub newest: i64,
    /// The version that wrote it.
    pub written_by: Option<String>,
    /// What is missing: the number and the name of each migration.
    pub pending: Vec<(i64, String)>,
}

/// What came of a trial.
pub struct Rehearsed {
    /// How long the migrations took.
    pub milliseconds: u128,
    /// How large the copy is afterwards.
    pub bytes: u64,
}

/// Looks at the database in a folder.
///
/// # Errors
/// [`Error::Refused`] when it can't be read, is none of ours or of a newer version.
pub fn status(root: &Path) -> Result<SchemaStatus> {
    let database = root.join(DATABASE);
    let connection = inspected(&database)?;
    look(database, &connection)
}

/// Migrates a copy beside the database and checks it.
///
/// # Errors
/// As [`status`]; [`Error::Internal`] with what a migration failed with.
pub fn rehearse(root: &Path) -> Result<(SchemaStatus, Rehearsed)> {
    let database = root.join(DATABASE);
    let source = inspected(&database)?;
    let copy = root.join(MIGRATION_TRIAL);
    let made = private::create(&copy);
    made.map_err(|error| Error::refused(format!("can't create {}: {error}", copy.display())))?;
    let tried = migrate_copy(&source, &copy);
    for ending in ["", "-journal", "-wal", "-shm"] {
        // Most of them were never there.
        let _ = std::fs::remove_file(root.join(format!("{MIGRATION_TRIAL}{ending}")));
    }
    Ok((look(database, &source)?, tried?))
}

fn migrate_copy(source: &Connection, copy: &Path) -> Result<Rehearsed> {
    let mut target = open(copy, writer_flags()).doing("opening the copy")?;
    Backup::new(source, &mut target)
        .and_then(|backup| backup.run_to_completion(1_000, Duration::ZERO, None))
        .doing("copying the database")?;
    let began = Instant::now();
    if schema(&target)? < migrate::newest() {
        migrate::run(&mut target)?;
    }
    let milliseconds = began.elapsed().as_millis();
    quick_check(&Reading::of(&target))?;
    let bytes = copy.metadata().map_or(0, |metadata| metadata.len());
    Ok(Rehearsed {
        milliseconds,
        bytes,
    })
}

/// A connection that changes nothing, to a file that is ours and no newer than this version.
fn inspected(database: &Path) -> Result<Connection> {
    // Where nobody has it open and nothing is left in the log, it is read so that nothing is made beside it.
    let beside = |name: &str| private::is_there(&database.with_file_name(name));
    let logged = has_log(database) || beside(CONTROL_SOCKET) || beside(COMMAND_SOCKET);
    check_header(database, logged)?;
    open_to_inspect(database, logged).doing("opening the database")
}

fn look(database: PathBuf, connection: &Connection) -> Result<SchemaStatus> {
    let schema = schema(connection)?;
    Ok(SchemaStatus {
        database,
        schema,
        newest: migrate::newest(),
        written_by: settings::app_version(&Reading::of(connection)),
        pending: migrate::after(schema),
    })
}
