//! What is known of the last backups, over restarts too. Who watches a server reads this.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What became of the last backups.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BackupState {
    /// The newest whose checks found nothing.
    pub last_good: Option<GoodBackup>,
    /// The last that could not be made, or is not sound.
    pub last_failure: Option<BackupFailure>,
    /// The last restore that was tried out of what was the newest sound backup then.
    pub last_drill: Option<Drill>,
    /// The name of the newest that was restored for a try and is whole; it is not removed before there is a newer one.
    pub last_proven: Option<String>,
    /// When the newest sound one was begun of those that are made by themselves.
    pub last_scheduled: Option<Timestamp>,
    /// When one of those last could not be made, or was not sound.
    pub last_scheduled_failure: Option<Timestamp>,
}

/// A backup that is sound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoodBackup {
    /// When it was begun.
    pub at: Timestamp,
    /// Its name.
    pub name: String,
    /// How large its file is.
    pub bytes: u64,
    /// SHA-256 of its file, in hexadecimal.
    pub sha256: String,
}

/// A backup that came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupFailure {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub why: String,
}

/// A restore into a scratch folder, to see whether it would work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drill {
    /// When.
    pub at: Timestamp,
    /// The backup.
    pub name: String,
    /// Whether it can be restored, as far as that can be told.
    pub passed: bool,
    /// What is wrong, or what could not be told.
    pub why: Option<String>,
}

impl BackupState {
    /// Whether the last thing that was tried failed: the newest backup, or the restore of it.
    pub fn is_failing(&self) -> bool {
        let newest_good = self.last_good.as_ref().map(|good| good.at);
        let failed = self.last_failure.as_ref();
        failed.is_some_and(|failed| newest_good.is_none_or(|good| failed.at > good))
            || self.last_drill.as_ref().is_some_and(|drill| !drill.passed)
    }
}
