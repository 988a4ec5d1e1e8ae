//! By what right tokens of management API keys are told from guesses before they are hashed ([`crate::service::hints`]).

use rusqlite::params;

use super::fault::Doing;
use super::{Reading, Writing};
use crate::error::Result;

/// Most hints of a key: its secret, and some that it had before.
pub const MOST: usize = 4;

/// Every hint, with the public id of its key.
///
/// # Errors
/// When the database can't be read.
pub fn list(reading: &Reading<'_>) -> Result<Vec<(String, i64)>> {
    reading
        .connection
        .prepare_cached(
            "SELECT k.public_id, h.hint FROM api_key_hints h JOIN api_keys k ON k.id = h.api_key_id
             WHERE k.revoked_at IS NULL",
        )
        .and_then(|mut statement| {
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        })
        .doing("reading hints of API keys")
}

/// Stores hints of keys; only the last [`MOST`] of a key stay.
///
/// # Errors
/// When the database can't be written.
pub fn note(writing: &Writing<'_>, hints: &[(String, i64)]) -> Result<()> {
    let note = |public_id: &str, hint: i64| {
        writing
            .connection
            .prepare_cached(
                "INSERT OR IGNORE INTO api_key_hints (api_key_id, hint)
                 SELECT id, ?2 FROM api_keys WHERE public_id = ?1",
            )?
            .execute(params![public_id, hint])?;
        writing
            .connection
            .prepare_cached(
                "DELETE FROM api_key_hints WHERE id IN (
                     SELECT h.id FROM api_key_hints h JOIN api_keys k ON k.id = h.api_key_id
                     WHERE k.public_id = ?1 ORDER BY h.id DESC LIMIT -1 OFFSET 4)",
            )?
            .execute(params![public_id])
    };
    hints
        .iter()
        .try_for_each(|(public_id, hint)| note(public_id, *hint).map(drop))
        .doing("noting hints of API keys")
}
