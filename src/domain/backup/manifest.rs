//! What a backup says of itself: what wrote it, what is in it, and what was found when it was checked.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The form of backups that this version writes and reads.
pub const FORM: u32 = 1;

/// What stands at the head of a backup. A later version may add members; one that changes what they mean has another `form`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// How it is put together.
    pub form: u32,
    /// The version of Tollkeeper that made it.
    pub version: String,
    /// When it was begun: it holds what was acknowledged before.
    pub made_at: Timestamp,
    /// The database as a file.
    pub database: FileSum,
    /// What was found in it.
    pub content: Content,
    /// What is wrong with it; empty when it is sound.
    pub findings: Vec<String>,
}

/// A file by its length and content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSum {
    /// Its length.
    pub bytes: u64,
    /// SHA-256, in hexadecimal.
    pub sha256: String,
}

/// What is in a database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// The version of its schema.
    pub schema: i64,
    /// How many of each kind there are.
    pub counts: BTreeMap<String, i64>,
    /// Where the audit log ends.
    pub audit: LogHead,
}

/// Where an audit log ends.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogHead {
    /// How many entries it has.
    pub entries: i64,
    /// The hash of the last one, in hexadecimal.
    pub head: String,
}

impl Manifest {
    /// What the findings are, as one sentence.
    pub fn said_findings(&self) -> String {
        self.findings.join("; ")
    }
}
