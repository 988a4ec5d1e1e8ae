//! What a restore does to a data directory, and what it undoes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A restore that was decided on. It lies beside the files while they are swapped, and afterwards until the audit log tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restoration {
    /// The file that was restored.
    pub backup: String,
    /// When that was begun.
    pub made_at: Timestamp,
    /// When it was restored.
    pub restored_at: Timestamp,
    /// The folder, in the data directory, with what was there before.
    pub kept: String,
    /// What is wrong with it, which somebody accepted.
    pub findings: Vec<String>,
    /// What of the present state it undid.
    pub undone: Undone,
}

/// What a present database says that the one in a backup does not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undone {
    /// Why nothing can be said: there is no present database, it can't be read, or it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
    /// Management API keys that were revoked or got another secret since, and work again as they were.
    pub api_keys: Vec<RevivedKey>,
    /// Virtual keys that were deleted or got another secret since, and work again as they were.
    pub virtual_keys: Vec<RevivedKey>,
    /// How many entries the audit log has had since.
    pub changes: i64,
    /// The last of them.
    pub last_changes: Vec<UndoneChange>,
}

/// A key that works again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevivedKey {
    /// Its public id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What had become of it: `revoked`, `deleted` or `rotated`.
    pub was: String,
}

/// A change that is undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoneChange {
    /// When it was made.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// What was done, such as `user.create`.
    pub action: String,
    /// What it was done to: the kind, and the name or id.
    pub subject: String,
}
