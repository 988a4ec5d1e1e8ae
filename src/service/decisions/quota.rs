//! What binds the holder of a virtual key.

use jiff::Timestamp;

use crate::domain::decision::Holder;
use crate::domain::list::Page;
use crate::domain::people::user_copy::UserCopy;
use crate::domain::virtual_key::VirtualKey;
use crate::error::Result;
use crate::service::Services;
use crate::service::people::copies::ReadCopies;
use crate::store::people::user_access_profiles;
use crate::store::virtual_keys;

/// The key that asks, and a page of what binds its holder.
pub struct Quota {
    /// The key.
    pub key: VirtualKey,
    /// Copies in the order in which they serve calls.
    pub copies: Vec<UserCopy>,
    /// Copies on all pages.
    pub total_count: i64,
    /// The time that all of it is as of.
    pub now: Timestamp,
}

/// A page of what binds a holder; none when somebody deleted the key while it asks.
pub fn find(services: &Services, holder: &Holder, page: Page) -> Result<Option<Quota>> {
    let (key, total_count, copies) = services.store.read(|reading| {
        let list = user_access_profiles::list_of_user(reading, holder.user_id, page)?;
        let key = virtual_keys::find(reading, holder.virtual_key_id)?;
        let copies = ReadCopies::read(reading, list.items)?;
        Ok((key, list.total_count, copies))
    })?;
    let now = services.clock.now();
    let copies = copies.with_counters(services, now)?;
    Ok(key.map(|key| Quota {
        key,
        copies,
        total_count,
        now,
    }))
}
