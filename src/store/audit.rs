//! The audit log: entries are only ever appended, in the transaction of the change they tell of.
//!
//! An entry about a new version of an access profile names the version that was there and the one that is; what they say is read
//! from the versions, which are never changed or removed. The entry's hash covers it all the same.

mod walk;

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Row, params, params_from_iter};

use super::fault::Doing;
use super::{Reading, Writing, packed_versions};
use crate::domain::access_profile_versions::changed_fields;
use crate::domain::audit::{ACTIONS, Actor, AuditEntry, MAC_LENGTH, NamedVersions, NewAuditEntry};
use crate::domain::list::{Listed, Page};
use crate::error::{Error, Result};

pub(super) use walk::{Milestone, find_untold_version, tampered, walk};

/// The hash of an entry.
pub type Mac = [u8; MAC_LENGTH];

/// An entry with the versions that it names.
const ENTRIES: &str = "SELECT a.id, a.created_at, a.actor_id, a.actor_name, a.action, a.subject_kind, a.subject_id, \
     a.access_profile_id, a.user_id, a.previous_value, a.new_value, a.request_id, a.mac, \
     a.previous_version, p.snapshot, p.packed, pb.snapshot, pb.packed, \
     a.new_version, n.snapshot, n.packed, nb.snapshot, nb.packed, n.created_by, n.created_at \
     FROM audit_logs a \
     LEFT JOIN access_profile_versions p ON p.access_profile_id = a.access_profile_id AND p.version = a.previous_version \
     LEFT JOIN access_profile_versions pb ON pb.access_profile_id = a.access_profile_id AND pb.version = p.base_version \
     LEFT JOIN access_profile_versions n ON n.access_profile_id = a.access_profile_id AND n.version = a.new_version \
     LEFT JOIN access_profile_versions nb ON nb.access_profile_id = a.access_profile_id AND nb.version = n.base_version";
/// Where in such a row the number of the version before stands, and that of the new one; the columns of its text follow.
const NAMED: [usize; 2] = [13, 18];

/// Whether there is a log at all.
pub(super) fn is_there(reading: &Reading<'_>) -> Result<bool> {
    reading
        .value(
            "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'audit_logs')",
            [],
        )
        .doing("looking for the audit log")
}

/// The last entry's place and what stands there as its hash; `(0, zeros)` when there is none.
pub(super) fn head(reading: &Reading<'_>) -> Result<(i64, Vec<u8>)> {
    let sql = "SELECT id, mac FROM audit_logs ORDER BY id DESC LIMIT 1";
    let head = reading
        .find(sql, [], |row| Ok((row.get("id")?, row.get("mac")?)))
        .doing("reading the head of the audit log")?;
    Ok(head.unwrap_or((0, vec![0; MAC_LENGTH])))
}

/// What stands as the hash of the entry at a place.
pub(super) fn mac_at(reading: &Reading<'_>, id: i64) -> Result<Option<Vec<u8>>> {
    reading
        .find_value("SELECT mac FROM audit_logs WHERE id = ?1", [id])
        .doing("reading the audit log")
}

/// Appends an entry to the chain; one that names versions of its access profile has them in place of its values.
///
/// # Errors
/// When the entry can't be written: the change it tells of fails with it.
pub(super) fn append(
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
    let (last, previous) = head(writing)?;
    let previous = Mac::try_from(previous)
        .map_err(|_| Error::internal("writing the audit log", "its head has no hash"))?;
    let sequence = last + 1;
    let mac = writing.chain.mac(&previous, sequence, at, entry, versions);
    writing
        .run(
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
        .map(drop)
        .doing("writing the audit log")
}

/// Which entries are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Entries about this profile; otherwise about any.
    pub access_profile_id: Option<i64>,
    /// Entries of this kind, such as `access_profile.update`.
    pub action: Option<String>,
    /// Entries about this user.
    pub user_id: Option<i64>,
    /// Entries about things of these kinds are not shown, nor counted.
    pub kinds_left_out: Vec<&'static str>,
}

/// A page of the entries about everything but API keys, the newest first.
///
/// # Errors
/// [`Error::NotFound`] when there is no such profile and never was, [`Error::Invalid`] when the page is too large.
pub fn list(reading: &Reading<'_>, filter: &Filter, page: Page) -> Result<Listed<AuditEntry>> {
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
    for kind in &filter.kinds_left_out {
        require("subject_kind <> ?", Some(Value::from((*kind).to_owned())));
    }
    let conditions = conditions.join(" AND ");
    let sql = format!("SELECT count(*) FROM audit_logs WHERE {conditions}");
    let total_count: i64 = reading
        .value(&sql, params_from_iter(&values))
        .doing(COUNTING)?;
    if let Some(id) = filter.access_profile_id.filter(|_| total_count == 0) {
        // A profile that was deleted keeps its history, and each has at least the entry of its creation.
        let sql = "SELECT EXISTS (SELECT 1 FROM audit_logs WHERE access_profile_id = ?1)";
        if !reading.value::<bool>(sql, [id]).doing(COUNTING)? {
            return Err(Error::not_found("access profile", id));
        }
    }
    values.extend([page.limit.into(), page.offset.into()]);
    let mut statement = reading
        .connection
        .prepare_cached(&format!(
            "{ENTRIES} WHERE a.id IN (SELECT id FROM audit_logs WHERE {conditions} ORDER BY id DESC LIMIT ? OFFSET ?)
             ORDER BY a.id DESC"
        ))
        .doing("listing audit entries")?;
    let rows = statement.query_map(params_from_iter(values), |row| {
        let (entry, _) = entry(row)?;
        let [previous, new] = NAMED.map(|at| packed_versions::read(row, at + 1));
        Ok((entry, previous?, new?))
    });
    let (mut size, mut items) = (0, Vec::new());
    // One by one, because an entry may stand for two large versions.
    for row in rows.doing("listing audit entries")? {
        let (entry, previous, new) = row.doing("listing audit entries")?;
        let entry = with_values(entry, previous, new)?;
        let values = [&entry.entry.previous_value, &entry.entry.new_value];
        size += values.into_iter().flatten().map(String::len).sum::<usize>();
        if !page.has_room_for(size)? {
            break;
        }
        items.push(entry);
    }
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
            let (previous, new) = changed_fields(&previous, &new)?;
            (Some(previous), Some(new))
        }
        one => one,
    };
    told.entry.previous_value = told.entry.previous_value.or(previous);
    told.entry.new_value = told.entry.new_value.or(new);
    Ok(told)
}

fn entry(row: &Row<'_>) -> rusqlite::Result<(AuditEntry, Mac)> {
    let text = |at: usize| row.get::<_, String>(at);
    let told = NewAuditEntry {
        actor: Actor {
            id: text(2)?,
            name: text(3)?,
            request_id: text(11)?,
        },
        action: text(4)?.into(),
        subject_kind: text(5)?.into(),
        subject_id: text(6)?,
        access_profile_id: row.get(7)?,
        user_id: row.get(8)?,
        previous_value: row.get(9)?,
        new_value: row.get(10)?,
    };
    let at = Timestamp::from_millisecond(row.get(1)?).unwrap_or_default();
    Ok((
        AuditEntry {
            id: row.get(0)?,
            at,
            entry: told,
        },
        row.get(12)?,
    ))
}
