//! Small facts about the database itself.

use crate::error::Result;
use crate::store::sql::{Reading, Writing};

/// The version of Tollkeeper that last migrated this file, if it can be read.
pub(in crate::store) fn app_version(reading: &Reading<'_>) -> Option<String> {
    let sql = "SELECT value FROM settings WHERE name = 'app_version'";
    reading
        .value("reading the version of the program", sql, [])
        .ok()
}

/// Whether a fact was noted.
pub fn is_noted(reading: &Reading<'_>, name: &str) -> Result<bool> {
    reading.value(
        "reading a setting",
        "SELECT EXISTS (SELECT 1 FROM settings WHERE name = ?1)",
        [name],
    )
}

/// Notes that somebody tries to write: something else each time, so that the disk is needed for it.
pub fn try_to_write(writing: &Writing<'_>) -> Result<()> {
    writing.run(
        "trying to write",
        "INSERT INTO settings (name, value) VALUES ('write_tried', hex(randomblob(8)))
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        [],
    )
}
