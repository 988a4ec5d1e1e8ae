//! Which lines of the history are folded: of names that a caller could make up, only so many keep a line of their own.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::params;

use crate::domain::decision::journal::{FOLDED, Named, UsageKey, UsageLine};
use crate::error::Result;
use crate::store::sql::Writing;

/// Lines of a user, profile and day that are of a provider or model that does not stand in the policy. Further ones are counted
/// together.
const MAX_OWN_LINES: usize = 200;

/// Most users, profiles and days of which it is known how many lines they have at most; past that all are counted again.
const MAX_KNOWN: usize = 65_536;

/// How many lines of made up names users, profiles and days have at most, by what was counted once and what was written since: so most lines
/// are written without a count. That a transaction was undone, or a line was pruned, only makes it more than there are.
#[derive(Default)]
pub struct LineBounds {
    pub(super) used: Bounds,
    pub(super) refused: Bounds,
}

/// The same of one table.
#[derive(Default)]
pub(super) struct Bounds(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// Days, and whether they had no line at all when the first of them came: then who is not among the others had none.
    days: HashMap<i64, bool>,
    lines: HashMap<Group, usize>,
}

/// A day, user and profile.
type Group = (i64, i64, i64);

impl Bounds {
    /// Whether there surely is room for so many more, which are then taken to have come.
    fn have_room_for(&self, group: Group, more: usize) -> bool {
        let mut known = self.lock();
        let began_empty = known.days.get(&group.0).is_some_and(|empty| *empty);
        if began_empty && known.lines.len() < MAX_KNOWN {
            known.lines.entry(group).or_default();
        }
        let lines = known.lines.get_mut(&group);
        lines.is_some_and(|lines| {
            let has_room = *lines + more <= MAX_OWN_LINES;
            if has_room {
                *lines += more;
            }
            has_room
        })
    }

    fn knows_day(&self, day: i64) -> bool {
        self.lock().days.contains_key(&day)
    }

    fn set_day(&self, day: i64, is_empty: bool) {
        self.lock().days.insert(day, is_empty);
    }

    fn set(&self, group: Group, lines: usize) {
        let mut known = self.lock();
        if known.lines.len() >= MAX_KNOWN {
            *known = Known::default();
        }
        known.lines.insert(group, lines);
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A table of the history.
pub(super) struct Table {
    /// Whether a day has lines.
    pub is_any: &'static str,
    /// How many lines of made up names a user, profile and day have, as far as that matters.
    pub count: &'static str,
    /// Finds the line of a provider and model, whether or not they stand in the policy.
    pub find: &'static str,
}

/// The keys under which lines are counted that get none of their own, by their places among `lines`, where those of one user,
/// profile and day stand together.
pub(super) fn folded<T>(
    writing: &Writing<'_>,
    table: &Table,
    bounds: &Bounds,
    lines: &[UsageLine<T>],
) -> Result<HashMap<usize, UsageKey>> {
    let mut folded = HashMap::new();
    let mut first = 0;
    for group in lines.chunk_by(|one, next| group_of(&one.key) == group_of(&next.key)) {
        let made_up = group.iter().enumerate();
        let made_up = made_up.filter(|(_, line)| line.named != Named::Both);
        let more = made_up.clone().count();
        let which = group_of(&group[0].key);
        if !bounds.knows_day(which.0) {
            bounds.set_day(which.0, !is_any(writing, table, which.0)?);
        }
        let lines = if more == 0 || bounds.have_room_for(which, more) {
            0
        } else {
            let lines = count(writing, table, which)?;
            bounds.set(which, lines + more);
            lines
        };
        if lines + more > MAX_OWN_LINES {
            let mut own = HashSet::new();
            for (at, UsageLine { key, named, .. }) in made_up {
                let names = (&key.provider, &key.model);
                // What has a line keeps it, so that a correction comes to where the first count is.
                if own.contains(&names) || has_line(writing, table, key)? {
                    continue;
                }
                if lines + own.len() < MAX_OWN_LINES {
                    own.insert(names);
                } else {
                    folded.insert(first + at, fold(key, *named));
                }
            }
        }
        first += group.len();
    }
    Ok(folded)
}

fn group_of(key: &UsageKey) -> Group {
    (key.day, key.user_id, key.access_profile_id)
}

fn fold(key: &UsageKey, named: Named) -> UsageKey {
    let mut key = UsageKey {
        model: FOLDED.into(),
        ..key.clone()
    };
    if named == Named::Nothing {
        key.provider = FOLDED.into();
    }
    key
}

fn is_any(writing: &Writing<'_>, table: &Table, day: i64) -> Result<bool> {
    writing.value("looking for a day of the history", table.is_any, [day])
}

fn count(writing: &Writing<'_>, table: &Table, group: Group) -> Result<usize> {
    let (day, user_id, access_profile_id) = group;
    let most = i64::try_from(MAX_OWN_LINES).unwrap_or(i64::MAX);
    let which = params![day, user_id, access_profile_id, most];
    let lines: i64 = writing.value("counting lines of the history", table.count, which)?;
    Ok(usize::try_from(lines).unwrap_or(MAX_OWN_LINES))
}

fn has_line(writing: &Writing<'_>, table: &Table, key: &UsageKey) -> Result<bool> {
    let UsageKey {
        day,
        user_id,
        access_profile_id,
        provider,
        model,
    } = key;
    let which = params![day, user_id, access_profile_id, &**provider, &**model];
    let line: Option<i64> =
        writing.find_value("looking for a line of the history", table.find, which)?;
    Ok(line.is_some())
}
