//! How the database is opened: flags, pragmas and functions of every connection.

use std::path::Path;

use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, OpenFlags};

use super::fault::Doing;
use crate::domain::values::letter_case::search_key;
use crate::error::Result;

/// How a file is opened only to be read.
pub(in crate::store) fn read_only_flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
}

/// How a file is opened to be written. A connection belongs to one thread at a time, so its locks would only cost.
pub(in crate::store) fn writer_flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
}

/// Opens a file. What SQLite would put into temporary files is kept in memory: every statement with a trigger keeps what it may have to
/// undo in one, and a read-only container has no place for them.
pub(in crate::store) fn open(
    path: impl AsRef<Path>,
    flags: OpenFlags,
) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, flags)?;
    need_no_files(&connection)?;
    Ok(connection)
}

fn need_no_files(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("PRAGMA temp_store = MEMORY")
}

pub(in crate::store) fn prepare_writer(connection: &Connection) -> Result<()> {
    let prepare = || {
        connection.execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA foreign_keys = ON;
             PRAGMA trusted_schema = OFF;
             PRAGMA cache_size = -8192;
             PRAGMA busy_timeout = 5000;",
        )?;
        connection.set_prepared_statement_cache_capacity(128);
        add_functions(connection)
    };
    prepare().doing("opening the database")
}

/// Runs on every pooled connection.
pub(in crate::store) fn prepare_reader(connection: &mut Connection) -> rusqlite::Result<()> {
    need_no_files(connection)?;
    connection.execute_batch(
        "PRAGMA query_only = ON;
         PRAGMA foreign_keys = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA cache_size = -2048;
         PRAGMA busy_timeout = 5000;",
    )?;
    connection.set_prepared_statement_cache_capacity(128);
    add_functions(connection)
}

/// `contains_folded(text, part)`: whether `part`, folded already, stands in `text` without regard to case.
fn add_functions(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("contains_folded", 2, flags, |arguments| {
        let text = arguments.get_raw(0).as_str()?;
        let part = arguments.get_raw(1).as_str()?;
        Ok(search_key(text).contains(part))
    })
}
