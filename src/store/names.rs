//! Names of things that an answer shows beside their ids.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::params;

use super::fault::Doing;
use super::{Reading, Writing};
use crate::error::Result;

/// Names by id; of what is gone the last one, as long as the history tells of it.
pub type Names = HashMap<i64, String>;

/// The names of these users.
///
/// # Errors
/// When the database can't be read.
pub fn of_users(reading: &Reading<'_>, ids: impl IntoIterator<Item = i64>) -> Result<Names> {
    find(
        reading,
        "SELECT name FROM users WHERE id = ?1 UNION ALL
             SELECT name FROM gone_names WHERE kind = 'user' AND id = ?1",
        ids,
    )
}

/// The names of these access profiles.
///
/// # Errors
/// When the database can't be read.
pub fn of_access_profiles(
    reading: &Reading<'_>,
    ids: impl IntoIterator<Item = i64>,
) -> Result<Names> {
    find(
        reading,
        "SELECT name FROM access_profiles WHERE id = ?1 UNION ALL
             SELECT name FROM gone_names WHERE kind = 'access_profile' AND id = ?1",
        ids,
    )
}

/// Keeps the name of a user who is about to be deleted.
///
/// # Errors
/// When the database can't be written.
pub(super) fn keep_of_user(writing: &Writing<'_>, id: i64, now: Timestamp) -> Result<()> {
    keep(
        writing,
        "INSERT INTO gone_names (kind, id, name, gone_at) SELECT 'user', id, name, ?2 FROM users WHERE id = ?1",
        id,
        now,
    )
}

/// Keeps the name of an access profile that is about to be deleted.
///
/// # Errors
/// When the database can't be written.
pub(super) fn keep_of_access_profile(writing: &Writing<'_>, id: i64, now: Timestamp) -> Result<()> {
    keep(
        writing,
        "INSERT INTO gone_names (kind, id, name, gone_at)
         SELECT 'access_profile', id, name, ?2 FROM access_profiles WHERE id = ?1",
        id,
        now,
    )
}

fn keep(writing: &Writing<'_>, statement: &'static str, id: i64, now: Timestamp) -> Result<()> {
    writing
        .connection
        .prepare_cached(statement)
        .and_then(|mut statement| statement.execute(params![id, now.as_millisecond()]))
        .doing("keeping the name of what is deleted")?;
    Ok(())
}

fn find(
    reading: &Reading<'_>,
    statement: &'static str,
    ids: impl IntoIterator<Item = i64>,
) -> Result<Names> {
    let names = || {
        let mut statement = reading.connection.prepare_cached(statement)?;
        let mut names = Names::new();
        for id in ids {
            if names.contains_key(&id) {
                continue;
            }
            let mut rows = statement.query([id])?;
            if let Some(row) = rows.next()? {
                names.insert(id, row.get(0)?);
            }
        }
        Ok(names)
    };
    names().doing("reading names")
}
