//! Virtual keys: hashes only. A key that is deleted leaves its audit entries, and for a while what its secrets are recognised by
//! (`former_secrets.rs`).

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use super::fault::Doing;
use super::search::VIRTUAL_KEYS;
use super::{Reading, Writing, former_secrets};
use crate::domain::letter_case::name_key;
use crate::domain::virtual_key::{HASH_LENGTH, NewVirtualKey, VirtualKey};
use crate::error::{Error, Result};

/// The columns of [`key`], of the table under the name `k` and that of copies under the name `c`.
pub(super) const COLUMNS: &str = "k.id, k.public_id, k.user_id, k.user_access_profile_id, c.access_profile_id, k.name, k.description, \
     k.is_managed, k.expires_at, \
     (SELECT max(works_until) FROM former_secrets f WHERE f.user_id = k.user_id AND f.virtual_key_id = k.id), k.rotated_at, k.revision, k.created_at, k.updated_at, \
     (SELECT iif(count(*) = count(held.expires_at), max(held.expires_at), NULL) FROM user_access_profiles held \
      WHERE held.user_id = k.user_id)";
/// Every key with the copy it was issued under.
pub(super) const FROM: &str =
    "virtual_keys k LEFT JOIN user_access_profiles c ON c.id = k.user_access_profile_id";

/// A key of a row that begins with [`COLUMNS`].
pub(super) fn key(row: &Row<'_>) -> rusqlite::Result<VirtualKey> {
    let time = |at: usize| {
        let milliseconds = row.get::<_, Option<i64>>(at)?;
        Ok::<_, rusqlite::Error>(milliseconds.and_then(|ms| Timestamp::from_millisecond(ms).ok()))
    };
    Ok(VirtualKey {
        id: row.get(0)?,
        public_id: row.get(1)?,
        user_id: row.get(2)?,
        copy_id: row.get(3)?,
        access_profile_id: row.get(4)?,
        name: row.get(5)?,
        description: row.get(6)?,
        is_managed: row.get(7)?,
        expires_at: time(8)?,
        copies_expire_at: time(14)?,
        previous_expires_at: time(9)?,
        rotated_at: time(10)?,
        revision: row.get(11)?,
        created_at: time(12)?.unwrap_or_default(),
        updated_at: time(13)?.unwrap_or_default(),
    })
}

/// Stores a new key under a public id, with the hash of its secret; answers its id.
///
/// # Errors
/// When the database can't be written.
pub fn insert(
    writing: &Writing<'_>,
    new: &NewVirtualKey,
    public_id: &str,
    hash: [u8; HASH_LENGTH],
    now: Timestamp,
) -> Result<i64> {
    let id = writing
        .connection
        .prepare_cached(
            "INSERT INTO virtual_keys (public_id, user_id, user_access_profile_id, name, name_key, description, is_managed,
                                       secret_hash, expires_at, created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10)",
        )
        .and_then(|mut statement| {
            statement.insert(params![
                public_id,
                new.user_id,
                new.copy_id,
                new.name,
                name_key(&new.name),
                new.description,
                new.is_managed,
                hash,
                new.expires_at.map(Timestamp::as_millisecond),
                now.as_millisecond(),
            ])
        })
        .doing("storing a virtual key")?;
    VIRTUAL_KEYS.refresh(writing.connection, &[id])?;
    Ok(id)
}

/// Stores the settings of a key and counts its revision up.
///
/// # Errors
/// When the database can't be written.
pub fn update(writing: &Writing<'_>, changed: &VirtualKey) -> Result<()> {
    writing
        .connection
        .prepare_cached(
            "UPDATE virtual_keys SET name = ?2, name_key = ?3, description = ?4, expires_at = ?5, updated_at = ?6,
                                     revision = revision + 1
             WHERE id = ?1",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                changed.id,
                changed.name,
                name_key(&changed.name),
                changed.description,
                changed.expires_at.map(Timestamp::as_millisecond),
                changed.updated_at.as_millisecond(),
            ])
        })
        .doing("storing a virtual key")?;
    VIRTUAL_KEYS.refresh(writing.connection, &[changed.id])
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
    former_secrets::note_current(writing, id, previous_until, now)?;
    writing
        .connection
        .prepare_cached(
            "UPDATE virtual_keys SET secret_hash = ?2, rotated_at = ?3, updated_at = ?3, revision = revision + 1 WHERE id = ?1",
        )
        .and_then(|mut statement| statement.execute(params![id, hash, now.as_millisecond()]))
        .doing("rotating a virtual key")?;
    Ok(())
}

/// A key by its id inside.
///
/// # Errors
/// [`Error::NotFound`].
pub fn get(reading: &Reading<'_>, id: i64) -> Result<VirtualKey> {
    reading
        .connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM {FROM} WHERE k.id = ?1"))
        .and_then(|mut statement| statement.query_row(params![id], key).optional())
        .doing("reading a virtual key")?
        .ok_or_else(|| Error::not_found("virtual key", id))
}

/// A key by its id inside, if there is one.
///
/// # Errors
/// When the database can't be read.
pub fn find(reading: &Reading<'_>, id: i64) -> Result<Option<VirtualKey>> {
    match get(reading, id) {
        Err(Error::NotFound { .. }) => Ok(None),
        found => found.map(Some),
    }
}

/// A key by its public id.
///
/// # Errors
/// [`Error::NotFound`].
pub fn get_public(reading: &Reading<'_>, public_id: &str) -> Result<VirtualKey> {
    reading
        .connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM {FROM} WHERE k.public_id = ?1"
        ))
        .and_then(|mut statement| statement.query_row(params![public_id], key).optional())
        .doing("reading a virtual key")?
        .ok_or_else(|| Error::not_found("virtual key", public_id))
}

/// What is stored of the secret that a key has, if there is such a key.
///
/// # Errors
/// When the database can't be read.
pub fn find_hash(reading: &Reading<'_>, public_id: &str) -> Result<Option<[u8; HASH_LENGTH]>> {
    reading
        .connection
        .prepare_cached("SELECT secret_hash FROM virtual_keys WHERE public_id = ?1")
        .and_then(|mut statement| {
            statement
                .query_row(params![public_id], |row| row.get(0))
                .optional()
        })
        .doing("reading what is stored of a secret")
}

/// The keys that were issued under a copy, the first one first.
///
/// # Errors
/// When the database can't be read.
pub fn list_of_copy(reading: &Reading<'_>, copy_id: i64) -> Result<Vec<VirtualKey>> {
    reading
        .connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM {FROM} WHERE k.user_access_profile_id = ?1 ORDER BY k.id"
        ))
        .and_then(|mut statement| statement.query_map(params![copy_id], key)?.collect())
        .doing("listing the virtual keys of a copy")
}

/// The managed keys that were issued under the copies of a profile, the first one first.
///
/// # Errors
/// When the database can't be read.
pub fn list_managed_of_profile(
    reading: &Reading<'_>,
    access_profile_id: i64,
) -> Result<Vec<VirtualKey>> {
    reading
        .connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM user_access_profiles c CROSS JOIN virtual_keys k ON k.user_access_profile_id = c.id
             WHERE c.access_profile_id = ?1 AND k.is_managed = 1 ORDER BY k.id"
        ))
        .and_then(|mut statement| statement.query_map(params![access_profile_id], key)?.collect())
        .doing("listing the managed keys of a profile")
}

/// Every key of a user, the first one first.
///
/// # Errors
/// When the database can't be read.
pub fn list_of_user(reading: &Reading<'_>, user_id: i64) -> Result<Vec<VirtualKey>> {
    reading
        .connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM {FROM} WHERE k.user_id = ?1 ORDER BY k.id"
        ))
        .and_then(|mut statement| statement.query_map(params![user_id], key)?.collect())
        .doing("listing the virtual keys of a user")
}

/// How many keys a user has.
///
/// # Errors
/// When the database can't be read.
pub fn count_of_user(reading: &Reading<'_>, user_id: i64) -> Result<i64> {
    reading
        .connection
        .prepare_cached("SELECT count(*) FROM virtual_keys WHERE user_id = ?1")
        .and_then(|mut statement| statement.query_row(params![user_id], |row| row.get(0)))
        .doing("counting the virtual keys of a user")
}

/// Removes a key.
///
/// # Errors
/// When the database can't be written.
pub fn delete(writing: &Writing<'_>, id: i64) -> Result<()> {
    writing
        .connection
        .prepare_cached("DELETE FROM virtual_keys WHERE id = ?1")
        .and_then(|mut statement| statement.execute(params![id]))
        .doing("deleting a virtual key")?;
    VIRTUAL_KEYS.refresh(writing.connection, &[id])
}

/// Removes the keys that were issued under a copy; answers their names, the first one first.
///
/// # Errors
/// When the database can't be written.
pub fn delete_of_copy(writing: &Writing<'_>, copy_id: i64) -> Result<Vec<String>> {
    delete_all(writing, list_of_copy(writing, copy_id)?)
}

/// Removes the keys of a user that were issued under no copy; answers their names, the first one first.
///
/// # Errors
/// When the database can't be written.
pub fn delete_at_large(writing: &Writing<'_>, user_id: i64) -> Result<Vec<String>> {
    let mut keys = list_of_user(writing, user_id)?;
    keys.retain(|key| key.copy_id.is_none());
    delete_all(writing, keys)
}

fn delete_all(writing: &Writing<'_>, keys: Vec<VirtualKey>) -> Result<Vec<String>> {
    keys.into_iter()
        .map(|key| delete(writing, key.id).map(|()| key.name))
        .collect()
}
