//! What is said to whoever chooses a name that something has already.

use rusqlite::params;

use super::name_keys::twins_of;
use crate::domain::values::letter_case::name_key;
use crate::error::{Error, Result};
use crate::store::sql::Reading;

/// What has a name of its own.
pub(in crate::store) struct UniqueName {
    /// Such as `a role named`.
    pub what: &'static str,
    /// Its table.
    pub table: &'static str,
    /// The field and column that holds the name; the column of its key is called so too, with `_key` behind.
    pub field: &'static str,
    /// Which rows of the table have names at all.
    pub among: &'static str,
    /// The code of the refusal.
    pub code: &'static str,
    /// What is being done, for the log.
    pub doing: &'static str,
}

impl UniqueName {
    /// Whether a new thing may have this name.
    ///
    /// # Errors
    /// [`Error::Conflict`] shows the name as it is stored.
    pub fn check_new(&self, reading: &Reading<'_>, name: &str) -> Result<()> {
        self.check(reading, 0, name)
    }

    /// Whether the thing with this id, 0 for none yet, may have this name: it may always keep its own.
    ///
    /// # Errors
    /// [`Error::Conflict`] shows the name as it is stored.
    pub fn check(&self, reading: &Reading<'_>, id: i64, name: &str) -> Result<()> {
        let key = name_key(name);
        let [from, to] = twins_of(&key);
        let Self {
            what,
            table,
            field,
            among,
            ..
        } = self;
        // The name of another that has the key or is a twin, unless this one is named so already.
        let other = format!(
            "SELECT {field} FROM {table} WHERE ({field}_key = ?1 OR ({field}_key > ?2 AND {field}_key < ?3)) AND id <> ?4 AND {among}
             AND NOT EXISTS (SELECT 1 FROM {table} own WHERE own.id = ?4 AND own.{field} = ?5)"
        );
        let stored: Option<String> =
            reading.find_value(self.doing, &other, params![key, from, to, id, name])?;
        let Some(stored) = stored else {
            return Ok(());
        };
        let message = format!(
            "{field}: there is already {what} {stored:?}; how accents are composed, and upper and lower case make no difference"
        );
        Err(Error::conflict(self.code, field, message))
    }
}
