//! The audit log: entries are only ever appended, in the transaction of the change they tell of.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::Writing;
use super::fault::Doing;
use crate::domain::audit::{MAC_LENGTH, NewAuditEntry};
use crate::error::Result;

/// Appends an entry to the chain.
///
/// # Errors
/// When the entry can't be written: the change it tells of fails with it.
pub fn append(writing: &Writing<'_>, at: Timestamp, entry: &NewAuditEntry) -> Result<()> {
    let head: Option<(i64, [u8; MAC_LENGTH])> = writing
        .connection
        .prepare_cached("SELECT id, mac FROM audit_logs ORDER BY id DESC LIMIT 1")
        .and_then(|mut statement| {
            statement
                .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })
        .doing("reading the head of the audit log")?;
    let (last, previous) = head.unwrap_or((0, [0; MAC_LENGTH]));
    let sequence = last + 1;
    let mac = writing.chain.mac(&previous, sequence, at, entry);
    writing
        .connection
        .prepare_cached(
            "INSERT INTO audit_logs (id, created_at, actor_id, actor_name, action, subject_kind, subject_id,
                                     access_profile_id, user_id, previous_value, new_value, request_id, mac)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )
        .and_then(|mut statement| {
            statement.execute(params![
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
            ])
        })
        .doing("writing the audit log")?;
    Ok(())
}
