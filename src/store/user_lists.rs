//! Pages of users: filters, search and order.

use super::fault::Doing;
use super::lists::pages::{Meant, Order};
use super::lists::search::{USERS, Wanted};
use super::sql::{Reading, id_list};
use super::users::{COLUMNS, detail, user};
use crate::domain::list::{Listed, Page, Sort};
use crate::domain::user::{User, UserDetail};
use crate::error::Result;

/// Fields to sort by, the default first. Every order is total.
pub const SORT_FIELDS: &[&str] = &["id", "name", "email", "created_at", "updated_at"];

/// Which users are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Substring of name or address, without regard to case.
    pub search: Option<String>,
    /// Users in this role only.
    pub role_id: Option<i64>,
    /// Users who hold a copy of this profile only.
    pub access_profile_id: Option<i64>,
}

impl Filter {
    fn wanted(&self) -> impl Iterator<Item = Wanted> {
        let role = self.role_id.map(|id| Wanted::Label(format!("role {id}")));
        let profile = self.access_profile_id;
        let profile = profile.map(|id| Wanted::Label(format!("profile {id}")));
        let text = self.search.clone().map(Wanted::Text);
        [role, profile, text].into_iter().flatten()
    }
}

/// A page of users with what belongs to them.
pub fn list(
    reading: &Reading<'_>,
    filter: &Filter,
    sort: Sort,
    page: Page,
) -> Result<Listed<UserDetail>> {
    let found = filter
        .wanted()
        .map(|wanted| reading.search(&USERS, &wanted));
    let meant = Meant::of(found, || reading.row_count("users"))?;
    let order = Order {
        table: "users",
        column: match sort.field {
            "name" => Some("name_key"),
            "email" => Some("email_key"),
            "created_at" | "updated_at" => Some(sort.field),
            _ => None,
        },
        descending: sort.descending,
    };
    let ids = order.page(reading, &meant, page)?;
    let items = by_ids(reading, &ids)?
        .into_iter()
        .map(|user| detail(reading, user))
        .collect::<Result<_>>()?;
    Ok(Listed {
        items,
        total_count: meant.total(),
    })
}

/// Users in the order of these ids.
fn by_ids(reading: &Reading<'_>, ids: &[i64]) -> Result<Vec<User>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM json_each(?1) found CROSS JOIN users u ON u.id = found.value ORDER BY found.key"
    );
    reading
        .all(&sql, [id_list(ids)], user)
        .doing("listing users")
}
