//! Numbers handed out inside the write transaction, so that none is given twice and an undone write gives its numbers back.

use rusqlite::params;

use super::Writing;
use super::fault::Doing;
use crate::error::Result;

/// Runs `work` with a source of numbers for new provider lines, budgets and rate limits.
///
/// # Errors
/// What `work` answers, or when the database can't be written.
pub fn with_policy_parts<T>(
    writing: &Writing<'_>,
    work: impl FnOnce(&mut dyn FnMut() -> i64) -> Result<T>,
) -> Result<T> {
    let first: i64 = writing
        .connection
        .prepare_cached("SELECT next_value FROM sequences WHERE name = 'policy_part'")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .doing("reading the next number")?;
    let mut next = first;
    let answer = work(&mut || {
        next += 1;
        next - 1
    })?;
    if next > first {
        writing
            .connection
            .prepare_cached("UPDATE sequences SET next_value = ?1 WHERE name = 'policy_part'")
            .and_then(|mut statement| statement.execute(params![next]))
            .doing("taking numbers")?;
    }
    Ok(answer)
}
