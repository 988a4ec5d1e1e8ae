//! The anchor of the audit log: how many entries there were and the hash of the last one, in a file outside the database.
//!
//! It moves forward on every start and stop and every half minute between, and only while the entry it names is still there: whoever cuts or rewrites the
//! log, or removes the file, can't make the server forget what it saw.

use std::io::ErrorKind;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::audit::{self, tampered};
use super::directory::DataDirectory;
use super::{Reading, Store};
use crate::domain::audit::{MAC_LENGTH, Verdict};
use crate::domain::number::hex;
use crate::error::{Error, Result};

#[derive(Debug, Serialize, Deserialize)]
struct Anchor {
    entries: i64,
    /// The hash of the last entry, in hexadecimal.
    head: String,
    anchored_at: Timestamp,
}

const GONE: &str = "the file audit-anchor is gone; restore it from a backup";

/// Writes the first anchor of a new database.
///
/// # Errors
/// When the file can't be written.
pub(super) fn begin(directory: &DataDirectory, now: Timestamp) -> Result<()> {
    write(directory, 0, &[0; MAC_LENGTH], now)
}

impl Store {
    /// Notes the head of the audit log outside the database, unless the entry that was noted last has gone.
    ///
    /// # Errors
    /// When the log can't be read or the file can't be written.
    pub fn anchor_audit_log(&self, now: Timestamp) -> Result<()> {
        if read(self.directory())?.is_none() {
            log::error!("{GONE}: what was cut off the audit log before now can't be told");
            return Ok(());
        }
        let head = self.read(|reading| match compare(reading, self.directory())? {
            Some(problem) => {
                log::error!(
                    "the audit log was tampered with, see `tollkeeper audit verify`: {problem:?}"
                );
                Ok(None)
            }
            None => audit::head(reading).map(Some),
        })?;
        let noted = read(self.directory())?.map(|anchor| anchor.entries);
        match head {
            Some((entries, mac)) if Some(entries) != noted => {
                write(self.directory(), entries, &mac, now)
            }
            _ => Ok(()),
        }
    }

    /// Walks the audit log and compares it with the anchor.
    ///
    /// # Errors
    /// When the log or the anchor can't be read.
    pub fn verify_audit_log(&self) -> Result<Verdict> {
        self.read(|reading| {
            let walked = audit::walk(reading, &self.chain)?;
            let Verdict::Intact { entries } = walked else {
                return Ok(walked);
            };
            if read(self.directory())?.is_none() {
                return Ok(tampered(entries, GONE.to_owned()));
            }
            if let Some(problem) = compare(reading, self.directory())? {
                return Ok(problem);
            }
            Ok(match audit::find_untold_version(reading)? {
                Some((profile, version)) => tampered(
                    entries,
                    format!("no entry tells of version {version} of the access profile {profile}"),
                ),
                None => walked,
            })
        })
    }
}

fn write(directory: &DataDirectory, entries: i64, mac: &[u8], now: Timestamp) -> Result<()> {
    let anchor = Anchor {
        entries,
        head: hex(mac),
        anchored_at: now,
    };
    let text = serde_json::to_string(&anchor)
        .map_err(|error| Error::internal("writing the anchor", error))?;
    directory.write_private(&directory.audit_anchor(), format!("{text}\n").as_bytes())
}

/// What is wrong with the entry that the anchor names, if anything.
fn compare(reading: &Reading<'_>, directory: &DataDirectory) -> Result<Option<Verdict>> {
    let Some(anchor) = read(directory)? else {
        return Ok(None);
    };
    if !audit::is_there(reading)? {
        return Ok(Some(tampered(1, "the whole log is gone".to_owned())));
    }
    if anchor.entries == 0 {
        return Ok(None);
    }
    Ok(match audit::mac_at(reading, anchor.entries)? {
        Some(mac) if hex(&mac) == anchor.head => None,
        Some(_) => Some(tampered(
            anchor.entries,
            format!(
                "the entry is not the one that was anchored at {}",
                anchor.anchored_at
            ),
        )),
        None => Some(tampered(
            anchor.entries,
            format!(
                "the entry was anchored at {} and is gone",
                anchor.anchored_at
            ),
        )),
    })
}

fn read(directory: &DataDirectory) -> Result<Option<Anchor>> {
    let path = directory.audit_anchor();
    match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| unreadable(&format!("is no anchor: {error}"))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(&format!("can't be read: {error}"))),
    }
}

fn unreadable(why: &str) -> Error {
    Error::Unavailable {
        code: "audit_anchor_unreadable",
        reason: format!("the file audit-anchor in the data directory {why}"),
    }
}
