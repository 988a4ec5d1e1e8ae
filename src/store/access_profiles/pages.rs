//! Pages of access profiles: filters, search and order.

use super::get_current;
use crate::domain::list::{Listed, Page, Sort};
use crate::error::Result;
use crate::store::lists::pages::{Meant, Order};
use crate::store::lists::remembered::Wanted;
use crate::store::lists::search::ACCESS_PROFILES;
use crate::store::people::user_access_profiles::count_of_profile;
use crate::store::sql::Reading;

/// Fields to sort by, the default first. Every order ends in the id, so it is total.
pub const SORT_FIELDS: &[&str] = &["id", "name", "created_at", "updated_at", "version"];

/// Which profiles are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileFilter {
    /// Substring of name or description, without regard to case.
    pub search: Option<String>,
    /// Labels, all of which must be there.
    pub tags: Vec<String>,
    /// Active or inactive ones only.
    pub is_active: Option<bool>,
}

impl ProfileFilter {
    fn wanted(&self) -> impl Iterator<Item = Wanted> {
        let active = self.is_active.map(i64::from);
        let active = active.map(|active| Wanted::Label(format!("active {active}")));
        let tags = self
            .tags
            .iter()
            .map(|tag| Wanted::Label(format!("tag {tag}")));
        let text = self.search.clone().map(Wanted::Text);
        tags.chain(active).chain(text)
    }
}

/// A profile as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedProfile {
    /// The profile as JSON.
    pub json: String,
    /// How many users hold a copy of it.
    pub user_count: i64,
}

/// A page of profiles.
///
/// # Errors
/// When the database can't be read.
pub fn list(
    reading: &Reading<'_>,
    filter: &ProfileFilter,
    sort: Sort,
    page: Page,
) -> Result<Listed<ListedProfile>> {
    let wanted = filter.wanted();
    let found = wanted.map(|wanted| reading.search(&ACCESS_PROFILES, &wanted));
    let meant = Meant::of(found, || count(reading))?;
    let ids = Order::of("access_profiles", sort).page(reading, &meant, page)?;
    Ok(Listed {
        items: by_ids(reading, &ids, page)?,
        total_count: meant.total(),
    })
}

/// Profiles in the order of these ids, as far as a page has room for them.
fn by_ids(reading: &Reading<'_>, ids: &[i64], page: Page) -> Result<Vec<ListedProfile>> {
    let mut size = 0;
    let mut items = Vec::with_capacity(ids.len());
    for id in ids {
        let json = get_current(reading, *id)?.json;
        size += json.len();
        if !page.has_room_for(size)? {
            break;
        }
        items.push(ListedProfile {
            json,
            user_count: count_of_profile(reading, *id)?,
        });
    }
    Ok(items)
}

fn count(reading: &Reading<'_>) -> Result<i64> {
    let sql = "SELECT sum(profiles) FROM access_profile_counts";
    reading.value("counting access profiles", sql, [])
}
