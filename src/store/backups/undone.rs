//! What a restore undoes: which keys work again, and what was changed since the backup was made, by name.

use std::collections::HashMap;
use std::path::Path;

use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::Value;

use crate::domain::backup::restoration::{RevivedKey, Undone, UndoneChange};
use crate::error::Result;
use crate::store::audit::chain;
use crate::store::database::fault::Doing;
use crate::store::database::open::open_to_inspect;
use crate::store::directory::room::has_log;
use crate::store::sql::{Columns, Reading};

const COMPARING: &str = "comparing two databases";
/// Most changes that are told one by one.
const MOST_TOLD: i64 = 100;

/// What the database at `present` says that the one at `restored` does not. It is read and nothing else; when that can't be done, that is
/// what is told.
pub fn undone(present: &Path, restored: &Path) -> Undone {
    if !present.exists() {
        return unknown("there was no database before");
    }
    compare(present, restored).unwrap_or_else(|error| {
        unknown(&format!(
            "the database that was there can't be read: {error}"
        ))
    })
}

fn unknown(why: &str) -> Undone {
    Undone {
        unknown: Some(why.to_owned()),
        ..Undone::default()
    }
}

fn compare(present: &Path, restored: &Path) -> Result<Undone> {
    let [present, restored] = [open(present)?, open(restored)?];
    let [present, restored] = [Reading::of(&present), Reading::of(&restored)];
    let (entries, head) = chain::head(&restored)?;
    if entries > 0 && chain::mac_at(&present, entries)?.as_ref() != Some(&head) {
        return Ok(unknown(
            "the audit log that was there does not go on from the one of the backup, so the two are of different databases or one was changed \
             by hand",
        ));
    }
    let changes = "SELECT count(*) FROM audit_logs WHERE id > ?1";
    let last = "SELECT created_at, actor_name, action, subject_kind, subject_id, previous_value, new_value FROM audit_logs
                WHERE id > ?1 ORDER BY id DESC LIMIT ?2";
    let mut last_changes = present.all(COMPARING, last, [entries, MOST_TOLD], change)?;
    last_changes.reverse();
    Ok(Undone {
        unknown: None,
        api_keys: revived(&present, &restored, API_KEYS, "revoked")?,
        virtual_keys: revived(&present, &restored, VIRTUAL_KEYS, "deleted")?,
        changes: present.value(COMPARING, changes, [entries])?,
        last_changes,
    })
}

fn open(database: &Path) -> Result<Connection> {
    open_to_inspect(database, has_log(database)).doing(COMPARING)
}

/// The keys that work, with what makes them do so, and what they may do.
const API_KEYS: &str = "SELECT public_id, name, secret_hash, permissions || coalesce(expires_at, '') AS rights FROM api_keys
                        WHERE revoked_at IS NULL ORDER BY id";
const VIRTUAL_KEYS: &str = "SELECT public_id, name, secret_hash, coalesce(expires_at, '') AS rights FROM virtual_keys ORDER BY id";

/// A key that works.
struct WorkingKey {
    name: String,
    secret_hash: Vec<u8>,
    rights: String,
}

fn working_key(row: &Columns<'_>) -> rusqlite::Result<(String, WorkingKey)> {
    let id = row.get("public_id")?;
    let key = WorkingKey {
        name: row.get("name")?,
        secret_hash: row.get("secret_hash")?,
        rights: row.get("rights")?,
    };
    Ok((id, key))
}

/// The keys that work otherwise than they do at present, and what had become of them.
fn revived(
    present: &Reading<'_>,
    restored: &Reading<'_>,
    sql: &str,
    gone: &str,
) -> Result<Vec<RevivedKey>> {
    let now: HashMap<String, WorkingKey> = present
        .all(COMPARING, sql, [], working_key)?
        .into_iter()
        .collect();
    let then = restored.all(COMPARING, sql, [], working_key)?;
    let revived = then.into_iter().filter_map(|(id, key)| {
        let was = match now.get(&id) {
            None => gone,
            Some(now) if now.secret_hash != key.secret_hash => "rotated",
            Some(now) if now.rights != key.rights => "changed",
            Some(_) => return None,
        };
        Some(RevivedKey {
            id,
            name: key.name,
            was: was.to_owned(),
        })
    });
    Ok(revived.collect())
}

fn change(row: &Columns<'_>) -> rusqlite::Result<UndoneChange> {
    let at: Timestamp = row.at("created_at")?;
    let (by, action) = (row.get("actor_name")?, row.get("action")?);
    let (kind, id): (String, String) = (row.get("subject_kind")?, row.get("subject_id")?);
    let values: [Option<String>; 2] = [row.get("previous_value")?, row.get("new_value")?];
    let named = values.iter().flatten().find_map(|text| {
        let value: Value = serde_json::from_str(text).ok()?;
        value["name"].as_str().map(|name| format!("{name:?}"))
    });
    Ok(UndoneChange {
        at,
        by,
        action,
        subject: format!("{kind} {}", named.unwrap_or(id)),
    })
}
