//! What is said to whoever chooses a name that something has already.

use rusqlite::params;

use super::Reading;
use super::fault::Doing;
use super::name_keys::twins_of;
use crate::domain::letter_case::name_key;
use crate::error::{Error, Result};

/// What has a name of its own.
pub(super) struct UniqueName {
    /// Such as `a role named`.
    pub what: &'static str,
    /// The field that holds the name.
    pub field: &'static str,
    /// The code of the refusal.
    pub code: &'static str,
    /// Selects the name of another row that has the key `?1`, or a twin's between `?2` and `?3`, unless `?5` is what the row `?4` is named.
    pub other: &'static str,
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
        let stored: Option<String> = reading
            .find_value(self.other, params![key, from, to, id, name])
            .doing(self.doing)?;
        let Some(stored) = stored else {
            return Ok(());
        };
        let (field, what) = (self.field, self.what);
        let message = format!(
            "{field}: there is already {what} {stored:?}; how accents are composed, and upper and lower case make no difference"
        );
        Err(Error::conflict(self.code, field, message))
    }
}
