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
pub(in crate::store) struct Anchor {
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
        let (found, notes) = self.read(|reading| {
            let found = self.walk_all(reading, &mut milestone)?;
            let notes = match found {
                None => notes::notes(reading)?,
                Some(_) => Vec::new(),
            };
            Ok((found, notes))
        })?;
        let verified = Verified {
            verdict: verdict(found.as_ref(), milestone.entry),
            notes,
            walked_at: now,
        };
        self.note_walk(found, now);
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

    fn note_walk(&self, found: Option<AuditFault>, now: Timestamp) {
        let is_intact = found.is_none();
        self.note_audit_fault(found);
        let mut state = self.audit.lock().unwrap_or_else(PoisonError::into_inner);
        if is_intact {
            state.fault = None;
        }
        state.walked_at = Some(now);
    }

    /// What is wrong, as far as anybody can tell: without the key, or with something else in the place of the anchor, it is no verdict.
    fn walk_all(
        &self,
        reading: &Reading<'_>,
        milestone: &mut Milestone,
    ) -> Result<Option<AuditFault>> {
        let noted = read(&self.directory().audit_anchor())?;
        let key = (!self.chain.is_lost()).then(|| self.chain.key());
        let found = judge(reading, key.as_ref(), &noted, milestone)?;
        match (found, noted) {
            (Some(AuditFault::AnchorUnreadable), Noted::NoAnchor(error)) => Err(error),
            (Some(fault @ AuditFault::KeyGone), _) => Err(Error::Unavailable {
                code: fault.code(),
                reason: fault.finding().message(),
            }),
            (found, _) => Ok(found),
        }
    }
}

/// What is wrong with a log, if anything: a walk along it from a milestone on, and how it fits what lies in the place of its anchor.
fn judge(
    reading: &Reading<'_>,
    key: Option<&ChainKey>,
    noted: &Noted,
    milestone: &mut Milestone,
) -> Result<Option<AuditFault>> {
    let fits = |reading| match noted {
        Noted::There(anchor) => Ok(compare(reading, anchor)?.and_then(fault)),
        Noted::Gone => Ok(Some(AuditFault::AnchorGone)),
        Noted::NoAnchor(_) => Ok(Some(AuditFault::AnchorUnreadable)),
    };
    let Some(key) = key else {
        // An anchor that the log does not fit tells more than that nobody can walk along it.
        let found = fits(reading)?.filter(|found| matches!(found, AuditFault::Tampered { .. }));
        return Ok(found.or(Some(AuditFault::KeyGone)));
    };
    if let Some(found) = fault(walk(reading, key, milestone)?) {
        return Ok(Some(found));
    }
    if let Some(found) = fits(reading)? {
        return Ok(Some(found));
    }
    Ok(untold(reading, milestone.entry)?.and_then(fault))
}

/// What is wrong with the log of a database that nobody else has open, if anything.
///
/// # Errors
/// When the log can't be read.
pub(in crate::store) fn check(
    reading: &Reading<'_>,
    key: Option<&ChainKey>,
    noted: &Noted,
) -> Result<Option<AuditFault>> {
    judge(reading, key, noted, &mut Milestone::START.clone())
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

/// A verdict as what is wrong.
fn fault(verdict: Verdict) -> Option<AuditFault> {
    match verdict {
        Verdict::Intact { .. } => None,
        Verdict::Tampered { entry, finding } => Some(AuditFault::Tampered { entry, finding }),
    }
}

/// What is wrong, if anything, as a verdict on a log of so many entries. A lost anchor is no trace of tampering by itself, and could be.
fn verdict(found: Option<&AuditFault>, entries: i64) -> Verdict {
    match found {
        None => Verdict::Intact { entries },
        Some(AuditFault::Tampered { entry, finding }) => tampered(*entry, finding.clone()),
        Some(lost) => tampered(entries, lost.finding().message()),
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
pub(in crate::store) enum Noted {
    There(Anchor),
    Gone,
    /// Something that is none, or can't be read; the error says why.
    NoAnchor(Error),
}

impl Noted {
    /// What was found when it was read.
    pub(in crate::store) fn of(found: Result<Option<&[u8]>>) -> Self {
        match found {
            Ok(Some(bytes)) => serde_json::from_slice(bytes).map_or_else(
                |error| Self::NoAnchor(unreadable(&format!("is no anchor: {error}"))),
                Self::There,
            ),
            Ok(None) => Self::Gone,
            Err(error) => Self::NoAnchor(unreadable(&format!("can't be read: {error}"))),
        }
    }
}

/// Reads the anchor.
///
/// # Errors
/// [`Error::Unavailable`] when it can't be read, or may be somebody else's.
pub(in crate::store) fn read(path: &Path) -> Result<Noted> {
    let found = private::read(path, Rule::Own, MAX_ANCHOR);
    let bytes = found.map_err(|error| unreadable(&format!("can't be read: {error}")))?;
    Ok(Noted::of(Ok(bytes.as_deref())))
}

fn unreadable(why: &str) -> Error {
    Error::Unavailable {
        code: "audit_anchor_unreadable",
        reason: format!("the file audit-anchor in the data directory {why}"),
    }
}
