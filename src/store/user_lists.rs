//! Pages of users: filters, search and order, each served by an index.

use rusqlite::types::Value;
use rusqlite::{Params, params_from_iter};

use super::Reading;
use super::fault::Doing;
use super::users::{COLUMNS, detail, user};
use crate::domain::letter_case::fold;
use crate::domain::list::{Listed, Page, Sort};
use crate::domain::user::{User, UserDetail};
use crate::error::Result;

/// Fields to sort by, the default first. Every order is total.
pub const SORT_FIELDS: &[&str] = &["id", "name", "email", "created_at", "updated_at"];

/// Shortest search that the trigram index serves, in characters.
const TRIGRAM: usize = 3;

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
    let found = select.page(reading, sort, page)?;
    let on_page = i64::try_from(found.len()).unwrap_or(i64::MAX);
    // A page that isn't full is the last one: then there is nothing to count.
    let total_count = if on_page < page.limit && (on_page > 0 || page.offset == 0) {
        page.offset + on_page
    } else {
        select.count(reading)?
    };
    let items = found
        .into_iter()
        .map(|user| detail(reading, user))
        .collect::<Result<_>>()?;
    Ok(Listed { items, total_count })
}

/// The part of a statement that says which users are meant.
struct Select {
    conditions: Vec<&'static str>,
    values: Vec<Value>,
    /// The number of users, where it is kept.
    total: Option<i64>,
}

impl Select {
    fn new(reading: &Reading<'_>, filter: &Filter) -> Result<Self> {
        let mut select = Self {
            conditions: Vec::new(),
            values: Vec::new(),
            total: None,
        };
        let everybody = count(
            reading,
            "SELECT total FROM row_counts WHERE name = 'users'",
            [],
        )?;
        let mut kept = vec![Some(everybody)];
        if let Some(role) = filter.role_id {
            let sql = "SELECT coalesce((SELECT user_count FROM roles WHERE id = ?1), 0)";
            let members = count(reading, sql, [role])?;
            kept.push(Some(members));
            // A plus hides a column from the choice of an index: most users are found soonest in the order that is asked for.
            let many = many_of(members, everybody);
            select.require(
                if many {
                    "+u.role_id = ?"
                } else {
                    "u.role_id = ?"
                },
                role,
            );
        }
        if let Some(profile) = filter.access_profile_id {
            let sql = "SELECT coalesce((SELECT holders FROM access_profile_holders WHERE access_profile_id = ?1), 0)";
            let holders = count(reading, sql, [profile])?;
            kept.push(Some(holders));
            let condition = if many_of(holders, everybody) {
                "EXISTS (SELECT 1 FROM user_access_profiles c WHERE c.user_id = u.id AND c.access_profile_id = ?)"
            } else {
                "u.id IN (SELECT user_id FROM user_access_profiles WHERE access_profile_id = ?)"
            };
            select.require(condition, profile);
        }
        if let Some(text) = filter.search.as_deref().map(fold) {
            kept.push(select.search(reading, text, everybody)?);
        }
        // Two filters at once have no number of their own.
        if kept.len() <= 2 {
            select.total = kept.pop().flatten();
        }
        Ok(select)
    }

    /// Takes only users with `text` in name or address; answers how many there are, where the index tells.
    fn search(
        &mut self,
        reading: &Reading<'_>,
        text: String,
        everybody: i64,
    ) -> Result<Option<i64>> {
        let mut found = None;
        if text.chars().count() >= TRIGRAM {
            // One phrase in quotes: nothing in it is an operator.
            let phrase = format!("\"{}\"", text.replace('"', "\"\""));
            let sql = "SELECT count(*) FROM user_search WHERE user_search MATCH ?1";
            let matching = count(reading, sql, [&phrase])?;
            found = Some(matching);
            if !many_of(matching, everybody) {
                let condition = "u.id IN (SELECT rowid FROM user_search WHERE user_search MATCH ?)";
                self.require(condition, phrase);
                return Ok(found);
            }
        }
        self.values.push(text.clone().into());
        self.require("(instr(u.name_key, ?) OR instr(u.email_key, ?))", text);
        Ok(found)
    }

    fn require(&mut self, condition: &'static str, value: impl Into<Value>) {
        self.conditions.push(condition);
        self.values.push(value.into());
    }

    fn body(&self) -> String {
        let conditions = if self.conditions.is_empty() {
            "1".to_owned()
        } else {
            self.conditions.join(" AND ")
        };
        format!("FROM users u WHERE {conditions}")
    }

    fn page(&self, reading: &Reading<'_>, sort: Sort, page: Page) -> Result<Vec<User>> {
        let way = if sort.descending { "DESC" } else { "ASC" };
        let order = match sort.field {
            "name" => format!("u.name_key {way}, u.id {way}"),
            "email" => format!("u.email_key {way}"),
            "created_at" => format!("u.created_at {way}, u.id {way}"),
            "updated_at" => format!("u.updated_at {way}, u.id {way}"),
            _ => format!("u.id {way}"),
        };
        // The ids first: what is skipped is then read from an index alone.
        let sql = format!(
            "SELECT {COLUMNS} FROM (SELECT u.id {} ORDER BY {order} LIMIT ? OFFSET ?) found
             CROSS JOIN users u ON u.id = found.id ORDER BY {order}",
            self.body()
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
            .doing("listing users")
    }

    fn count(&self, reading: &Reading<'_>) -> Result<i64> {
        if let Some(total) = self.total {
            return Ok(total);
        }
        reading
            .connection
            .prepare_cached(&format!("SELECT count(*) {}", self.body()))
            .and_then(|mut statement| {
                statement.query_row(params_from_iter(&self.values), |row| row.get(0))
            })
            .doing("counting users")
    }
}

/// Whether so many of all are found sooner by looking at each in order than by sorting them.
fn many_of(some: i64, all: i64) -> bool {
    some > all / 50
}

fn count(reading: &Reading<'_>, sql: &str, values: impl Params) -> Result<i64> {
    reading
        .connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.query_row(values, |row| row.get(0)))
        .doing("reading how many users there are")
}
