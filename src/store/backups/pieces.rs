//! Files of backups as they are written and read: hashed on the way, and never much of them waiting for the disk.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::halt::Halt;
use super::{LEFT, STRIDE};
use crate::domain::backup::manifest::FileSum;
use crate::domain::values::number::hex;
use crate::error::{Error, Result};
use crate::store::directory::private;

/// A new file that is hashed as it is written, and reaches the disk piece by piece.
pub(super) struct NewFile<'h> {
    file: File,
    hash: Sha256,
    bytes: u64,
    waiting: usize,
    halt: &'h Halt,
}

impl<'h> NewFile<'h> {
    /// A file for us alone, in place of whatever has its name.
    pub(super) fn create(path: &Path, halt: &'h Halt) -> io::Result<Self> {
        Ok(Self {
            file: private::create(path)?,
            hash: Sha256::new(),
            bytes: 0,
            waiting: 0,
            halt,
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
            self.halt.look_between()?;
            self.file.sync_data()?;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// What something that is read to its end is.
pub(super) fn sum_of(mut from: impl Read, halt: &Halt) -> io::Result<FileSum> {
    let mut hash = Sha256::new();
    let (mut bytes, mut buffer) = (0, vec![0; 256 * 1024]);
    loop {
        halt.look_between()?;
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
pub fn sum_of_file(path: &Path, halt: &Halt) -> Result<FileSum> {
    let read = File::open(path).and_then(|file| sum_of(file, halt));
    read.map_err(|error| Error::refused(format!("can't read {}: {error}", path.display())))
}

fn sum(hash: Sha256, bytes: u64) -> FileSum {
    FileSum {
        bytes,
        sha256: hex(&hash.finalize()),
    }
}

/// Makes sure that there is room for a copy in one folder, and in another for the file that it is packed into, which is no larger.
///
/// # Errors
/// [`Error::Refused`] when there is not.
pub(super) fn require_room_for_both(copy: &Path, packed: &Path, bytes: u64) -> Result<()> {
    let disk = |folder: &Path| folder.metadata().map(|folder| folder.dev()).ok();
    if disk(copy) == disk(packed) {
        return require_room(copy, bytes.saturating_mul(2));
    }
    require_room(copy, bytes)?;
    require_room(packed, bytes)
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
