//! The anchor of the audit log: how many entries there were and the hash of the last one, in a file outside the database.
//!
//! It moves forward on every start and stop and every half minute between, and only while the entry it names is still there: whoever cuts or rewrites the
//! log, or removes the file, can't make the server forget what it saw.

use std::path::Path;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::chain::{self, Milestone, Walked};
use super::notes;
use super::walk::{find_untold_version, tampered, walk};
use crate::domain::audit::state::AuditFault;
use crate::domain::audit::{ChainKey, MAC_LENGTH, Verdict, Verified};
use crate::domain::values::number::hex;
use crate::error::{Error, Result};
use crate::store::directory::DataDirectory;
use crate::store::directory::private::{self, Rule};
use crate::store::handle::Store;
use crate::store::sql::Reading;

/// What was noted.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Anchor {
    pub entries: i64,
    /// The hash of the last entry, in hexadecimal.
    pub head: String,
    pub anchored_at: Timestamp,
}

/// Longest anchor, in bytes.
pub(in crate::store) const MAX_ANCHOR: u64 = 1_024;
/// How long the outcome of a walk stands at least.
const STANDS: Duration = Duration::from_mins(1);
/// The same in times of what the walk took, for logs that take long.
const WALKS_APART: u32 = 10;

/// Writes the first anchor of a new database.
///
/// # Errors
/// When the file can't be written.
pub(crate) fn begin(directory: &DataDirectory, now: Timestamp) -> Result<()> {
    write(directory, 0, &[0; MAC_LENGTH], now)
}

impl Store {
    /// Notes the head of the audit log outside the database, unless the entry that was noted last has gone.
    ///
    /// # Errors
    /// When the log can't be read or the file can't be written.
    pub fn anchor_audit_log(&self, now: Timestamp) -> Result<()> {
        let anchor = match read(&self.directory().audit_anchor())? {
            Noted::There(anchor) => anchor,
            Noted::Gone => {
                self.note_audit_fault(Some(AuditFault::AnchorGone));
                return Ok(());
            }
            Noted::NoAnchor(_) => {
                self.note_audit_fault(Some(AuditFault::AnchorUnreadable));
                return Ok(());
            }
        };
        let seen = self.read(|reading| match compare(reading, &anchor)? {
            Some(problem) => Ok(Err(problem)),
            None => chain::head(reading).map(Ok),
        })?;
        match seen {
            Err(problem) => self.note_audit_fault(fault(problem)),
            Ok((entries, mac)) => {
                self.note_audit_fault(None);
                if entries != anchor.entries {
                    write(self.directory(), entries, &mac, now)?;
                }
            }
        }
        Ok(())
    }

    /// Walks the audit log and compares it with the anchor. There is one walk at a time, and its outcome stands for a while: within
    /// that, only what was added since is walked.
    ///
    /// # Errors
    /// When the log or the anchor can't be read.
    pub fn verify_audit_log(&self, now: Timestamp) -> Result<Verified> {
        let mut kept = self.walked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(earlier) = kept.as_mut().filter(|earlier| earlier.stands(now)) {
            if matches!(earlier.verified.verdict, Verdict::Intact { .. }) {
                let key = self.chain.key();
                earlier.verified.verdict =
                    self.read(|reading| walk(reading, &key, &mut earlier.milestone))?;
            }
            return Ok(earlier.verified.clone());
        }
        let (mut milestone, began) = (Milestone::START, Instant::now());
        let (verdict, notes) = self.read(|reading| {
            let verdict = self.walk_all(reading, &mut milestone)?;
            let notes = match verdict {
                Verdict::Intact { .. } => notes::notes(reading)?,
                Verdict::Tampered { .. } => Vec::new(),
            };
            Ok((verdict, notes))
        })?;
        let verified = Verified {
            verdict,
            notes,
            walked_at: now,
        };
        self.note_walk(&verified);
        *kept = Some(Walked {
            milestone,
            took: began.elapsed(),
            verified: verified.clone(),
        });
        Ok(verified)
    }

    /// Keeps what was found for those who ask how the log is, and says it once.
    fn note_audit_fault(&self, found: Option<AuditFault>) {
        let mut state = self.audit.lock().unwrap_or_else(PoisonError::into_inner);
        let is_worse =
            |fault: &Option<AuditFault>| matches!(fault, Some(AuditFault::Tampered { .. }));
        // The anchor says nothing of what a walk finds, nor of a key that is lost.
        let found = match found {
            found if is_worse(&found) => found,
            _ if self.chain.is_lost() => Some(AuditFault::KeyGone),
            found => found,
        };
        if state.fault == found || (is_worse(&state.fault) && !is_worse(&found)) {
            return;
        }
        if let Some(fault) = &found {
            log::error!("{}", fault.finding().message());
        }
        state.fault = found;
    }

    fn note_walk(&self, verified: &Verified) {
        self.note_audit_fault(fault(verified.verdict.clone()));
        let mut state = self.audit.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(verified.verdict, Verdict::Intact { .. }) {
            state.fault = None;
        }
        state.walked_at = Some(verified.walked_at);
    }

    fn walk_all(&self, reading: &Reading<'_>, milestone: &mut Milestone) -> Result<Verdict> {
        let anchor = read(&self.directory().audit_anchor())?;
        if self.chain.is_lost() {
            if let Noted::There(anchor) = &anchor
                && let Some(problem) = compare(reading, anchor)?
            {
                return Ok(problem);
            }
            let fault = AuditFault::KeyGone;
            return Err(Error::Unavailable {
                code: fault.code(),
                reason: fault.finding().message(),
            });
        }
        let walked = walk(reading, &self.chain.key(), milestone)?;
        let Verdict::Intact { entries } = walked else {
            return Ok(walked);
        };
        match anchor {
            Noted::There(anchor) => {
                if let Some(problem) = compare(reading, &anchor)? {
                    return Ok(problem);
                }
            }
            Noted::Gone => {
                let finding = AuditFault::AnchorGone.finding();
                return Ok(tampered(entries, finding.message()));
            }
            Noted::NoAnchor(error) => return Err(error),
        }
        Ok(untold(reading, entries)?.unwrap_or(walked))
    }
}

fn untold(reading: &Reading<'_>, entries: i64) -> Result<Option<Verdict>> {
    let untold = find_untold_version(reading)?;
    Ok(untold.map(|(profile, version)| {
        let finding =
            format!("no entry tells of version {version} of the access profile {profile}");
        tampered(entries, finding)
    }))
}

impl Walked {
    /// Whether it is not worth walking again.
    fn stands(&self, now: Timestamp) -> bool {
        let age = now.duration_since(self.verified.walked_at);
        let stands = STANDS.max(self.took * WALKS_APART);
        Duration::try_from(age).is_ok_and(|age| age < stands)
    }
}

/// Walks the log of a database that nobody else has open, and compares it with the anchor at a path.
///
/// # Errors
/// When one of them can't be read.
pub(in crate::store) fn check_stopped(
    reading: &Reading<'_>,
    key: &ChainKey,
    anchor: &Path,
) -> Result<Option<AuditFault>> {
    let anchor = match read(anchor)? {
        Noted::There(anchor) => anchor,
        Noted::Gone => return Ok(Some(AuditFault::AnchorGone)),
        Noted::NoAnchor(_) => return Ok(Some(AuditFault::AnchorUnreadable)),
    };
    let walked = walk(reading, key, &mut Milestone::START.clone())?;
    if let Some(found) = fault(walked) {
        return Ok(Some(found));
    }
    Ok(compare(reading, &anchor)?.and_then(fault))
}

/// A verdict as what is wrong.
fn fault(verdict: Verdict) -> Option<AuditFault> {
    match verdict {
        Verdict::Intact { .. } => None,
        // A lost anchor is no trace of tampering by itself, and has a way out of its own.
        Verdict::Tampered { finding, .. }
            if finding == AuditFault::AnchorGone.finding().message() =>
        {
            Some(AuditFault::AnchorGone)
        }
        Verdict::Tampered { entry, finding } => Some(AuditFault::Tampered { entry, finding }),
    }
}

pub(super) fn write(
    directory: &DataDirectory,
    entries: i64,
    mac: &[u8],
    now: Timestamp,
) -> Result<()> {
    let anchor = Anchor {
        entries,
        head: hex(mac),
        anchored_at: now,
    };
    let text = serde_json::to_string(&anchor)
        .map_err(|error| Error::internal("writing the anchor", error))?;
    directory.write_private(&directory.audit_anchor(), format!("{text}\n").as_bytes())
}

/// Walks the log of a copy of the database, and compares it with the anchor that lies beside it.
///
/// # Errors
/// When the log can't be read, or the anchor is none.
pub(in crate::store) fn check_copy(
    reading: &Reading<'_>,
    chain: &ChainKey,
    anchor: Option<&[u8]>,
) -> Result<Verdict> {
    let mut milestone = Milestone::START;
    let walked = walk(reading, chain, &mut milestone)?;
    let Verdict::Intact { entries } = walked else {
        return Ok(walked);
    };
    let Some(anchor) = anchor else {
        return Ok(tampered(
            entries,
            AuditFault::AnchorGone.finding().message(),
        ));
    };
    if let Some(problem) = compare(reading, &parse(anchor)?)? {
        return Ok(problem);
    }
    Ok(untold(reading, entries)?.unwrap_or(walked))
}

/// What is wrong with the entry that an anchor names, if anything.
pub(super) fn compare(reading: &Reading<'_>, anchor: &Anchor) -> Result<Option<Verdict>> {
    if !chain::is_there(reading)? {
        return Ok(Some(tampered(1, "the whole log is gone".to_owned())));
    }
    if anchor.entries == 0 {
        return Ok(None);
    }
    Ok(match chain::mac_at(reading, anchor.entries)? {
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

/// What lies in the place of the anchor.
pub(super) enum Noted {
    There(Anchor),
    Gone,
    /// Something that is none; the error says why.
    NoAnchor(Error),
}

/// Reads the anchor.
///
/// # Errors
/// [`Error::Unavailable`] when it can't be read, or may be somebody else's.
pub(super) fn read(path: &Path) -> Result<Noted> {
    let found = private::read(path, Rule::Own, MAX_ANCHOR);
    let Some(bytes) = found.map_err(|error| unreadable(&format!("can't be read: {error}")))? else {
        return Ok(Noted::Gone);
    };
    Ok(parse(&bytes).map_or_else(Noted::NoAnchor, Noted::There))
}

fn parse(bytes: &[u8]) -> Result<Anchor> {
    serde_json::from_slice(bytes).map_err(|error| unreadable(&format!("is no anchor: {error}")))
}

fn unreadable(why: &str) -> Error {
    Error::Unavailable {
        code: "audit_anchor_unreadable",
        reason: format!("the file audit-anchor in the data directory {why}"),
    }
}
