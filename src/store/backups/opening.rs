//! Opening a backup and checking what is in it, for a try or to restore it.

use std::path::Path;

use super::archive::unpack;
use super::check::{Checked, FilesBeside, check};
use super::encryption::Opener;
use super::halt::Halt;
use super::writing::chain_key;
use crate::domain::backup::manifest::Manifest;
use crate::error::Result;
use crate::store::audit::anchor::{MAX_ANCHOR, Noted};
use crate::store::directory::MAX_KEY_FILE;
use crate::store::directory::files::{AUDIT_ANCHOR, AUDIT_KEY, DATABASE};
use crate::store::directory::private::{self, Rule};

/// A backup that was opened.
pub struct OpenedBackup {
    /// What it says of itself.
    pub manifest: Manifest,
    /// What is wrong with it; empty when it is sound.
    pub findings: Vec<String>,
}

/// Unpacks a backup into a folder of ours that is empty, and checks everything.
///
/// # Errors
/// [`crate::error::Error::Refused`] with the path, when it is no backup or not whole.
pub fn open(
    file: &Path,
    opener: Option<&Opener>,
    folder: &Path,
    halt: &Halt,
) -> Result<OpenedBackup> {
    let manifest = unpack(file, opener, folder, halt)?;
    let key = private::read(&folder.join(AUDIT_KEY), Rule::Own, MAX_KEY_FILE)?;
    let anchor = private::read(&folder.join(AUDIT_ANCHOR), Rule::Own, MAX_ANCHOR);
    let Checked {
        content,
        mut findings,
    } = check(
        &folder.join(DATABASE),
        &FilesBeside {
            key: key.and_then(chain_key).as_ref(),
            anchor: Noted::of(anchor.as_ref().map(Option::as_deref).map_err(Clone::clone)),
        },
        halt,
    )?;
    if findings.is_empty() && content != manifest.content {
        findings.push("what is in it is not what it says of itself".to_owned());
    }
    Ok(OpenedBackup { manifest, findings })
}
