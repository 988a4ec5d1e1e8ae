//! Secrets of virtual keys that were replaced, or whose key was deleted: hashes only. A trigger notes those of deleted keys, so that
//! nothing that deletes one can forget it.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::fault::Doing;
use super::{Reading, Writing};
use crate::domain::credential::ID_LENGTH;
use crate::domain::virtual_key::HASH_LENGTH;
use crate::error::Result;

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
///
/// # Errors
/// When the database can't be written.
pub fn note_current(
    writing: &Writing<'_>,
    virtual_key_id: i64,
    works_until: Option<Timestamp>,
    now: Timestamp,
) -> Result<()> {
    const DOING: &str = "noting a secret that is replaced";
    let execute = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
        writing
            .connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(values))
            .doing(DOING)
    };
    execute(
        "UPDATE former_secrets SET works_until = NULL
         WHERE user_id = (SELECT user_id FROM virtual_keys WHERE id = ?1) AND virtual_key_id = ?1 AND works_until <= ?2",
        &[&virtual_key_id, &now.as_millisecond()],
    )?;
    execute(
        "INSERT OR REPLACE INTO former_secrets (secret_hash, public_id, virtual_key_id, user_id, works_until)
         SELECT secret_hash, public_id, id, user_id, ?2 FROM virtual_keys WHERE id = ?1",
        &[
            &virtual_key_id,
            &works_until.map(Timestamp::as_millisecond),
        ],
    )?;
    execute(
        "DELETE FROM former_secrets WHERE secret_hash IN (
             SELECT secret_hash FROM former_secrets
             WHERE user_id = (SELECT user_id FROM virtual_keys WHERE id = ?1) AND virtual_key_id = ?1 AND works_until IS NULL
             ORDER BY seen_at DESC NULLS FIRST LIMIT -1 OFFSET ?2)",
        &[&virtual_key_id, &KEPT_OF_KEY],
    )?;
    Ok(())
}

/// When the earlier secrets of a key that work at `now` stop working, the first one first.
///
/// # Errors
/// When the database can't be read.
pub fn list_ends(
    reading: &Reading<'_>,
    user_id: i64,
    virtual_key_id: i64,
    now: Timestamp,
) -> Result<Vec<Timestamp>> {
    let ends: Vec<i64> = reading
        .connection
        .prepare_cached(
            "SELECT works_until FROM former_secrets WHERE user_id = ?1 AND virtual_key_id = ?2 AND works_until > ?3
             ORDER BY works_until",
        )
        .and_then(|mut statement| {
            let values = params![user_id, virtual_key_id, now.as_millisecond()];
            statement.query_map(values, |row| row.get(0))?.collect()
        })
        .doing("reading when earlier secrets end")?;
    Ok(ends
        .into_iter()
        .filter_map(|end| Timestamp::from_millisecond(end).ok())
        .collect())
}

/// Reads the earlier secrets that may work, of a user's keys or of all.
///
/// # Errors
/// When the database can't be read, or what `each` answers.
pub fn for_each_earlier(
    reading: &Reading<'_>,
    user_id: Option<i64>,
    mut each: impl FnMut(EarlierSecret),
) -> Result<()> {
    const DOING: &str = "reading earlier secrets";
    let mut statement = reading
        .connection
        .prepare_cached(match user_id {
            Some(_) => {
                "SELECT public_id, secret_hash, works_until FROM former_secrets INDEXED BY former_secrets_that_work
                 WHERE user_id = ?1 AND works_until IS NOT NULL"
            }
            None => {
                "SELECT public_id, secret_hash, works_until FROM former_secrets INDEXED BY former_secrets_that_work
                 WHERE ?1 IS NULL AND works_until IS NOT NULL"
            }
        })
        .doing(DOING)?;
    let rows = statement.query_map(params![user_id], |row| {
        Ok(EarlierSecret {
            public_id: row
                .get_ref(0)?
                .as_str()?
                .as_bytes()
                .try_into()
                .unwrap_or_default(),
            hash: row.get(1)?,
            works_until: row.get(2)?,
        })
    });
    for row in rows.doing(DOING)? {
        each(row.doing(DOING)?);
    }
    Ok(())
}

/// Whose a secret was. What is looked for is its hash, which nobody can choose, so a key that never was takes as long as one that has
/// another secret.
///
/// # Errors
/// When the database can't be read.
pub fn find(
    reading: &Reading<'_>,
    public_id: &[u8; ID_LENGTH],
    hash: &[u8; HASH_LENGTH],
) -> Result<Option<FormerSecret>> {
    reading
        .connection
        .prepare_cached(
            "SELECT virtual_key_id, user_id, access_profile_id FROM former_secrets
             WHERE secret_hash = ?1 AND public_id = CAST(?2 AS TEXT)",
        )
        .and_then(|mut statement| {
            let former = |row: &rusqlite::Row<'_>| {
                Ok(FormerSecret {
                    virtual_key_id: row.get(0)?,
                    user_id: row.get(1)?,
                    access_profile_id: Some(row.get(2)?).filter(|id| *id > 0),
                })
            };
            statement
                .query_row(params![hash, public_id], former)
                .optional()
        })
        .doing("looking for a former secret")
}

/// Notes that those which came since are here at `now`, and forgets some of those that were seen here before `oldest`; answers
/// whether there may be more. One that still works stays.
///
/// # Errors
/// When the database can't be written.
pub fn prune(writing: &Writing<'_>, oldest: Timestamp, now: Timestamp) -> Result<bool> {
    const DOING: &str = "forgetting former secrets";
    let seen = writing
        .connection
        .prepare_cached(
            "UPDATE former_secrets SET seen_at = ?1 WHERE secret_hash IN (
                 SELECT secret_hash FROM former_secrets WHERE seen_at IS NULL LIMIT ?2)",
        )
        .and_then(|mut statement| statement.execute(params![now.as_millisecond(), STEP]))
        .doing(DOING)?;
    let forgotten = writing
        .connection
        .prepare_cached(
            "DELETE FROM former_secrets WHERE secret_hash IN (
                 SELECT secret_hash FROM former_secrets
                 WHERE seen_at < ?1 AND (works_until IS NULL OR works_until <= ?2) LIMIT ?3)",
        )
        .and_then(|mut statement| {
            statement.execute(params![oldest.as_millisecond(), now.as_millisecond(), STEP])
        })
        .doing(DOING)?;
    Ok(seen > 0 || forgotten > 0)
}
