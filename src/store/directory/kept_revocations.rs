//! `revocations`: what was taken away while the database could not be written, so that a restart does not give it back.
//!
//! The file has its space from the start on, and is written in place: that takes none from a disk that is full. It holds one
//! JSON text a line, and zeros after them; one that begins with a zero is empty.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;

use rustix::fs::{FallocateFlags, fallocate};

use super::DataDirectory;
use crate::domain::credential::revocation::Revocation;
use crate::error::{Error, Result};

/// The space that is kept back.
pub const ROOM: usize = 1024 * 1024;

/// The open file.
pub struct KeptRevocations {
    path: PathBuf,
    file: File,
    /// Where the next one is written.
    end: usize,
    /// How far there may be something other than zeros, left by what a crash or the disk cut short.
    dirty_to: usize,
}

impl KeptRevocations {
    /// Opens the file of a directory, making it if there is none, and reads what it holds, the first one first.
    ///
    /// # Errors
    /// [`Error::Refused`] when it can't be read or holds something else, which says where and what to do.
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
        let (kept, end) = parse(&bytes).map_err(|fault| {
            Error::refused(format!(
                "{} holds what was revoked while the disk was full and is not stored yet, and line {} of it can't be read: {}. Nothing \
                 of it was forgotten. Restore the file from a copy, or correct that line; or move the file away, start, and revoke \
                 again what its lines name",
                path.display(),
                fault.line,
                fault.cause
            ))
        })?;
        if bytes.len() < ROOM
            && let Err(error) = make_room(&file, bytes.len())
        {
            log::error!(
                "{} has no room, so what is revoked while the disk is full would be forgotten by a restart: {error}",
                path.display()
            );
        }
        let used = bytes.iter().rposition(|byte| *byte != 0);
        let dirty_to = used.map_or(end, |last| end.max(last + 1));
        let mut kept_file = Self {
            path,
            file,
            end,
            dirty_to,
        };
        if let Err(error) = kept_file.tidy() {
            log::error!("{error}; it is tried again before something is written to it");
        }
        Ok((kept_file, kept))
    }

    /// Adds one; it is on disk when this returns.
    ///
    /// # Errors
    /// When the file is full or the disk refuses even that.
    pub fn add(&mut self, revocation: &Revocation) -> Result<()> {
        self.tidy()?;
        let failed = |cause: &dyn std::fmt::Display| {
            Error::internal(&format!("writing {}", self.path.display()), cause)
        };
        let mut line = serde_json::to_vec(revocation).map_err(|error| failed(&error))?;
        line.push(b'\n');
        if self.end + line.len() > ROOM {
            return Err(failed(&"it is full"));
        }
        self.dirty_to = self.end + line.len();
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
        // With the first byte all of it goes at once, whatever comes in between.
        self.zero(0, 1)?;
        self.end = 0;
        self.tidy()
    }

    /// Lets nothing but zeros follow what it holds.
    fn tidy(&mut self) -> Result<()> {
        if self.dirty_to > self.end {
            self.zero(self.end, self.dirty_to)?;
            self.dirty_to = self.end;
        }
        Ok(())
    }

    fn zero(&self, from: usize, to: usize) -> Result<()> {
        let cleared = self.file.write_all_at(&vec![0; to - from], from as u64);
        cleared
            .and_then(|()| self.file.sync_data())
            .map_err(|error| Error::internal(&format!("emptying {}", self.path.display()), error))
    }
}

/// A line that can't be read.
#[derive(Debug)]
struct Fault {
    line: usize,
    cause: serde_json::Error,
}

/// The revocations that `bytes` begin with, and where they end. What a crash left of the last one was never acknowledged: it has no
/// newline, or zeros where it was not written yet.
fn parse(bytes: &[u8]) -> std::result::Result<(Vec<Revocation>, usize), Fault> {
    let (mut kept, mut end) = (Vec::new(), 0);
    while bytes.get(end).is_some_and(|first| *first != 0) {
        let Some(length) = bytes[end..].iter().position(|byte| *byte == b'\n') else {
            break;
        };
        let (line, rest) = bytes[end..].split_at(length + 1);
        match serde_json::from_slice(line) {
            Ok(revocation) => kept.push(revocation),
            Err(_) if line.contains(&0) && rest.iter().all(|byte| *byte == 0) => break,
            Err(cause) => {
                let line = kept.len() + 1;
                return Err(Fault { line, cause });
            }
        }
        end += line.len();
    }
    Ok((kept, end))
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
    use crate::domain::credential::revocation::Taken;
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
            let (kept, at) = parse(&bytes).unwrap();
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

    #[test]
    fn a_line_that_cannot_be_read_forgets_nothing_that_follows() {
        let root = tempfile::tempdir().unwrap();
        let Owned::Ours(directory) = DataDirectory::own(root.path()).unwrap() else {
            panic!("a fresh directory is in use");
        };
        let (mut file, _) = KeptRevocations::open(&directory).unwrap();
        for user_id in 1..=3 {
            file.add(&revocation(user_id)).unwrap();
        }
        let (path, end) = (directory.revocations(), file.end);
        let whole = std::fs::read(&path).unwrap();
        for line in 0..3 {
            let mut bytes = whole.clone();
            bytes[line * end / 3 + 5] = b'?';
            std::fs::write(&path, bytes).unwrap();
            let error = KeptRevocations::open(&directory).map(drop).unwrap_err();
            let said = error.to_string();
            let expected = [format!("line {}", line + 1), path.display().to_string()];
            assert!(expected.iter().all(|part| said.contains(part)), "{said}");
        }
        // Of one that was not written whole, any part may be there.
        let mut bytes = whole.clone();
        bytes[end * 2 / 3 + 5] = 0;
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(KeptRevocations::open(&directory).unwrap().1.len(), 2);
        // What is left of it does not come back behind a shorter one.
        let (mut file, _) = KeptRevocations::open(&directory).unwrap();
        file.add(&revocation(9)).unwrap();
        assert_eq!(KeptRevocations::open(&directory).unwrap().1.len(), 3);
        // Emptied, it is empty even if only the first byte of that came to the disk.
        let mut bytes = whole;
        bytes[0] = 0;
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(KeptRevocations::open(&directory).unwrap().1, []);
    }
}
