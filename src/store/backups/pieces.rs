//! Files of backups as they are written and read: hashed on the way, and never much of them waiting for the disk.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::{LEFT, STRIDE};
use crate::domain::backup::manifest::FileSum;
use crate::domain::values::number::hex;
use crate::error::{Error, Result};
use crate::store::directory::private;

/// Whether somebody wants this to go on: a server that stops does not wait for a backup.
pub type GoOn<'g> = &'g dyn Fn() -> bool;

/// A new file that is hashed as it is written, and reaches the disk piece by piece.
pub(super) struct NewFile<'g> {
    file: File,
    hash: Sha256,
    bytes: u64,
    waiting: usize,
    go_on: GoOn<'g>,
}

impl<'g> NewFile<'g> {
    /// A file for us alone, in place of whatever has its name.
    pub(super) fn create(path: &Path, go_on: GoOn<'g>) -> io::Result<Self> {
        Ok(Self {
            file: private::create(path)?,
            hash: Sha256::new(),
            bytes: 0,
            waiting: 0,
            go_on,
        })
    }

    /// Waits until all of it is on the disk; answers what it is.
    pub(super) fn finish(self) -> io::Result<FileSum> {
        self.file.sync_all()?;
        Ok(sum(self.hash, self.bytes))
    }
}

impl Write for NewFile<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        self.waiting += written;
        if self.waiting >= STRIDE {
            self.waiting = 0;
            look(self.go_on)?;
            self.file.sync_data()?;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Answers whether to go on, as what ends the work.
fn look(go_on: GoOn<'_>) -> io::Result<()> {
    if go_on() {
        return Ok(());
    }
    Err(io::Error::other("the server is stopping"))
}

/// What something that is read to its end is.
pub(super) fn sum_of(mut from: impl Read, go_on: GoOn<'_>) -> io::Result<FileSum> {
    let mut hash = Sha256::new();
    let (mut bytes, mut buffer) = (0, vec![0; 256 * 1024]);
    loop {
        look(go_on)?;
        let read = from.read(&mut buffer)?;
        if read == 0 {
            return Ok(sum(hash, bytes));
        }
        hash.update(&buffer[..read]);
        bytes += read as u64;
    }
}

/// What a file is.
///
/// # Errors
/// [`Error::Refused`] when it can't be read.
pub fn sum_of_file(path: &Path, go_on: GoOn<'_>) -> Result<FileSum> {
    let read = File::open(path).and_then(|file| sum_of(file, go_on));
    read.map_err(|error| Error::refused(format!("can't read {}: {error}", path.display())))
}

fn sum(hash: Sha256, bytes: u64) -> FileSum {
    FileSum {
        bytes,
        sha256: hex(&hash.finalize()),
    }
}

/// Makes sure that a disk has room for so many bytes more, and some for others.
///
/// # Errors
/// [`Error::Refused`] when it has not.
pub fn require_room(folder: &Path, bytes: u64) -> Result<()> {
    let disk = rustix::fs::statvfs(folder).map_err(|error| {
        Error::refused(format!(
            "can't see how full the disk is that {} is on: {error}",
            folder.display()
        ))
    })?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let needed = bytes.saturating_add(LEFT);
    if free >= needed {
        return Ok(());
    }
    Err(Error::refused(format!(
        "there is no room in {}: {} MiB are free, and {} MiB are needed at most, some of them for others; make room, or name another folder",
        folder.display(),
        free >> 20,
        needed >> 20
    )))
}
