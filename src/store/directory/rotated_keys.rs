//! The files that hold the new secrets of virtual keys which rotated by schedule, until the operator has handed them out.
//!
//! A secret is first put beside the file of its key (`<id>.new`), because that one may still hold the secret that works.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{MutexGuard, PoisonError};

use super::files::ROTATED_KEYS;
use super::private::{self, Rule};
use super::{DataDirectory, MAX_KEY_FILE};
use crate::domain::credential::{Kind, Token};
use crate::error::{Error, Result};

/// What is added to the name of a file before its secret is valid.
const STAGED: &str = "new";

/// A file with a secret.
pub struct RotatedKey {
    path: PathBuf,
    /// The secret.
    pub token: Token,
    /// Whether it was put there before its commit.
    pub is_staged: bool,
}

impl DataDirectory {
    /// `rotated-keys/`: a file for each key, with its public id as name.
    pub fn rotated_keys(&self) -> PathBuf {
        self.root().join(ROTATED_KEYS)
    }

    /// How many secrets lie there.
    pub fn count_rotated_keys(&self) -> usize {
        std::fs::read_dir(self.rotated_keys()).map_or(0, Iterator::count)
    }

    /// Puts secrets beside the files of their keys; on disk when this returns.
    ///
    /// # Errors
    /// [`Error::Refused`] with the path.
    pub fn stage_rotated_keys(&self, tokens: &[&Token]) -> Result<()> {
        let directory = self.rotated_keys();
        private::folder(&directory)?;
        let write = || -> std::io::Result<()> {
            for token in tokens {
                let mut file = private::create(&directory.join(token.id()).with_extension(STAGED))?;
                file.write_all(token.reveal().as_bytes())?;
                file.write_all(b"\n")?;
                file.sync_all()?;
            }
            File::open(&directory)?.sync_all()?;
            File::open(self.root())?.sync_all()
        };
        write().map_err(|error| unusable(&directory, &error))
    }

    /// A turn at looking at the secret that a key has and making its file what it should be.
    pub fn rotated_keys_turn(&self) -> MutexGuard<'_, ()> {
        self.rotated.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every secret that lies there. What is none of ours is left alone.
    ///
    /// # Errors
    /// [`Error::Refused`] with the path.
    pub fn list_rotated_keys(&self) -> Result<Vec<RotatedKey>> {
        let directory = self.rotated_keys();
        let entries = match std::fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unusable(&directory, &error)),
        };
        Ok(entries
            .filter_map(|entry| RotatedKey::read(entry.ok()?.path()))
            .collect())
    }

    /// The secret in the file of a key, if there is one.
    pub fn find_rotated_key(&self, public_id: &str) -> Option<RotatedKey> {
        RotatedKey::read(self.rotated_keys().join(public_id))
    }
}

impl RotatedKey {
    fn read(path: PathBuf) -> Option<Self> {
        let bytes = private::read(&path, Rule::Own, MAX_KEY_FILE).ok()??;
        let token = Token::parse(str::from_utf8(&bytes).ok()?.trim_end()).ok()?;
        let of_key = path.file_stem()?.to_str()? == token.id() && token.kind() == Kind::Virtual;
        let is_staged = path.extension().is_some_and(|name| name == STAGED);
        of_key.then_some(Self {
            path,
            token,
            is_staged,
        })
    }

    /// Puts the secret in place of what was in the file of its key.
    ///
    /// # Errors
    /// [`Error::Refused`] with the path.
    pub fn publish(&self) -> Result<()> {
        let published = self.path.with_extension("");
        std::fs::rename(&self.path, &published).map_err(|error| unusable(&published, &error))
    }

    /// Removes the file.
    ///
    /// # Errors
    /// [`Error::Refused`] with the path.
    pub fn remove(&self) -> Result<()> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(unusable(&self.path, &error)),
            _ => Ok(()),
        }
    }
}

fn unusable(path: &Path, error: &std::io::Error) -> Error {
    Error::refused(format!("can't write to {}: {error}", path.display()))
}
