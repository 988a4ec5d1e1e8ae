//! The data directory: its files, its permissions, and the lock by which one process owns it.

pub mod examine;
pub mod files;
pub mod kept_revocations;
mod moving;
pub mod owner;
pub mod place;
pub mod private;
mod restores;
mod restoring;
pub mod room;
pub mod rotated_keys;
mod work;

use std::fs::{DirBuilder, File, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use jiff::Timestamp;

use self::files::{
    AUDIT_ANCHOR, AUDIT_KEY, BACKUP_STATE, BACKUPS, CLEAN_STOP, COMMAND_SOCKET, CONTROL_SOCKET,
    DATABASE, INITIAL_KEY, LOCK, MARKER, NEXT_AUDIT_KEY, REVOCATIONS, WRITE_AHEAD_LOG,
};
use self::place::{Place, unusable};
use self::private::Rule;
use crate::domain::audit::ChainKey;
use crate::error::{Error, Result};

/// Longest number of a process, in bytes.
const MAX_LOCK: u64 = 32;
/// Longest note of a clean stop, in bytes.
const MAX_NOTE: u64 = 200;
/// Longest content of a file that holds a key, in bytes.
pub const MAX_KEY_FILE: u64 = 4_096;

/// A data directory that this process owns until the value is dropped.
pub struct DataDirectory {
    root: PathBuf,
    lock: File,
    /// Who changes what lies in `rotated-keys/`.
    pub(super) rotated: Mutex<()>,
}

/// What came of the wish to own a directory.
pub enum Owned {
    /// It is ours.
    Ours(DataDirectory),
    /// Another process has it.
    Other {
        /// Its process id, if it wrote one.
        process: Option<u32>,
        /// Where everything lies, its control socket too.
        root: PathBuf,
    },
}

/// The lock of a directory, or the process id of whoever has it, if it wrote one.
type Locked = std::result::Result<File, Option<u32>>;

impl Owned {
    /// The directory, for a server.
    ///
    /// # Errors
    /// [`Error::Refused`] when another process has it.
    pub fn ours(self) -> Result<DataDirectory> {
        let (process, root) = match self {
            Self::Ours(directory) => return Ok(directory),
            Self::Other { process, root } => (process, root),
        };
        let who = process.map_or_else(
            || "another process".to_owned(),
            |id| format!("process {id}"),
        );
        Err(Error::refused(format!(
            "the data directory {} is in use by {who}; stop it or name another directory with --data-dir",
            root.display()
        )))
    }
}

impl DataDirectory {
    /// Creates the directory if there is none, closes it to others or makes a folder of it for us alone, and takes its lock.
    ///
    /// # Errors
    /// [`Error::Refused`] when it can't be created or written, or others could change what lies there.
    pub fn own(root: &Path) -> Result<Owned> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(root)
            .map_err(|error| unusable(root, &error))?;
        let root = root
            .canonicalize()
            .map_err(|error| unusable(root, &error))?;
        let Place { root, moves_from } = place::make(&root)?;
        // Whoever has what is to move, such as an older version, is to be seen before anything is moved.
        let mut locks = Vec::new();
        for root in moves_from.iter().chain([&root]) {
            match take_lock(root)? {
                Ok(lock) => locks.push(lock),
                Err(process) => {
                    let root = root.clone();
                    return Ok(Owned::Other { process, root });
                }
            }
        }
        if let Some(from) = moves_from {
            moving::move_everything(&from, &root)?;
        }
        restoring::settle(&root)?;
        work::remove(&root);
        let lock = locks
            .pop()
            .unwrap_or_else(|| unreachable!("there is a root at least"));
        Ok(Owned::Ours(Self {
            root,
            lock,
            rotated: Mutex::default(),
        }))
    }

    /// The directory itself, absolute.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `tollkeeper.db`: everything that is stored.
    pub fn database(&self) -> PathBuf {
        self.root.join(DATABASE)
    }

    /// `tollkeeper.db-wal`: what is committed and not yet in the file.
    pub fn write_ahead_log(&self) -> PathBuf {
        self.root.join(WRITE_AHEAD_LOG)
    }

    /// `initialized`: says that a database was here, so that losing it is noticed.
    pub fn marker(&self) -> PathBuf {
        self.root.join(MARKER)
    }

    /// `audit.key`: the key of the audit chain.
    pub fn audit_key(&self) -> PathBuf {
        self.root.join(AUDIT_KEY)
    }

    /// `audit.key.next`: the key of a chain that is about to begin.
    pub fn next_audit_key(&self) -> PathBuf {
        self.root.join(NEXT_AUDIT_KEY)
    }

    /// Puts the key of a chain that is about to begin beside the one of now.
    ///
    /// # Errors
    /// When it can't be written.
    pub(super) fn stage_audit_key(&self, key: &ChainKey) -> Result<()> {
        self.write_private(&self.next_audit_key(), &key.0)
    }

    /// Puts that key in place of the one of now: its chain has begun.
    ///
    /// # Errors
    /// When it can't be moved. The next start tries again.
    pub(super) fn put_next_audit_key(&self) -> Result<()> {
        let moved = std::fs::rename(self.next_audit_key(), self.audit_key())
            .and_then(|()| File::open(&self.root)?.sync_all());
        moved.map_err(|error| {
            Error::refused(format!(
                "can't write {}: {error}",
                self.audit_key().display()
            ))
        })
    }

    /// Removes that key: its chain never began.
    pub(super) fn forget_next_audit_key(&self) {
        if let Err(error) = std::fs::remove_file(self.next_audit_key()) {
            log::warn!("removing {}: {error}", self.next_audit_key().display());
        }
    }

    /// `audit-anchor`: the head of the audit log as it was seen last.
    pub fn audit_anchor(&self) -> PathBuf {
        self.root.join(AUDIT_ANCHOR)
    }

    /// `revocations`: what was taken away while the database could not be written, and space for it.
    pub fn revocations(&self) -> PathBuf {
        self.root.join(REVOCATIONS)
    }

    /// `initial-key`: the key of the first start.
    pub fn initial_key(&self) -> PathBuf {
        self.root.join(INITIAL_KEY)
    }

    /// Whether the key of the first start still lies there.
    ///
    /// # Errors
    /// [`Error::Refused`] when it may have been read or put there by somebody else.
    pub fn has_initial_key(&self) -> Result<bool> {
        let found = private::read(&self.initial_key(), Rule::Own, MAX_KEY_FILE)?;
        Ok(found.is_some())
    }

    /// `control.sock`: the API for whoever may open it.
    pub fn control_socket(&self) -> PathBuf {
        self.root.join(CONTROL_SOCKET)
    }

    /// `command.sock`: the same for a command that holds the directory while no server does, and for nobody else.
    pub fn command_socket(&self) -> PathBuf {
        self.root.join(COMMAND_SOCKET)
    }

    /// `backup-state`: what became of the last backups.
    pub fn backup_state(&self) -> PathBuf {
        self.root.join(BACKUP_STATE)
    }

    /// `backups/`: backups, and copies made before a migration.
    pub fn backups(&self) -> PathBuf {
        self.root.join(BACKUPS)
    }

    /// `backup-work/`: files of backups in plain, while one is made or tried out.
    pub fn backup_work(&self) -> PathBuf {
        work::folder(&self.root)
    }

    /// Writes a file that only the owner can read: whole or not at all, and on disk when this returns.
    ///
    /// # Errors
    /// [`Error::Refused`] with the path.
    pub fn write_private(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        let staged = path.with_added_extension("new");
        let write = || -> std::io::Result<()> {
            private::write(&staged, bytes)?;
            std::fs::rename(&staged, path)?;
            File::open(&self.root)?.sync_all()
        };
        write().map_err(|error| Error::refused(format!("can't write {}: {error}", path.display())))
    }

    /// Gives the directory back, for the next process or the next start in this one.
    pub(super) fn release(&self) {
        if let Err(error) = self.lock.unlock() {
            log::warn!("giving the data directory back: {error}");
        }
    }

    /// Notes that the file is sound and nobody has it open, so that the next start need not read it all before it is ready.
    pub(super) fn note_clean_stop(&self) {
        let Some(state) = self.file_state() else {
            return;
        };
        if let Err(error) = self.write_private(&self.clean_stop(), state.as_bytes()) {
            log::warn!("{error}");
        }
    }

    /// Whether the last stop was clean and the file is as it was then.
    pub(super) fn stop_was_clean(&self) -> bool {
        let note = private::read(&self.clean_stop(), Rule::Own, MAX_NOTE);
        note.is_ok_and(|note| note.is_some() && note == self.file_state().map(String::into_bytes))
    }

    /// Removes the note of the last clean stop, so that it is believed once. False when it can't be removed.
    pub(super) fn forget_clean_stop(&self) -> bool {
        match std::fs::remove_file(self.clean_stop()) {
            Ok(()) => true,
            Err(error) => error.kind() == ErrorKind::NotFound,
        }
    }

    /// When a database was made here first, as far as that can be told.
    pub fn made_at(&self) -> Option<Timestamp> {
        made_at(&self.root)
    }

    fn clean_stop(&self) -> PathBuf {
        self.root.join(CLEAN_STOP)
    }

    fn file_state(&self) -> Option<String> {
        let metadata = std::fs::metadata(self.database()).ok()?;
        Some(format!(
            "{} {}.{:09}\n",
            metadata.len(),
            metadata.mtime(),
            metadata.mtime_nsec()
        ))
    }
}

/// When a database was made in a folder first, as far as that can be told.
pub fn made_at(root: &Path) -> Option<Timestamp> {
    let marker = root.join(MARKER).metadata().ok()?;
    Timestamp::try_from(marker.modified().ok()?).ok()
}

/// When the key of the first start was put into a folder, if it still is there.
pub fn initial_key_at(root: &Path) -> Option<Timestamp> {
    let metadata = root.join(INITIAL_KEY).symlink_metadata().ok()?;
    Timestamp::try_from(metadata.modified().ok()?).ok()
}

/// Takes the lock of a directory and writes the number of this process into it.
fn take_lock(root: &Path) -> Result<Locked> {
    let path = root.join(LOCK);
    let found = private::open(&path, Rule::Own, true)?;
    let opened = match found.map_or_else(|| private::create_new(&path), Ok) {
        // Another process was quicker.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            private::open(&path, Rule::Own, true)?.ok_or(error)
        }
        other => other,
    };
    let mut lock = opened.map_err(|error| unusable(root, &error))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            // A lock without a readable number is still a lock.
            let _ = lock.take(MAX_LOCK).read_to_string(&mut text);
            return Ok(Err(text.trim().parse().ok()));
        }
        Err(TryLockError::Error(error)) => return Err(unusable(root, &error)),
    }
    let written = lock
        .set_len(0)
        .and_then(|()| writeln!(lock, "{}", std::process::id()));
    written.map_err(|error| unusable(root, &error))?;
    Ok(Ok(lock))
}
