//! The data directory: its files, its permissions, and the lock by which one process owns it.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::error::{Error, Result};

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
    /// Another process has it; its process id, if it wrote one.
    Other(Option<u32>),
}

impl DataDirectory {
    /// Creates the directory if there is none (0700) and takes its lock.
    ///
    /// # Errors
    /// [`Error::Refused`] when it can't be created or written.
    pub fn own(root: &Path) -> Result<Owned> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(root)
            .map_err(|error| unusable(root, &error))?;
        let root = root
            .canonicalize()
            .map_err(|error| unusable(root, &error))?;
        let path = root.join("tollkeeper.lock");
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|error| unusable(&root, &error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // A lock without a readable number is still a lock.
                let _ = lock.read_to_string(&mut text);
                return Ok(Owned::Other(text.trim().parse().ok()));
            }
            Err(TryLockError::Error(error)) => return Err(unusable(&root, &error)),
        }
        let written = lock
            .set_len(0)
            .and_then(|()| writeln!(lock, "{}", std::process::id()));
        written.map_err(|error| unusable(&root, &error))?;
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
        self.root.join("tollkeeper.db")
    }

    /// `tollkeeper.db-wal`: what is committed and not yet in the file.
    pub fn write_ahead_log(&self) -> PathBuf {
        self.root.join("tollkeeper.db-wal")
    }

    /// `initialized`: says that a database was here, so that losing it is noticed.
    pub fn marker(&self) -> PathBuf {
        self.root.join("initialized")
    }

    /// `audit.key`: the key of the audit chain.
    pub fn audit_key(&self) -> PathBuf {
        self.root.join("audit.key")
    }

    /// `audit-anchor`: the head of the audit log as it was seen last.
    pub fn audit_anchor(&self) -> PathBuf {
        self.root.join("audit-anchor")
    }

    /// `initial-key`: the key of the first start.
    pub fn initial_key(&self) -> PathBuf {
        self.root.join("initial-key")
    }

    /// `control.sock`: the API for whoever may open it.
    pub fn control_socket(&self) -> PathBuf {
        self.root.join("control.sock")
    }

    /// `backups/`: copies made before a migration.
    pub fn backups(&self) -> PathBuf {
        self.root.join("backups")
    }

    /// Writes a file that only the owner can read: whole or not at all, and on disk when this returns.
    ///
    /// # Errors
    /// [`Error::Refused`] with the path.
    pub fn write_private(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        let staged = path.with_added_extension("new");
        let write = || -> std::io::Result<()> {
            let mut file = private_file(&staged)?;
            file.write_all(bytes)?;
            file.sync_all()?;
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
        std::fs::read_to_string(self.clean_stop()).is_ok_and(|note| Some(note) == self.file_state())
    }

    /// Removes the note of the last clean stop, so that it is believed once. False when it can't be removed.
    pub(super) fn forget_clean_stop(&self) -> bool {
        match std::fs::remove_file(self.clean_stop()) {
            Ok(()) => true,
            Err(error) => error.kind() == ErrorKind::NotFound,
        }
    }

    fn clean_stop(&self) -> PathBuf {
        self.root.join("clean-stop")
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

/// A new file, or an empty one, that only the owner can read.
pub(super) fn private_file(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
}

fn unusable(root: &Path, error: &std::io::Error) -> Error {
    Error::refused(format!(
        "can't use the data directory {}: {error}; make it writable or name another with --data-dir",
        root.display()
    ))
}
