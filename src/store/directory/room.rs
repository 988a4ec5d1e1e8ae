//! How much the database takes, and how much room its disk has.

use std::path::Path;

use super::files::{DATABASE, WRITE_AHEAD_LOG};
use crate::domain::server_status::{DiskRoom, StorageFacts};

/// The sizes of the database in a folder and of its log, and the room that is left.
pub fn storage(root: &Path) -> StorageFacts {
    StorageFacts {
        database_bytes: length(&root.join(DATABASE)),
        log_bytes: length(&root.join(WRITE_AHEAD_LOG)),
        disk: disk(root),
    }
}

/// Whether something is committed to the log beside a database that may not be in its file.
pub fn has_log(database: &Path) -> bool {
    length(&database.with_file_name(WRITE_AHEAD_LOG)) > 0
}

fn length(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}

fn disk(folder: &Path) -> Option<DiskRoom> {
    let system = rustix::fs::statvfs(folder).ok()?;
    // What is free for root alone is not ours.
    Some(DiskRoom {
        free_bytes: system.f_bavail.saturating_mul(system.f_frsize),
        total_bytes: system.f_blocks.saturating_mul(system.f_frsize),
    })
}
