//! By what right tokens of management API keys are told from guesses before they are hashed ([`crate::service::api_keys::keyring`]).

use rusqlite::params;

use crate::error::Result;
use crate::store::sql::Reading;
use crate::store::unit_of_work::Work;

/// Most hints of a key: its secret, and some that it had before.
pub const MOST: usize = 4;

/// Every hint, with the public id of its key.
pub fn list(reading: &Reading<'_>) -> Result<Vec<(String, i64)>> {
    reading.all(
        "reading hints of API keys",
        "SELECT k.public_id, h.hint FROM api_key_hints h JOIN api_keys k ON k.id = h.api_key_id
         WHERE k.revoked_at IS NULL",
        [],
        |row| Ok((row.get("public_id")?, row.get("hint")?)),
    )
}

/// Stores hints of keys; only the last [`MOST`] of a key stay.
pub fn note(work: &Work<'_>, hints: &[(String, i64)]) -> Result<()> {
    const DOING: &str = "noting hints of API keys";
    for (public_id, hint) in hints {
        work.run(
            DOING,
            "INSERT OR IGNORE INTO api_key_hints (api_key_id, hint)
             SELECT id, ?2 FROM api_keys WHERE public_id = ?1",
            params![public_id, hint],
        )?;
        work.run(
            DOING,
            "DELETE FROM api_key_hints WHERE id IN (
             SELECT h.id FROM api_key_hints h JOIN api_keys k ON k.id = h.api_key_id
             WHERE k.public_id = ?1 ORDER BY h.id DESC LIMIT -1 OFFSET 4)",
            [public_id],
        )?;
    }
    Ok(())
}
