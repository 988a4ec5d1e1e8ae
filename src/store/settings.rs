//! Small facts about the database itself.

use rusqlite::{Connection, OptionalExtension, params};

use super::fault::Doing;
use super::{Reading, Writing};
use crate::error::Result;

/// The version of Tollkeeper that last migrated this file, if it can be read.
pub(super) fn app_version(connection: &Connection) -> Option<String> {
    connection
        .query_row(
            "SELECT value FROM settings WHERE name = 'app_version'",
            [],
            |row| row.get(0),
        )
        .ok()
}

/// Whether a fact was noted.
///
/// # Errors
/// When the database can't be read.
pub fn is_noted(reading: &Reading<'_>, name: &str) -> Result<bool> {
    let found: Option<i64> = reading
        .connection
        .prepare_cached("SELECT 1 FROM settings WHERE name = ?1")
        .and_then(|mut statement| {
            statement
                .query_row(params![name], |row| row.get(0))
                .optional()
        })
        .doing("reading a setting")?;
    Ok(found.is_some())
}

/// Notes that somebody tries to write: something else each time, so that the disk is needed for it.
///
/// # Errors
/// When the database can't be written.
pub fn try_to_write(writing: &Writing<'_>) -> Result<()> {
    writing
        .connection
        .prepare_cached(
            "INSERT INTO settings (name, value) VALUES ('write_tried', hex(randomblob(8)))
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .and_then(|mut statement| statement.execute([]))
        .doing("trying to write")?;
    Ok(())
}
