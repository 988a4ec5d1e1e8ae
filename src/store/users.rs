//! Users: one row each.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use super::fault::Doing;
use super::search::{USERS, VIRTUAL_KEYS};
use super::taken::Named;
use super::{Reading, Writing, names, virtual_keys};
use crate::domain::letter_case::name_key;
use crate::domain::user::{Email, HeldProfile, NewUser, User, UserDetail};
use crate::error::{Error, Result};

/// The columns of [`user`], of the table under the name `u`.
pub(super) const COLUMNS: &str =
    "u.id, u.name, u.email, u.role_id, u.revision, u.created_at, u.updated_at";

/// A user of a row that begins with [`COLUMNS`].
pub(super) fn user(row: &Row<'_>) -> rusqlite::Result<User> {
    let time = |at: usize| {
        let milliseconds: i64 = row.get(at)?;
        Ok::<_, rusqlite::Error>(Timestamp::from_millisecond(milliseconds).unwrap_or_default())
    };
    Ok(User {
        id: row.get(0)?,
        name: row.get(1)?,
        email: Email::from_stored(row.get(2)?),
        role_id: row.get(3)?,
        revision: row.get(4)?,
        created_at: time(5)?,
        updated_at: time(6)?,
    })
}

/// Stores a new user; answers the id.
///
/// # Errors
/// [`Error::Conflict`] when a user has the address.
pub fn insert(writing: &Writing<'_>, new: &NewUser, now: Timestamp) -> Result<i64> {
    ADDRESSED.check_new(writing, new.email.as_str())?;
    let id = writing
        .connection
        .prepare_cached(
            "INSERT INTO users (name, name_key, email, email_key, role_id, created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
        )
        .and_then(|mut statement| {
            statement.insert(params![
                new.name,
                name_key(&new.name),
                new.email.as_str(),
                name_key(new.email.as_str()),
                new.role_id,
                now.as_millisecond(),
            ])
        })
        .doing(ADDRESSED.doing)?;
    USERS.refresh(writing.connection, &[id])?;
    Ok(id)
}

/// Stores name and address of a user and counts the revision up.
///
/// # Errors
/// [`Error::Conflict`] when another user has the address.
pub fn update(writing: &Writing<'_>, changed: &User) -> Result<()> {
    ADDRESSED.check(writing, changed.id, changed.email.as_str())?;
    writing
        .connection
        .prepare_cached(
            "UPDATE users SET name = ?2, name_key = ?3, email = ?4, email_key = iif(email = ?4, email_key, ?5), updated_at = ?6, revision = revision + 1
             WHERE id = ?1",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                changed.id,
                changed.name,
                name_key(&changed.name),
                changed.email.as_str(),
                name_key(changed.email.as_str()),
                changed.updated_at.as_millisecond(),
            ])
        })
        .doing(ADDRESSED.doing)?;
    USERS.refresh(writing.connection, &[changed.id])
}

/// Puts a user into a role, or into none.
///
/// # Errors
/// When the database can't be written.
pub fn set_role(
    writing: &Writing<'_>,
    id: i64,
    role_id: Option<i64>,
    now: Timestamp,
) -> Result<()> {
    writing
        .connection
        .prepare_cached(
            "UPDATE users SET role_id = ?2, updated_at = ?3, revision = revision + 1 WHERE id = ?1",
        )
        .and_then(|mut statement| statement.execute(params![id, role_id, now.as_millisecond()]))
        .doing("changing the role of a user")?;
    USERS.refresh(writing.connection, &[id])
}

/// Removes a user, and with it copies, keys, overrides and counters. What was used before stays in the history.
///
/// # Errors
/// When the database can't be written.
pub fn delete(writing: &Writing<'_>, id: i64, now: Timestamp) -> Result<()> {
    let keys = virtual_keys::list_of_user(writing, id)?;
    let keys: Vec<i64> = keys.iter().map(|key| key.id).collect();
    names::keep_of_user(writing, id, now)?;
    writing
        .connection
        .prepare_cached("DELETE FROM users WHERE id = ?1")
        .and_then(|mut statement| statement.execute(params![id]))
        .doing("deleting a user")?;
    USERS.refresh(writing.connection, &[id])?;
    VIRTUAL_KEYS.refresh(writing.connection, &keys)
}

/// A user.
///
/// # Errors
/// [`Error::NotFound`].
pub fn get(reading: &Reading<'_>, id: i64) -> Result<User> {
    reading
        .connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM users u WHERE u.id = ?1"))
        .and_then(|mut statement| statement.query_row(params![id], user).optional())
        .doing("reading a user")?
        .ok_or_else(|| Error::not_found("user", id))
}

/// A user with what belongs to it.
///
/// # Errors
/// [`Error::NotFound`].
pub fn get_detail(reading: &Reading<'_>, id: i64) -> Result<UserDetail> {
    let user = get(reading, id)?;
    detail(reading, user)
}

/// The same for a user that was read.
///
/// # Errors
/// When the database can't be read.
pub fn detail(reading: &Reading<'_>, user: User) -> Result<UserDetail> {
    let role = reading
        .connection
        .prepare_cached("SELECT name, description FROM roles WHERE id = ?1")
        .and_then(|mut statement| {
            statement
                .query_row(params![user.role_id], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })
        .doing("reading the role of a user")?;
    Ok(UserDetail {
        role,
        access_profiles: list_held(reading, user.id)?,
        user,
    })
}

fn list_held(reading: &Reading<'_>, user_id: i64) -> Result<Vec<HeldProfile>> {
    reading
        .connection
        .prepare_cached(
            "SELECT c.id, c.access_profile_id, p.name, c.expires_at, c.source
             FROM user_access_profiles c JOIN access_profiles p ON p.id = c.access_profile_id
             WHERE c.user_id = ?1 ORDER BY c.id",
        )
        .and_then(|mut statement| {
            statement
                .query_map(params![user_id], |row| {
                    let expires_at: Option<i64> = row.get(3)?;
                    Ok(HeldProfile {
                        id: row.get(0)?,
                        parent_profile_id: row.get(1)?,
                        name: row.get(2)?,
                        expires_at: expires_at.and_then(|ms| Timestamp::from_millisecond(ms).ok()),
                        source: row.get(4)?,
                    })
                })?
                .collect()
        })
        .doing("listing what a user holds")
}

const ADDRESSED: Named = Named {
    what: "a user with the address",
    field: "email",
    code: "duplicate_email",
    other: "SELECT email FROM users WHERE (email_key = ?1 OR (email_key > ?2 AND email_key < ?3)) AND id <> ?4
            AND NOT EXISTS (SELECT 1 FROM users own WHERE own.id = ?4 AND own.email = ?5)",
    doing: "storing a user",
};
