//! The folder that backups lie in.

use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::domain::backup::name::BackupName;
use crate::error::{Error, Result};
use crate::store::directory::{DataDirectory, private};

/// The file of a backup that is written. One that a crash left gives way to the next.
const UNFILED: &str = ".unfiled";

/// The folder that backups lie in. What is in it and has another name than theirs is none of ours.
pub struct BackupFolder {
    path: PathBuf,
    /// Whether it is the one in the data directory, which is closed to others.
    is_own: bool,
}

/// A backup that lies there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FiledBackup {
    /// Its name.
    pub name: BackupName,
    /// How large its file is.
    pub bytes: u64,
}

impl BackupFolder {
    /// The folder that was named, or the one in the data directory.
    ///
    /// # Errors
    /// [`Error::Refused`] when that is a link which leads nowhere.
    pub fn find(directory: &DataDirectory, named: Option<&Path>) -> Result<Self> {
        let path = match named {
            Some(path) => path.to_owned(),
            None => private::behind_our_link(&directory.backups())?,
        };
        let is_own = named.is_none();
        Ok(Self { path, is_own })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes it, if it is not there.
    ///
    /// # Errors
    /// [`Error::Refused`] with the path.
    pub fn make(&self) -> Result<()> {
        if self.is_own {
            return private::folder(&self.path).map(drop);
        }
        let made = DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.path);
        made.map_err(|error| unusable(&self.path, &error))
    }

    /// Every backup there, the newest first; none when there is no folder.
    ///
    /// # Errors
    /// [`Error::Refused`] when it can't be read.
    pub fn list(&self) -> Result<Vec<FiledBackup>> {
        let entries = match self.path.read_dir() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            read => read.map_err(|error| unusable(&self.path, &error))?,
        };
        let mut all = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| unusable(&self.path, &error))?;
            let name = entry.file_name();
            let Some(name) = name.to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            // One that went away meanwhile is not there.
            if let Ok(metadata) = entry.metadata()
                && metadata.is_file()
            {
                let bytes = metadata.len();
                all.push(FiledBackup { name, bytes });
            }
        }
        all.sort_by_key(|backup| std::cmp::Reverse(backup.name));
        Ok(all)
    }

    /// The backup of a name. Nothing but a name of a backup is looked for, so no name leads out of the folder.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub fn get(&self, text: &str) -> Result<FiledBackup> {
        let absent = || {
            let shown: String = text.chars().take(80).collect();
            Error::not_found("backup", format!("{shown:?}"))
        };
        let name: BackupName = text.parse().map_err(|()| absent())?;
        let metadata = self.file(&name).symlink_metadata().map_err(|_| absent())?;
        if !metadata.is_file() {
            return Err(absent());
        }
        let bytes = metadata.len();
        Ok(FiledBackup { name, bytes })
    }

    /// Where the file of a backup is.
    pub fn file(&self, name: &BackupName) -> PathBuf {
        self.path.join(name.to_string())
    }

    /// Where the file of a backup is written before it has a name. What is there goes with the value.
    pub fn unfiled(&self) -> UnfiledBackup {
        UnfiledBackup(self.path.join(UNFILED))
    }

    /// Gives a file that was written its name, with the next number of its second; on disk when this returns.
    ///
    /// # Errors
    /// [`Error::Refused`] with the path.
    pub fn file_as(&self, written: &UnfiledBackup, mut name: BackupName) -> Result<BackupName> {
        // After all of its second, also where those before were removed.
        let all = self.list()?;
        let same = all.iter().filter(|other| other.name.at == name.at);
        name.number = 1 + same.map(|other| other.name.number).max().unwrap_or(0);
        let path = self.file(&name);
        std::fs::rename(&written.0, &path)
            .and_then(|()| File::open(&self.path)?.sync_all())
            .map_err(|error| unusable(&path, &error))?;
        Ok(name)
    }

    /// Removes a backup.
    ///
    /// # Errors
    /// [`Error::Refused`] with the path.
    pub fn remove(&self, name: &BackupName) -> Result<()> {
        let path = self.file(name);
        std::fs::remove_file(&path).map_err(|error| unusable(&path, &error))
    }
}

/// A backup that is written, or was and has no name yet.
pub struct UnfiledBackup(PathBuf);

impl UnfiledBackup {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for UnfiledBackup {
    fn drop(&mut self) {
        match std::fs::remove_file(&self.0) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                log::warn!("removing {}: {error}", self.0.display());
            }
            _ => {}
        }
    }
}

/// A folder that goes with this value.
pub struct ScratchFolder(PathBuf);

impl ScratchFolder {
    /// A folder for us alone, empty.
    ///
    /// # Errors
    /// [`Error::Refused`] with the path.
    pub fn make(path: PathBuf) -> Result<Self> {
        match std::fs::remove_dir_all(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(unusable(&path, &error));
            }
            _ => {}
        }
        private::folder(&path)?;
        Ok(Self(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for ScratchFolder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            log::warn!("removing {}: {error}", self.0.display());
        }
    }
}

fn unusable(path: &Path, error: &std::io::Error) -> Error {
    Error::refused(format!("can't use {}: {error}", path.display()))
}
