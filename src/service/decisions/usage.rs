//! The history of use, with the names of those it is about.

use crate::domain::decision::usage::{UsageQuery, UsageRow};
use crate::domain::list::Listed;
use crate::error::Result;
use crate::service::Services;
use crate::store::lists::names;
use crate::store::lists::names::Names;
use crate::store::usage;

/// A page of the history.
pub struct UsagePage {
    /// Its rows.
    pub list: Listed<UsageRow>,
    /// The sum over all pages.
    pub totals: UsageRow,
    /// The names of users, for whoever may see them.
    pub users: Option<Names>,
    /// The names of access profiles.
    pub profiles: Names,
}

/// Has what is counted written down in the tables, which comes late, so that the history is whole. On a full disk it is shown without the last ones.
pub async fn write_down(services: &Services) {
    if let Err(error) = services.ledger.flush().await {
        log::warn!("writing down refusals: {error}");
    }
}

/// A page of the history. `shows_users` says whether users are named.
pub fn list(services: &Services, query: &UsageQuery, shows_users: bool) -> Result<UsagePage> {
    services.store.read(|reading| {
        let list = usage::list(reading, query)?;
        let users = list.items.iter().filter_map(|row| row.user_id);
        let users = names::of_users(reading, users.filter(|_| shows_users))?;
        let profiles = list.items.iter().filter_map(|row| row.access_profile_id);
        Ok(UsagePage {
            users: shows_users.then_some(users),
            profiles: names::of_access_profiles(reading, profiles)?,
            totals: usage::total(reading, query)?,
            list,
        })
    })
}
