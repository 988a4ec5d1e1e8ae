//! The chain of the log: the hash of each entry covers the entry before it. And how far along it somebody walked.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::params;

use crate::domain::audit::action::ACTIONS;
use crate::domain::audit::{ChainKey, MAC_LENGTH, NamedVersions, NewAuditEntry, Verified};
use crate::error::{Error, Result};
use crate::store::sql::{Reading, Writing};

/// The hash of an entry.
pub type Mac = [u8; MAC_LENGTH];

/// An entry up to which the chain is intact, and its hash.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Milestone {
    /// 0 before the first entry.
    pub entry: i64,
    pub mac: Mac,
}

impl Milestone {
    /// Before the first entry.
    pub(crate) const START: Self = Self {
        entry: 0,
        mac: [0; MAC_LENGTH],
    };
}

/// What became of a whole walk.
#[derive(Debug)]
pub(crate) struct Walked {
    pub milestone: Milestone,
    pub took: Duration,
    pub verified: Verified,
}

/// Whether there is a log at all.
pub(crate) fn is_there(reading: &Reading<'_>) -> Result<bool> {
    reading.value(
        "looking for the audit log",
        "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'audit_logs')",
        [],
    )
}

/// The last entry's place and what stands there as its hash; `(0, zeros)` when there is none.
pub(crate) fn head(reading: &Reading<'_>) -> Result<(i64, Vec<u8>)> {
    let sql = "SELECT id, mac FROM audit_logs ORDER BY id DESC LIMIT 1";
    let head = reading.find("reading the head of the audit log", sql, [], |row| {
        Ok((row.get("id")?, row.get("mac")?))
    })?;
    Ok(head.unwrap_or((0, vec![0; MAC_LENGTH])))
}

/// What stands as the hash of the entry at a place.
pub(crate) fn mac_at(reading: &Reading<'_>, id: i64) -> Result<Option<Vec<u8>>> {
    reading.find_value(
        "reading the audit log",
        "SELECT mac FROM audit_logs WHERE id = ?1",
        [id],
    )
}

/// Appends an entry to the chain; one that names versions of its access profile has them in place of its values.
///
/// # Errors
/// When the entry can't be written: the change it tells of fails with it.
pub(crate) fn append(
    writing: &Writing<'_>,
    at: Timestamp,
    entry: &NewAuditEntry,
    versions: &NamedVersions,
) -> Result<()> {
    debug_assert!(
        ACTIONS.contains(&&*entry.action),
        "{} can't be asked for",
        entry.action
    );
    let (entry_before, mac) = head(writing)?;
    let mac = Mac::try_from(mac)
        .map_err(|_| Error::internal("writing the audit log", "its head has no hash"))?;
    let before = Milestone {
        entry: entry_before,
        mac,
    };
    insert(writing, writing.chain, before, at, (entry, versions))
}

/// Puts an entry behind another, or behind what stands for its hash.
pub(super) fn insert(
    writing: &Writing<'_>,
    key: &ChainKey,
    before: Milestone,
    at: Timestamp,
    (entry, versions): (&NewAuditEntry, &NamedVersions),
) -> Result<()> {
    let sequence = before.entry + 1;
    let mac = key.mac(&before.mac, sequence, at, entry, versions);
    writing.run(
        "writing the audit log",
        "INSERT INTO audit_logs (id, created_at, actor_id, actor_name, action, subject_kind, subject_id,
                                 access_profile_id, user_id, previous_value, new_value, request_id, mac,
                                 previous_version, new_version)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        params![
            sequence,
            at.as_millisecond(),
            entry.actor.id,
            entry.actor.name,
            entry.action,
            entry.subject_kind,
            entry.subject_id,
            entry.access_profile_id,
            entry.user_id,
            entry.previous_value,
            entry.new_value,
            entry.actor.request_id,
            mac,
            versions.previous.map(|named| named.version),
            versions.new.map(|named| named.version),
        ],
    )
}
