//! Virtual keys as they are shown, each with the time by which it expires: what had expired once stays so when the clock goes back.

use jiff::Timestamp;

use crate::domain::list::{Listed, Page, Sort};
use crate::domain::virtual_key::VirtualKey;
use crate::error::Result;
use crate::service::Services;
use crate::store::Reading;
use crate::store::people::users;
use crate::store::virtual_keys::{self, VirtualKeyFilter};

/// A key with the time by which it expires.
pub struct TimedKey {
    /// The key.
    pub key: VirtualKey,
    /// The latest time that the clock showed since the key was made.
    pub now: Timestamp,
}

/// A page of keys. `of_user` must be there; a user to filter by need not.
///
/// # Errors
/// [`crate::error::Error::NotFound`] when that user is not there.
pub fn list(
    services: &Services,
    reading: &Reading<'_>,
    filter: &VirtualKeyFilter,
    sort: Sort,
    page: Page,
    of_user: Option<i64>,
) -> Result<Listed<TimedKey>> {
    if let Some(id) = of_user {
        users::get(reading, id)?;
    }
    let list = virtual_keys::list(reading, filter, sort, page)?;
    let now = services.clock.now();
    let items = list.items.into_iter();
    Ok(Listed {
        items: items.map(|key| timed(services, key, now)).collect(),
        total_count: list.total_count,
    })
}

/// A key by its public id.
pub fn get(services: &Services, reading: &Reading<'_>, public_id: &str) -> Result<TimedKey> {
    let key = virtual_keys::get_public(reading, public_id)?;
    Ok(timed(services, key, services.clock.now()))
}

fn timed(services: &Services, key: VirtualKey, now: Timestamp) -> TimedKey {
    let now = services.ledger.time_of_key(key.id, now);
    TimedKey { key, now }
}
