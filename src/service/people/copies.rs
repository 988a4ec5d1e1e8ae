//! What copies show: their rows with the policy, the overrides and the keys from the database, and what is used and held from the
//! ledger. What many copies share is read once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::access_profile::AccessProfile;
use crate::domain::limits::budget_override::BudgetOverride;
use crate::domain::limits::limit::StoredPolicy;
use crate::domain::limits::limit_state::{Count, LimitedCopy};
use crate::domain::people::holding::UserAccessProfile;
use crate::domain::people::user_copy::UserCopy;
use crate::error::Result;
use crate::ledger::Counts;
use crate::service::Services;
use crate::store::access_profiles::policies;
use crate::store::people::budget_overrides;
use crate::store::people::user_access_profiles::{ShownKey, list_keys_of_users};
use crate::store::{Reading, access_profiles};

/// Copies with everything that the database knows of them.
pub struct ReadCopies {
    copies: Vec<UserAccessProfile>,
    profiles: HashMap<i64, AccessProfile>,
    policies: HashMap<i64, StoredPolicy>,
    overrides: HashMap<i64, Vec<BudgetOverride>>,
    keys: HashMap<i64, Vec<ShownKey>>,
}

impl ReadCopies {
    /// Reads what belongs to some copies.
    pub fn read(reading: &Reading<'_>, copies: Vec<UserAccessProfile>) -> Result<Self> {
        let mut profiles = HashMap::new();
        let mut read_policies = HashMap::new();
        for copy in &copies {
            let (profile_id, policy_id) = (copy.access_profile_id, copy.policy_id);
            if let Entry::Vacant(unread) = profiles.entry(profile_id) {
                unread.insert(access_profiles::get_current(reading, profile_id)?.profile()?);
            }
            if let Entry::Vacant(unread) = read_policies.entry(policy_id) {
                unread.insert(policies::get_stored(reading, policy_id)?);
            }
        }
        let mut overrides: HashMap<i64, Vec<BudgetOverride>> = HashMap::new();
        let ids: Vec<i64> = copies.iter().map(|copy| copy.id).collect();
        for (copy_id, over) in budget_overrides::list_of_copies(reading, &ids)? {
            overrides.entry(copy_id).or_default().push(over);
        }
        let mut keys: HashMap<i64, Vec<ShownKey>> = HashMap::new();
        let mut users: Vec<i64> = copies.iter().map(|copy| copy.user_id).collect();
        users.dedup();
        for key in list_keys_of_users(reading, &users)? {
            keys.entry(key.user_id).or_default().push(key);
        }
        Ok(Self {
            copies,
            profiles,
            policies: read_policies,
            overrides,
            keys,
        })
    }

    /// How they are shown at a time, with what they count.
    pub fn with_counters(&self, services: &Services, now: Timestamp) -> Result<Vec<UserCopy>> {
        let copies = self.copies.iter().map(|copy| (copy.user_id, copy.id));
        let now_ms = now.as_millisecond();
        let counts = services.ledger.counts_of(copies.collect(), now_ms)?;
        let mut shown = self.shown(&counts, &services.time_zone, now)?;
        for copy in &mut shown {
            // What has expired stays expired when the clock goes back.
            let latest = services.ledger.time_of_copy(copy.id, now);
            copy.is_active &= copy.expires_at.is_none_or(|at| at > latest);
        }
        Ok(shown)
    }

    /// How they are shown at a time when they count this.
    ///
    /// # Errors
    /// As [`UserCopy::of`].
    pub fn shown(
        &self,
        counts: &HashMap<i64, Counts>,
        zone: &TimeZone,
        now: Timestamp,
    ) -> Result<Vec<UserCopy>> {
        let one = |copy: &UserAccessProfile| {
            let stored = self.policies.get(&copy.policy_id)?;
            let profile = self.profiles.get(&copy.access_profile_id)?;
            let counts: HashMap<i64, Count> = counts
                .get(&copy.id)
                .into_iter()
                .flatten()
                .copied()
                .collect();
            let limited = LimitedCopy {
                access_profile_id: copy.access_profile_id,
                copy_id: copy.id,
                created_at: copy.created_at.as_millisecond(),
                overrides: self.overrides_of(copy.id),
                zone,
            };
            let (keys, now_ms) = (self.keys_of(copy), now.as_millisecond());
            Some(UserCopy::of(
                copy, profile, stored, keys, limited, &counts, now_ms,
            ))
        };
        self.copies.iter().filter_map(one).collect()
    }

    /// The overrides of one of them.
    pub fn overrides_of(&self, copy_id: i64) -> &[BudgetOverride] {
        self.overrides.get(&copy_id).map_or(&[], Vec::as_slice)
    }

    fn keys_of(&self, copy: &UserAccessProfile) -> Vec<String> {
        let keys = self.keys.get(&copy.user_id).into_iter().flatten();
        keys.filter(|key| key.copy_id.is_none_or(|id| id == copy.id))
            .map(|key| key.public_id.clone())
            .collect()
    }
}
