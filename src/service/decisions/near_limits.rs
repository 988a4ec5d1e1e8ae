//! Which limits are almost used up, over everybody.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::list::Page;
use crate::error::Result;
use crate::ledger::NearLimit;
use crate::service::Services;
use crate::store::lists::names;
use crate::store::lists::names::Names;
use crate::store::people::user_access_profiles;

/// Copies that the ledger looks through at once, so that decisions are never held up for long.
const SLICE: i64 = 2_000;

/// How long a count stands: it takes a look at every copy.
const COUNT_STANDS: Duration = Duration::from_mins(1);

/// How many limits are almost used up, over everybody, for who asks all the time.
#[derive(Default)]
pub struct NearLimitCount(Mutex<Option<(Instant, usize)>>);

impl NearLimitCount {
    /// How many there are, or were not long ago.
    ///
    /// # Errors
    /// When the database or the ledger does not answer.
    pub fn read(&self, services: &Services) -> Result<usize> {
        // Who comes while they are counted waits for that count.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, count)) = *kept
            && at.elapsed() < COUNT_STANDS
        {
            return Ok(count);
        }
        let (_, count) = fullest(services, NearQuery::default(), 0)?;
        *kept = Some((Instant::now(), count));
        Ok(count)
    }
}

/// Whose limits are meant; everybody's, where nothing is said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NearQuery {
    /// Of this user only.
    pub user_id: Option<i64>,
    /// Of this access profile only.
    pub access_profile_id: Option<i64>,
}

/// A page of limits that are almost used up.
pub struct NearPage {
    /// The fullest first; what is equally full in the order of assignment.
    pub limits: Vec<NearLimit>,
    /// How many there are on all pages.
    pub total: usize,
    /// The names of their users, for whoever may see them.
    pub users: Option<Names>,
    /// The names of their access profiles.
    pub profiles: Names,
}

/// A page of the limits that are meant and almost used up. `shows_users` says whether users are named.
pub fn list(
    services: &Services,
    query: NearQuery,
    page: Page,
    shows_users: bool,
) -> Result<NearPage> {
    let keep = usize::try_from(page.offset + page.limit).unwrap_or_default();
    let (fullest, total) = fullest(services, query, keep)?;
    let skip = usize::try_from(page.offset).unwrap_or_default();
    let limits: Vec<NearLimit> = fullest.into_iter().skip(skip).collect();
    let (users, profiles) = services.store.read(|reading| {
        let users = limits.iter().filter(|_| shows_users);
        let profiles = limits.iter().map(|one| one.state.access_profile_id);
        Ok((
            names::of_users(reading, users.map(|one| one.user_id))?,
            names::of_access_profiles(reading, profiles)?,
        ))
    })?;
    Ok(NearPage {
        limits,
        total,
        users: shows_users.then_some(users),
        profiles,
    })
}

/// The `keep` fullest of the limits that are meant, and how many there are.
fn fullest(services: &Services, query: NearQuery, keep: usize) -> Result<(Vec<NearLimit>, usize)> {
    let now_ms = services.clock.now().as_millisecond();
    let (mut fullest, mut total, mut after) = (BinaryHeap::new(), 0, 0);
    loop {
        let mut copies = services
            .store
            .read(|reading| user_access_profiles::list_ids_after(reading, after, SLICE))?;
        let Some((_, last)) = copies.last() else {
            break;
        };
        after = *last;
        copies.retain(|(user_id, _)| query.user_id.is_none_or(|wanted| wanted == *user_id));
        if copies.is_empty() {
            continue;
        }
        for one in services.ledger.near_limits_of(copies, now_ms)? {
            let profile_id = one.state.access_profile_id;
            let wanted = query.access_profile_id;
            if wanted.is_some_and(|wanted| wanted != profile_id) {
                continue;
            }
            total += 1;
            fullest.push(Reverse(one));
            if fullest.len() > keep {
                fullest.pop();
            }
        }
    }
    let limits = fullest.into_sorted_vec().into_iter();
    Ok((limits.map(|Reverse(one)| one).collect(), total))
}
