//! Pages of virtual keys: filters, search and order, each served by an index.

use rusqlite::params_from_iter;
use rusqlite::types::Value;

use super::Reading;
use super::fault::Doing;
use super::search::Search;
use super::user_access_profiles::id_list;
use super::virtual_keys::{COLUMNS, key};
use crate::domain::list::{Listed, Page, Sort, number_of};
use crate::domain::virtual_key::VirtualKey;
use crate::error::Result;

/// Fields to sort by, the default first. Every order is total.
pub const SORT_FIELDS: &[&str] = &["id", "name", "created_at"];

/// How many matches of a search are sorted rather than looked for in order.
const MANY: i64 = 2_000;

/// Which keys are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Substring of name or description, without regard to case.
    pub search: Option<String>,
    /// Keys of this user only.
    pub user_id: Option<i64>,
}

/// A page of virtual keys; without another order in that in which they were made.
///
/// # Errors
/// When the database can't be read.
pub fn list(
    reading: &Reading<'_>,
    filter: &Filter,
    sort: Sort,
    page: Page,
) -> Result<Listed<VirtualKey>> {
    let select = Select::new(reading, filter)?;
    let ids_sql = format!("SELECT k.id {} ORDER BY {}", select.body(), order(sort));
    if select.is_scan || (select.is_sifted && page.is_deep()) {
        let ids = reading.numbers(&ids_sql, &select.values, DOING)?;
        return Ok(Listed {
            items: by_ids(reading, page.of(&ids))?,
            total_count: number_of(ids.len()),
        });
    }
    // The ids first: what is skipped is then read from an index alone.
    let sql = format!(
        "SELECT {COLUMNS} FROM ({ids_sql} LIMIT ? OFFSET ?) found
         CROSS JOIN virtual_keys k ON k.id = found.id LEFT JOIN user_access_profiles c ON c.id = k.user_access_profile_id
         ORDER BY {}",
        order(sort)
    );
    let place = [page.limit.into(), page.offset.into()];
    let all = select.values.iter().cloned().chain(place);
    let items: Vec<VirtualKey> = reading
        .connection
        .prepare_cached(&sql)
        .and_then(|mut statement| statement.query_map(params_from_iter(all), key)?.collect())
        .doing(DOING)?;
    let total_count = if let Some(total) = page.total_if_last(items.len()).or(select.total) {
        total
    } else {
        let sql = format!("SELECT count(*) {}", select.body());
        count(reading, &sql, &select.values)?
    };
    Ok(Listed { items, total_count })
}

const DOING: &str = "listing virtual keys";

/// Keys in the order of these ids.
fn by_ids(reading: &Reading<'_>, ids: &[i64]) -> Result<Vec<VirtualKey>> {
    reading
        .connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM json_each(?1) found CROSS JOIN virtual_keys k ON k.id = found.value
             LEFT JOIN user_access_profiles c ON c.id = k.user_access_profile_id ORDER BY found.key"
        ))
        .and_then(|mut statement| statement.query_map([id_list(ids)], key)?.collect())
        .doing(DOING)
}

/// The part of a statement that says which keys are meant.
struct Select {
    conditions: Vec<&'static str>,
    values: Vec<Value>,
    /// How many they are, where that is kept or an index tells.
    total: Option<i64>,
    /// Whether many keys are looked at, because many of them match.
    is_sifted: bool,
    /// Whether every key is looked at, however few are found.
    is_scan: bool,
}

impl Select {
    fn new(reading: &Reading<'_>, filter: &Filter) -> Result<Self> {
        let mut select = Self {
            conditions: vec!["1"],
            values: Vec::new(),
            total: None,
            is_sifted: false,
            is_scan: false,
        };
        if let Some(user_id) = filter.user_id {
            select.require("k.user_id = ?", user_id);
        }
        match &filter.search {
            Some(text) => select.search(reading, &Search::of(text), filter.user_id.is_none())?,
            None if filter.user_id.is_none() => {
                let sql = "SELECT total FROM row_counts WHERE name = 'virtual_keys'";
                select.total = Some(count(reading, sql, &[])?);
            }
            None => {}
        }
        Ok(select)
    }

    fn search(&mut self, reading: &Reading<'_>, search: &Search, of_all: bool) -> Result<()> {
        let mut found = None;
        // The keys of one user are few: looking at each costs less than the index.
        if let Some(phrase) = search.phrase.as_ref().filter(|_| of_all) {
            let sql = "SELECT count(*) FROM virtual_key_search WHERE virtual_key_search MATCH ?1";
            let matching = count(reading, sql, &[phrase.clone().into()])?;
            found = Some(matching);
            if matching <= MANY {
                let condition = "k.id IN (SELECT rowid FROM virtual_key_search WHERE virtual_key_search MATCH ?)";
                self.require(condition, phrase.clone());
                self.total = found;
                return Ok(());
            }
        }
        // Where many match, they are found sooner by looking at each in the order that is asked for than by sorting them.
        self.total = found;
        self.is_sifted = of_all;
        self.is_scan = of_all && search.phrase.is_none();
        self.values.push(search.text.clone().into());
        // Most descriptions are empty, and folding one costs more than looking at it.
        self.require(
            "(instr(k.name_key, ?) OR (k.description <> '' AND contains_folded(k.description, ?)))",
            search.text.clone(),
        );
        Ok(())
    }

    fn require(&mut self, condition: &'static str, value: impl Into<Value>) {
        self.conditions.push(condition);
        self.values.push(value.into());
    }

    fn body(&self) -> String {
        format!(
            "FROM virtual_keys k WHERE {}",
            self.conditions.join(" AND ")
        )
    }
}

fn order(sort: Sort) -> String {
    let way = if sort.descending { "DESC" } else { "ASC" };
    match sort.field {
        "name" => format!("k.name_key {way}, k.id {way}"),
        "created_at" => format!("k.created_at {way}, k.id {way}"),
        _ => format!("k.id {way}"),
    }
}

fn count(reading: &Reading<'_>, sql: &str, values: &[Value]) -> Result<i64> {
    reading.number(sql, values, "counting virtual keys")
}
