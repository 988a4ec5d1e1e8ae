//! Which lines of the history are folded: of names that a caller could make up, only so many keep a line of their own.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rusqlite::params;

use super::{FOLDED, Line, Named, UsageKey};
use crate::error::Result;
use crate::store::Writing;
use crate::store::fault::Doing;

/// Lines of a user, profile and day that are of a provider or model that does not stand in the policy. Further ones are counted
/// together.
const MAX_OWN_LINES: usize = 200;

/// A table of the history.
pub(super) struct Table {
    /// How many lines of made up names a user, profile and day have.
    pub count: &'static str,
    /// Their providers and models.
    pub names: &'static str,
}

/// The keys under which lines are counted that get none of their own, by their places among `lines`, where those of one user,
/// profile and day stand together.
///
/// # Errors
/// When the database can't be read.
pub(super) fn folded<T>(
    writing: &Writing<'_>,
    table: &Table,
    lines: &[Line<T>],
) -> Result<HashMap<usize, UsageKey>> {
    const DOING: &str = "counting lines of the history";
    let mut folded = HashMap::new();
    let mut count = writing
        .connection
        .prepare_cached(table.count)
        .doing(DOING)?;
    let mut first = 0;
    for group in lines.chunk_by(|one, next| group_of(&one.key) == group_of(&next.key)) {
        let made_up = group.iter().enumerate();
        let made_up = made_up.filter(|(_, line)| line.named != Named::Both);
        let more = made_up.clone().count();
        let (day, user_id, access_profile_id) = group_of(&group[0].key);
        let mut stored = || -> Result<usize> {
            let which = params![day, user_id, access_profile_id];
            let lines: i64 = count.query_row(which, |row| row.get(0)).doing(DOING)?;
            Ok(usize::try_from(lines).unwrap_or(usize::MAX / 2))
        };
        if more > 0 && stored()? + more > MAX_OWN_LINES {
            let mut own = names_of(writing, table, &group[0].key)?;
            for (at, Line { key, named, .. }) in made_up {
                let names = (Arc::clone(&key.provider), Arc::clone(&key.model));
                if own.len() < MAX_OWN_LINES {
                    own.insert(names);
                } else if !own.contains(&names) {
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

fn names_of(
    writing: &Writing<'_>,
    table: &Table,
    key: &UsageKey,
) -> Result<HashSet<(Arc<str>, Arc<str>)>> {
    let names = || {
        let mut statement = writing.connection.prepare_cached(table.names)?;
        let rows = statement.query_map(
            params![key.day, key.user_id, key.access_profile_id],
            |row| {
                Ok((
                    row.get::<_, String>(0)?.into(),
                    row.get::<_, String>(1)?.into(),
                ))
            },
        )?;
        rows.collect::<rusqlite::Result<_>>()
    };
    names().doing("reading lines of the history")
}
