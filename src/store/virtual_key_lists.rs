//! Pages of virtual keys: filters, search and order.

use std::sync::Arc;

use super::fault::Doing;
use super::lists::id_set::IdSet;
use super::lists::pages::{Meant, Order};
use super::lists::search::{VIRTUAL_KEYS, Wanted};
use super::sql::{Reading, id_list};
use super::virtual_keys::{COLUMNS, key};
use crate::domain::list::{Listed, Page, Sort};
use crate::domain::virtual_key::VirtualKey;
use crate::error::Result;

/// Fields to sort by, the default first. Every order is total.
pub const SORT_FIELDS: &[&str] = &["id", "name", "created_at"];
const DOING: &str = "listing virtual keys";

/// Which keys are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Substring of name or description, without regard to case.
    pub search: Option<String>,
    /// Keys of this user only.
    pub user_id: Option<i64>,
}

/// A page of virtual keys; without another order in that in which they were made.
pub fn list(
    reading: &Reading<'_>,
    filter: &Filter,
    sort: Sort,
    page: Page,
) -> Result<Listed<VirtualKey>> {
    let of_user = filter.user_id.map(|user_id| of_user(reading, user_id));
    let text = filter.search.clone().map(Wanted::Text);
    let found = text.map(|wanted| reading.search(&VIRTUAL_KEYS, &wanted));
    let sets = [of_user, found].into_iter().flatten();
    let meant = Meant::of(sets, || reading.row_count("virtual_keys"))?;
    let order = Order {
        table: "virtual_keys",
        column: match sort.field {
            "name" => Some("name_key"),
            "created_at" => Some("created_at"),
            _ => None,
        },
        descending: sort.descending,
    };
    let ids = order.page(reading, &meant, page)?;
    Ok(Listed {
        items: by_ids(reading, &ids)?,
        total_count: meant.total(),
    })
}

fn of_user(reading: &Reading<'_>, user_id: i64) -> Result<Arc<IdSet>> {
    let sql = "SELECT id FROM virtual_keys WHERE user_id = ?1";
    let ids = reading.values(sql, [user_id]).doing(DOING)?;
    Ok(Arc::new(ids.into_iter().collect()))
}

/// Keys in the order of these ids.
fn by_ids(reading: &Reading<'_>, ids: &[i64]) -> Result<Vec<VirtualKey>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM json_each(?1) found CROSS JOIN virtual_keys k ON k.id = found.value
         LEFT JOIN user_access_profiles c ON c.id = k.user_access_profile_id ORDER BY found.key"
    );
    reading.all(&sql, [id_list(ids)], key).doing(DOING)
}
