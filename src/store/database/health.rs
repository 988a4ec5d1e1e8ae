//! Whether the database can be trusted: the file still in its place, and no damage known.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::fault;
use crate::error::{Error, Result};
use crate::store::sql::Reading;

/// What is known about damage.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Integrity {
    /// The last full check, or the last clean stop, found the file sound.
    Good,
    /// The first full check since an unclean stop is still running.
    Unknown,
    /// Damage was met; nothing is written any more.
    Damaged(String),
}

/// The state of the database, shared by writer, readers and `/ready`.
pub struct Health {
    path: PathBuf,
    /// Device and inode of the file that was opened.
    identity: (u64, u64),
    integrity: Mutex<Integrity>,
}

impl Health {
    /// The state of the file that lies at `path` now. `known_good` when its integrity is vouched for.
    ///
    /// # Errors
    /// [`Error::Internal`] when the file can't be looked at.
    pub fn new(path: PathBuf, known_good: bool) -> Result<Self> {
        let metadata = std::fs::metadata(&path)
            .map_err(|error| Error::internal("looking at the database file", error))?;
        let integrity = if known_good {
            Integrity::Good
        } else {
            Integrity::Unknown
        };
        Ok(Self {
            path,
            identity: (metadata.dev(), metadata.ino()),
            integrity: Mutex::new(integrity),
        })
    }

    /// Whether a write may begin: a file that was deleted or replaced takes writes that nobody will ever read.
    ///
    /// # Errors
    /// [`Error::Unavailable`] with the reason.
    pub fn may_write(&self) -> Result<()> {
        if let Integrity::Damaged(finding) = &*self.integrity() {
            return Err(damaged(finding));
        }
        match std::fs::metadata(&self.path) {
            Ok(now) if (now.dev(), now.ino()) == self.identity => Ok(()),
            _ => Err(Error::Unavailable {
                code: fault::GONE,
                reason: "the database file was deleted or replaced while the server runs; stop it, put the file back, start again"
                    .to_owned(),
            }),
        }
    }

    /// Whether the file is vouched for.
    pub fn integrity_is_good(&self) -> bool {
        *self.integrity() == Integrity::Good
    }

    /// Notes the outcome of a full check. Damage once found stays found.
    pub fn checked(&self, outcome: &Result<()>) {
        match outcome {
            Ok(()) => {
                let mut integrity = self.integrity();
                if *integrity == Integrity::Unknown {
                    *integrity = Integrity::Good;
                }
            }
            Err(Error::Unavailable {
                code: fault::DAMAGED,
                reason,
            }) => self.set_damaged(reason),
            Err(error) => log::warn!("the database file could not be checked for damage: {error}"),
        }
    }

    /// Notes damage: nothing is written from now on.
    pub fn set_damaged(&self, finding: &str) {
        log::error!(
            "the database {} is damaged, writing has stopped: {finding}",
            self.path.display()
        );
        *self.integrity() = Integrity::Damaged(finding.to_owned());
    }

    fn integrity(&self) -> MutexGuard<'_, Integrity> {
        self.integrity
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The error that says what is broken.
fn damaged(finding: &str) -> Error {
    Error::Unavailable {
        code: fault::DAMAGED,
        reason: format!("the database file is damaged: {finding}"),
    }
}

/// Reads every page for damage.
///
/// # Errors
/// [`Error::Unavailable`] with the first finding.
pub(in crate::store) fn quick_check(reading: &Reading<'_>) -> Result<()> {
    let finding: String = reading.value(
        "checking the database for damage",
        "PRAGMA quick_check(1)",
        [],
    )?;
    if finding == "ok" {
        Ok(())
    } else {
        Err(damaged(&finding.replace('\n', " ")))
    }
}
