//! Swapping what a data directory holds for what a backup held, so that a crash at any moment loses neither.
//!
//! What is restored is put into the folder `restore/new` first. Once it is whole and checked, the note `restore/decided` says so: from
//! then on it is carried to its end, if need be by whoever takes the directory next. All that was there goes into a folder of
//! `before-restore`; then the note is called `restore/cleared`, and what is new takes its place. Each step is one rename inside the
//! directory, which may be a mount point. What became of it lies in `restored` until the audit log has it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Statx, StatxAttributes, StatxFlags, statx};

use super::files::{
    AUDIT_ANCHOR, AUDIT_KEY, BEFORE_RESTORE, CLEAN_STOP, DATABASE, RESTORE, RESTORED,
    ROLLBACK_JOURNAL, ROTATED_KEYS, SHARED_MEMORY, WRITE_AHEAD_LOG,
};
use super::private::{self, Rule};
use crate::domain::backup::restoration::Restoration;
use crate::error::{Error, Result};

/// The folder of a restore that is under way, with what is to take its place.
const NEW: &str = "new";
/// Largest note of a restore, in bytes.
const MAX_NOTE: u64 = 16 * 1024 * 1024;

/// What belongs to the database that goes. A log goes before its database: whoever finds one beside another database believes it.
const CLEARED: [&str; 8] = [
    WRITE_AHEAD_LOG,
    SHARED_MEMORY,
    ROLLBACK_JOURNAL,
    DATABASE,
    CLEAN_STOP,
    ROTATED_KEYS,
    AUDIT_KEY,
    AUDIT_ANCHOR,
];
/// What comes, the database last: where it is, everything is.
const COMING: [&str; 3] = [AUDIT_KEY, AUDIT_ANCHOR, DATABASE];

/// The note of a restore while what was there is moved away.
fn decided(root: &Path) -> PathBuf {
    root.join(RESTORE).join("decided")
}

/// The note of a restore while what is new takes its place.
fn cleared(root: &Path) -> PathBuf {
    root.join(RESTORE).join("cleared")
}

/// Whether a restore was decided on that has not come to its end.
pub(super) fn is_under_way(root: &Path) -> bool {
    private::is_there(&decided(root)) || private::is_there(&cleared(root))
}

/// An empty folder for what is to be restored.
pub(super) fn stage(root: &Path) -> Result<PathBuf> {
    let folder = root.join(RESTORE);
    remove(&folder)?;
    private::folder(&folder)?;
    let staged = folder.join(NEW);
    private::folder(&staged)?;
    Ok(staged)
}

/// Removes what was staged and is not wanted.
pub(super) fn give_up(root: &Path) -> Result<()> {
    remove(&root.join(RESTORE))
}

/// Decides on a restore, and carries it to its end. One that could not be decided on is refused, and what was staged for it removed; once
/// it is decided on, nothing of it is taken back.
pub(super) fn decide(root: &Path, restoration: &Restoration) -> Result<()> {
    if let Err(refused) = write_decision(root, restoration) {
        give_up(root)?;
        return Err(refused);
    }
    sync(&root.join(RESTORE)).map_err(|error| {
        Error::refused(format!(
            "{error}; the restore is decided on, and the next start carries it to its end"
        ))
    })?;
    finish(root)
}

/// Writes the note that decides, which is the last step here: where this fails, nothing was decided. All that is staged is on the disk before.
fn write_decision(root: &Path, restoration: &Restoration) -> Result<()> {
    let text = serde_json::to_vec_pretty(restoration)
        .map_err(|error| Error::internal("writing down a restore", error))?;
    if text.len() as u64 > MAX_NOTE {
        return Err(Error::refused(format!(
            "what this restore undoes takes {} bytes to tell, and {MAX_NOTE} are read again at most; nothing was changed: restore into an empty \
             directory, by --data-dir",
            text.len()
        )));
    }
    refuse_what_is_in_the_way(root, restoration)?;
    let (note, begun) = (decided(root), root.join(RESTORE).join("begun"));
    let new = root.join(RESTORE).join(NEW);
    for name in COMING {
        let staged = new.join(name);
        if private::is_there(&staged) {
            sync(&staged)?;
        }
    }
    for folder in [&new, &root.join(RESTORE), root] {
        sync(folder)?;
    }
    private::write(&begun, &text).map_err(|error| unusable(&begun, &error))?;
    std::fs::rename(&begun, &note).map_err(|error| unusable(&note, &error))
}

/// Refuses a restore of which a rename would fail once it is decided on.
fn refuse_what_is_in_the_way(root: &Path, restoration: &Restoration) -> Result<()> {
    for name in CLEARED.iter().chain([&BEFORE_RESTORE]) {
        let path = root.join(name);
        if is_mount_point(root, &path) {
            return Err(Error::refused(format!(
                "{} is mounted there, and a restore moves files within one file system; nothing was changed: unmount it, or restore into an empty \
                 directory, by --data-dir",
                path.display()
            )));
        }
    }
    let restored = root.join(RESTORED);
    if restored.is_dir() && !restored.is_symlink() {
        return Err(Error::refused(format!(
            "{} is a directory, and a restore writes a file of that name; nothing was changed: look who put it there, and move it away",
            restored.display()
        )));
    }
    let before = root.join(BEFORE_RESTORE);
    if !private::is_there(&before) {
        return Ok(());
    }
    private::folder(&before)?;
    let tried = root.join(&restoration.kept);
    private::folder(&tried)?;
    std::fs::remove_dir(&tried).map_err(|error| unusable(&tried, &error))
}

/// Whether something that is there is the root of a file system, or of a part of one that is mounted. A folder on another device is one
/// even where the system does not say so; a file may have another device than its folder without being one, as in layers of a container.
fn is_mount_point(root: &Path, path: &Path) -> bool {
    let found = |path: &Path| {
        statx(
            CWD,
            path,
            AtFlags::SYMLINK_NOFOLLOW,
            StatxFlags::BASIC_STATS,
        )
    };
    let (Ok(root), Ok(it)) = (found(root), found(path)) else {
        return false;
    };
    let device = |found: &Statx| (found.stx_dev_major, found.stx_dev_minor);
    let is_root = it.stx_attributes_mask & it.stx_attributes;
    let is_folder = FileType::from_raw_mode(it.stx_mode.into()).is_dir();
    is_root.contains(StatxAttributes::MOUNT_ROOT) || (is_folder && device(&it) != device(&root))
}

/// Carries a restore to its end that was decided on, and takes back one that was not; says which. For whoever holds the lock, before
/// anything is looked at.
///
/// # Errors
/// [`Error::Refused`] with what is in the way.
pub(super) fn settle(root: &Path) -> Result<()> {
    let folder = root.join(RESTORE);
    if !private::is_there(&folder) {
        return Ok(());
    }
    if is_under_way(root) {
        log::warn!("a restore was broken off, and is carried to its end now");
        return finish(root);
    }
    let staged = folder.join(NEW).read_dir();
    if staged.is_ok_and(|mut staged| staged.next().is_some()) {
        log::warn!(
            "a restore was broken off before it changed anything: all is as it was, and what it had put into {} is removed",
            folder.display()
        );
    }
    remove(&folder)
}

/// Does what is left to do. Each step that was done is seen by what lies where, so it does not matter where a crash came.
fn finish(root: &Path) -> Result<()> {
    let (decided, cleared) = (decided(root), cleared(root));
    require_database(root)?;
    if let Some(restoration) = read(&decided)? {
        let kept = root.join(&restoration.kept);
        let before = root.join(BEFORE_RESTORE);
        private::folder(&before)?;
        private::folder(&kept)?;
        sync(&before)?;
        sync(root)?;
        for name in CLEARED {
            move_if_there(&root.join(name), &kept.join(name))?;
        }
        sync(&kept)?;
        sync(root)?;
        rename(&decided, &cleared)?;
        sync(&root.join(RESTORE))?;
    }
    let new = root.join(RESTORE).join(NEW);
    for name in COMING {
        move_if_there(&new.join(name), &root.join(name))?;
    }
    sync(&new)?;
    sync(root)?;
    rename(&cleared, &root.join(RESTORED))?;
    sync(root)?;
    sync(&root.join(RESTORE))?;
    remove(&root.join(RESTORE))
}

/// Refuses to go on where the database that is to come is nowhere: what was there would go, and nothing take its place.
fn require_database(root: &Path) -> Result<()> {
    let staged = root.join(RESTORE).join(NEW).join(DATABASE);
    let has_come = !private::is_there(&decided(root)) && private::is_there(&root.join(DATABASE));
    if has_come || private::is_there(&staged) {
        return Ok(());
    }
    Err(Error::refused(format!(
        "a restore was broken off, and can't be carried to its end: {} is not there; nothing was changed: put back into {} what is missing there \
         and lies in the newest folder of {BEFORE_RESTORE}, if any, remove {}, and restore again",
        staged.display(),
        root.display(),
        root.join(RESTORE).display()
    )))
}

pub(super) fn read(note: &Path) -> Result<Option<Restoration>> {
    let Some(bytes) = private::read(note, Rule::Own, MAX_NOTE)? else {
        return Ok(None);
    };
    let read = serde_json::from_slice(&bytes);
    read.map(Some).map_err(|error| {
        Error::refused(format!(
            "{} is not as a restore writes it: {error}; look who changed it. What is restored is in {RESTORE}/{NEW}, and what was there \
             before in a folder of {BEFORE_RESTORE}",
            note.display()
        ))
    })
}

fn move_if_there(from: &Path, to: &Path) -> Result<()> {
    if private::is_there(from) {
        return rename(from, to);
    }
    Ok(())
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    std::fs::rename(from, to).map_err(|error| {
        Error::refused(format!(
            "can't move {} to {}: {error}; the restore is carried on by the next start once it can be",
            from.display(),
            to.display()
        ))
    })
}

/// Waits until a file, or what a folder names, is on the disk.
fn sync(path: &Path) -> Result<()> {
    let synced = File::open(path).and_then(|opened| opened.sync_all());
    synced.map_err(|error| unusable(path, &error))
}

fn remove(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unusable(folder, &error)),
        _ => Ok(()),
    }
}

fn unusable(path: &Path, error: &io::Error) -> Error {
    Error::refused(format!("can't use {}: {error}", path.display()))
}
