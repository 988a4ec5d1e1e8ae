//! Names of things that an answer shows beside their ids.

use std::collections::HashMap;

use crate::error::Result;
use crate::store::sql::Reading;
use crate::store::unit_of_work::Work;

/// Names by id; of what is gone the last one, as long as the history tells of it.
pub type Names = HashMap<i64, String>;

/// The kind and the table of what keeps its name for a while.
type Named = (&'static str, &'static str);

const USER: Named = ("user", "users");
const ACCESS_PROFILE: Named = ("access_profile", "access_profiles");

/// The names of these users.
pub fn of_users(reading: &Reading<'_>, ids: impl IntoIterator<Item = i64>) -> Result<Names> {
    find(reading, USER, ids)
}

/// The names of these access profiles.
pub fn of_access_profiles(
    reading: &Reading<'_>,
    ids: impl IntoIterator<Item = i64>,
) -> Result<Names> {
    find(reading, ACCESS_PROFILE, ids)
}

/// Keeps the name of a user who is about to be deleted.
pub(in crate::store) fn keep_of_user(work: &Work<'_>, id: i64) -> Result<()> {
    keep(work, USER, id)
}

/// Keeps the name of an access profile that is about to be deleted.
pub(in crate::store) fn keep_of_access_profile(work: &Work<'_>, id: i64) -> Result<()> {
    keep(work, ACCESS_PROFILE, id)
}

fn keep(work: &Work<'_>, (kind, table): Named, id: i64) -> Result<()> {
    let sql = format!(
        "INSERT INTO gone_names (kind, id, name, gone_at) SELECT '{kind}', id, name, ?2 FROM {table} WHERE id = ?1"
    );
    let values = [id, work.now().as_millisecond()];
    work.run("keeping the name of what is deleted", &sql, values)
}

fn find(
    reading: &Reading<'_>,
    (kind, table): Named,
    ids: impl IntoIterator<Item = i64>,
) -> Result<Names> {
    let sql = format!(
        "SELECT name FROM {table} WHERE id = ?1 UNION ALL SELECT name FROM gone_names WHERE kind = '{kind}' AND id = ?1"
    );
    let mut names = Names::new();
    for id in ids {
        if names.contains_key(&id) {
            continue;
        }
        let name = reading.find_value("reading names", &sql, [id])?;
        names.extend(name.map(|name| (id, name)));
    }
    Ok(names)
}
