//! What an error of SQLite means to the product.

use rusqlite::ErrorCode;

use crate::error::{Error, Result};

/// The code of an error that says the file itself is broken.
pub const DAMAGED: &str = "database_damaged";

/// The code of an error that says that the disk is full.
pub const DISK_FULL: &str = "disk_full";
const DISK_ERROR: &str = "disk_error";
/// The code of an error that says that the file is not in its place.
pub const GONE: &str = "database_gone";

/// Whether the disk refused a write.
pub fn is_of_the_disk(error: &Error) -> bool {
    matches!(
        error,
        Error::Unavailable {
            code: DISK_FULL | DISK_ERROR,
            ..
        }
    )
}

/// Gives an error of SQLite its meaning.
pub trait Doing<T> {
    /// The same result in the product's words; `what` goes to the log.
    fn doing(self, what: &str) -> Result<T>;
}

impl<T> Doing<T> for rusqlite::Result<T> {
    fn doing(self, what: &str) -> Result<T> {
        self.map_err(|error| meaning(&error, what))
    }
}

fn meaning(error: &rusqlite::Error, what: &str) -> Error {
    let unavailable = |code, reason: &str| {
        log::error!("{what}: {error}");
        Error::Unavailable {
            code,
            reason: reason.to_owned(),
        }
    };
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => {
            unavailable(DISK_FULL, "the disk is full; nothing was written")
        }
        Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::ReadOnly) => {
            unavailable(
                DISK_ERROR,
                "the disk refused the write or read; nothing was written",
            )
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            unavailable(DAMAGED, "the database file is damaged; restore a backup")
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            unavailable("overloaded", "the database is in use by another program")
        }
        _ => Error::internal(what, error),
    }
}
