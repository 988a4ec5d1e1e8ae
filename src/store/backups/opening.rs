//! Opening a backup and checking what is in it, for a try or to restore it.

use std::collections::BTreeSet;
use std::path::Path;

use super::MANIFEST;
use super::archive::unpack;
use super::check::{Checked, FilesBeside, check};
use super::encryption::Opener;
use super::halt::Halt;
use super::writing::chain_key;
use crate::domain::backup::manifest::{Content, Manifest};
use crate::error::Result;
use crate::store::audit::anchor::{MAX_ANCHOR, Noted};
use crate::store::directory::MAX_KEY_FILE;
use crate::store::directory::files::{AUDIT_ANCHOR, AUDIT_KEY, DATABASE};
use crate::store::directory::private::{self, Rule};

/// Most counts that are told.
const MOST_TOLD: usize = 10;

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
    if findings.is_empty() {
        findings = differences(&manifest.content, &content);
    }
    Ok(OpenedBackup { manifest, findings })
}

/// Where what a backup says of itself is not what is in it.
fn differences(said: &Content, found: &Content) -> Vec<String> {
    let names: BTreeSet<&String> = said.counts.keys().chain(found.counts.keys()).collect();
    let counts = names.into_iter().filter_map(|name| {
        let (said, found) = (said.counts.get(name), found.counts.get(name));
        let what = match (said, found) {
            (Some(said), Some(found)) if said != found => format!("{said}, and there are {found}"),
            (None, Some(found)) => format!("nothing, and there are {found}"),
            (Some(said), None) => format!("{said}, which are not counted in its schema"),
            _ => return None,
        };
        Some(format!("{MANIFEST} says of {name}: {what}"))
    });
    let mut differences: Vec<String> = counts.take(MOST_TOLD).collect();
    if said.schema != found.schema {
        differences.push(format!(
            "{MANIFEST} says of the schema: {}, and it is {}",
            said.schema, found.schema
        ));
    }
    if said.audit != found.audit {
        differences.push(format!(
            "{MANIFEST} says that the audit log ends with entry {} ({}), and it ends with {} ({})",
            said.audit.entries, said.audit.head, found.audit.entries, found.audit.head
        ));
    }
    differences
}
