//! Who may use what: virtual keys by their public id, users with their copies, tool groups.

pub(super) mod counter;
pub(super) mod counters;
pub(super) mod key;
pub(super) mod mcp;
pub(super) mod rules;
pub(super) mod user_profile;

use std::sync::Arc;

use foldhash::HashMap;
use jiff::tz::TimeZone;
use subtle::ConstantTimeEq;

use self::counter::Counter;
use self::counters::Counters;
use self::key::{Ended, Key, NotStored};
use self::mcp::ToolGroups;
use self::rules::Rules;
use self::user_profile::UserProfile;
use crate::domain::credential::ID_LENGTH;
use crate::domain::decision::Presented;
use crate::domain::decision::explanation::KeyStatus;
use crate::domain::decision::journal::{CounterName, CounterRow, NOT_CLOSED};
use crate::domain::limits::clock_high_water::{HighWater, LastIds};

/// What a user has.
#[derive(Default)]
pub struct UserHoldings {
    /// Copies of profiles in the order of assignment.
    pub copies: Vec<UserProfile>,
    /// The public ids of the user's keys.
    pub keys: Vec<[u8; ID_LENGTH]>,
}

/// Who may use what.
#[derive(Default)]
pub struct Directory {
    /// Keys by public id.
    pub keys: HashMap<[u8; ID_LENGTH], Key>,
    /// Users by id.
    pub users: HashMap<i64, UserHoldings>,
    /// Tool groups by id.
    pub tool_groups: ToolGroups,
    /// The latest times that the clock has shown. What has expired by then stays expired when the clock goes back.
    pub high_water: HighWater,
    /// The highest ids that were given out.
    pub last_ids: LastIds,
    /// What has ended although the database does not say so yet.
    pub not_stored: NotStored,
}

impl Directory {
    /// Notes that the clock shows `now_ms`.
    pub fn see(&mut self, now_ms: i64) {
        self.high_water.see(now_ms, self.last_ids);
    }

    /// Whether the time of a copy is over at `now_ms`.
    pub fn is_over(&self, copy: &UserProfile, now_ms: i64) -> bool {
        self.high_water.of_copy(copy.id, now_ms) >= copy.expires_at
    }

    /// Whether the time of a key is over at `now_ms`.
    pub fn is_key_over(&self, key: &Key, now_ms: i64) -> bool {
        self.high_water.of_key(key.id, now_ms) >= key.expires_at
    }

    /// Lets keys and copies end at a time, if they don't end sooner; also when they are loaded anew.
    pub fn end(&mut self, ended: &Ended) {
        self.not_stored.add(ended);
        for public_id in &ended.keys {
            if let Some(key) = self.keys.get_mut(public_id) {
                key.expires_at = key.expires_at.min(ended.at_ms);
            }
        }
        for (user_id, copy_id) in &ended.copies {
            if let Some(copy) = self.copy_mut(*user_id, *copy_id) {
                copy.expires_at = copy.expires_at.min(ended.at_ms);
            }
        }
    }

    /// The key that was presented, and whether it works at `now_ms`.
    pub fn key(&self, presented: &Presented, now_ms: i64) -> (Option<&Key>, KeyStatus) {
        const NOBODY: [u8; 32] = [0; 32];
        let key = self.keys.get(&presented.public_id);
        let matches = |hash: &[u8; 32]| bool::from(hash.ct_eq(&presented.secret_hash));
        // As much work for an unknown id as for a wrong secret.
        let current = matches(key.map_or(&NOBODY, |key| &key.secret_hash));
        let earlier = key.is_some_and(|key| {
            key.earlier().any(|secret| {
                self.high_water.of_key(key.id, now_ms) < secret.expires_at && matches(&secret.hash)
            })
        });
        match key {
            Some(key) if current || earlier => {
                let status = if self.is_key_over(key, now_ms) {
                    KeyStatus::Expired
                } else if current {
                    KeyStatus::Active
                } else {
                    KeyStatus::Previous
                };
                (Some(key), status)
            }
            _ => (None, KeyStatus::Unknown),
        }
    }

    /// The key that was presented, if it works at `now_ms`.
    pub fn working_key(&self, presented: &Presented, now_ms: i64) -> Option<&Key> {
        match self.key(presented, now_ms) {
            (Some(key), KeyStatus::Active | KeyStatus::Previous) => Some(key),
            _ => None,
        }
    }

    /// A key of a user by its number, with its public id.
    pub fn key_of(&self, user_id: i64, key_id: i64) -> Option<([u8; ID_LENGTH], &Key)> {
        let ids = &self.users.get(&user_id)?.keys;
        ids.iter().find_map(|public_id| {
            let key = self.keys.get(public_id)?;
            (key.id == key_id).then_some((*public_id, key))
        })
    }

    /// The copies of a user in the order of assignment.
    pub fn copies_of(&self, user_id: i64) -> &[UserProfile] {
        self.users.get(&user_id).map_or(&[], |user| &user.copies)
    }

    /// A copy, if the user still holds it.
    pub fn copy(&self, user_id: i64, copy_id: i64) -> Option<&UserProfile> {
        let user = self.users.get(&user_id)?;
        user.copies.iter().find(|copy| copy.id == copy_id)
    }

    /// A copy to change, if the user still holds it.
    pub fn copy_mut(&mut self, user_id: i64, copy_id: i64) -> Option<&mut UserProfile> {
        let user = self.users.get_mut(&user_id)?;
        user.copies.iter_mut().find(|copy| copy.id == copy_id)
    }

    /// Sets a counter of a copy to what is stored, if the user still holds it.
    pub fn put_counter(&mut self, user_id: i64, row: &CounterRow) {
        if let Some(copy) = self.copy_mut(user_id, row.copy_id) {
            copy.counters
                .put(row.place_id, NOT_CLOSED, Some(Counter::of(row)));
        }
    }

    /// A counter of a user as it is stored, if it is there.
    pub fn counter_row(&self, user_id: i64, name: CounterName) -> Option<CounterRow> {
        let copy = self.copy(user_id, name.copy_id)?;
        let counter = copy.counters.get(name.place_id, name.until)?;
        Some(counter.row(name.copy_id))
    }

    /// Puts a user in place of what was known: keys, copies and what those count. What open reservations hold stays where they were let
    /// in: see [`UserProfile::follow`]. Answers what that does.
    pub fn put_user(
        &mut self,
        user_id: i64,
        mut copies: Vec<UserProfile>,
        mut keys: Vec<([u8; ID_LENGTH], Key)>,
        next_number: i64,
        (now_ms, zone): (i64, &TimeZone),
    ) -> Vec<CounterName> {
        self.not_stored.apply(&mut copies, &mut keys);
        let before = self.users.remove(&user_id).unwrap_or_default();
        for public_id in &before.keys {
            self.keys.remove(public_id);
        }
        let mut closed = Vec::new();
        for old in before.copies {
            if let Some(copy) = copies.iter_mut().find(|copy| copy.id == old.id) {
                closed.extend(copy.follow(old.counters, next_number, now_ms, zone));
            }
        }
        if copies.is_empty() && keys.is_empty() {
            return closed;
        }
        for copy in &copies {
            self.last_ids.copy_id = self.last_ids.copy_id.max(copy.id);
        }
        for (_, key) in &keys {
            self.last_ids.key_id = self.last_ids.key_id.max(key.id);
        }
        let ids = keys.iter().map(|(public_id, _)| *public_id).collect();
        self.keys.extend(keys);
        self.users
            .insert(user_id, UserHoldings { copies, keys: ids });
        closed
    }

    /// Lets a copy, of a user, follow other rules, of a version of its profile, and count as these counters do; see
    /// [`UserProfile::follow`]. Answers what that does.
    pub fn put_rules(
        &mut self,
        (user_id, copy_id): (i64, i64),
        (rules, template_version): (Arc<Rules>, i64),
        counters: Vec<Counter>,
        next_number: i64,
        (now_ms, zone): (i64, &TimeZone),
    ) -> Vec<CounterName> {
        let Some(copy) = self.copy_mut(user_id, copy_id) else {
            return Vec::new();
        };
        let old = std::mem::replace(&mut copy.counters, Counters::from(counters));
        copy.rules = rules;
        copy.template_version = template_version;
        copy.follow(old, next_number, now_ms, zone)
    }
}
