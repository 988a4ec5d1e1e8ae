//! What binds the holder of a virtual key.

use jiff::Timestamp;

use crate::domain::decision::Holder;
use crate::domain::decision::usage::{UsageQuery, UsageRow};
use crate::domain::limits::window::days_since_1970;
use crate::domain::list::Page;
use crate::domain::people::user_copy::{CopyBudget, UserCopy};
use crate::domain::values::letter_case::fold;
use crate::domain::virtual_key::VirtualKey;
use crate::error::Result;
use crate::service::Services;
use crate::service::people::copies::ReadCopies;
use crate::store::people::user_access_profiles;
use crate::store::{usage, virtual_keys};

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

/// Everything that binds a holder, with what models used of each budget; none when somebody deleted the key while it asks.
pub struct WholeQuota {
    /// The key that asks.
    pub key: VirtualKey,
    /// Copies in the order in which they serve calls.
    pub copies: Vec<QuotaCopy>,
    /// The time that all of it is as of.
    pub now: Timestamp,
}

/// A copy, and the history of use under it.
pub struct QuotaCopy {
    /// The copy.
    pub copy: UserCopy,
    /// What was used in the open window of each budget, by the id of the budget. A budget is missing whose window the history can't tell
    /// apart: it knows days.
    pub use_of_budgets: Vec<(String, Vec<UsageRow>)>,
}

/// Everything that binds a holder.
///
/// # Errors
/// What the store says.
pub fn find_whole(services: &Services, holder: &Holder) -> Result<Option<WholeQuota>> {
    let Some(found) = find(services, holder, Page::ALL)? else {
        return Ok(None);
    };
    let Quota {
        key, copies, now, ..
    } = found;
    let copies = copies.into_iter().map(|copy| {
        let lines = copy.provider_configs.iter();
        let of_lines = lines.flat_map(|line| {
            let provider = Some(line.provider_name.as_str());
            line.budgets.iter().map(move |budget| (budget, provider))
        });
        let budgets = copy.budgets.iter().map(|budget| (budget, None));
        let mut use_of_budgets = Vec::new();
        for (budget, provider) in budgets.chain(of_lines) {
            if let Some(rows) = use_in_window(services, holder, &copy, (budget, provider), now)? {
                use_of_budgets.push((budget.id.clone(), rows));
            }
        }
        Ok(QuotaCopy {
            copy,
            use_of_budgets,
        })
    });
    let copies = copies.collect::<Result<Vec<_>>>()?;
    Ok(Some(WholeQuota { key, copies, now }))
}

/// What models used of a budget in its open window, as far as the days of the history are the window: their sum is what the budget counts.
fn use_in_window(
    services: &Services,
    holder: &Holder,
    copy: &UserCopy,
    (budget, provider): (&CopyBudget, Option<&str>),
    now: Timestamp,
) -> Result<Option<Vec<UsageRow>>> {
    let day = |at: Timestamp| days_since_1970(services.time_zone.to_datetime(at).date());
    let query = UsageQuery {
        from_day: day(budget.last_reset),
        to_day: day(now),
        groups: [false, false, false, true, true],
        user_id: Some(holder.user_id),
        access_profile_id: Some(copy.parent_profile_id),
        page: Page::ALL,
    };
    let list = services
        .store
        .read(|reading| usage::list(reading, &query))?;
    let is_asked = |row: &UsageRow| {
        let named = row.provider.as_deref();
        provider.is_none_or(|provider| named.is_some_and(|named| fold(named) == fold(provider)))
    };
    let mut rows = list.items;
    rows.retain(|row| row.calls > 0 && is_asked(row));
    let sum: i64 = rows.iter().map(|row| row.cost_nanodollars).sum();
    Ok((sum == budget.current_usage.nanodollars()).then_some(rows))
}
