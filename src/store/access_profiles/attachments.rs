//! The roles that access profiles are attached to.

use jiff::Timestamp;
use rusqlite::params;

use crate::domain::event::Event;
use crate::domain::people::holding::Attachment;
use crate::error::Result;
use crate::store::sql::Reading;
use crate::store::unit_of_work::Work;

/// Attaches a profile to a role, or says anew whether it is a default there, if that is said. Answers whether that changed anything; the use case records
/// it for all roles together.
pub fn attach(
    work: &Work<'_>,
    access_profile_id: i64,
    role_id: i64,
    is_default: Option<bool>,
) -> Result<bool> {
    let changed = work.change(
        "attaching an access profile to a role",
        "INSERT INTO access_profile_roles (access_profile_id, role_id, is_default, created_at) VALUES (?1, ?2, coalesce(?3, 0), ?4)
         ON CONFLICT (access_profile_id, role_id) DO UPDATE SET is_default = ?3 WHERE ?3 IS NOT NULL AND is_default <> ?3",
        params![access_profile_id, role_id, is_default, work.now().as_millisecond()],
    )?;
    Ok(changed > 0)
}

/// Detaches a profile from a role; answers whether it was attached.
pub fn detach(work: &mut Work<'_>, access_profile_id: i64, role_id: i64) -> Result<bool> {
    let deleted = work.change(
        "detaching an access profile from a role",
        "DELETE FROM access_profile_roles WHERE access_profile_id = ?1 AND role_id = ?2",
        [access_profile_id, role_id],
    )?;
    if deleted > 0 {
        work.record(Event::RoleDetached {
            access_profile_id,
            role_id,
        });
    }
    Ok(deleted > 0)
}

/// The roles of a profile, in the order in which they were attached.
pub fn list_of_profile(reading: &Reading<'_>, access_profile_id: i64) -> Result<Vec<Attachment>> {
    reading.all(
        "listing the roles of an access profile",
        "SELECT a.id, a.access_profile_id, a.role_id, r.name AS role_name, a.is_default
         FROM access_profile_roles a JOIN roles r ON r.id = a.role_id
         WHERE a.access_profile_id = ?1 ORDER BY a.id",
        [access_profile_id],
        |row| {
            Ok(Attachment {
                id: row.get("id")?,
                access_profile_id: row.get("access_profile_id")?,
                role_id: row.get("role_id")?,
                role_name: row.get("role_name")?,
                is_default: row.get("is_default")?,
            })
        },
    )
}

/// The active profiles that whoever joins a role gets, in the order in which they were attached.
pub fn list_defaults(reading: &Reading<'_>, role_id: i64) -> Result<Vec<i64>> {
    reading.values(
        "listing the default profiles of a role",
        "SELECT a.access_profile_id FROM access_profile_roles a JOIN access_profiles p ON p.id = a.access_profile_id
         WHERE a.role_id = ?1 AND a.is_default = 1 AND p.is_active = 1 ORDER BY a.id",
        [role_id],
    )
}

/// The users of a role who hold a copy of a profile whose time is over.
pub fn list_with_expired_copy(
    reading: &Reading<'_>,
    access_profile_id: i64,
    role_id: i64,
    now: Timestamp,
) -> Result<Vec<i64>> {
    reading.values(
        "listing the users of a role",
        "SELECT c.user_id FROM user_access_profiles c JOIN users u ON u.id = c.user_id
         WHERE c.access_profile_id = ?1 AND u.role_id = ?2 AND c.expires_at <= ?3",
        [access_profile_id, role_id, now.as_millisecond()],
    )
}

/// The users of a role who hold no copy of a profile, by id.
pub fn list_without_copy(
    reading: &Reading<'_>,
    access_profile_id: i64,
    role_id: i64,
) -> Result<Vec<i64>> {
    reading.values(
        "listing the users of a role",
        "SELECT u.id FROM users u WHERE u.role_id = ?2 AND NOT EXISTS (
             SELECT 1 FROM user_access_profiles c WHERE c.user_id = u.id AND c.access_profile_id = ?1)
         ORDER BY u.id",
        [access_profile_id, role_id],
    )
}
