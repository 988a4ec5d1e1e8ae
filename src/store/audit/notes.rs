//! The entries at which the log does not simply go on.

use super::chain;
use crate::domain::audit::note::{ACCEPT, AcceptedState, AuditNote, RENEW, RenewedChain};
use crate::error::Result;
use crate::store::sql::{Columns, Reading};

/// Most notes that a verdict has, the newest first: each is an act of the operator.
const MOST: i64 = 20;

/// The entry that began the chain of today, if it was ever begun anew.
pub(super) fn renewed_at(reading: &Reading<'_>) -> Result<Option<i64>> {
    reading.value(
        "looking where the chain begins",
        "SELECT max(id) FROM audit_logs WHERE action = 'audit.renew' AND subject_kind <> 'api_key'",
        [],
    )
}

/// What the entry says that began the chain of today. Nothing where somebody made of it what it never was.
pub(super) fn last_renewal(reading: &Reading<'_>) -> Result<Option<RenewedChain>> {
    if !chain::is_there(reading)? {
        return Ok(None);
    }
    let Some(id) = renewed_at(reading)? else {
        return Ok(None);
    };
    let sql = "SELECT new_value FROM audit_logs WHERE id = ?1";
    let text: Option<String> = reading.value("reading where the chain begins", sql, [id])?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

/// The notes of a log that is intact, the newest first.
pub(super) fn notes(reading: &Reading<'_>) -> Result<Vec<AuditNote>> {
    let mut notes = Vec::new();
    let sql = "SELECT id, created_at, actor_name, action, new_value FROM audit_logs
               WHERE action IN ('audit.accept', 'audit.renew') AND subject_kind <> 'api_key' ORDER BY id DESC LIMIT ?1";
    reading.each("reading notes of the audit log", sql, [MOST], |row| {
        notes.push(note(row)?);
        Ok(Ok(()))
    })?;
    Ok(notes)
}

fn note(row: &Columns<'_>) -> rusqlite::Result<AuditNote> {
    let (entry, at, actor) = (
        row.get("id")?,
        row.at("created_at")?,
        row.get("actor_name")?,
    );
    let action: String = row.get("action")?;
    let message = match action.as_str() {
        ACCEPT => row.json::<AcceptedState>("new_value")?.message(),
        RENEW => row.json::<RenewedChain>("new_value")?.message(),
        _ => String::new(),
    };
    Ok(AuditNote {
        entry,
        at,
        actor,
        message,
    })
}
