//! Answers about the audit log as a whole.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::audit::note::AuditNote;
use crate::domain::audit::{Verdict, Verified};

/// Whether the audit log is as it was written.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditVerdict {
    /// Nothing was changed, removed, moved or added.
    pub intact: bool,
    /// How many entries there are, when it is intact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entries: Option<i64>,
    /// The first entry at which tampering shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<i64>,
    /// What is wrong there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finding: Option<String>,
    /// Where an intact log does not simply go on: the operator accepted an older state, or began a new chain. The newest 20, the newest
    /// first.
    pub notes: Vec<AuditNoteView>,
    /// When the walk began that looked at every entry. Its outcome stands for a minute, or ten times as long as it took; entries that
    /// came since are looked at each time.
    #[schema(value_type = String, format = DateTime)]
    pub walked_at: Timestamp,
}

/// A place where the log does not simply go on.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditNoteView {
    /// The entry that says so.
    pub entry: i64,
    /// When it was written.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who wrote it.
    pub actor: String,
    /// What it means for the entries before it, and why it was written.
    pub message: String,
}

impl From<Verified> for AuditVerdict {
    fn from(verified: Verified) -> Self {
        let Verified {
            verdict,
            notes,
            walked_at,
        } = verified;
        let (entries, tampered) = match verdict {
            Verdict::Intact { entries } => (Some(entries), None),
            Verdict::Tampered { entry, finding } => (None, Some((entry, finding))),
        };
        let (entry, finding) = tampered.unzip();
        Self {
            intact: entries.is_some(),
            entries,
            entry,
            finding,
            notes: notes.into_iter().map(AuditNoteView::from).collect(),
            walked_at,
        }
    }
}

impl From<AuditNote> for AuditNoteView {
    fn from(note: AuditNote) -> Self {
        Self {
            entry: note.entry,
            at: note.at,
            actor: note.actor,
            message: note.message,
        }
    }
}
