//! Numbers for new provider lines, budgets and rate limits. They are taken inside the write transaction, so that none is given
//! twice and an undone write gives its numbers back.

use rusqlite::params;

use super::fault::Doing;
use super::{Reading, Writing};
use crate::error::Result;

/// The next number that is free.
///
/// # Errors
/// When the database can't be read.
pub fn next_policy_part(reading: &Reading<'_>) -> Result<i64> {
    reading
        .connection
        .prepare_cached("SELECT next_value FROM sequences WHERE name = 'policy_part'")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .doing("reading the next number")
}

/// Takes every number before `next`.
///
/// # Errors
/// When the database can't be written.
pub fn take_policy_parts(writing: &Writing<'_>, next: i64) -> Result<()> {
    writing
        .connection
        .prepare_cached(
            "UPDATE sequences SET next_value = ?1 WHERE name = 'policy_part' AND next_value < ?1",
        )
        .and_then(|mut statement| statement.execute(params![next]))
        .doing("taking numbers")?;
    Ok(())
}
