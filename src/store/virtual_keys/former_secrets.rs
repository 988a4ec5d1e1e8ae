//! Secrets of virtual keys that were replaced, or whose key was deleted: hashes only. A trigger notes those of deleted keys, so that
//! nothing that deletes one can forget it.

use jiff::Timestamp;
use rusqlite::params;

use crate::domain::credential::ID_LENGTH;
use crate::domain::virtual_key::HASH_LENGTH;
use crate::error::Result;
use crate::store::sql::{Reading, Writing, one_or_all};
use crate::store::unit_of_work::WorkInTurn;

/// Secrets of a key that are kept, the current one and those that work not counted; of more, the one that has worked least long.
const KEPT_OF_KEY: i64 = 100;
/// Rows changed in one step, so that no other write waits long.
const STEP: i64 = 500;

/// A secret that was right once, and whose it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FormerSecret {
    /// The key's number; no other key ever gets it.
    pub virtual_key_id: i64,
    /// Whose it was.
    pub user_id: i64,
    /// The profile that it was used with last, if the key is deleted and that is known.
    pub access_profile_id: Option<i64>,
}

/// A secret that works beside the current one of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EarlierSecret {
    /// The key's public id.
    pub public_id: [u8; ID_LENGTH],
    /// SHA-256 of the secret.
    pub hash: [u8; HASH_LENGTH],
    /// Until when it works.
    pub works_until: i64,
}

/// Notes the secret that a key has before it gets another one; it works until `works_until`, if at all.
pub(in crate::store) fn note_current(
    work: &WorkInTurn<'_>,
    virtual_key_id: i64,
    works_until: Option<Timestamp>,
) -> Result<()> {
    const DOING: &str = "noting a secret that is replaced";
    work.run(
        DOING,
        "UPDATE former_secrets SET works_until = NULL
         WHERE user_id = (SELECT user_id FROM virtual_keys WHERE id = ?1) AND virtual_key_id = ?1 AND works_until <= ?2",
        [virtual_key_id, work.now().as_millisecond()],
    )?;
    work.run(
        DOING,
        "INSERT OR REPLACE INTO former_secrets (secret_hash, public_id, virtual_key_id, user_id, works_until)
         SELECT secret_hash, public_id, id, user_id, ?2 FROM virtual_keys WHERE id = ?1",
        params![virtual_key_id, works_until.map(Timestamp::as_millisecond)],
    )?;
    work.run(
        DOING,
        "DELETE FROM former_secrets WHERE secret_hash IN (
         SELECT secret_hash FROM former_secrets
         WHERE user_id = (SELECT user_id FROM virtual_keys WHERE id = ?1) AND virtual_key_id = ?1 AND works_until IS NULL
         ORDER BY seen_at DESC NULLS FIRST LIMIT -1 OFFSET ?2)",
        [virtual_key_id, KEPT_OF_KEY],
    )
}

/// When the earlier secrets of a key that work at `now` stop working, the first one first.
pub fn list_ends(
    reading: &Reading<'_>,
    user_id: i64,
    virtual_key_id: i64,
    now: Timestamp,
) -> Result<Vec<Timestamp>> {
    reading.all(
        "reading when earlier secrets end",
        "SELECT works_until FROM former_secrets WHERE user_id = ?1 AND virtual_key_id = ?2 AND works_until > ?3
         ORDER BY works_until",
        [user_id, virtual_key_id, now.as_millisecond()],
        |row| row.at("works_until"),
    )
}

/// Reads the earlier secrets that may work, of a user's keys or of all.
pub fn for_each_earlier(
    reading: &Reading<'_>,
    user_id: Option<i64>,
    mut each: impl FnMut(EarlierSecret),
) -> Result<()> {
    let which = one_or_all("user_id", user_id);
    let sql = format!(
        "SELECT public_id, secret_hash, works_until FROM former_secrets INDEXED BY former_secrets_that_work
         WHERE {which} AND works_until IS NOT NULL"
    );
    reading.each("reading earlier secrets", &sql, [user_id], |row| {
        each(EarlierSecret {
            public_id: row.public_id("public_id")?,
            hash: row.get("secret_hash")?,
            works_until: row.get("works_until")?,
        });
        Ok(Ok(()))
    })
}

/// Whose a secret was. What is looked for is its hash, which nobody can choose, so a key that never was takes as long as one that has
/// another secret.
pub fn find(
    reading: &Reading<'_>,
    public_id: &[u8; ID_LENGTH],
    hash: &[u8; HASH_LENGTH],
) -> Result<Option<FormerSecret>> {
    reading.find(
        "looking for a former secret",
        "SELECT virtual_key_id, user_id, access_profile_id FROM former_secrets
         WHERE secret_hash = ?1 AND public_id = CAST(?2 AS TEXT)",
        params![hash, public_id],
        |row| {
            Ok(FormerSecret {
                virtual_key_id: row.get("virtual_key_id")?,
                user_id: row.get("user_id")?,
                access_profile_id: Some(row.get("access_profile_id")?).filter(|id| *id > 0),
            })
        },
    )
}

/// Notes that those which came since are here at `now`, and forgets some of those that were seen here before `oldest`; answers
/// whether there may be more. One that still works stays.
pub fn prune(writing: &Writing<'_>, oldest: Timestamp, now: Timestamp) -> Result<bool> {
    const DOING: &str = "forgetting former secrets";
    let now = now.as_millisecond();
    let seen = writing.change(
        DOING,
        "UPDATE former_secrets SET seen_at = ?1 WHERE secret_hash IN (
                 SELECT secret_hash FROM former_secrets WHERE seen_at IS NULL LIMIT ?2)",
        [now, STEP],
    )?;
    let forgotten = writing.change(
        DOING,
        "DELETE FROM former_secrets WHERE secret_hash IN (
                 SELECT secret_hash FROM former_secrets
                 WHERE seen_at < ?1 AND (works_until IS NULL OR works_until <= ?2) LIMIT ?3)",
        [oldest.as_millisecond(), now, STEP],
    )?;
    Ok(seen > 0 || forgotten > 0)
}
