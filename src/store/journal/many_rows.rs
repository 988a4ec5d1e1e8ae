//! Several rows by one statement, since opening a table for each costs almost as much as the row.

use rusqlite::{Statement, ToSql};

use crate::error::Result;
use crate::store::database::fault::Doing;
use crate::store::sql::Writing;

/// How many rows a statement takes; the most come first.
const SIZES: [usize; 3] = [16, 4, 1];

/// The statements that write rows of one kind.
pub(super) struct ManyRows {
    statements: [String; SIZES.len()],
}

impl ManyRows {
    /// Inserts into these columns of a table: `insert` is what the statement says before them, `then` after the values.
    pub(super) fn of(insert: &str, columns: &str, then: &str) -> Self {
        let row = format!("({})", vec!["?"; columns.split(',').count()].join(", "));
        let statements = SIZES.map(|rows| {
            let values = vec![row.as_str(); rows].join(", ");
            format!("{insert} ({columns}) VALUES {values} {then}")
        });
        Self { statements }
    }

    /// Writes rows, in their order. `bind` gives the values of one, in the order of the columns.
    pub(super) fn write<R>(
        &self,
        doing: &str,
        writing: &Writing<'_>,
        mut rows: &[R],
        bind: impl Fn(&R, &mut Values<'_, '_>) -> rusqlite::Result<()>,
    ) -> Result<()> {
        for (size, sql) in SIZES.iter().zip(&self.statements) {
            while let Some((now, later)) = rows.split_at_checked(*size) {
                run(doing, writing, sql, |values| {
                    now.iter().try_for_each(|row| bind(row, values))
                })?;
                rows = later;
            }
        }
        Ok(())
    }
}

/// Runs a statement with the values that `bind` gives.
pub(super) fn run(
    doing: &str,
    writing: &Writing<'_>,
    sql: &str,
    bind: impl FnOnce(&mut Values<'_, '_>) -> rusqlite::Result<()>,
) -> Result<()> {
    let run = || {
        let mut statement = writing.connection.prepare_cached(sql)?;
        let mut values = Values {
            statement: &mut statement,
            bound: 0,
        };
        bind(&mut values)?;
        statement.raw_execute()
    };
    run().doing(doing).map(drop)
}

/// Takes the values of rows one after another.
pub(super) struct Values<'s, 'c> {
    statement: &'s mut Statement<'c>,
    bound: usize,
}

impl Values<'_, '_> {
    /// Takes the next value.
    pub(super) fn add(&mut self, value: impl ToSql) -> rusqlite::Result<()> {
        self.bound += 1;
        self.statement.raw_bind_parameter(self.bound, value)
    }
}
