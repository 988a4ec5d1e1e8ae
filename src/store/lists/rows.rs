//! Lists of rows with a name and a description that are few enough to look at each.

use rusqlite::params_from_iter;
use rusqlite::types::Value;

use crate::domain::list::{Listed, Page, Sort};
use crate::domain::values::letter_case::search_key;
use crate::error::Result;
use crate::store::sql::{Columns, Reading};

/// Which rows are wanted, and in which order.
pub struct Rows<'s> {
    columns: &'s str,
    table: &'s str,
    /// What they have in common, all of it.
    conditions: Vec<&'static str>,
    /// The values of the conditions, in their order.
    values: Vec<Value>,
    order: String,
}

impl<'s> Rows<'s> {
    /// All rows of a table in a total order, with what is read of each.
    pub fn of(table: &'s str, columns: &'s str, sort: Sort) -> Self {
        let way = if sort.descending { "DESC" } else { "ASC" };
        let by = match sort.field {
            "name" => "name_key",
            field => field,
        };
        Self {
            columns,
            table,
            conditions: Vec::new(),
            values: Vec::new(),
            order: format!("{by} {way}, id {way}"),
        }
    }

    /// Those alone of which this holds.
    pub fn only<const N: usize>(mut self, condition: &'static str, values: [Value; N]) -> Self {
        self.conditions.push(condition);
        self.values.extend(values);
        self
    }

    /// Those alone that have `search` in the name or the description, if anything is looked for.
    pub fn with(self, search: Option<&str>) -> Self {
        let Some(text) = search.map(search_key) else {
            return self;
        };
        self.only(
            "(contains_folded(name, ?) OR contains_folded(description, ?))",
            [text.clone().into(), text.into()],
        )
    }

    /// Reads one page of them.
    pub fn list<T>(
        mut self,
        doing: &str,
        reading: &Reading<'_>,
        page: Page,
        read: impl Fn(&Columns<'_>) -> rusqlite::Result<T>,
    ) -> Result<Listed<T>> {
        let (columns, table, order) = (self.columns, self.table, self.order);
        let conditions = if self.conditions.is_empty() {
            "1".to_owned()
        } else {
            self.conditions.join(" AND ")
        };
        let count = format!("SELECT count(*) FROM {table} WHERE {conditions}");
        let total_count = reading.value(doing, &count, params_from_iter(&self.values))?;
        self.values.extend([page.limit.into(), page.offset.into()]);
        let list = format!(
            "SELECT {columns} FROM {table} WHERE {conditions} ORDER BY {order} LIMIT ? OFFSET ?"
        );
        let items = reading.all(doing, &list, params_from_iter(self.values), read)?;
        Ok(Listed { items, total_count })
    }
}
