//! Bringing into memory what is stored: everything at the start, and what a change touched, inside its transaction.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::counter::Counter;
use super::counters::Copy;
use super::directory::{Key, State};
use super::known_rules::{Fresh, KnownRules};
use super::mcp::{self, ToolGroups};
use super::reservation::Reservation;
use super::rules::Rules;
use super::tail::Tail;
use crate::domain::clock_peaks::Peaks;
use crate::domain::credential::ID_LENGTH;
use crate::domain::event::ChangedCopy;
use crate::domain::letter_case::fold;
use crate::domain::settings::DecisionSettings;
use crate::error::Result;
use crate::store::decision_rows::{self, CopyRow, KeyRow};
use crate::store::followers::Reload;
use crate::store::{Reading, Writing, former_secrets, journal};

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
type LoadedUser = (i64, Vec<Copy>, Vec<([u8; ID_LENGTH], Key)>);

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
) -> Result<(State, Tail)> {
    let mut state = State::empty(settings, zone);
    let (keys, users) = decision_rows::sizes(reading)?;
    state.keys.reserve(keys);
    state.users.reserve(users);
    let mut fresh = Fresh::new();
    decision_rows::for_each_copy(reading, None, |row| {
        let rules = known.compile(reading, row.policy_id, &mut fresh)?;
        let user = state.users.entry(row.user_id).or_default();
        user.copies.reserve_exact(1);
        user.copies.push(new_copy(&row, rules));
        state.newest.copy_id = state.newest.copy_id.max(row.id);
        Ok(())
    })?;
    known.add(fresh);
    decision_rows::for_each_key(reading, None, |row| {
        let user = state.users.entry(row.user_id).or_default();
        user.keys.reserve_exact(1);
        user.keys.push(row.public_id);
        let (public_id, key) = new_key(&row);
        state.newest.key_id = state.newest.key_id.max(key.id);
        state.keys.insert(public_id, key);
        Ok(())
    })?;
    former_secrets::for_each_earlier(reading, None, |secret| {
        if let Some(key) = state.keys.get_mut(&secret.public_id) {
            key.add_earlier(secret.hash, secret.works_until);
        }
    })?;
    decision_rows::for_each_counter(reading, |(user_id, row)| {
        if let Some(copy) = state.copy_mut(user_id, row.copy_id) {
            copy.counters.reserve_exact(1);
            copy.counters.push(Counter::of(&row));
        }
        Ok(())
    })?;
    let tail = Tail::load(reading, &mut state)?;
    decision_rows::for_each_override(reading, None, |(user_id, copy_id, over)| {
        if let Some(copy) = state.copy_mut(user_id, copy_id) {
            copy.overrides.reserve_exact(1);
            copy.overrides.push(over);
        }
        Ok(())
    })?;
    state.tool_groups = mcp::load(reading)?;
    let (next_number, seen_at) = decision_rows::position(reading)?;
    state.next_number = next_number;
    state.peaks = journal::find_peaks(reading)?;
    if state.peaks.latest() < seen_at {
        // The clock has gone on since, and whoever is there has seen it.
        state.peaks = Peaks::one(seen_at, state.newest);
    }
    journal::for_each(reading, true, |row| {
        let provider_key = fold(&row.provider).into();
        state.reopen(Reservation::of(row, provider_key));
        Ok(())
    })?;
    state.orphan_stored(reading, seen_at)?;
    Ok((state, tail))
}

impl State {
    /// Takes up an open reservation of the journal.
    fn reopen(&mut self, reservation: Reservation) {
        self.each_request_counter(&reservation, |counter| counter.open += 1);
        self.put_open(reservation);
    }

    /// Takes in what a change touched. Answers whether users were deleted who hold something.
    pub fn take_in(&mut self, loaded: Loaded, known: &KnownRules, now_ms: i64) -> bool {
        for (user_id, copies, keys) in loaded.users {
            self.put_user(user_id, copies, keys);
        }
        for LoadedCopy {
            changed,
            rules,
            counters,
        } in loaded.copies
        {
            self.put_rules(&changed, rules, counters);
        }
        if let Some(groups) = loaded.tool_groups {
            self.tool_groups = groups;
        }
        known.add(loaded.fresh);
        self.orphan(&loaded.deleted, now_ms)
    }
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
        loaded.tool_groups = Some(mcp::load(writing)?);
    }
    Ok(loaded)
}

impl Loaded {
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

fn new_copy(row: &CopyRow, rules: Arc<Rules>) -> Copy {
    Copy {
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
