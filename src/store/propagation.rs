//! Changing the policies of thousands of copies with a few statements: copies that share a policy change together.

use jiff::Timestamp;
use rusqlite::params;

use super::fault::Doing;
use super::user_access_profiles::id_list;
use super::{Reading, Writing};
use crate::error::Result;

/// A copy that a propagation may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selected {
    /// The copy.
    pub copy_id: i64,
    /// Who holds it.
    pub user_id: i64,
    /// What it allows.
    pub policy_id: i64,
    /// When it was given, in milliseconds since 1970.
    pub created_at: i64,
}

/// Copies of a profile in the order of assignment: those of the users and of who is in the roles, or, without any, all of them.
///
/// # Errors
/// When the database can't be read.
pub fn select(
    reading: &Reading<'_>,
    access_profile_id: i64,
    user_ids: &[i64],
    role_ids: &[i64],
) -> Result<Vec<Selected>> {
    let all = user_ids.is_empty() && role_ids.is_empty();
    let sql = if all {
        "SELECT id, user_id, policy_id, created_at FROM user_access_profiles WHERE access_profile_id = ?1
         AND ?2 IS NOT NULL AND ?3 IS NOT NULL ORDER BY id"
    } else {
        "SELECT id, user_id, policy_id, created_at FROM user_access_profiles WHERE access_profile_id = ?1
         AND user_id IN (SELECT value FROM json_each(?2)
                         UNION SELECT id FROM users WHERE role_id IN (SELECT value FROM json_each(?3))) ORDER BY id"
    };
    reading
        .connection
        .prepare_cached(sql)
        .and_then(|mut statement| {
            let values = params![access_profile_id, id_list(user_ids), id_list(role_ids)];
            statement
                .query_map(values, |row| {
                    Ok(Selected {
                        copy_id: row.get(0)?,
                        user_id: row.get(1)?,
                        policy_id: row.get(2)?,
                        created_at: row.get(3)?,
                    })
                })?
                .collect()
        })
        .doing("choosing copies")
}

/// Copies that are changed together.
pub struct Together {
    ids: String,
}

impl Together {
    /// These copies.
    pub fn of(copy_ids: &[i64]) -> Self {
        Self {
            ids: id_list(copy_ids),
        }
    }

    /// Lets them follow a policy.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn follow(
        &self,
        writing: &Writing<'_>,
        policy_id: i64,
        template_version: i64,
        now: Timestamp,
    ) -> Result<()> {
        writing
            .connection
            .prepare_cached(
                "UPDATE user_access_profiles SET policy_id = ?2, template_version = ?3, updated_at = ?4
                 WHERE id IN (SELECT value FROM json_each(?1))",
            )
            .and_then(|mut statement| {
                statement.execute(params![
                    self.ids,
                    policy_id,
                    template_version,
                    now.as_millisecond()
                ])
            })
            .doing("changing the policy of copies")?;
        Ok(())
    }

    /// Forgets everything that they used.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn forget_counters(&self, writing: &Writing<'_>) -> Result<()> {
        writing
            .connection
            .prepare_cached(
                "DELETE FROM counters WHERE user_access_profile_id IN (SELECT value FROM json_each(?1))",
            )
            .and_then(|mut statement| statement.execute(params![self.ids]))
            .doing("forgetting what copies used")?;
        Ok(())
    }

    /// Forgets what they used at a place where none of their limits counts any more, and the overrides there; answers the copies
    /// that had one.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn forget_place(&self, writing: &Writing<'_>, place_id: i64) -> Result<Vec<i64>> {
        writing
            .connection
            .prepare_cached(
                "DELETE FROM counters WHERE place_id = ?2
                 AND user_access_profile_id IN (SELECT value FROM json_each(?1))",
            )
            .and_then(|mut statement| statement.execute(params![self.ids, place_id]))
            .doing("forgetting what copies used")?;
        writing
            .connection
            .prepare_cached(
                "DELETE FROM budget_overrides WHERE place_id = ?2
                 AND user_access_profile_id IN (SELECT value FROM json_each(?1))
                 RETURNING user_access_profile_id",
            )
            .and_then(|mut statement| {
                statement
                    .query_map(params![self.ids, place_id], |row| row.get(0))?
                    .collect()
            })
            .doing("removing overrides")
    }
}
