//! Small facts about the database itself.

use rusqlite::{Connection, OptionalExtension, params};

use super::Reading;
use super::fault::Doing;
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
