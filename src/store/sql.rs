//! How statements are run and rows are read. Statements are prepared once and kept; columns are read by name; what can't be read as what it
//! should be is an error, never a default.

use std::cell::Cell;

use jiff::Timestamp;
use rusqlite::types::{FromSql, Type, Value};
use rusqlite::{OptionalExtension, Params, Row, params_from_iter};
use serde::de::DeserializeOwned;

use super::fault::Doing;
use super::{Reading, Writing};
use crate::domain::credential::ID_LENGTH;
use crate::domain::letter_case::search_key;
use crate::domain::list::{Listed, Page, Sort};
use crate::domain::money::Money;
use crate::error::Result;

/// The columns of a row, by name.
pub(super) struct Columns<'r> {
    row: &'r Row<'r>,
    /// The place behind what was read last: whoever reads in the order of the statement is not kept waiting for the others.
    next: Cell<usize>,
}

impl<'r> Columns<'r> {
    fn of(row: &'r Row<'r>) -> Self {
        let next = Cell::new(0);
        Self { row, next }
    }

    fn place(&self, name: &str) -> rusqlite::Result<usize> {
        let (columns, next) = (self.row.as_ref(), self.next.get());
        let place = if columns.column_name(next).is_ok_and(|next| next == name) {
            next
        } else {
            columns.column_index(name)?
        };
        self.next.set(place + 1);
        Ok(place)
    }

    /// A value as it stands there.
    pub fn get<T: FromSql>(&self, name: &str) -> rusqlite::Result<T> {
        self.row.get(self.place(name)?)
    }

    /// A value made of one that stands there.
    pub fn read<S: FromSql, T, E: Into<Unreadable>>(
        &self,
        name: &str,
        read: impl FnOnce(S) -> std::result::Result<T, E>,
    ) -> rusqlite::Result<T> {
        let place = self.place(name)?;
        read(self.row.get(place)?)
            .map_err(|why| rusqlite::Error::FromSqlConversionFailure(place, Type::Null, why.into()))
    }

    /// A moment, stored in milliseconds since 1970.
    pub fn at(&self, name: &str) -> rusqlite::Result<Timestamp> {
        self.read(name, Timestamp::from_millisecond)
    }

    /// A moment, if there is one.
    pub fn at_if_any(&self, name: &str) -> rusqlite::Result<Option<Timestamp>> {
        self.read(name, |at: Option<i64>| {
            at.map(Timestamp::from_millisecond).transpose()
        })
    }

    /// An amount, stored in nanodollars.
    pub fn money(&self, name: &str) -> rusqlite::Result<Money> {
        self.read(name, |nanodollars| {
            Money::from_nanodollars(nanodollars).ok_or("no amount of money")
        })
    }

    /// What a text says as JSON.
    pub fn json<T: DeserializeOwned>(&self, name: &str) -> rusqlite::Result<T> {
        self.read(name, |text: String| serde_json::from_str(&text))
    }

    /// The public id of a key.
    pub fn public_id(&self, name: &str) -> rusqlite::Result<[u8; ID_LENGTH]> {
        self.read(name, |id: String| id.as_bytes().try_into())
    }
}

/// Why a value can't be what it should be.
type Unreadable = Box<dyn std::error::Error + Send + Sync>;

impl Reading<'_> {
    /// Reads the one row that there is.
    pub(super) fn one<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl FnOnce(&Columns<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let mut statement = self.connection.prepare_cached(sql)?;
        statement.query_row(values, |row| read(&Columns::of(row)))
    }

    /// Reads the row, if there is one.
    pub(super) fn find<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl FnOnce(&Columns<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Option<T>> {
        self.one(sql, values, read).optional()
    }

    /// Reads all rows.
    pub(super) fn all<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl Fn(&Columns<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map(values, |row| read(&Columns::of(row)))?;
        rows.collect()
    }

    /// Reads row after row, for what need not be in memory at once.
    pub(super) fn each(
        &self,
        doing: &'static str,
        sql: &str,
        values: impl Params,
        mut each: impl FnMut(&Columns<'_>) -> rusqlite::Result<Result<()>>,
    ) -> Result<()> {
        let mut statement = self.connection.prepare_cached(sql).doing(doing)?;
        let mut rows = statement.query(values).doing(doing)?;
        while let Some(row) = rows.next().doing(doing)? {
            each(&Columns::of(row)).doing(doing)??;
        }
        Ok(())
    }

    /// The value in the first column of the one row that there is.
    pub(super) fn value<T: FromSql>(&self, sql: &str, values: impl Params) -> rusqlite::Result<T> {
        self.one(sql, values, |row| row.row.get(0))
    }

    /// The value in the first column of the row, if there is one.
    pub(super) fn find_value<T: FromSql>(
        &self,
        sql: &str,
        values: impl Params,
    ) -> rusqlite::Result<Option<T>> {
        self.find(sql, values, |row| row.row.get(0))
    }

    /// The values in the first column of all rows.
    pub(super) fn values<T: FromSql>(
        &self,
        sql: &str,
        values: impl Params,
    ) -> rusqlite::Result<Vec<T>> {
        self.all(sql, values, |row| row.row.get(0))
    }
}

/// Rows with a name and a description that are few enough to look at each.
pub(super) struct Rows<'s> {
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
        reading: &Reading<'_>,
        page: Page,
        read: impl Fn(&Columns<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Listed<T>> {
        let (columns, table, order) = (self.columns, self.table, self.order);
        let conditions = if self.conditions.is_empty() {
            "1".to_owned()
        } else {
            self.conditions.join(" AND ")
        };
        let count = format!("SELECT count(*) FROM {table} WHERE {conditions}");
        let total_count = reading.value(&count, params_from_iter(&self.values))?;
        self.values.extend([page.limit.into(), page.offset.into()]);
        let list = format!(
            "SELECT {columns} FROM {table} WHERE {conditions} ORDER BY {order} LIMIT ? OFFSET ?"
        );
        let items = reading.all(&list, params_from_iter(self.values), read)?;
        Ok(Listed { items, total_count })
    }
}

impl Writing<'_> {
    /// Runs a statement; answers how many rows it changed.
    pub(super) fn run(&self, sql: &str, values: impl Params) -> rusqlite::Result<usize> {
        self.connection.prepare_cached(sql)?.execute(values)
    }

    /// Inserts a row; answers its id.
    pub(super) fn insert(&self, sql: &str, values: impl Params) -> rusqlite::Result<i64> {
        self.connection.prepare_cached(sql)?.insert(values)
    }
}
