//! The roles that access profiles are attached to.

use jiff::Timestamp;
use rusqlite::params;

use super::fault::Doing;
use super::{Reading, Writing};
use crate::domain::holding::Attachment;
use crate::error::Result;

/// Attaches a profile to a role, or says anew whether it is a default there. Answers whether that changed anything.
///
/// # Errors
/// When the database can't be written.
pub fn attach(
    writing: &Writing<'_>,
    access_profile_id: i64,
    role_id: i64,
    is_default: bool,
    now: Timestamp,
) -> Result<bool> {
    let changed = writing
        .connection
        .prepare_cached(
            "INSERT INTO access_profile_roles (access_profile_id, role_id, is_default, created_at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (access_profile_id, role_id) DO UPDATE SET is_default = ?3 WHERE is_default <> ?3",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                access_profile_id,
                role_id,
                is_default,
                now.as_millisecond()
            ])
        })
        .doing("attaching an access profile to a role")?;
    Ok(changed > 0)
}

/// Detaches a profile from a role; answers whether it was attached.
///
/// # Errors
/// When the database can't be written.
pub fn detach(writing: &Writing<'_>, access_profile_id: i64, role_id: i64) -> Result<bool> {
    let deleted = writing
        .connection
        .prepare_cached(
            "DELETE FROM access_profile_roles WHERE access_profile_id = ?1 AND role_id = ?2",
        )
        .and_then(|mut statement| statement.execute(params![access_profile_id, role_id]))
        .doing("detaching an access profile from a role")?;
    Ok(deleted > 0)
}

/// The roles of a profile, in the order in which they were attached.
///
/// # Errors
/// When the database can't be read.
pub fn list_of_profile(reading: &Reading<'_>, access_profile_id: i64) -> Result<Vec<Attachment>> {
    reading
        .connection
        .prepare_cached(
            "SELECT a.id, a.access_profile_id, a.role_id, r.name, a.is_default
             FROM access_profile_roles a JOIN roles r ON r.id = a.role_id
             WHERE a.access_profile_id = ?1 ORDER BY a.id",
        )
        .and_then(|mut statement| {
            statement
                .query_map(params![access_profile_id], |row| {
                    Ok(Attachment {
                        id: row.get(0)?,
                        access_profile_id: row.get(1)?,
                        role_id: row.get(2)?,
                        role_name: row.get(3)?,
                        is_default: row.get(4)?,
                    })
                })?
                .collect()
        })
        .doing("listing the roles of an access profile")
}

/// The active profiles that whoever joins a role gets, in the order in which they were attached.
///
/// # Errors
/// When the database can't be read.
pub fn list_defaults(reading: &Reading<'_>, role_id: i64) -> Result<Vec<i64>> {
    reading
        .connection
        .prepare_cached(
            "SELECT a.access_profile_id FROM access_profile_roles a JOIN access_profiles p ON p.id = a.access_profile_id
             WHERE a.role_id = ?1 AND a.is_default = 1 AND p.is_active = 1 ORDER BY a.id",
        )
        .and_then(|mut statement| {
            statement
                .query_map(params![role_id], |row| row.get(0))?
                .collect()
        })
        .doing("listing the default profiles of a role")
}

/// The users of a role who hold a copy of a profile whose time is over.
///
/// # Errors
/// When the database can't be read.
pub fn list_with_expired_copy(
    reading: &Reading<'_>,
    access_profile_id: i64,
    role_id: i64,
    now: Timestamp,
) -> Result<Vec<i64>> {
    reading
        .connection
        .prepare_cached(
            "SELECT c.user_id FROM user_access_profiles c JOIN users u ON u.id = c.user_id
             WHERE c.access_profile_id = ?1 AND u.role_id = ?2 AND c.expires_at <= ?3",
        )
        .and_then(|mut statement| {
            let values = params![access_profile_id, role_id, now.as_millisecond()];
            statement.query_map(values, |row| row.get(0))?.collect()
        })
        .doing("listing the users of a role")
}

/// The users of a role who hold no copy of a profile, by id.
///
/// # Errors
/// When the database can't be read.
pub fn list_without_copy(
    reading: &Reading<'_>,
    access_profile_id: i64,
    role_id: i64,
) -> Result<Vec<i64>> {
    reading
        .connection
        .prepare_cached(
            "SELECT u.id FROM users u WHERE u.role_id = ?2 AND NOT EXISTS (
                 SELECT 1 FROM user_access_profiles c WHERE c.user_id = u.id AND c.access_profile_id = ?1)
             ORDER BY u.id",
        )
        .and_then(|mut statement| {
            statement
                .query_map(params![access_profile_id, role_id], |row| row.get(0))?
                .collect()
        })
        .doing("listing the users of a role")
}
