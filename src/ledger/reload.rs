//! Bringing into memory what a change touched: read inside its transaction, taken in after its commit.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::engine::{
    Counter, Directory, Key, LedgerState, PendingRows, Rules, ToolGroups, UserProfile,
};
use super::known_rules::{Fresh, KnownRules};
use super::load::{new_copy, new_key, tool_groups};
use crate::domain::credential::ID_LENGTH;
use crate::domain::event::ChangedCopy;
use crate::error::Result;
use crate::store::followers::Reload;
use crate::store::virtual_keys::former_secrets;
use crate::store::{Writing, decision_rows, journal};

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
                let counters = adopted(writing, place, stored, &copy.rules, now_ms, zone)?;
                copy.counters = counters.into();
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
    pub fn take_in(
        self,
        state: &mut LedgerState,
        pending: &mut PendingRows,
        known: &KnownRules,
        now_ms: i64,
    ) -> bool {
        let (directory, number) = (&mut state.directory, state.next_number);
        let at = (now_ms, &state.zone);
        let mut limited_anew = BTreeSet::new();
        for (user_id, copies, keys) in self.users {
            let gain = copies
                .iter()
                .filter(|copy| gains_limits(directory, user_id, copy.id, &copy.rules));
            limited_anew.extend(gain.map(|copy| copy.id));
            let changed = directory.put_user(user_id, copies, keys, number, at);
            pending.note_changed(user_id, changed);
        }
        for copy in self.copies {
            let (user_id, copy_id) = (copy.changed.user_id, copy.changed.copy_id);
            if gains_limits(directory, user_id, copy_id, &copy.rules) {
                limited_anew.insert(copy_id);
            }
            let changed = directory.put_rules(
                (user_id, copy_id),
                (copy.rules, copy.changed.template_version),
                copy.counters,
                number,
                at,
            );
            pending.note_changed(user_id, changed);
        }
        for (name, user_id) in state.adopt(&limited_anew, number, now_ms) {
            pending.note_changed(user_id, vec![name]);
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

/// Whether a copy that a user holds already gets limits with these rules that it does not have.
fn gains_limits(directory: &Directory, user_id: i64, copy_id: i64, rules: &Rules) -> bool {
    let before = directory.copy(user_id, copy_id);
    before.is_some_and(|before| rules.adds_to(&before.rules))
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
