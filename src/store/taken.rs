//! What is said to whoever chooses a name that something has already.

use rusqlite::{OptionalExtension, params};

use super::Writing;
use super::fault::{Doing, is_unique_violation};
use crate::domain::letter_case::fold;
use crate::error::{Error, Result};

/// What has a name of its own.
pub(super) struct Named {
    /// Such as `a role named`.
    pub what: &'static str,
    /// The field that holds the name.
    pub field: &'static str,
    /// The code of the refusal.
    pub code: &'static str,
    /// Selects the name as it is stored by its folded form.
    pub stored: &'static str,
    /// What is being done, for the log.
    pub doing: &'static str,
}

impl Named {
    /// The outcome of storing a row. A unique violation is the name, the only unique value that a caller
    /// chooses.
    pub fn refuse_taken<T>(
        &self,
        writing: &Writing<'_>,
        row: rusqlite::Result<T>,
        name: &str,
    ) -> Result<T> {
        match row {
            Err(error) if is_unique_violation(&error) => Err(self.taken(writing, name)?),
            other => other.doing(self.doing),
        }
    }

    fn taken(&self, writing: &Writing<'_>, name: &str) -> Result<Error> {
        let stored: Option<String> = writing
            .connection
            .prepare_cached(self.stored)
            .and_then(|mut statement| {
                statement
                    .query_row(params![fold(name)], |row| row.get(0))
                    .optional()
            })
            .doing(self.doing)?;
        let (field, stored) = (self.field, stored.unwrap_or_else(|| name.to_owned()));
        let message = format!(
            "{field}: there is already {} {stored:?}; upper and lower case make no difference",
            self.what
        );
        Ok(Error::conflict(self.code, field, message))
    }
}
