//! Who may use what, in memory: virtual keys by their public id, users with their copies, tool groups, open reservations.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};
use jiff::tz::TimeZone;

use super::Ended;
use super::counter::Counter;
use super::counters::Copy;
use super::mcp::ToolGroups;
use super::open_counts::OpenCounts;
use super::reservation::Reservation;
use super::rules::Rules;
use crate::domain::clock_peaks::{Newest, Peaks};
use crate::domain::credential::ID_LENGTH;
use crate::domain::event::ChangedCopy;
use crate::domain::settings::DecisionSettings;
use crate::domain::window::Window;
use crate::store::journal::CounterRow;

/// A virtual key.
pub struct Key {
    /// Its number (`virtual_keys.id`).
    pub id: i64,
    /// Whose it is.
    pub user_id: i64,
    /// When it expires; `i64::MAX` when it does not.
    pub expires_at: i64,
    /// SHA-256 of its secret.
    pub secret_hash: [u8; 32],
    /// A secret that it had before, while the grace period of that lasts; few keys have one.
    pub earlier: Option<Box<EarlierSecret>>,
}

/// A secret of a virtual key before one of its rotations.
pub struct EarlierSecret {
    /// SHA-256 of it.
    pub hash: [u8; 32],
    /// When it stops working.
    pub expires_at: i64,
    /// Another one.
    pub another: Option<Box<EarlierSecret>>,
}

impl Key {
    /// Adds a secret that works beside the current one.
    pub fn add_earlier(&mut self, hash: [u8; 32], expires_at: i64) {
        let another = self.earlier.take();
        self.earlier = Some(Box::new(EarlierSecret {
            hash,
            expires_at,
            another,
        }));
    }

    /// The secrets that work beside the current one, each until its time.
    pub fn earlier(&self) -> impl Iterator<Item = &EarlierSecret> {
        std::iter::successors(self.earlier.as_deref(), |secret| secret.another.as_deref())
    }
}

/// What a user has.
#[derive(Default)]
pub struct User {
    /// Copies of profiles in the order of assignment.
    pub copies: Vec<Copy>,
    /// The public ids of the user's keys.
    pub keys: Vec<[u8; ID_LENGTH]>,
}

/// Everything that decisions depend on, in memory. Knows no store: what is written down is up to the caller.
pub struct State {
    /// The zone of the calendar.
    pub zone: TimeZone,
    /// How decisions are made.
    pub settings: DecisionSettings,
    /// Keys by public id.
    pub keys: HashMap<[u8; ID_LENGTH], Key>,
    /// Users by id.
    pub users: HashMap<i64, User>,
    /// Tool groups by id.
    pub tool_groups: ToolGroups,
    /// Open reservations by number, so the oldest first.
    pub open: BTreeMap<i64, Reservation>,
    /// How many there are of whom.
    pub open_counts: OpenCounts,
    /// When they expire.
    pub expiries: BTreeSet<(i64, i64)>,
    /// The number of what happens next in the journal.
    pub next_number: i64,
    /// The latest times that the clock has shown. What has expired by then stays expired when the clock goes back.
    pub peaks: Peaks,
    /// The highest ids that were given out.
    pub newest: Newest,
    /// The day that was asked for last.
    pub today: Window,
    /// What has ended although the database does not say so yet.
    pub not_stored: NotStored,
}

/// When keys, by public id, and copies, by id, have ended although the database does not say so yet.
#[derive(Default)]
pub struct NotStored {
    keys: HashMap<[u8; ID_LENGTH], i64>,
    copies: HashMap<i64, i64>,
}

impl NotStored {
    /// The database says all of it.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    fn add(&mut self, ended: &Ended) {
        for public_id in &ended.keys {
            let at = self.keys.entry(*public_id).or_insert(i64::MAX);
            *at = ended.at_ms.min(*at);
        }
        for (_, copy_id) in &ended.copies {
            let at = self.copies.entry(*copy_id).or_insert(i64::MAX);
            *at = ended.at_ms.min(*at);
        }
    }

    /// Ends what was loaded and has ended.
    fn apply(&self, copies: &mut [Copy], keys: &mut [([u8; ID_LENGTH], Key)]) {
        for copy in copies {
            if let Some(at) = self.copies.get(&copy.id) {
                copy.expires_at = copy.expires_at.min(*at);
            }
        }
        for (public_id, key) in keys {
            if let Some(at) = self.keys.get(public_id) {
                key.expires_at = key.expires_at.min(*at);
            }
        }
    }
}

/// A copy to change among users.
pub fn find_copy(users: &mut HashMap<i64, User>, user_id: i64, copy_id: i64) -> Option<&mut Copy> {
    let user = users.get_mut(&user_id)?;
    user.copies.iter_mut().find(|copy| copy.id == copy_id)
}

impl State {
    /// Nobody, nothing.
    pub fn empty(settings: DecisionSettings, zone: TimeZone) -> Self {
        Self {
            zone,
            settings,
            keys: HashMap::new(),
            users: HashMap::new(),
            tool_groups: ToolGroups::new(),
            open: BTreeMap::new(),
            open_counts: OpenCounts::default(),
            expiries: BTreeSet::new(),
            next_number: 1,
            peaks: Peaks::default(),
            newest: Newest::default(),
            today: Window {
                starts_at: 0,
                resets_at: 0,
                number: 0,
            },
            not_stored: NotStored::default(),
        }
    }

    /// Notes that the clock shows `now_ms`.
    pub fn see(&mut self, now_ms: i64) {
        self.peaks.see(now_ms, self.newest);
    }

    /// Whether the time of a copy is over at `now_ms`.
    pub fn is_over(&self, copy: &Copy, now_ms: i64) -> bool {
        self.peaks.of_copy(copy.id, now_ms) >= copy.expires_at
    }

    /// Whether the time of a key is over at `now_ms`.
    pub fn is_key_over(&self, key: &Key, now_ms: i64) -> bool {
        self.peaks.of_key(key.id, now_ms) >= key.expires_at
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

    /// A key of a user by its number, with its public id.
    pub fn key_of(&self, user_id: i64, key_id: i64) -> Option<([u8; ID_LENGTH], &Key)> {
        let ids = &self.users.get(&user_id)?.keys;
        ids.iter().find_map(|public_id| {
            let key = self.keys.get(public_id)?;
            (key.id == key_id).then_some((*public_id, key))
        })
    }

    /// The copies of a user in the order of assignment.
    pub fn copies_of(&self, user_id: i64) -> &[Copy] {
        self.users.get(&user_id).map_or(&[], |user| &user.copies)
    }

    /// A copy, if the user still holds it.
    pub fn copy(&self, user_id: i64, copy_id: i64) -> Option<&Copy> {
        let user = self.users.get(&user_id)?;
        user.copies.iter().find(|copy| copy.id == copy_id)
    }

    /// A copy to change, if the user still holds it.
    pub fn copy_mut(&mut self, user_id: i64, copy_id: i64) -> Option<&mut Copy> {
        find_copy(&mut self.users, user_id, copy_id)
    }

    /// Sets a counter of a copy to what is stored, if the user still holds it.
    pub fn put_counter(&mut self, user_id: i64, row: &CounterRow) {
        if let Some(copy) = self.copy_mut(user_id, row.copy_id) {
            copy.restore(row.place_id, Some(Counter::of(row)));
        }
    }

    /// A new number of the journal.
    pub fn number(&mut self) -> i64 {
        let number = self.next_number;
        self.next_number += 1;
        number
    }

    /// The number of the oldest reservation that is open; that of what happens next when none is.
    pub fn open_from(&self) -> i64 {
        let oldest = self.open.first_key_value();
        oldest.map_or(self.next_number, |(number, _)| *number)
    }

    /// Puts a user in place of what was known: keys, copies and what those count. What open reservations hold stays.
    pub fn put_user(
        &mut self,
        user_id: i64,
        mut copies: Vec<Copy>,
        mut keys: Vec<([u8; ID_LENGTH], Key)>,
    ) {
        self.not_stored.apply(&mut copies, &mut keys);
        let before = self.users.remove(&user_id).unwrap_or_default();
        for public_id in &before.keys {
            self.keys.remove(public_id);
        }
        for old in before.copies {
            if let Some(copy) = copies.iter_mut().find(|copy| copy.id == old.id) {
                copy.take_over(old, self.next_number);
            }
        }
        if copies.is_empty() && keys.is_empty() {
            return;
        }
        for copy in &copies {
            self.newest.copy_id = self.newest.copy_id.max(copy.id);
        }
        for (_, key) in &keys {
            self.newest.key_id = self.newest.key_id.max(key.id);
        }
        let ids = keys.iter().map(|(public_id, _)| *public_id).collect();
        self.keys.extend(keys);
        self.users.insert(user_id, User { copies, keys: ids });
    }

    /// Lets a copy follow other rules and count as these counters do.
    pub fn put_rules(&mut self, changed: &ChangedCopy, rules: Arc<Rules>, counters: Vec<Counter>) {
        let next_number = self.next_number;
        if let Some(copy) = self.copy_mut(changed.user_id, changed.copy_id) {
            let old = std::mem::replace(&mut copy.counters, counters);
            copy.carry_open(&old, next_number);
            copy.rules = rules;
            copy.template_version = changed.template_version;
        }
    }
}

impl Copy {
    /// Takes over what only memory knows.
    fn take_over(&mut self, old: Self, next_number: i64) {
        self.held = old.held;
        self.carry_open(&old.counters, next_number);
    }

    /// How many requests of the counters belong to open reservations, where they count on. A counter that was set to another value
    /// counts only what comes from now on.
    fn carry_open(&mut self, old: &[Counter], next_number: i64) {
        for counter in &mut self.counters {
            let Some(before) = old
                .iter()
                .find(|before| before.place_id == counter.place_id)
            else {
                continue;
            };
            if before.counted_from == counter.counted_from && before.settled == counter.settled {
                counter.open = before.open;
            } else {
                counter.open = 0;
                counter.counted_from = next_number;
            }
        }
    }
}
