//! Pages of users: filters, search and order, each served by an index.

use rusqlite::params_from_iter;
use rusqlite::types::Value;

use super::Reading;
use super::fault::Doing;
use super::search::Search;
use super::user_access_profiles::id_list;
use super::users::{COLUMNS, detail, user};
use crate::domain::list::{Listed, Page, Sort, number_of};
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

/// A page of users with what belongs to them.
///
/// # Errors
/// When the database can't be read.
pub fn list(
    reading: &Reading<'_>,
    filter: &Filter,
    sort: Sort,
    page: Page,
) -> Result<Listed<UserDetail>> {
    let select = Select::new(reading, filter)?;
    let (found, total_count) = if select.is_read_whole(page) {
        let ids = reading.numbers(&select.sql(sort), &select.values, DOING)?;
        (by_ids(reading, page.of(&ids))?, number_of(ids.len()))
    } else {
        let found = select.page(reading, sort, page)?;
        let total = match page.total_if_last(found.len()) {
            Some(total) => total,
            None => select.count(reading)?,
        };
        (found, total)
    };
    let items = found
        .into_iter()
        .map(|user| detail(reading, user))
        .collect::<Result<_>>()?;
    Ok(Listed { items, total_count })
}

const DOING: &str = "listing users";

/// Users in the order of these ids.
fn by_ids(reading: &Reading<'_>, ids: &[i64]) -> Result<Vec<User>> {
    reading
        .connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM json_each(?1) found CROSS JOIN users u ON u.id = found.value ORDER BY found.key"
        ))
        .and_then(|mut statement| statement.query_map([id_list(ids)], user)?.collect())
        .doing(DOING)
}

/// The part of a statement that says which users are meant.
struct Select {
    conditions: Vec<&'static str>,
    values: Vec<Value>,
    /// The number of users, where it is kept.
    total: Option<i64>,
    /// Whether no index has the users that are meant in the order that is asked for.
    is_sifted: bool,
    /// Whether everybody is looked at, however few are found.
    is_scan: bool,
}

impl Select {
    fn new(reading: &Reading<'_>, filter: &Filter) -> Result<Self> {
        let mut select = Self {
            conditions: Vec::new(),
            values: Vec::new(),
            total: None,
            is_sifted: false,
            is_scan: false,
        };
        let everybody = count(
            reading,
            "SELECT total FROM row_counts WHERE name = 'users'",
            &[],
        )?;
        let mut kept = vec![Some(everybody)];
        if let Some(role) = filter.role_id {
            let sql = "SELECT coalesce((SELECT user_count FROM roles WHERE id = ?1), 0)";
            kept.push(Some(count(reading, sql, &[role.into()])?));
            select.require("u.role_id = ?", role);
        }
        if let Some(profile) = filter.access_profile_id {
            let sql = "SELECT coalesce((SELECT holders FROM access_profile_holders WHERE access_profile_id = ?1), 0)";
            let holders = count(reading, sql, &[profile.into()])?;
            kept.push(Some(holders));
            select.is_sifted = many_of(holders, everybody);
            let condition = if select.is_sifted {
                "EXISTS (SELECT 1 FROM user_access_profiles c WHERE c.user_id = u.id AND c.access_profile_id = ?)"
            } else {
                "u.id IN (SELECT user_id FROM user_access_profiles WHERE access_profile_id = ?)"
            };
            select.require(condition, profile);
        }
        if let Some(text) = &filter.search {
            kept.push(select.search(reading, &Search::of(text), everybody)?);
        }
        // Two filters at once have no number of their own.
        if kept.len() <= 2 {
            select.total = kept.pop().flatten();
        }
        Ok(select)
    }

    /// Takes only users with a text in name or address; answers how many there are, where the index tells.
    fn search(
        &mut self,
        reading: &Reading<'_>,
        search: &Search,
        everybody: i64,
    ) -> Result<Option<i64>> {
        let mut found = None;
        if let Some(phrase) = &search.phrase {
            let sql = "SELECT count(*) FROM user_search WHERE user_search MATCH ?1";
            let matching = count(reading, sql, &[phrase.clone().into()])?;
            found = Some(matching);
            if !many_of(matching, everybody) {
                let condition = "u.id IN (SELECT rowid FROM user_search WHERE user_search MATCH ?)";
                self.require(condition, phrase.clone());
                return Ok(found);
            }
        }
        self.is_sifted = true;
        self.is_scan = search.phrase.is_none();
        self.values.push(search.text.clone().into());
        let condition = "(instr(u.name_key, ?) OR instr(u.email_key, ?))";
        self.require(condition, search.text.clone());
        Ok(found)
    }

    fn require(&mut self, condition: &'static str, value: impl Into<Value>) {
        self.conditions.push(condition);
        self.values.push(value.into());
    }

    fn is_read_whole(&self, page: Page) -> bool {
        self.is_scan || (self.is_sifted && page.is_deep())
    }

    fn body(&self) -> String {
        let conditions = if self.conditions.is_empty() {
            "1".to_owned()
        } else {
            self.conditions.join(" AND ")
        };
        format!("FROM users u WHERE {conditions}")
    }

    /// The statement that answers the ids.
    fn sql(&self, sort: Sort) -> String {
        format!("SELECT u.id {} ORDER BY {}", self.body(), order(sort))
    }

    fn page(&self, reading: &Reading<'_>, sort: Sort, page: Page) -> Result<Vec<User>> {
        // The ids first: what is skipped is then read from an index alone.
        let sql = format!(
            "SELECT {COLUMNS} FROM ({} LIMIT ? OFFSET ?) found CROSS JOIN users u ON u.id = found.id ORDER BY {}",
            self.sql(sort),
            order(sort)
        );
        let values = self
            .values
            .iter()
            .cloned()
            .chain([page.limit.into(), page.offset.into()]);
        reading
            .connection
            .prepare_cached(&sql)
            .and_then(|mut statement| {
                statement
                    .query_map(params_from_iter(values), user)?
                    .collect()
            })
            .doing(DOING)
    }

    fn count(&self, reading: &Reading<'_>) -> Result<i64> {
        match self.total {
            Some(total) => Ok(total),
            None => count(
                reading,
                &format!("SELECT count(*) {}", self.body()),
                &self.values,
            ),
        }
    }
}

fn order(sort: Sort) -> String {
    let way = if sort.descending { "DESC" } else { "ASC" };
    match sort.field {
        "name" => format!("u.name_key {way}, u.id {way}"),
        "email" => format!("u.email_key {way}, u.id {way}"),
        "created_at" => format!("u.created_at {way}, u.id {way}"),
        "updated_at" => format!("u.updated_at {way}, u.id {way}"),
        _ => format!("u.id {way}"),
    }
}

/// Whether so many of all are found sooner by looking at each in order than by sorting them.
fn many_of(some: i64, all: i64) -> bool {
    some > all / 50
}

fn count(reading: &Reading<'_>, sql: &str, values: &[Value]) -> Result<i64> {
    reading.number(sql, values, "reading how many users there are")
}
