//! Changing the policies of thousands of copies with a few statements: copies that share a policy change together.

use std::collections::HashSet;

use rusqlite::params;

use crate::domain::event::{ChangedCopy, Event};
use crate::error::Result;
use crate::store::sql::{Reading, id_list};
use crate::store::unit_of_work::WorkInTurn;

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
    let values = params![access_profile_id, id_list(user_ids), id_list(role_ids)];
    reading.all("choosing copies", sql, values, |row| {
        Ok(Selected {
            copy_id: row.get("id")?,
            user_id: row.get("user_id")?,
            policy_id: row.get("policy_id")?,
            created_at: row.get("created_at")?,
        })
    })
}

/// Copies that are changed together, each with its user.
pub struct Together {
    ids: String,
    copies: Vec<(i64, i64)>,
}

impl Together {
    /// These copies (user, copy).
    pub fn of(copies: Vec<(i64, i64)>) -> Self {
        let ids: Vec<i64> = copies.iter().map(|(_, copy_id)| *copy_id).collect();
        let ids = id_list(&ids);
        Self { ids, copies }
    }

    /// Lets them follow a policy; they start counting at zero where `reset_usage` says so. The use case records why.
    pub fn follow(
        &self,
        work: &mut WorkInTurn<'_>,
        policy_id: i64,
        template_version: i64,
        reset_usage: bool,
    ) -> Result<()> {
        let now = work.now().as_millisecond();
        work.run(
            "changing the policy of copies",
            "UPDATE user_access_profiles SET policy_id = ?2, template_version = ?3, updated_at = ?4
             WHERE id IN (SELECT value FROM json_each(?1))",
            params![self.ids, policy_id, template_version, now],
        )?;
        if reset_usage {
            work.run(
                "forgetting what copies used",
                "DELETE FROM counters WHERE user_access_profile_id IN (SELECT value FROM json_each(?1))",
                [&self.ids],
            )?;
        }
        let changed = |&(user_id, copy_id): &(i64, i64)| ChangedCopy {
            user_id,
            copy_id,
            policy_id,
            template_version,
            reset_usage,
        };
        let copies = self.copies.iter().map(changed).collect();
        work.record(Event::CopiesChanged(copies));
        Ok(())
    }

    /// Forgets what they used at a place where none of their limits counts any more, and the overrides there.
    pub fn forget_place(&self, work: &mut WorkInTurn<'_>, place_id: i64) -> Result<()> {
        work.run(
            "forgetting what copies used",
            "DELETE FROM counters WHERE place_id = ?2
             AND user_access_profile_id IN (SELECT value FROM json_each(?1))",
            params![self.ids, place_id],
        )?;
        let lost: Vec<i64> = work.values(
            "removing overrides",
            "DELETE FROM budget_overrides WHERE place_id = ?2
             AND user_access_profile_id IN (SELECT value FROM json_each(?1))
             RETURNING user_access_profile_id",
            params![self.ids, place_id],
        )?;
        if !lost.is_empty() {
            let lost: HashSet<i64> = lost.into_iter().collect();
            let copies = self.copies.iter().filter(|(_, copy)| lost.contains(copy));
            let user_ids = copies.map(|(user_id, _)| *user_id).collect();
            work.record(Event::OverridesForgotten { user_ids });
        }
        Ok(())
    }
}
