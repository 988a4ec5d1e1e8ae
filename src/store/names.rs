//! Names of things that an answer shows beside their ids.

use std::collections::HashMap;

use super::sql::Reading;
use super::unit_of_work::Work;
use crate::error::Result;

/// Names by id; of what is gone the last one, as long as the history tells of it.
pub type Names = HashMap<i64, String>;

/// The names of these users.
pub fn of_users(reading: &Reading<'_>, ids: impl IntoIterator<Item = i64>) -> Result<Names> {
    find(
        reading,
        "SELECT name FROM users WHERE id = ?1 UNION ALL
             SELECT name FROM gone_names WHERE kind = 'user' AND id = ?1",
        ids,
    )
}

/// The names of these access profiles.
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
pub(super) fn keep_of_user(work: &Work<'_>, id: i64) -> Result<()> {
    keep(
        work,
        "INSERT INTO gone_names (kind, id, name, gone_at) SELECT 'user', id, name, ?2 FROM users WHERE id = ?1",
        id,
    )
}

/// Keeps the name of an access profile that is about to be deleted.
pub(super) fn keep_of_access_profile(work: &Work<'_>, id: i64) -> Result<()> {
    keep(
        work,
        "INSERT INTO gone_names (kind, id, name, gone_at)
         SELECT 'access_profile', id, name, ?2 FROM access_profiles WHERE id = ?1",
        id,
    )
}

fn keep(work: &Work<'_>, statement: &'static str, id: i64) -> Result<()> {
    work.run(
        "keeping the name of what is deleted",
        statement,
        [id, work.now().as_millisecond()],
    )
}

fn find(
    reading: &Reading<'_>,
    statement: &'static str,
    ids: impl IntoIterator<Item = i64>,
) -> Result<Names> {
    let mut names = Names::new();
    for id in ids {
        if names.contains_key(&id) {
            continue;
        }
        let name = reading.find_value("reading names", statement, [id])?;
        names.extend(name.map(|name| (id, name)));
    }
    Ok(names)
}
