//! Bringing into memory what is stored: everything at the start, and what a change touched, inside its transaction.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::engine::{
    CountedReservation, Counter, Key, LedgerState, PendingRows, Rules, ToolGrants, ToolGroups,
    UserProfile,
};
use super::known_rules::{Fresh, KnownRules};
use crate::domain::credential::ID_LENGTH;
use crate::domain::event::ChangedCopy;
use crate::domain::limits::clock_high_water::HighWater;
use crate::domain::settings::DecisionSettings;
use crate::error::Result;
use crate::store::decision_rows::{self, CopyRow, KeyRow};
use crate::store::followers::Reload;
use crate::store::virtual_keys::former_secrets;
use crate::store::{Reading, Writing, journal};

/// What a change touched, as it is after it.
#[derive(Default)]
pub struct Loaded {
    users: Vec<LoadedUser>,
    /// Those of them that were deleted.
    deleted: BTreeSet<i64>,
    copies: Vec<LoadedCopy>,
    tool_groups: Option<ToolGroups>,
    fresh: Fresh,
}

/// A user with copies, and keys by public id.
type LoadedUser = (i64, Vec<UserProfile>, Vec<([u8; ID_LENGTH], Key)>);

struct LoadedCopy {
    changed: ChangedCopy,
    rules: Arc<Rules>,
    counters: Vec<Counter>,
}

/// Loads everything.
///
/// # Errors
/// When the database can't be read.
pub fn everything(
    reading: &Reading<'_>,
    settings: DecisionSettings,
    zone: TimeZone,
    known: &KnownRules,
) -> Result<(LedgerState, PendingRows)> {
    let mut state = LedgerState::empty(settings, zone);
    let (keys, users) = decision_rows::sizes(reading)?;
    state.directory.keys.reserve(keys);
    state.directory.users.reserve(users);
    let mut fresh = Fresh::new();
    decision_rows::for_each_copy(reading, None, |row| {
        let rules = known.compile(reading, row.policy_id, &mut fresh)?;
        let user = state.directory.users.entry(row.user_id).or_default();
        user.copies.reserve_exact(1);
        user.copies.push(new_copy(&row, rules));
        state.directory.last_ids.copy_id = state.directory.last_ids.copy_id.max(row.id);
        Ok(())
    })?;
    known.add(fresh);
    decision_rows::for_each_key(reading, None, |row| {
        let user = state.directory.users.entry(row.user_id).or_default();
        user.keys.reserve_exact(1);
        user.keys.push(row.public_id);
        let (public_id, key) = new_key(&row);
        state.directory.last_ids.key_id = state.directory.last_ids.key_id.max(key.id);
        state.directory.keys.insert(public_id, key);
        Ok(())
    })?;
    former_secrets::for_each_earlier(reading, None, |secret| {
        if let Some(key) = state.directory.keys.get_mut(&secret.public_id) {
            key.add_earlier(secret.hash, secret.works_until);
        }
    })?;
    decision_rows::for_each_counter(reading, |(user_id, row)| {
        if let Some(copy) = state.directory.copy_mut(user_id, row.copy_id) {
            copy.counters.reserve_exact(1);
            copy.counters.push(Counter::of(&row));
        }
        Ok(())
    })?;
    let pending = pending_rows(reading, &mut state)?;
    decision_rows::for_each_override(reading, None, |(user_id, copy_id, over)| {
        if let Some(copy) = state.directory.copy_mut(user_id, copy_id) {
            copy.overrides.reserve_exact(1);
            copy.overrides.push(over);
        }
        Ok(())
    })?;
    state.directory.tool_groups = tool_groups(reading)?;
    let (next_number, seen_at) = decision_rows::position(reading)?;
    state.next_number = next_number;
    state.directory.high_water = journal::find_high_water(reading)?;
    if state.directory.high_water.latest() < seen_at {
        // The clock has gone on since, and whoever is there has seen it.
        state.directory.high_water = HighWater::one(seen_at, state.directory.last_ids);
    }
    journal::for_each(reading, true, |row| {
        state.reopen(CountedReservation::of(row.record));
        Ok(())
    })?;
    orphan_stored(reading, &mut state, seen_at)?;
    Ok((state, pending))
}

/// Reads the tail of the journal that the last process left, and brings the counters in memory up to date with it.
fn pending_rows(reading: &Reading<'_>, state: &mut LedgerState) -> Result<PendingRows> {
    let mut pending = PendingRows::default();
    journal::for_each_of_tail(reading, |id, counters, usage| {
        for (user_id, row) in &counters {
            state.directory.put_counter(*user_id, row);
        }
        pending.note(id, counters, usage);
        Ok(())
    })?;
    Ok(pending)
}

/// Ends the time of what deleted users hold: the last process may have ended after a user was deleted and before all that was held had
/// ended.
fn orphan_stored(reading: &Reading<'_>, state: &mut LedgerState, now_ms: i64) -> Result<()> {
    let held = state.reservations.iter().map(|one| one.record.user_id);
    let is_unknown = |id: &i64| !state.directory.users.contains_key(id);
    let unknown: BTreeSet<i64> = held.filter(is_unknown).collect();
    let mut deleted = BTreeSet::new();
    for user_id in unknown {
        if !decision_rows::is_user(reading, user_id)? {
            deleted.insert(user_id);
        }
    }
    state.reservations.orphan(&deleted, now_ms);
    Ok(())
}

/// Reads the tool groups.
fn tool_groups(reading: &Reading<'_>) -> Result<ToolGroups> {
    let texts = |value: &serde_json::Value| -> BTreeSet<String> {
        let items = value.as_array().into_iter().flatten();
        items
            .filter_map(|item| item.as_str().map(str::to_owned))
            .collect()
    };
    let group = |(id, enabled, stored): (i64, bool, serde_json::Value)| {
        let mut tools: HashMap<String, BTreeSet<String>> = HashMap::new();
        for entry in stored.as_array().into_iter().flatten() {
            let names = texts(&entry["tool_names"]);
            let server = entry["mcp_client_id"].as_str().unwrap_or_default();
            match tools.get_mut(server) {
                // No names are every tool.
                Some(known) if known.is_empty() || names.is_empty() => known.clear(),
                Some(known) => known.extend(names),
                None => drop(tools.insert(server.to_owned(), names)),
            }
        }
        (id, ToolGrants { enabled, tools })
    };
    let stored = decision_rows::tool_groups(reading)?;
    Ok(stored.into_iter().map(group).collect())
}

/// Reads what a change touched, in its transaction and after its work. Counters of limits that are gone are removed, and those whose
/// windows lie otherwise now are moved to the window that is open.
///
/// # Errors
/// When the database can't be read or written.
pub fn touched(
    writing: &Writing<'_>,
    reload: Reload,
    known: &KnownRules,
    now_ms: i64,
    zone: &TimeZone,
) -> Result<Loaded> {
    let mut loaded = Loaded::default();
    for user_id in reload.users {
        let mut rows = Vec::new();
        decision_rows::for_each_copy(writing, Some(user_id), |row| {
            rows.push(row);
            Ok(())
        })?;
        let mut copies = Vec::with_capacity(rows.len());
        for row in rows {
            let rules = known.get(writing, row.policy_id, &mut loaded.fresh)?;
            let mut copy = new_copy(&row, rules);
            if let Some((created_at, stored)) = stored_counters(writing, &[row.id])?.remove(&row.id)
            {
                let place = (row.id, created_at);
                copy.counters = adopted(writing, place, stored, &copy.rules, now_ms, zone)?;
            }
            decision_rows::for_each_override(writing, Some(row.id), |(_, _, over)| {
                copy.overrides.push(over);
                Ok(())
            })?;
            copies.push(copy);
        }
        let mut keys = Vec::new();
        decision_rows::for_each_key(writing, Some(user_id), |row| {
            keys.push(new_key(&row));
            Ok(())
        })?;
        former_secrets::for_each_earlier(writing, Some(user_id), |secret| {
            let found = keys.iter_mut().find(|(id, _)| *id == secret.public_id);
            if let Some((_, key)) = found {
                key.add_earlier(secret.hash, secret.works_until);
            }
        })?;
        if copies.is_empty() && keys.is_empty() && !decision_rows::is_user(writing, user_id)? {
            loaded.deleted.insert(user_id);
        }
        loaded.users.push((user_id, copies, keys));
    }
    loaded.put_copies(writing, reload.copies, known, now_ms, zone)?;
    if reload.tool_groups {
        loaded.tool_groups = Some(tool_groups(writing)?);
    }
    Ok(loaded)
}

impl Loaded {
    /// Takes in what a change touched. Answers whether users were deleted who hold something.
    pub fn take_in(self, state: &mut LedgerState, known: &KnownRules, now_ms: i64) -> bool {
        for (user_id, copies, keys) in self.users {
            state.put_user(user_id, copies, keys);
        }
        let next_number = state.next_number;
        for copy in self.copies {
            let changed = copy.changed;
            state.directory.put_rules(
                (changed.user_id, changed.copy_id),
                (copy.rules, changed.template_version),
                copy.counters,
                next_number,
            );
        }
        if let Some(groups) = self.tool_groups {
            state.directory.tool_groups = groups;
        }
        known.add(self.fresh);
        state.reservations.orphan(&self.deleted, now_ms)
    }

    /// Copies that changed by the thousand: what they counted is read for all of them at once, and most never counted anything.
    fn put_copies(
        &mut self,
        writing: &Writing<'_>,
        changed: Vec<ChangedCopy>,
        known: &KnownRules,
        now_ms: i64,
        zone: &TimeZone,
    ) -> Result<()> {
        let ids: Vec<i64> = changed.iter().map(|copy| copy.copy_id).collect();
        let mut stored = stored_counters(writing, &ids)?;
        self.copies.reserve(changed.len());
        for changed in changed {
            let rules = known.get(writing, changed.policy_id, &mut self.fresh)?;
            let counters = match stored.remove(&changed.copy_id) {
                Some((created_at, stored)) => {
                    let copy = (changed.copy_id, created_at);
                    adopted(writing, copy, stored, &rules, now_ms, zone)?
                }
                None => Vec::new(),
            };
            self.copies.push(LoadedCopy {
                changed,
                rules,
                counters,
            });
        }
        Ok(())
    }
}

/// The stored counters of copies, by copy, each with when it was given.
fn stored_counters(
    writing: &Writing<'_>,
    copy_ids: &[i64],
) -> Result<HashMap<i64, (i64, Vec<Counter>)>> {
    let mut stored: HashMap<i64, (i64, Vec<Counter>)> = HashMap::new();
    decision_rows::for_each_counter_of(writing, copy_ids, |(created_at, row)| {
        let (_, counters) = stored
            .entry(row.copy_id)
            .or_insert((created_at, Vec::new()));
        counters.push(Counter::of(&row));
        Ok(())
    })?;
    Ok(stored)
}

/// The stored counters of a copy, which was given at a moment, under its rules.
fn adopted(
    writing: &Writing<'_>,
    (copy_id, created_at): (i64, i64),
    stored: Vec<Counter>,
    rules: &Rules,
    now_ms: i64,
    zone: &TimeZone,
) -> Result<Vec<Counter>> {
    let mut kept = Vec::with_capacity(stored.len());
    for counter in stored {
        let adopted = rules
            .limit_at(counter.place_id)
            .and_then(|limit| counter.adopted(limit, created_at, now_ms, zone));
        match adopted {
            Some(same) if same == counter => kept.push(counter),
            Some(moved) => {
                journal::put_counters(writing, &[moved.row(copy_id)])?;
                kept.push(moved);
            }
            None => decision_rows::delete_counter(writing, copy_id, counter.place_id)?,
        }
    }
    Ok(kept)
}

fn new_copy(row: &CopyRow, rules: Arc<Rules>) -> UserProfile {
    UserProfile {
        id: row.id,
        access_profile_id: row.access_profile_id,
        template_version: row.template_version,
        created_at: row.created_at,
        expires_at: row.expires_at.unwrap_or(i64::MAX),
        rules,
        counters: Vec::new(),
        overrides: Vec::new(),
        held: Vec::new(),
    }
}

fn new_key(row: &KeyRow) -> ([u8; ID_LENGTH], Key) {
    let key = Key {
        id: row.id,
        user_id: row.user_id,
        expires_at: row.expires_at.unwrap_or(i64::MAX),
        secret_hash: row.secret_hash,
        earlier: None,
    };
    (row.public_id, key)
}
