//! How values of the domain stand in a column.

use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};

use crate::domain::decision::Party;
use crate::domain::values::money::Money;

/// In nanodollars.
impl ToSql for Money {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.nanodollars().into())
    }
}

impl FromSql for Money {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let nanodollars = i64::column_result(value)?;
        Self::from_nanodollars(nanodollars).ok_or(FromSqlError::OutOfRange(nanodollars))
    }
}

impl ToSql for Party {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Owned(self.stored().into()))
    }
}

impl FromSql for Party {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Option::column_result(value).map(Self::of_stored)
    }
}
