//! `revocations`: what was taken away while the database could not be written, so that a restart does not give it back.
//!
//! The file has its space from the start on, and is written in place: that takes none from a disk that is full. It holds one
//! JSON text a line, and zeros after them.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;

use rustix::fs::{FallocateFlags, fallocate};

use super::directory::DataDirectory;
use crate::domain::revocation::Revocation;
use crate::error::{Error, Result};

/// The space that is kept back.
pub const ROOM: usize = 1024 * 1024;

/// The open file.
pub struct KeptRevocations {
    path: PathBuf,
    file: File,
    /// Where the next one is written.
    end: usize,
}

impl KeptRevocations {
    /// Opens the file of a directory, making it if there is none, and reads what it holds, the first one first.
    ///
    /// # Errors
    /// [`Error::Refused`] when it can't be read or holds something else.
    pub fn open(directory: &DataDirectory) -> Result<(Self, Vec<Revocation>)> {
        let path = directory.revocations();
        let refused = |error: std::io::Error| {
            Error::refused(format!("can't use {}: {error}", path.display()))
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(refused)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(refused)?;
        let (kept, end) = parse(&bytes);
        if bytes.len() < ROOM
            && let Err(error) = make_room(&file, bytes.len())
        {
            log::error!(
                "{} has no room, so what is revoked while the disk is full would be forgotten by a restart: {error}",
                path.display()
            );
        }
        Ok((Self { path, file, end }, kept))
    }

    /// Adds one; it is on disk when this returns.
    ///
    /// # Errors
    /// When the file is full or the disk refuses even that.
    pub fn add(&mut self, revocation: &Revocation) -> Result<()> {
        let failed = |cause: &dyn std::fmt::Display| {
            Error::internal(&format!("writing {}", self.path.display()), cause)
        };
        let mut line = serde_json::to_vec(revocation).map_err(|error| failed(&error))?;
        line.push(b'\n');
        if self.end + line.len() > ROOM {
            return Err(failed(&"it is full"));
        }
        let written = self.file.write_all_at(&line, self.end as u64);
        written
            .and_then(|()| self.file.sync_data())
            .map_err(|error| failed(&error))?;
        self.end += line.len();
        Ok(())
    }

    /// Empties the file: all that it held is in the database.
    ///
    /// # Errors
    /// When the disk refuses that.
    pub fn clear(&mut self) -> Result<()> {
        let cleared = self.file.write_all_at(&vec![0; self.end], 0);
        cleared
            .and_then(|()| self.file.sync_data())
            .map_err(|error| {
                Error::internal(&format!("emptying {}", self.path.display()), error)
            })?;
        self.end = 0;
        Ok(())
    }
}

/// The revocations that `bytes` begin with, and where they end. What a crash left of the last one was never acknowledged.
fn parse(bytes: &[u8]) -> (Vec<Revocation>, usize) {
    let (mut kept, mut end) = (Vec::new(), 0);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match serde_json::from_slice(line) {
            Ok(revocation) if line.ends_with(b"\n") => kept.push(revocation),
            _ => break,
        }
        end += line.len();
    }
    (kept, end)
}

/// Takes the space from the disk. Where it can't be reserved unwritten, zeros are written.
fn make_room(file: &File, length: usize) -> std::io::Result<()> {
    match fallocate(file, FallocateFlags::empty(), 0, ROOM as u64) {
        Ok(()) => {}
        Err(error) if std::io::Error::from(error).kind() == ErrorKind::Unsupported => {
            file.write_all_at(&vec![0; ROOM - length], length as u64)?;
        }
        Err(error) => return Err(error.into()),
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit::Actor;
    use crate::domain::revocation::Taken;
    use crate::store::directory::Owned;

    fn revocation(user_id: i64) -> Revocation {
        Revocation {
            actor: Actor::server("test"),
            at: jiff::Timestamp::UNIX_EPOCH,
            taken: Taken::User { user_id },
        }
    }

    #[test]
    fn what_was_added_is_read_again_and_what_a_crash_left_of_the_last_one_is_not() {
        let root = tempfile::tempdir().unwrap();
        let Owned::Ours(directory) = DataDirectory::own(root.path()).unwrap() else {
            panic!("a fresh directory is in use");
        };
        let (mut file, kept) = KeptRevocations::open(&directory).unwrap();
        assert_eq!(kept, []);
        let path = directory.revocations();
        assert_eq!(std::fs::metadata(&path).unwrap().len(), ROOM as u64);
        for user_id in 1..=3 {
            file.add(&revocation(user_id)).unwrap();
        }
        let end = file.end;
        for cut in 0..=end {
            let mut bytes = std::fs::read(&path).unwrap();
            bytes[cut..].fill(0);
            let (kept, at) = parse(&bytes);
            assert!(at <= cut);
            assert_eq!(
                kept,
                [1, 2, 3][..kept.len()]
                    .iter()
                    .map(|id| revocation(*id))
                    .collect::<Vec<_>>()
            );
            assert_eq!(kept.len() == 3, cut == end, "{cut}");
        }
        let (mut file, kept) = KeptRevocations::open(&directory).unwrap();
        assert_eq!(kept.len(), 3);
        file.clear().unwrap();
        assert_eq!(KeptRevocations::open(&directory).unwrap().1, []);
        // It takes no more than was kept back for it.
        let mut added = 0;
        while file.add(&revocation(added)).is_ok() {
            added += 1;
        }
        assert!(added > 1_000, "{added}");
        assert_eq!(std::fs::metadata(&path).unwrap().len(), ROOM as u64);
        let (_, kept) = KeptRevocations::open(&directory).unwrap();
        assert_eq!(kept.len(), usize::try_from(added).unwrap());
    }
}
