//! The secrets of management API keys: argon2id hashes of the current one, and of earlier ones that work beside it for a while.

use jiff::Timestamp;
use rusqlite::params;

use super::{COLUMNS, get, key};
use crate::domain::api_key::{ApiKey, HASH_LENGTH, SALT_LENGTH};
use crate::domain::credential::MAX_EARLIER;
use crate::domain::event::{Change, Event};
use crate::error::Result;
use crate::store::sql::Reading;
use crate::store::unit_of_work::Work;

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
/// Answers the key as it is now.
pub fn rotate(
    work: &mut Work<'_>,
    before: ApiKey,
    hash: [u8; HASH_LENGTH],
    previous_until: Option<Timestamp>,
) -> Result<ApiKey> {
    const DOING: &str = "rotating an API key";
    let id = before.id;
    if let Some(until) = previous_until {
        work.run(
            DOING,
            "INSERT OR IGNORE INTO earlier_api_key_secrets (api_key_id, works_until, secret_hash)
             SELECT id, ?2, secret_hash FROM api_keys WHERE id = ?1",
            [id, until.as_millisecond()],
        )?;
        let most = i64::try_from(MAX_EARLIER).unwrap_or(i64::MAX);
        work.run(
            DOING,
            "DELETE FROM earlier_api_key_secrets WHERE api_key_id = ?1 AND secret_hash IN (
             SELECT secret_hash FROM earlier_api_key_secrets WHERE api_key_id = ?1
             ORDER BY works_until DESC LIMIT -1 OFFSET ?2)",
            [id, most],
        )?;
    }
    work.run(
        DOING,
        "UPDATE api_keys SET secret_hash = ?2, updated_at = ?3, revision = revision + 1 WHERE id = ?1",
        params![id, hash, work.now().as_millisecond()],
    )?;
    let after = get(work, id)?;
    work.record(Event::ApiKeyRotated(Change {
        before,
        after: after.clone(),
    }));
    Ok(after)
}

/// When the earlier secrets of a key that work at `now` stop working, the first one first.
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
    reading.all(
        "reading the earlier secrets of an API key",
        "SELECT e.secret_hash, e.works_until FROM api_keys k JOIN earlier_api_key_secrets e ON e.api_key_id = k.id
         WHERE k.public_id = ?1 ORDER BY e.works_until",
        [public_id],
        |row| Ok((row.get("secret_hash")?, row.at("works_until")?)),
    )
}

/// What verifies the key with this public id, revoked or not.
pub fn find_secret(reading: &Reading<'_>, public_id: &str) -> Result<Option<StoredSecret>> {
    // Asked also of an id that is not known, so that it costs the same.
    let earlier = list_earlier(reading, public_id)?;
    reading.find(
        "reading an API key",
        &format!("SELECT {COLUMNS}, salt, secret_hash FROM api_keys WHERE public_id = ?1"),
        [public_id],
        |row| {
            Ok(StoredSecret {
                key: key(row)?,
                salt: row.get("salt")?,
                hash: row.get("secret_hash")?,
                earlier,
            })
        },
    )
}
