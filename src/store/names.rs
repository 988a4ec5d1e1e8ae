//! Names of things that an answer shows beside their ids.

use std::collections::HashMap;

use super::Reading;
use super::fault::Doing;
use crate::error::Result;

/// Names by id; what is gone is missing.
pub type Names = HashMap<i64, String>;

/// The names of these users.
///
/// # Errors
/// When the database can't be read.
pub fn of_users(reading: &Reading<'_>, ids: impl IntoIterator<Item = i64>) -> Result<Names> {
    find(reading, "SELECT name FROM users WHERE id = ?1", ids)
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
        "SELECT name FROM access_profiles WHERE id = ?1",
        ids,
    )
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
