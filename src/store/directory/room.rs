//! How much the database takes, and how much room its disk has.

use std::path::Path;

use super::DataDirectory;
use crate::domain::house::{DiskRoom, StorageFacts};

impl DataDirectory {
    /// The sizes of the database and its log, and the room that is left.
    pub fn storage(&self) -> StorageFacts {
        StorageFacts {
            database_bytes: length(&self.database()),
            log_bytes: length(&self.write_ahead_log()),
            disk: disk_room(self.root()),
        }
    }
}

fn length(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// The room on the disk of a folder, where the system tells.
pub fn disk_room(folder: &Path) -> Option<DiskRoom> {
    let system = rustix::fs::statvfs(folder).ok()?;
    // What is free for root alone is not ours.
    Some(DiskRoom {
        free_bytes: system.f_bavail.saturating_mul(system.f_frsize),
        total_bytes: system.f_blocks.saturating_mul(system.f_frsize),
    })
}
