//! Going on with an audit log that is an older one than its anchor knows, or whose key or anchor is lost.
//!
//! A chain that is begun anew has a new key. Its first entry follows a hash, with that key, over all entries before it, as they were found
//! with their hashes of then: so they can't be changed from then on unnoticed, and whoever has the old key can still check them.

use std::sync::{Arc, PoisonError};

use jiff::Timestamp;

use super::anchor::{self, Noted};
use super::chain::{self, Milestone};
use super::keeper::{ChainKeeper, KeptKey, random_key};
use super::walk::{seal, walk};
use crate::domain::audit::note::{AUDIT_LOG, AcceptedState, AuditHead, RENEW, RenewedChain};
use crate::domain::audit::state::AuditFault;
use crate::domain::audit::{Actor, ChainKey, NamedVersions, NewAuditEntry, Verdict};
use crate::domain::event::Event;
use crate::domain::values::number::hex;
use crate::error::{Error, Result};
use crate::store::handle::Store;
use crate::store::sql::{Reading, Writing};
use crate::store::unit_of_work::Work;
use crate::store::writer::job::{Needs, to_a_caller};

/// What was anchored of a log that is an older one now, and when.
pub struct NewerAnchor {
    head: AuditHead,
    at: Timestamp,
}

/// Notes in the log that it goes on from an older state. It is anchored anew after that ([`Store::anchor_anew`]).
///
/// # Errors
/// When the log can't be read.
pub fn accept(work: &mut Work<'_>, newer: NewerAnchor, reason: String) -> Result<()> {
    let head = head(work)?;
    work.record(Event::OlderLogAccepted(AcceptedState {
        reason,
        head,
        anchored: newer.head,
        anchored_at: newer.at,
    }));
    Ok(())
}

/// A chain that is about to begin.
struct NewChain {
    key: ChainKey,
    /// How far entries are sealed with its key.
    sealed: Milestone,
    actor: Actor,
    now: Timestamp,
    reason: String,
    was_intact: Option<bool>,
    against_anchor: Option<String>,
}

impl Store {
    /// The anchor that a log does not fit which is whole in itself.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the log fits its anchor, was tampered with, or has no key or anchor.
    pub fn newer_anchor(&self) -> Result<NewerAnchor> {
        if self.chain.is_lost() {
            return Err(lost(&AuditFault::KeyGone));
        }
        let anchor = match anchor::read(&self.directory().audit_anchor())? {
            Noted::There(anchor) => anchor,
            Noted::Gone => return Err(lost(&AuditFault::AnchorGone)),
            Noted::NoAnchor(_) => return Err(lost(&AuditFault::AnchorUnreadable)),
        };
        self.read(|reading| {
            refuse_tampered(walk(
                reading,
                &self.chain.key(),
                &mut Milestone::START.clone(),
            )?)?;
            if anchor::compare(reading, &anchor)?.is_none() {
                return Err(Error::conflict(
                    "audit_fits",
                    "",
                    "the audit log fits its anchor: there is no older state to accept",
                ));
            }
            Ok(())
        })?;
        Ok(NewerAnchor {
            head: AuditHead {
                entries: anchor.entries,
                head: anchor.head,
            },
            at: anchor.anchored_at,
        })
    }

    /// Anchors the log as it is now, whatever was anchored before.
    ///
    /// # Errors
    /// When the log can't be read or the file can't be written.
    pub fn anchor_anew(&self, now: Timestamp) -> Result<()> {
        let (entries, mac) = self.read(chain::head)?;
        anchor::write(self.directory(), entries, &mac, now)?;
        self.forget_what_was_seen();
        self.anchor_audit_log(now)
    }

    /// Begins a new chain of the log whose key or anchor is lost, and anchors it.
    ///
    /// # Errors
    /// [`Error::Conflict`] when nothing is lost, or entries were tampered with; when the log can't be written.
    pub fn renew_audit_log(&self, actor: Actor, reason: String, now: Timestamp) -> Result<()> {
        {
            // Nobody walks along the log while its key changes.
            let mut walked = self.walked.lock().unwrap_or_else(PoisonError::into_inner);
            let chain = self.new_chain(actor, reason, now)?;
            self.directory().stage_audit_key(&chain.key)?;
            self.begin(chain)?;
            *walked = None;
            self.directory().put_next_audit_key()?;
        }
        self.anchor_anew(now)
    }

    /// What the next chain begins with, sealed as far as the log goes now.
    fn new_chain(&self, actor: Actor, reason: String, now: Timestamp) -> Result<NewChain> {
        let (noted, key_lost) = (
            anchor::read(&self.directory().audit_anchor())?,
            self.chain.is_lost(),
        );
        let key = random_key()?;
        self.read(|reading| {
            let (against_anchor, was_intact) = match noted {
                Noted::There(_) if !key_lost => {
                    return Err(Error::conflict(
                        "audit_not_lost",
                        "",
                        "neither the key nor the anchor of the audit log is lost: `tollkeeper audit verify` says how it is",
                    ));
                }
                Noted::There(anchor) => {
                    let problem = anchor::compare(reading, &anchor)?;
                    (problem.and_then(finding), None)
                }
                Noted::Gone | Noted::NoAnchor(_) if key_lost => (None, None),
                Noted::Gone | Noted::NoAnchor(_) => {
                    let old = self.chain.key();
                    refuse_tampered(walk(reading, &old, &mut Milestone::START.clone())?)?;
                    (None, Some(true))
                }
            };
            let mut sealed = Milestone::START;
            refuse_tampered(seal(reading, &key, &mut sealed)?)?;
            Ok(NewChain {
                key,
                sealed,
                actor,
                now,
                reason,
                was_intact,
                against_anchor,
            })
        })
    }

    /// Writes the first entry of a chain. From its commit on, and from then only, entries are written with the new key.
    fn begin(&self, chain: NewChain) -> Result<()> {
        let (answer, receiver) = to_a_caller();
        let (keeper, before) = (Arc::clone(&self.chain), Arc::clone(&self.chain));
        let old = self.chain.kept_now();
        let work = move |writing: &Writing<'_>| first_entry(writing, chain, &keeper);
        self.writer.hand_over(Needs::ALL, work, move |outcome| {
            // On the writer's thread, before anything else is written.
            if outcome.is_err() {
                before.put(old);
            }
            answer(outcome);
        })?;
        receiver
            .recv()
            .unwrap_or_else(|_| Err(Error::internal("beginning a chain", "the writer has ended")))
    }

    fn forget_what_was_seen(&self) {
        *self.walked.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let mut state = self.audit.lock().unwrap_or_else(PoisonError::into_inner);
        state.fault = None;
    }
}

fn first_entry(writing: &Writing<'_>, mut chain: NewChain, keeper: &ChainKeeper) -> Result<()> {
    // What was written since it was sealed.
    refuse_tampered(seal(writing, &chain.key, &mut chain.sealed)?)?;
    let renewed = RenewedChain {
        reason: chain.reason,
        head: head(writing)?,
        was_intact: chain.was_intact,
        against_anchor: chain.against_anchor,
        key: chain.key.name(),
    };
    let value = serde_json::to_value(&renewed)
        .map_err(|error| Error::internal("beginning a chain", error))?;
    let entries = renewed.head.entries;
    let entry = NewAuditEntry::about(chain.actor, RENEW, AUDIT_LOG, &entries, None, Some(value));
    let versions = NamedVersions::default();
    chain::insert(
        writing,
        &chain.key,
        chain.sealed,
        chain.now,
        (&entry, &versions),
    )?;
    keeper.put(KeptKey {
        key: chain.key,
        is_lost: false,
    });
    Ok(())
}

fn head(reading: &Reading<'_>) -> Result<AuditHead> {
    let (entries, mac) = chain::head(reading)?;
    Ok(AuditHead {
        entries,
        head: hex(&mac),
    })
}

fn finding(verdict: Verdict) -> Option<String> {
    match verdict {
        Verdict::Intact { .. } => None,
        Verdict::Tampered { entry, finding } => Some(format!("entry {entry}: {finding}")),
    }
}

fn refuse_tampered(verdict: Verdict) -> Result<()> {
    match verdict {
        Verdict::Intact { .. } => Ok(()),
        Verdict::Tampered { entry, finding } => Err(Error::conflict(
            "audit_tampered",
            "",
            format!(
                "the audit log was tampered with at entry {entry}: {finding}; nothing makes that good but a backup from before"
            ),
        )),
    }
}

/// Something is lost without which there is nothing to compare with.
fn lost(fault: &AuditFault) -> Error {
    Error::conflict(fault.code(), "", fault.finding().message())
}
