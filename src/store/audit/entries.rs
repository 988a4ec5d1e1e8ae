//! Pages of the log, and how an entry is read with the versions that it names.

use rusqlite::params_from_iter;
use rusqlite::types::Value;

use super::chain::Mac;
use crate::domain::access_profile::versions::{changed_fields, rewritten};
use crate::domain::audit::{Actor, AuditEntry, NewAuditEntry};
use crate::domain::list::{Listed, Page};
use crate::error::{Error, Result};
use crate::store::access_profiles::packed_versions;
use crate::store::sql::{Columns, Reading};

/// An entry with the versions that it names.
pub(super) const ENTRIES: &str = "SELECT a.id, a.created_at, a.actor_id, a.actor_name, a.request_id, a.action, a.subject_kind, a.subject_id, \
     a.access_profile_id, a.user_id, a.previous_value, a.new_value, a.mac, \
     a.previous_version, p.snapshot AS previous_text, p.packed, pb.snapshot, pb.packed, \
     a.new_version, n.snapshot AS new_text, n.packed, nb.snapshot, nb.packed, n.created_by AS version_by, n.created_at AS version_at \
     FROM audit_logs a \
     LEFT JOIN access_profile_versions p ON p.access_profile_id = a.access_profile_id AND p.version = a.previous_version \
     LEFT JOIN access_profile_versions pb ON pb.access_profile_id = a.access_profile_id AND pb.version = p.base_version \
     LEFT JOIN access_profile_versions n ON n.access_profile_id = a.access_profile_id AND n.version = a.new_version \
     LEFT JOIN access_profile_versions nb ON nb.access_profile_id = a.access_profile_id AND nb.version = n.base_version";
/// The number of the version before and that of the new one, each with the first column of its text.
pub(super) const NAMED: [(&str, &str); 2] = [
    ("previous_version", "previous_text"),
    ("new_version", "new_text"),
];

/// Which entries are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Entries about this profile; otherwise about any.
    pub access_profile_id: Option<i64>,
    /// Entries of this kind, such as `access_profile.update`.
    pub action: Option<String>,
    /// Entries about this user.
    pub user_id: Option<i64>,
    /// Entries of whoever has this name or this public id.
    pub actor: Option<String>,
    /// Entries of this time, in milliseconds since 1970, or later.
    pub from_ms: Option<i64>,
    /// Entries before this time.
    pub before_ms: Option<i64>,
    /// Entries about things of these kinds are not shown, nor counted.
    pub kinds_left_out: Vec<&'static str>,
}

/// A page of the entries about everything but API keys, the newest first.
///
/// # Errors
/// [`Error::NotFound`] when there is no such profile and never was, [`Error::Invalid`] when the page is too large.
pub fn list(reading: &Reading<'_>, filter: &AuditFilter, page: Page) -> Result<Listed<AuditEntry>> {
    const COUNTING: &str = "counting audit entries";
    // Entries about API keys are not for who may only read access profiles. What people hold and use is.
    let mut conditions = match filter.access_profile_id {
        Some(_) => Vec::new(),
        None => vec!["subject_kind <> 'api_key'"],
    };
    let mut values: Vec<Value> = Vec::new();
    let mut require = |condition, value: Option<Value>| {
        if let Some(value) = value {
            conditions.push(condition);
            values.push(value);
        }
    };
    require(
        "access_profile_id = ?",
        filter.access_profile_id.map(Value::from),
    );
    require("action = ?", filter.action.clone().map(Value::from));
    require("user_id = ?", filter.user_id.map(Value::from));
    require(
        "? IN (actor_name, actor_id)",
        filter.actor.clone().map(Value::from),
    );
    require("created_at >= ?", filter.from_ms.map(Value::from));
    require("created_at < ?", filter.before_ms.map(Value::from));
    for kind in &filter.kinds_left_out {
        require("subject_kind <> ?", Some(Value::from((*kind).to_owned())));
    }
    let conditions = conditions.join(" AND ");
    let sql = format!("SELECT count(*) FROM audit_logs WHERE {conditions}");
    let total_count: i64 = reading.value(COUNTING, &sql, params_from_iter(&values))?;
    if let Some(id) = filter.access_profile_id.filter(|_| total_count == 0) {
        // A profile that was deleted keeps its history, and each has at least the entry of its creation.
        let sql = "SELECT EXISTS (SELECT 1 FROM audit_logs WHERE access_profile_id = ?1)";
        if !reading.value::<bool>(COUNTING, sql, [id])? {
            return Err(Error::not_found("access profile", id));
        }
    }
    values.extend([page.limit.into(), page.offset.into()]);
    let sql = format!(
        "{ENTRIES} WHERE a.id IN (SELECT id FROM audit_logs WHERE {conditions} ORDER BY id DESC LIMIT ? OFFSET ?)
         ORDER BY a.id DESC"
    );
    let (mut size, mut items) = (0, Vec::new());
    // One by one, because an entry may stand for two large versions.
    let mut add = |entry: AuditEntry| {
        let values = [&entry.entry.previous_value, &entry.entry.new_value];
        size += values.into_iter().flatten().map(String::len).sum::<usize>();
        let fits = page.has_room_for(size)?;
        if fits {
            items.push(entry);
        }
        Ok(fits)
    };
    let values = params_from_iter(values);
    reading.each_while("listing audit entries", &sql, values, |row| {
        let (entry, _) = entry(row)?;
        let [previous, new] = NAMED.map(|(_, text)| row.from(text, packed_versions::read));
        Ok(with_values(entry, previous?, new?).and_then(&mut add))
    })?;
    Ok(Listed { items, total_count })
}

/// An entry with what the versions that it names say: of two, what differs; of one, all.
fn with_values(
    mut told: AuditEntry,
    previous: Option<String>,
    new: Option<String>,
) -> Result<AuditEntry> {
    let (previous, new) = match (previous, new) {
        (Some(previous), Some(new)) => {
            let (previous, new) = (written_anew(previous)?, written_anew(new)?);
            let (previous, new) = changed_fields(&previous, &new)?;
            (Some(previous), Some(new))
        }
        (previous, new) => {
            let one = |snapshot: Option<String>| snapshot.map(written_anew).transpose();
            (one(previous)?, one(new)?)
        }
    };
    told.entry.previous_value = told.entry.previous_value.or(previous);
    told.entry.new_value = told.entry.new_value.or(new);
    Ok(told)
}

fn written_anew(snapshot: String) -> Result<String> {
    Ok(rewritten(&snapshot)?.unwrap_or(snapshot))
}

/// The entry of a row of [`ENTRIES`], and its hash.
pub(super) fn entry(row: &Columns<'_>) -> rusqlite::Result<(AuditEntry, Mac)> {
    let (id, at) = (row.get("id")?, row.at("created_at")?);
    let actor = Actor {
        id: row.get("actor_id")?,
        name: row.get("actor_name")?,
        request_id: row.get("request_id")?,
    };
    let entry = NewAuditEntry {
        actor,
        action: row.get::<String>("action")?.into(),
        subject_kind: row.get::<String>("subject_kind")?.into(),
        subject_id: row.get("subject_id")?,
        access_profile_id: row.get("access_profile_id")?,
        user_id: row.get("user_id")?,
        previous_value: row.get("previous_value")?,
        new_value: row.get("new_value")?,
    };
    Ok((AuditEntry { id, at, entry }, row.get("mac")?))
}
