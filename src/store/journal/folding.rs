//! Which lines of the history are folded: of names that a caller could make up, only so many keep a line of their own.

use std::collections::{HashMap, HashSet};

use rusqlite::params;

use crate::domain::journal::{FOLDED, Named, UsageKey, UsageLine};
use crate::error::Result;
use crate::store::sql::Writing;

/// Lines of a user, profile and day that are of a provider or model that does not stand in the policy. Further ones are counted
/// together.
const MAX_OWN_LINES: usize = 200;

/// A table of the history.
pub(super) struct Table {
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
    lines: &[UsageLine<T>],
) -> Result<HashMap<usize, UsageKey>> {
    let mut folded = HashMap::new();
    let mut first = 0;
    for group in lines.chunk_by(|one, next| group_of(&one.key) == group_of(&next.key)) {
        let made_up = group.iter().enumerate();
        let made_up = made_up.filter(|(_, line)| line.named != Named::Both);
        let more = made_up.clone().count();
        if more > 0
            && let lines = count(writing, table, &group[0].key)?
            && lines + more > MAX_OWN_LINES
        {
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

fn group_of(key: &UsageKey) -> (i64, i64, i64) {
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

fn count(writing: &Writing<'_>, table: &Table, key: &UsageKey) -> Result<usize> {
    let (day, user_id, access_profile_id) = group_of(key);
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
