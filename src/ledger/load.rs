//! Bringing into memory what is stored, at the start.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::engine::{
    CountedReservation, Counter, Counters, Key, LedgerState, PendingRows, Rules, ToolGrants,
    ToolGroups, UserProfile,
};
use super::known_rules::{Fresh, KnownRules};
use crate::domain::credential::ID_LENGTH;
use crate::domain::decision::journal::NOT_CLOSED;
use crate::domain::limits::clock_high_water::HighWater;
use crate::domain::settings::DecisionSettings;
use crate::error::Result;
use crate::store::decision_rows::{self, CopyRow, KeyRow};
use crate::store::virtual_keys::former_secrets;
use crate::store::{Reading, journal};

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
            let counter = Some(Counter::of(&row));
            copy.counters.put(row.place_id, NOT_CLOSED, counter);
        }
        Ok(())
    })?;
    let mut pending = pending_rows(reading, &mut state)?;
    let mut closed = Vec::new();
    decision_rows::for_each_closed_counter(reading, |(user_id, counter)| {
        let (row, until) = (counter.row, counter.until);
        if let Some(copy) = state.directory.copy_mut(user_id, row.copy_id) {
            let counter = Some(Counter::of(&row));
            copy.counters.put(row.place_id, until, counter);
            closed.push((user_id, row.copy_id));
        }
        Ok(())
    })?;
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
    for (user_id, copy_id) in closed {
        if let Some(copy) = state.directory.copy_mut(user_id, copy_id) {
            pending.note_changed(user_id, copy.forget_ended());
        }
    }
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
///
/// # Errors
/// When the database can't be read.
pub fn tool_groups(reading: &Reading<'_>) -> Result<ToolGroups> {
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

/// A copy of which nothing is known but its row.
pub fn new_copy(row: &CopyRow, rules: Arc<Rules>) -> UserProfile {
    UserProfile {
        id: row.id,
        access_profile_id: row.access_profile_id,
        template_version: row.template_version,
        created_at: row.created_at,
        expires_at: row.expires_at.unwrap_or(i64::MAX),
        rules,
        counters: Counters::default(),
        overrides: Vec::new(),
    }
}

/// A key, by its public id, without earlier secrets.
pub fn new_key(row: &KeyRow) -> ([u8; ID_LENGTH], Key) {
    let key = Key {
        id: row.id,
        user_id: row.user_id,
        expires_at: row.expires_at.unwrap_or(i64::MAX),
        secret_hash: row.secret_hash,
        earlier: None,
    };
    (row.public_id, key)
}
