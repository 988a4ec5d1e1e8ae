//! How statements are run and rows are read. Statements are prepared once and kept; columns are read by name; what can't be read as what it
//! should be is an error, never a default.

use std::cell::Cell;
use std::fmt::Display;
use std::ops::Deref;

use jiff::Timestamp;
use rusqlite::types::{FromSql, Type};
use rusqlite::{Connection, OptionalExtension, Params, Row, ToSql};
use serde::de::DeserializeOwned;

use super::database::fault::Doing;
use super::lists::remembered::Remembered;
use crate::domain::audit::ChainKey;
use crate::domain::credential::ID_LENGTH;
use crate::error::{Error, Result};

/// A consistent view of the database.
pub struct Reading<'c> {
    pub(super) connection: &'c Connection,
    /// What was found before; none where the view is no committed one.
    pub(super) remembered: Option<&'c Remembered>,
}

impl<'c> Reading<'c> {
    /// What a connection sees.
    pub(super) fn of(connection: &'c Connection) -> Self {
        Self {
            connection,
            remembered: None,
        }
    }
}

/// A place in the open write transaction: for what this folder does by itself, and for the ledger ([`super::Seat`]).
pub struct Writing<'c> {
    reading: Reading<'c>,
    pub(super) chain: &'c ChainKey,
}

impl<'c> Writing<'c> {
    /// A place in the transaction that a connection has open.
    pub(super) fn of(connection: &'c Connection, chain: &'c ChainKey) -> Self {
        Self {
            reading: Reading::of(connection),
            chain,
        }
    }
}

impl<'c> Deref for Writing<'c> {
    type Target = Reading<'c>;

    fn deref(&self) -> &Reading<'c> {
        &self.reading
    }
}

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

    /// What a text says as JSON.
    pub fn json<T: DeserializeOwned>(&self, name: &str) -> rusqlite::Result<T> {
        self.read(name, |text: String| serde_json::from_str(&text))
    }

    /// Bytes where they stand.
    pub fn blob(&self, name: &str) -> rusqlite::Result<&[u8]> {
        Ok(self.row.get_ref(self.place(name)?)?.as_blob()?)
    }

    /// What `read` makes of this column and those behind it.
    pub fn from<T>(
        &self,
        name: &str,
        read: impl FnOnce(&Row<'_>, usize) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        read(self.row, self.place(name)?)
    }

    /// The public id of a key.
    pub fn public_id(&self, name: &str) -> rusqlite::Result<[u8; ID_LENGTH]> {
        self.read(name, |id: String| id.as_bytes().try_into())
    }
}

/// Why a value can't be what it should be.
type Unreadable = Box<dyn std::error::Error + Send + Sync>;

/// Each says first what is being done, for the log.
impl Reading<'_> {
    /// Reads the one row that there is.
    pub(super) fn one<T>(
        &self,
        doing: &str,
        sql: &str,
        values: impl Params,
        read: impl FnOnce(&Columns<'_>) -> rusqlite::Result<T>,
    ) -> Result<T> {
        self.row(sql, values, read).doing(doing)
    }

    /// Reads the row, if there is one.
    pub(super) fn find<T>(
        &self,
        doing: &str,
        sql: &str,
        values: impl Params,
        read: impl FnOnce(&Columns<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        self.row(sql, values, read).optional().doing(doing)
    }

    /// Reads the row of the `what` that `id` stands for in `sql`.
    pub(super) fn get<T>(
        &self,
        what: &'static str,
        sql: &str,
        id: impl ToSql + Display,
        read: impl FnOnce(&Columns<'_>) -> rusqlite::Result<T>,
    ) -> Result<T> {
        match self.row(sql, [&id], read).optional() {
            Ok(found) => found.ok_or_else(|| Error::not_found(what, id)),
            Err(error) => Err(error).doing(&format!("reading the {what} {id}")),
        }
    }

    /// Reads all rows.
    pub(super) fn all<T>(
        &self,
        doing: &str,
        sql: &str,
        values: impl Params,
        read: impl Fn(&Columns<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let all = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let rows = statement.query_map(values, |row| read(&Columns::of(row)))?;
            rows.collect::<rusqlite::Result<Vec<T>>>()
        };
        all().doing(doing)
    }

    /// Reads row after row, for what need not be in memory at once.
    pub(super) fn each(
        &self,
        doing: &str,
        sql: &str,
        values: impl Params,
        mut each: impl FnMut(&Columns<'_>) -> rusqlite::Result<Result<()>>,
    ) -> Result<()> {
        self.each_while(doing, sql, values, |row| {
            each(row).map(|done| done.map(|()| true))
        })
    }

    /// The same for as long as `each` answers that there is room for more.
    pub(super) fn each_while(
        &self,
        doing: &str,
        sql: &str,
        values: impl Params,
        mut each: impl FnMut(&Columns<'_>) -> rusqlite::Result<Result<bool>>,
    ) -> Result<()> {
        let mut statement = self.connection.prepare_cached(sql).doing(doing)?;
        let mut rows = statement.query(values).doing(doing)?;
        while let Some(row) = rows.next().doing(doing)?
            && each(&Columns::of(row)).doing(doing)??
        {}
        Ok(())
    }

    /// The value in the first column of the one row that there is.
    pub(super) fn value<T: FromSql>(
        &self,
        doing: &str,
        sql: &str,
        values: impl Params,
    ) -> Result<T> {
        self.one(doing, sql, values, |row| row.row.get(0))
    }

    /// The value in the first column of the row, if there is one.
    pub(super) fn find_value<T: FromSql>(
        &self,
        doing: &str,
        sql: &str,
        values: impl Params,
    ) -> Result<Option<T>> {
        self.find(doing, sql, values, |row| row.row.get(0))
    }

    /// The values in the first column of all rows.
    pub(super) fn values<T: FromSql>(
        &self,
        doing: &str,
        sql: &str,
        values: impl Params,
    ) -> Result<Vec<T>> {
        self.all(doing, sql, values, |row| row.row.get(0))
    }

    fn row<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl FnOnce(&Columns<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let mut statement = self.connection.prepare_cached(sql)?;
        statement.query_row(values, |row| read(&Columns::of(row)))
    }
}

impl Writing<'_> {
    /// Runs a statement.
    pub(super) fn run(&self, doing: &str, sql: &str, values: impl Params) -> Result<()> {
        self.change(doing, sql, values).map(drop)
    }

    /// Runs a statement; answers how many rows it changed.
    pub(super) fn change(&self, doing: &str, sql: &str, values: impl Params) -> Result<usize> {
        let statement = self.connection.prepare_cached(sql);
        let changed = statement.and_then(|mut statement| statement.execute(values));
        changed.doing(doing)
    }

    /// Inserts a row; answers its id.
    pub(super) fn insert(&self, doing: &str, sql: &str, values: impl Params) -> Result<i64> {
        let statement = self.connection.prepare_cached(sql);
        let id = statement.and_then(|mut statement| statement.insert(values));
        id.doing(doing)
    }
}

/// Ids as a value that `json_each` takes apart again.
pub(super) fn id_list(ids: &[i64]) -> String {
    let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
    format!("[{}]", ids.join(","))
}

/// The condition that a column is the value `?1`, or, where there is none, that of every row.
pub(super) fn one_or_all(column: &str, value: Option<i64>) -> String {
    match value {
        Some(_) => format!("{column} = ?1"),
        None => "?1 IS NULL".to_owned(),
    }
}
