//! The folder for files of backups in plain, while one is made or tried out. They lie there and nowhere else, whatever disk backups go to.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::files::BACKUP_WORK;

/// Where it is in a folder.
pub(super) fn folder(root: &Path) -> PathBuf {
    root.join(BACKUP_WORK)
}

/// Removes what work left that a crash broke off. It is in nobody's way but for its room.
pub(super) fn remove(root: &Path) {
    let work = folder(root);
    if let Err(error) = std::fs::remove_dir_all(&work)
        && error.kind() != ErrorKind::NotFound
    {
        log::warn!(
            "can't remove {}, which nobody needs: {error}",
            work.display()
        );
    }
}
