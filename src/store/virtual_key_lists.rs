//! Pages of virtual keys: filters, search and order, each served by an index.

use rusqlite::types::Value;
use rusqlite::{Params, params_from_iter};

use super::Reading;
use super::fault::Doing;
use super::virtual_keys::{COLUMNS, key};
use crate::domain::letter_case::fold;
use crate::domain::list::{Listed, Page, Sort};
use crate::domain::virtual_key::VirtualKey;
use crate::error::Result;

/// Fields to sort by, the default first. Every order is total.
pub const SORT_FIELDS: &[&str] = &["id", "name", "created_at"];

/// Shortest search that the trigram index serves, in characters.
const TRIGRAM: usize = 3;

/// How many matches of a search are sorted rather than looked for in order.
const MANY: i64 = 2_000;

/// Which keys are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Substring of the name, without regard to case.
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
    let mut conditions = vec!["1"];
    let mut values: Vec<Value> = Vec::new();
    if let Some(user_id) = filter.user_id {
        conditions.push("k.user_id = ?");
        values.push(user_id.into());
    }
    // How many there are, where that is kept or an index tells.
    let mut total = match (filter.user_id, &filter.search) {
        (None, None) => Some(count_all(reading)?),
        _ => None,
    };
    if let Some(text) = filter.search.as_deref().map(fold) {
        // One phrase in quotes: nothing in it is an operator.
        let phrase = format!("\"{}\"", text.replace('"', "\"\""));
        let found = match text.chars().count() {
            TRIGRAM.. => Some(count_matching(reading, &phrase)?),
            _ => None,
        };
        total = found.filter(|_| filter.user_id.is_none());
        // Where many match, they are found sooner by looking at each in the order that is asked for than by sorting them.
        if found.is_some_and(|found| found <= MANY) {
            conditions.push(
                "k.id IN (SELECT rowid FROM virtual_key_search WHERE virtual_key_search MATCH ?)",
            );
            values.push(phrase.into());
        } else {
            conditions.push("instr(k.name_key, ?)");
            values.push(text.into());
        }
    }
    let conditions = conditions.join(" AND ");
    let way = if sort.descending { "DESC" } else { "ASC" };
    let order = match sort.field {
        "name" => format!("k.name_key {way}, k.id {way}"),
        "created_at" => format!("k.created_at {way}, k.id {way}"),
        _ => format!("k.id {way}"),
    };
    // The ids first: what is skipped is then read from an index alone.
    let sql = format!(
        "SELECT {COLUMNS} FROM (SELECT k.id FROM virtual_keys k WHERE {conditions} ORDER BY {order} LIMIT ? OFFSET ?) found
         CROSS JOIN virtual_keys k ON k.id = found.id LEFT JOIN user_access_profiles c ON c.id = k.user_access_profile_id
         ORDER BY {order}"
    );
    let all = values
        .iter()
        .cloned()
        .chain([page.limit.into(), page.offset.into()]);
    let items: Vec<VirtualKey> = reading
        .connection
        .prepare_cached(&sql)
        .and_then(|mut statement| statement.query_map(params_from_iter(all), key)?.collect())
        .doing("listing virtual keys")?;
    let on_page = i64::try_from(items.len()).unwrap_or(i64::MAX);
    // A page that isn't full is the last one: then there is nothing to count.
    let total_count = if on_page < page.limit && (on_page > 0 || page.offset == 0) {
        page.offset + on_page
    } else if let Some(total) = total {
        total
    } else {
        let sql = format!("SELECT count(*) FROM virtual_keys k WHERE {conditions}");
        count(reading, &sql, params_from_iter(&values))?
    };
    Ok(Listed { items, total_count })
}

fn count_all(reading: &Reading<'_>) -> Result<i64> {
    let sql = "SELECT total FROM row_counts WHERE name = 'virtual_keys'";
    count(reading, sql, [])
}

fn count_matching(reading: &Reading<'_>, phrase: &str) -> Result<i64> {
    let sql = "SELECT count(*) FROM virtual_key_search WHERE virtual_key_search MATCH ?1";
    count(reading, sql, [phrase])
}

fn count(reading: &Reading<'_>, sql: &str, values: impl Params) -> Result<i64> {
    reading
        .connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.query_row(values, |row| row.get(0)))
        .doing("counting virtual keys")
}
