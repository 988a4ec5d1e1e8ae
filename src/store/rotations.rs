//! Which profiles are due to rotate the keys of their holders, and when they did.

use jiff::Timestamp;
use rusqlite::params;

use super::fault::Doing;
use super::{Reading, Writing};
use crate::error::Result;

/// The profiles whose date has come, the earliest first.
///
/// # Errors
/// When the database can't be read.
pub fn list_due(reading: &Reading<'_>, now: Timestamp) -> Result<Vec<i64>> {
    reading
        .connection
        .prepare_cached(
            "SELECT id FROM access_profiles WHERE next_rotation_at IS NOT NULL AND next_rotation_at <= ?1
             ORDER BY next_rotation_at, id",
        )
        .and_then(|mut statement| {
            statement
                .query_map(params![now.as_millisecond()], |row| row.get(0))?
                .collect()
        })
        .doing("looking for keys to rotate")
}

/// Notes the rotation of a profile and the date of the next one. It makes no version: both are shown in place of what the
/// snapshot of the current one says.
///
/// # Errors
/// When the database can't be written.
pub fn note(writing: &Writing<'_>, id: i64, last: Timestamp, next: Timestamp) -> Result<()> {
    writing
        .connection
        .prepare_cached(
            "UPDATE access_profiles SET last_rotation_at = ?2, next_rotation_at = ?3, rotated = 1 WHERE id = ?1",
        )
        .and_then(|mut statement| {
            statement.execute(params![id, last.as_millisecond(), next.as_millisecond()])
        })
        .doing("noting a rotation")?;
    Ok(())
}
