//! Where the audit log does not simply go on: an older state that was accepted, or a chain that was begun anew.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The action of an entry by which the log goes on from an older state.
pub const ACCEPT: &str = "audit.accept";
/// The action of an entry that begins a new chain.
pub const RENEW: &str = "audit.renew";
/// The kind of thing that both are about.
pub const AUDIT_LOG: &str = "audit_log";

/// The end of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditHead {
    /// How many entries there were.
    pub entries: i64,
    /// The hash of the last one, in hexadecimal.
    pub head: String,
}

/// What an entry says by which the log goes on from an older state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedState {
    /// Why, as the operator says.
    pub reason: String,
    /// From where it goes on.
    #[serde(flatten)]
    pub head: AuditHead,
    /// What had been anchored.
    pub anchored: AuditHead,
    /// When.
    pub anchored_at: Timestamp,
}

/// What an entry says that begins a new chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenewedChain {
    /// Why, as the operator says.
    pub reason: String,
    /// The end of the chain before.
    #[serde(flatten)]
    pub head: AuditHead,
    /// Whether the chain before was whole, where its key was there.
    pub was_intact: Option<bool>,
    /// What the anchor said against the chain before, where it was there.
    pub against_anchor: Option<String>,
    /// The name of the key of the new chain.
    pub key: String,
}

/// A place where the log does not simply go on, for whoever reads the verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditNote {
    /// The entry.
    pub entry: i64,
    /// When it was written.
    pub at: Timestamp,
    /// Who wrote it.
    pub actor: String,
    /// What it means for the entries before it, and why it was written.
    pub message: String,
}

impl AcceptedState {
    /// What it means.
    pub fn message(&self) -> String {
        format!(
            "the log goes on from an older state of {} entries, although {} had been anchored at {}: {}",
            self.head.entries, self.anchored.entries, self.anchored_at, self.reason
        )
    }
}

impl RenewedChain {
    /// What it means.
    pub fn message(&self) -> String {
        let before = match (self.was_intact, &self.against_anchor) {
            (_, Some(finding)) => format!("which did not fit the anchor ({finding})"),
            (Some(true), None) => {
                "which were whole, though what had been cut off could not be told".to_owned()
            }
            _ => "of which nobody could tell whether they were as written".to_owned(),
        };
        format!(
            "a new chain begins, which keeps the {} entries before it as they were found, {before}: {}",
            self.head.entries, self.reason
        )
    }
}
