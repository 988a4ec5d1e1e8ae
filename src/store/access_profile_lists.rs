//! Pages of access profiles: filters, search and order, each served by an index.

use rusqlite::params_from_iter;
use rusqlite::types::Value;

use super::Reading;
use super::access_profiles::get_current;
use super::fault::Doing;
use super::search::Search;
use super::user_access_profiles::count_of_profile;
use crate::domain::list::{Listed, Page, Sort};
use crate::error::Result;

/// Fields to sort by, the default first. Every order ends in the id, so it is total.
pub const SORT_FIELDS: &[&str] = &["id", "name", "created_at", "updated_at", "version"];

/// Which profiles are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Substring of name or description, without regard to case.
    pub search: Option<String>,
    /// Labels, all of which must be there.
    pub tags: Vec<String>,
    /// Active or inactive ones only.
    pub is_active: Option<bool>,
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
    filter: &Filter,
    sort: Sort,
    page: Page,
) -> Result<Listed<ListedProfile>> {
    let select = Select::new(filter);
    let items = select.page(reading, sort, page)?;
    let total_count = match page.total_if_last(items.len()) {
        Some(total) => total,
        None => select.count(reading, filter)?,
    };
    Ok(Listed { items, total_count })
}

/// The part of a statement that says which profiles are meant.
struct Select {
    from: &'static str,
    conditions: Vec<&'static str>,
    values: Vec<Value>,
    by_index: bool,
}

impl Select {
    fn new(filter: &Filter) -> Self {
        let mut select = Self {
            from: "access_profiles p",
            conditions: Vec::new(),
            values: Vec::new(),
            by_index: false,
        };
        match filter.search.as_deref().map(Search::of) {
            Some(Search {
                phrase: Some(phrase),
                ..
            }) => {
                select.from = "access_profile_search s JOIN access_profiles p ON p.id = s.rowid";
                select.by_index = true;
                select.require("access_profile_search MATCH ?", phrase);
            }
            Some(Search { text, .. }) => {
                select.values.push(text.clone().into());
                select.require(
                    "(contains_folded(p.name, ?) OR contains_folded(p.description, ?))",
                    text,
                );
            }
            None => {}
        }
        for tag in &filter.tags {
            select.require(
                "p.id IN (SELECT access_profile_id FROM access_profile_tags WHERE tag = ?)",
                tag.clone(),
            );
        }
        if let Some(active) = filter.is_active {
            select.require("p.is_active = ?", i64::from(active));
        }
        select
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
        format!("FROM {} WHERE {conditions}", self.from)
    }

    fn page(&self, reading: &Reading<'_>, sort: Sort, page: Page) -> Result<Vec<ListedProfile>> {
        let way = if sort.descending { "DESC" } else { "ASC" };
        let order = match sort.field {
            "name" => format!("p.name_key {way}"),
            "created_at" => format!("p.created_at {way}, p.id {way}"),
            "updated_at" => format!("p.updated_at {way}, p.id {way}"),
            "version" => format!("p.version {way}, p.id {way}"),
            // The full-text index is read in the order of its rows.
            _ if self.by_index => format!("s.rowid {way}"),
            _ => format!("p.id {way}"),
        };
        let sql = format!(
            "SELECT p.id {} ORDER BY {order} LIMIT ? OFFSET ?",
            self.body()
        );
        let values = self
            .values
            .iter()
            .cloned()
            .chain([page.limit.into(), page.offset.into()]);
        let found: Vec<i64> = reading
            .connection
            .prepare_cached(&sql)
            .and_then(|mut statement| {
                statement
                    .query_map(params_from_iter(values), |row| row.get(0))?
                    .collect()
            })
            .doing("listing access profiles")?;
        let mut size = 0;
        let mut items = Vec::with_capacity(found.len());
        for id in found {
            let json = get_current(reading, id)?.json;
            size += json.len();
            if !page.has_room_for(size)? {
                break;
            }
            items.push(ListedProfile {
                json,
                user_count: count_of_profile(reading, id)?,
            });
        }
        Ok(items)
    }

    fn count(&self, reading: &Reading<'_>, filter: &Filter) -> Result<i64> {
        // Without search and tags the numbers are kept; counting them would cost more than the page itself.
        let (sql, values) = if filter.search.is_none() && filter.tags.is_empty() {
            let sql = "SELECT sum(profiles) FROM access_profile_counts WHERE ?1 IS NULL OR is_active = ?1".to_owned();
            (
                sql,
                vec![
                    filter
                        .is_active
                        .map_or(Value::Null, |active| i64::from(active).into()),
                ],
            )
        } else if self.by_index && self.conditions.len() == 1 {
            let sql =
                "SELECT count(*) FROM access_profile_search WHERE access_profile_search MATCH ?1"
                    .to_owned();
            (sql, self.values.clone())
        } else {
            (
                format!("SELECT count(*) {}", self.body()),
                self.values.clone(),
            )
        };
        reading
            .connection
            .prepare_cached(&sql)
            .and_then(|mut statement| {
                statement.query_row(params_from_iter(values), |row| row.get(0))
            })
            .doing("counting access profiles")
    }
}
