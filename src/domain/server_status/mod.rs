//! How the server stands: the facts that say whether decisions can be made, and what should be done before they can't be any more.

mod backups;
mod certificate;
mod findings;

use jiff::Timestamp;

pub use self::backups::BackupFacts;
pub use self::certificate::CertificateFacts;
use super::audit::state::AuditState;
use crate::error::Error;

/// The facts at one moment, gathered in one place for whoever shows them: `/ready`, `GET /api/status`, `tollkeeper status` and `doctor`,
/// and the metrics.
#[derive(Debug, Clone)]
pub struct ServerStatus {
    /// When they were gathered.
    pub now: Timestamp,
    /// When the server was started.
    pub started_at: Timestamp,
    /// Why no decision can be made, if so: [`Error::Unavailable`].
    pub obstacle: Option<Error>,
    /// The audit log, as far as that is known without a walk.
    pub audit: AuditState,
    /// The database and its disk.
    pub storage: StorageFacts,
    /// Open files and connections.
    pub files: FileFacts,
    /// The times that the clock has shown.
    pub clock: ClockFacts,
    /// Whether the whole database file is known to be sound; the check goes on where the last stop was not clean.
    pub is_checked: bool,
    /// When the key of the first start was put into the directory, if it still is there.
    pub initial_key_at: Option<Timestamp>,
    /// Backups.
    pub backups: BackupFacts,
    /// The certificate of addresses with `https://`, if there are any.
    pub certificate: Option<CertificateFacts>,
}

/// What is known of the server from the start on.
#[derive(Debug, Clone, Copy)]
pub struct StartFacts {
    /// When the server was started.
    pub at: Timestamp,
    /// The latest time that the clock had shown before.
    pub clock_before: Option<Timestamp>,
    /// Connections at a time that the settings ask for.
    pub max_connections: usize,
    /// Connections at a time that there is room for.
    pub connection_room: usize,
}

/// The database and its disk, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StorageFacts {
    /// The database file.
    pub database_bytes: u64,
    /// What is committed and not yet in that file.
    pub log_bytes: u64,
    /// The disk, where the system tells.
    pub disk: Option<DiskRoom>,
}

/// The file system that the data directory is on, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskRoom {
    /// What we may still write.
    pub free_bytes: u64,
    /// How large it is.
    pub total_bytes: u64,
}

/// Open files and connections of the process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileFacts {
    /// Files that are open, where the system tells.
    pub open: Option<u64>,
    /// Most that may be open, if there is a limit.
    pub limit: Option<u64>,
    /// Connections at a time that the settings ask for.
    pub max_connections: usize,
    /// Connections at a time that the limit of files leaves room for.
    pub connection_room: usize,
}

/// The times that the clock has shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClockFacts {
    /// The latest of all, as far as it is later than the present one or was seen before the start.
    pub latest: Option<Timestamp>,
    /// The latest before the start.
    pub before_start: Option<Timestamp>,
}
