//! Management API keys: hashes only. A revoked key keeps its row, so that the audit log's ids never change their meaning.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use super::fault::{Doing, is_unique_violation};
use super::{Reading, Writing};
use crate::domain::api_key::{ApiKey, HASH_LENGTH, NewApiKey, SALT_LENGTH};
use crate::domain::letter_case::fold;
use crate::domain::list::{Listed, Page};
use crate::domain::permission::PermissionSet;
use crate::error::{Error, Result};

/// What is needed to verify a key. Has no `Debug`.
pub struct StoredSecret {
    /// The key it belongs to.
    pub key: ApiKey,
    /// Changes with every change of the key.
    pub revision: i64,
    /// Salt of the hash.
    pub salt: [u8; SALT_LENGTH],
    /// argon2id of the secret.
    pub hash: [u8; HASH_LENGTH],
}

const COLUMNS: &str = "id, public_id, name, description, permissions, created_by, created_at, updated_at, expires_at, revoked_at";

fn key(row: &Row<'_>) -> rusqlite::Result<ApiKey> {
    let time = |at: usize| {
        row.get::<_, Option<i64>>(at)
            .map(|ms| ms.and_then(|ms| Timestamp::from_millisecond(ms).ok()))
    };
    Ok(ApiKey {
        id: row.get(0)?,
        public_id: row.get(1)?,
        name: row.get(2)?,
        description: row.get(3)?,
        permissions: PermissionSet::from_stored(&row.get::<_, String>(4)?),
        created_by: row.get(5)?,
        created_at: time(6)?.unwrap_or_default(),
        updated_at: time(7)?.unwrap_or_default(),
        expires_at: time(8)?,
        revoked_at: time(9)?,
    })
}

/// Stores a new key; answers its id.
///
/// # Errors
/// [`Error::Conflict`] when a key that is not revoked has the name.
pub fn insert(
    writing: &Writing<'_>,
    new: &NewApiKey,
    created_by: &str,
    now: Timestamp,
) -> Result<i64> {
    let row = writing
        .connection
        .prepare_cached(
            "INSERT INTO api_keys (public_id, name, name_key, description, permissions, salt, secret_hash,
                                   created_by, created_at, updated_at, expires_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10)",
        )
        .and_then(|mut statement| {
            statement.insert(params![
                new.public_id,
                new.name,
                fold(&new.name),
                new.description,
                new.permissions.to_stored(),
                new.salt,
                new.hash,
                created_by,
                now.as_millisecond(),
                new.expires_at.map(Timestamp::as_millisecond),
            ])
        });
    match row {
        Err(error) if is_unique_violation(&error) => Err(Error::conflict(
            "duplicate_name",
            "name",
            format!(
                "name: there is already an API key named {:?} (names differ by more than case)",
                new.name
            ),
        )),
        other => other.doing("storing an API key"),
    }
}

/// A key that is not revoked.
///
/// # Errors
/// [`Error::NotFound`].
pub fn get(reading: &Reading<'_>, id: i64) -> Result<ApiKey> {
    reading
        .connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM api_keys WHERE id = ?1 AND revoked_at IS NULL"
        ))
        .and_then(|mut statement| statement.query_row(params![id], key).optional())
        .doing("reading an API key")?
        .ok_or_else(|| Error::not_found("API key", id))
}

/// What verifies the key with this public id, revoked or not.
///
/// # Errors
/// When the database can't be read.
pub fn find_secret(reading: &Reading<'_>, public_id: &str) -> Result<Option<StoredSecret>> {
    reading
        .connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS}, revision, salt, secret_hash FROM api_keys WHERE public_id = ?1"
        ))
        .and_then(|mut statement| {
            statement
                .query_row(params![public_id], |row| {
                    Ok(StoredSecret {
                        key: key(row)?,
                        revision: row.get(10)?,
                        salt: row.get(11)?,
                        hash: row.get(12)?,
                    })
                })
                .optional()
        })
        .doing("reading an API key")
}

/// A page of the keys that are not revoked, by id.
///
/// # Errors
/// When the database can't be read.
pub fn list(reading: &Reading<'_>, page: Page) -> Result<Listed<ApiKey>> {
    let items = reading
        .connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM api_keys WHERE revoked_at IS NULL ORDER BY id LIMIT ?1 OFFSET ?2"
        ))
        .and_then(|mut statement| {
            statement
                .query_map(params![page.limit, page.offset], key)?
                .collect()
        })
        .doing("listing API keys")?;
    let total_count = reading
        .connection
        .prepare_cached("SELECT count(*) FROM api_keys WHERE revoked_at IS NULL")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .doing("counting API keys")?;
    Ok(Listed { items, total_count })
}

/// Revokes a key for good.
///
/// # Errors
/// [`Error::NotFound`] when there is none or it is revoked already.
pub fn revoke(writing: &Writing<'_>, id: i64, now: Timestamp) -> Result<()> {
    let changed = writing
        .connection
        .prepare_cached(
            "UPDATE api_keys SET revoked_at = ?2, updated_at = ?2, revision = revision + 1
             WHERE id = ?1 AND revoked_at IS NULL",
        )
        .and_then(|mut statement| statement.execute(params![id, now.as_millisecond()]))
        .doing("revoking an API key")?;
    if changed == 0 {
        Err(Error::not_found("API key", id))
    } else {
        Ok(())
    }
}

/// How many keys hold every permission, are not revoked, and never expire.
///
/// # Errors
/// When the database can't be read.
pub fn count_all_powerful(reading: &Reading<'_>) -> Result<i64> {
    reading
        .connection
        .prepare_cached(
            "SELECT count(*) FROM api_keys WHERE permissions = '*' AND revoked_at IS NULL AND expires_at IS NULL",
        )
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .doing("counting API keys")
}

/// Whether there ever was a key, revoked ones included.
///
/// # Errors
/// When the database can't be read.
pub fn any_ever(reading: &Reading<'_>) -> Result<bool> {
    reading
        .connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM api_keys)")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .doing("looking for API keys")
}
