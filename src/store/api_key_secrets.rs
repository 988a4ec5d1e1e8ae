//! The secrets of management API keys: argon2id hashes of the current one, and of earlier ones that work beside it for a while.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::api_keys::{COLUMNS, key};
use super::fault::Doing;
use super::{Reading, Writing};
use crate::domain::api_key::{ApiKey, HASH_LENGTH, SALT_LENGTH};
use crate::domain::credential::MAX_EARLIER;
use crate::error::Result;

/// What is needed to verify a key. Has no `Debug`.
pub struct StoredSecret {
    /// The key it belongs to.
    pub key: ApiKey,
    /// Salt of the hashes; a rotation keeps it, so that one hash is compared with all.
    pub salt: [u8; SALT_LENGTH],
    /// argon2id of the secret.
    pub hash: [u8; HASH_LENGTH],
    /// argon2id of earlier secrets, each with the time until which it works, which may be over.
    pub earlier: Vec<([u8; HASH_LENGTH], Timestamp)>,
}

/// Puts a new secret in place of a key's secret; the old one works until `previous_until`, and earlier ones as long as they would have.
///
/// # Errors
/// When the database can't be written.
pub fn rotate(
    writing: &Writing<'_>,
    id: i64,
    hash: [u8; HASH_LENGTH],
    previous_until: Option<Timestamp>,
    now: Timestamp,
) -> Result<()> {
    const DOING: &str = "rotating an API key";
    if let Some(until) = previous_until {
        writing
            .connection
            .prepare_cached(
                "INSERT OR IGNORE INTO earlier_api_key_secrets (api_key_id, works_until, secret_hash)
                 SELECT id, ?2, secret_hash FROM api_keys WHERE id = ?1",
            )
            .and_then(|mut statement| statement.execute(params![id, until.as_millisecond()]))
            .doing(DOING)?;
        writing
            .connection
            .prepare_cached(
                "DELETE FROM earlier_api_key_secrets WHERE api_key_id = ?1 AND secret_hash IN (
                     SELECT secret_hash FROM earlier_api_key_secrets WHERE api_key_id = ?1
                     ORDER BY works_until DESC LIMIT -1 OFFSET ?2)",
            )
            .and_then(|mut statement| {
                let most = i64::try_from(MAX_EARLIER).unwrap_or(i64::MAX);
                statement.execute(params![id, most])
            })
            .doing(DOING)?;
    }
    writing
        .connection
        .prepare_cached(
            "UPDATE api_keys SET secret_hash = ?2, updated_at = ?3, revision = revision + 1 WHERE id = ?1",
        )
        .and_then(|mut statement| statement.execute(params![id, hash, now.as_millisecond()]))
        .doing(DOING)?;
    Ok(())
}

/// When the earlier secrets of a key that work at `now` stop working, the first one first.
///
/// # Errors
/// When the database can't be read.
pub fn list_ends(reading: &Reading<'_>, public_id: &str, now: Timestamp) -> Result<Vec<Timestamp>> {
    let earlier = list_earlier(reading, public_id)?;
    let ends = earlier.into_iter().map(|(_, until)| until);
    Ok(ends.filter(|until| *until > now).collect())
}

/// The earlier secrets of a key, that which ends first first.
fn list_earlier(
    reading: &Reading<'_>,
    public_id: &str,
) -> Result<Vec<([u8; HASH_LENGTH], Timestamp)>> {
    let rows: Vec<([u8; HASH_LENGTH], i64)> = reading
        .connection
        .prepare_cached(
            "SELECT e.secret_hash, e.works_until FROM api_keys k JOIN earlier_api_key_secrets e ON e.api_key_id = k.id
             WHERE k.public_id = ?1 ORDER BY e.works_until",
        )
        .and_then(|mut statement| {
            statement
                .query_map(params![public_id], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
        .doing("reading the earlier secrets of an API key")?;
    let at = |(hash, until)| Some((hash, Timestamp::from_millisecond(until).ok()?));
    Ok(rows.into_iter().filter_map(at).collect())
}

/// What verifies the key with this public id, revoked or not.
///
/// # Errors
/// When the database can't be read.
pub fn find_secret(reading: &Reading<'_>, public_id: &str) -> Result<Option<StoredSecret>> {
    // Asked also of an id that is not known, so that it costs the same.
    let earlier = list_earlier(reading, public_id)?;
    reading
        .connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS}, salt, secret_hash FROM api_keys WHERE public_id = ?1"
        ))
        .and_then(|mut statement| {
            statement
                .query_row(params![public_id], |row| {
                    Ok(StoredSecret {
                        key: key(row)?,
                        salt: row.get(13)?,
                        hash: row.get(14)?,
                        earlier,
                    })
                })
                .optional()
        })
        .doing("reading an API key")
}
