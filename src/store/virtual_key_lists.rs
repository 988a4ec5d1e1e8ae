//! Pages of virtual keys: filters, search and order, each served by an index.

use rusqlite::params_from_iter;
use rusqlite::types::Value;

use super::Reading;
use super::fault::Doing;
use super::virtual_keys::{COLUMNS, FROM, key};
use crate::domain::letter_case::fold;
use crate::domain::list::{Listed, Page, Sort};
use crate::domain::virtual_key::VirtualKey;
use crate::error::Result;

/// Fields to sort by, the default first. Every order is total.
pub const SORT_FIELDS: &[&str] = &["id", "name", "created_at"];

/// Shortest search that the trigram index serves, in characters.
const TRIGRAM: usize = 3;

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
    match filter.search.as_deref().map(fold) {
        Some(text) if text.chars().count() >= TRIGRAM => {
            conditions.push(
                "k.id IN (SELECT rowid FROM virtual_key_search WHERE virtual_key_search MATCH ?)",
            );
            // One phrase in quotes: nothing in it is an operator.
            values.push(format!("\"{}\"", text.replace('"', "\"\"")).into());
        }
        Some(text) => {
            conditions.push("instr(k.name_key, ?)");
            values.push(text.into());
        }
        None => {}
    }
    let conditions = conditions.join(" AND ");
    let way = if sort.descending { "DESC" } else { "ASC" };
    let order = match sort.field {
        "name" => format!("k.name_key {way}, k.id {way}"),
        "created_at" => format!("k.created_at {way}, k.id {way}"),
        _ => format!("k.id {way}"),
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM {FROM} WHERE {conditions} ORDER BY {order} LIMIT ? OFFSET ?"
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
    } else {
        let sql = if values.is_empty() {
            "SELECT total FROM row_counts WHERE name = 'virtual_keys'".to_owned()
        } else {
            format!("SELECT count(*) FROM virtual_keys k WHERE {conditions}")
        };
        reading
            .connection
            .prepare_cached(&sql)
            .and_then(|mut statement| {
                statement.query_row(params_from_iter(&values), |row| row.get(0))
            })
            .doing("counting virtual keys")?
    };
    Ok(Listed { items, total_count })
}
