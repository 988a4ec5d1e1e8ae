//! Moving everything from the data directory itself into its folder `private`, for a directory that can't be closed to others.

use std::fs::File;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::files::{
    BACKUPS, COMMAND_SOCKET, CONTROL_SOCKET, DATABASE, LOCK, LOST_FOUND, MARKER, OURS, PRIVATE,
};
use super::place::unusable;
use super::private;
use crate::error::{Error, Result};

/// Moves what lay in the directory itself, or nothing when something of it can't be; whoever calls holds both locks. What is none of ours
/// stays, and the marker too: a version that knows nothing of the folder is to see that there was a database.
pub(crate) fn move_everything(from: &Path, to: &Path) -> Result<()> {
    let stay = [
        LOCK,
        PRIVATE,
        MARKER,
        BACKUPS,
        LOST_FOUND,
        COMMAND_SOCKET,
        CONTROL_SOCKET,
        DATABASE,
    ];
    let names = OURS.iter().filter(|name| !stay.contains(name));
    let mut moved = Vec::new();
    for name in names.chain([&DATABASE]) {
        let (old, new) = (from.join(name), to.join(name));
        if !private::is_ours(&old) || private::is_there(&new) {
            continue;
        }
        if let Err(error) = std::fs::rename(&old, &new) {
            for (old, new) in moved.iter().rev() {
                // What stays there is found there by the next start.
                let _ = std::fs::rename(new, old);
            }
            return Err(Error::refused(format!(
                "can't move {} to {}: {error}; nothing was moved: start again once it can be, or close {} to others (0700)",
                old.display(),
                new.display(),
                from.display()
            )));
        }
        moved.push((old, new));
    }
    let (old, new) = (from.join(BACKUPS), to.join(BACKUPS));
    if let Err(error) = move_backups(&old, &new) {
        log::warn!(
            "{} stays where it is, because it can't be moved ({error}); further copies go to {}",
            old.display(),
            new.display()
        );
    }
    let marker = from.join(MARKER);
    if let Err(error) = private::create_new(&marker)
        && error.kind() != io::ErrorKind::AlreadyExists
    {
        log::warn!("can't write {}: {error}", marker.display());
    }
    let synced = File::open(to).and_then(|folder| folder.sync_all());
    synced.map_err(|error| unusable(to, &error))?;
    log::warn!(
        "moved everything from {} to {}",
        from.display(),
        to.display()
    );
    Ok(())
}

/// Moves the copies, or the link of ours that leads to them.
fn move_backups(old: &Path, new: &Path) -> io::Result<()> {
    let ours = private::is_there(old) && private::stranger(old).is_none();
    if !ours || private::is_there(new) {
        return Ok(());
    }
    if !old.is_symlink() {
        return std::fs::rename(old, new);
    }
    symlink(old.canonicalize()?, new)?;
    std::fs::remove_file(old)
}
