//! What is shown of an access profile beside it: the roles it is attached to, and how many users hold it.

use rusqlite::params;

use super::fault::Doing;
use super::{Reading, access_profile_roles, user_access_profiles};
use crate::domain::holding::Attachment;
use crate::domain::user_copy::ProfileFacts;
use crate::error::{Error, Result};

/// What is shown beside an access profile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beside {
    /// The roles it is attached to.
    pub roles: Vec<Attachment>,
    /// How many users hold a copy.
    pub user_count: i64,
}

impl Beside {
    /// What is shown beside a profile.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn read(reading: &Reading<'_>, id: i64) -> Result<Self> {
        Ok(Self {
            roles: access_profile_roles::list_of_profile(reading, id)?,
            user_count: user_access_profiles::count_of_profile(reading, id)?,
        })
    }
}

/// What copies show of the profile they are copies of.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Internal`] when what is stored is of another shape.
pub fn get_facts(reading: &Reading<'_>, id: i64) -> Result<ProfileFacts> {
    let json = super::access_profiles::get_current(reading, id)?.json;
    serde_json::from_str(&json).map_err(|error| Error::internal("reading a snapshot", error))
}

/// The users who hold a copy of a profile, the first of them in the order of assignment.
///
/// # Errors
/// When the database can't be read.
pub fn list_first_holders(reading: &Reading<'_>, id: i64, most: i64) -> Result<Vec<i64>> {
    reading
        .connection
        .prepare_cached(
            "SELECT user_id FROM user_access_profiles WHERE access_profile_id = ?1 ORDER BY id LIMIT ?2",
        )
        .and_then(|mut statement| {
            statement
                .query_map(params![id, most], |row| row.get(0))?
                .collect()
        })
        .doing("listing who holds an access profile")
}
