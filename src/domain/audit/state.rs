//! What is known of the audit log without walking along it now.

use jiff::Timestamp;

use crate::domain::finding::Finding;

/// How the audit log was last seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditState {
    /// What is wrong with it, if anything.
    pub fault: Option<AuditFault>,
    /// When the whole log was last walked along since the start.
    pub walked_at: Option<Timestamp>,
}

/// What is wrong with an audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditFault {
    /// The key of the chain is gone.
    KeyGone,
    /// The anchor is gone.
    AnchorGone,
    /// What lies there as the anchor is none.
    AnchorUnreadable,
    /// Entries were changed, or the log is an older one than the anchor knows.
    Tampered {
        /// The first entry at which it shows.
        entry: i64,
        /// What is wrong there.
        finding: String,
    },
}

impl AuditFault {
    /// Its stable name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::KeyGone => "audit_key_gone",
            Self::AnchorGone => "audit_anchor_gone",
            Self::AnchorUnreadable => "audit_anchor_unreadable",
            Self::Tampered { .. } => "audit_tampered",
        }
    }

    /// It, with what to do.
    pub fn finding(&self) -> Finding {
        let lost = "put the file back from a backup while the server is stopped, or begin a new chain with `tollkeeper audit renew --reason …`";
        let (fault, remedy) = match self {
            Self::KeyGone => (
                "the file audit.key is gone, so nobody can tell whether the audit log is as it was written".to_owned(),
                lost,
            ),
            Self::AnchorGone => (
                "the file audit-anchor is gone, so nobody can tell what was cut off the audit log".to_owned(),
                lost,
            ),
            Self::AnchorUnreadable => (
                "the file audit-anchor is no anchor, so nobody can tell what was cut off the audit log".to_owned(),
                lost,
            ),
            Self::Tampered { entry, finding } => (
                format!("the audit log is not as it was written, at entry {entry}: {finding}"),
                "look into it with `tollkeeper audit verify`; if an older state was restored on purpose, `tollkeeper audit accept --reason …`",
            ),
        };
        Finding::new(self.code(), fault, remedy)
    }
}
