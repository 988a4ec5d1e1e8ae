//! Making a backup: the copy, its checks, and the file.

use std::path::Path;

use jiff::Timestamp;

use super::archive::{pack, read_back};
use super::check::{Checked, FilesBeside, check};
use super::copy::copy;
use super::encryption::Lock;
use super::halt::Halt;
use super::pieces::sum_of_file;
use crate::domain::audit::ChainKey;
use crate::domain::backup::manifest::{FORM, FileSum, Manifest};
use crate::error::{Error, Result};
use crate::store::audit::anchor::{MAX_ANCHOR, Noted};
use crate::store::directory::files::{AUDIT_ANCHOR, AUDIT_KEY, DATABASE};
use crate::store::directory::private::{self, Rule};
use crate::store::directory::{DataDirectory, MAX_KEY_FILE};

pub use super::pieces::sum_of_file as sum_of_backup;

/// A backup that was written, under a name that is not its own yet.
pub struct WrittenBackup {
    /// What it says of itself.
    pub manifest: Manifest,
    /// It as a file.
    pub sum: FileSum,
}

/// Writes a backup to a file. What is in plain on the way lies in `folder`, which is for this alone.
///
/// # Errors
/// [`Error::Refused`] with what is in the way; what SQLite says.
pub fn write(
    directory: &DataDirectory,
    folder: &Path,
    to: &Path,
    lock: Option<&Lock>,
    now: Timestamp,
    halt: &Halt,
) -> Result<WrittenBackup> {
    let unwritten = |path: &Path, error: &std::io::Error| {
        Error::refused(format!("can't write {}: {error}", path.display()))
    };
    // Before the copy is begun: what the anchor names must be in it.
    let key = private::read(&directory.audit_key(), Rule::Own, MAX_KEY_FILE)?;
    // Whatever became of that one, the rest is worth a backup, which says so.
    let anchor = private::read(&directory.audit_anchor(), Rule::Own, MAX_ANCHOR);
    let found = [
        (AUDIT_KEY, key.as_ref()),
        (AUDIT_ANCHOR, anchor.as_ref().ok().and_then(Option::as_ref)),
    ];
    for (name, bytes) in found {
        if let Some(bytes) = bytes {
            let path = folder.join(name);
            private::write(&path, bytes).map_err(|error| unwritten(&path, &error))?;
        }
    }
    let database = folder.join(DATABASE);
    let packed = to.parent().unwrap_or(to);
    copy(&directory.database(), &database, packed, halt)?;
    let Checked { content, findings } = check(
        &database,
        &FilesBeside {
            key: key.and_then(chain_key).as_ref(),
            anchor: Noted::of(anchor.as_ref().map(Option::as_deref).map_err(Clone::clone)),
        },
        halt,
    )?;
    let manifest = Manifest {
        form: FORM,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        made_at: now,
        database: sum_of_file(&database, halt)?,
        content,
        findings,
    };
    let sum = pack(folder, &manifest, lock, to, halt).map_err(|error| unwritten(to, &error))?;
    read_back(to, &sum, halt)?;
    Ok(WrittenBackup { manifest, sum })
}

/// The key of a chain, if these bytes are one.
pub(super) fn chain_key(bytes: Vec<u8>) -> Option<ChainKey> {
    bytes.try_into().ok().map(ChainKey)
}
