//! The audit log: entries are only ever appended, in the transaction of the change they tell of.
//!
//! An entry about a new version of an access profile names the version that was there and the one that is; what they say is read
//! from the versions, which are never changed or removed. The entry's hash covers it all the same.

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Row, params, params_from_iter};

use super::fault::Doing;
use super::{Reading, Writing};
use crate::domain::access_profile_versions::changed_fields;
use crate::domain::audit::{
    Actor, AuditEntry, ChainKey, MAC_LENGTH, NamedVersion, NamedVersions, NewAuditEntry, Verdict,
};
use crate::domain::list::{Listed, Page};
use crate::error::{Error, Result};

/// The hash of an entry.
pub type Mac = [u8; MAC_LENGTH];

/// An entry with the versions that it names.
const ENTRIES: &str = "SELECT a.id, a.created_at, a.actor_id, a.actor_name, a.action, a.subject_kind, a.subject_id, \
     a.access_profile_id, a.user_id, a.previous_value, a.new_value, a.request_id, a.mac, \
     a.previous_version, p.snapshot, a.new_version, n.snapshot \
     FROM audit_logs a \
     LEFT JOIN access_profile_versions p ON p.access_profile_id = a.access_profile_id AND p.version = a.previous_version \
     LEFT JOIN access_profile_versions n ON n.access_profile_id = a.access_profile_id AND n.version = a.new_version";

/// The last entry's place and hash; `(0, zeros)` when there is none.
///
/// # Errors
/// When the database can't be read.
pub(super) fn head(reading: &Reading<'_>) -> Result<(i64, Mac)> {
    let head = reading
        .connection
        .prepare_cached("SELECT id, mac FROM audit_logs ORDER BY id DESC LIMIT 1")
        .and_then(|mut statement| {
            statement
                .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })
        .doing("reading the head of the audit log")?;
    Ok(head.unwrap_or((0, [0; MAC_LENGTH])))
}

/// The hash of the entry at a place.
///
/// # Errors
/// When the database can't be read.
pub(super) fn mac_at(reading: &Reading<'_>, id: i64) -> Result<Option<Mac>> {
    reading
        .connection
        .prepare_cached("SELECT mac FROM audit_logs WHERE id = ?1")
        .and_then(|mut statement| {
            statement
                .query_row(params![id], |row| row.get(0))
                .optional()
        })
        .doing("reading the audit log")
}

/// Appends an entry to the chain.
///
/// # Errors
/// When the entry can't be written: the change it tells of fails with it.
pub fn append(writing: &Writing<'_>, at: Timestamp, entry: &NewAuditEntry) -> Result<()> {
    append_naming(writing, at, entry, &NamedVersions::default())
}

/// Appends an entry that names versions of its access profile in place of its values.
///
/// # Errors
/// As [`append`].
pub fn append_naming(
    writing: &Writing<'_>,
    at: Timestamp,
    entry: &NewAuditEntry,
    versions: &NamedVersions,
) -> Result<()> {
    let (last, previous) = head(writing)?;
    let sequence = last + 1;
    let mac = writing.chain.mac(&previous, sequence, at, entry, versions);
    writing
        .connection
        .prepare_cached(
            "INSERT INTO audit_logs (id, created_at, actor_id, actor_name, action, subject_kind, subject_id,
                                     access_profile_id, user_id, previous_value, new_value, request_id, mac,
                                     previous_version, new_version)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
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
                versions.previous.map(|named| named.version),
                versions.new.map(|named| named.version),
            ])
        })
        .doing("writing the audit log")?;
    Ok(())
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
}

/// A page of the entries about everything but API keys, the newest first.
///
/// # Errors
/// [`Error::NotFound`] when there is no such profile and never was.
pub fn list(reading: &Reading<'_>, filter: &Filter, page: Page) -> Result<Listed<AuditEntry>> {
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
    let conditions = conditions.join(" AND ");
    let count = |sql: String, values: &[Value]| {
        reading
            .connection
            .prepare_cached(&sql)
            .and_then(|mut statement| {
                statement.query_row(params_from_iter(values), |row| row.get(0))
            })
            .doing("counting audit entries")
    };
    let total_count: i64 = count(
        format!("SELECT count(*) FROM audit_logs WHERE {conditions}"),
        &values,
    )?;
    if let Some(id) = filter.access_profile_id.filter(|_| total_count == 0) {
        // A profile that was deleted keeps its history, and each has at least the entry of its creation.
        let sql =
            "SELECT EXISTS (SELECT 1 FROM audit_logs WHERE access_profile_id = ?1)".to_owned();
        if count(sql, &[id.into()])? == 0 {
            return Err(Error::not_found("access profile", id));
        }
    }
    values.extend([page.limit.into(), page.offset.into()]);
    let items = reading
        .connection
        .prepare_cached(&format!(
            "{ENTRIES} WHERE a.id IN (SELECT id FROM audit_logs WHERE {conditions} ORDER BY id DESC LIMIT ? OFFSET ?)
             ORDER BY a.id DESC"
        ))
        .and_then(|mut statement| {
            statement
                .query_map(params_from_iter(values), |row| {
                    let (entry, _) = entry(row)?;
                    Ok((entry, row.get(14)?, row.get(16)?))
                })?
                .collect::<rusqlite::Result<Vec<_>>>()
        })
        .doing("listing audit entries")?
        .into_iter()
        .map(|(entry, previous, new)| with_values(entry, previous, new))
        .collect::<Result<_>>()?;
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

/// Walks the whole chain.
///
/// # Errors
/// When the database can't be read.
pub(super) fn walk(reading: &Reading<'_>, chain: &ChainKey) -> Result<Verdict> {
    let mut previous: Mac = [0; MAC_LENGTH];
    let mut last = 0;
    let mut walk = || {
        let mut statement = reading
            .connection
            .prepare_cached(&format!("{ENTRIES} ORDER BY a.id"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (entry, mac) = entry(row)?;
            if entry.id != last + 1 {
                return Ok(tampered(
                    last + 1,
                    format!("the entry is missing; the next one is {}", entry.id),
                ));
            }
            let versions = match named_versions(row)? {
                Ok(versions) => versions,
                Err(gone) => {
                    return Ok(tampered(
                        entry.id,
                        format!("version {gone} of the access profile, which it tells of, is gone"),
                    ));
                }
            };
            if chain.mac(&previous, entry.id, entry.at, &entry.entry, &versions) != mac {
                let finding = if versions == NamedVersions::default() {
                    "the entry does not fit its hash and the one before it"
                } else {
                    "the entry, or a version it tells of, does not fit its hash and the one before it"
                };
                return Ok(tampered(entry.id, finding.to_owned()));
            }
            (previous, last) = (mac, entry.id);
        }
        let highest: Option<i64> = reading
            .connection
            .query_row(
                "SELECT seq FROM sqlite_sequence WHERE name = 'audit_logs'",
                [],
                |row| row.get(0),
            )
            .optional()?;
        Ok(match highest {
            Some(highest) if highest > last => tampered(
                last + 1,
                format!("there were {highest} entries, the rest was removed"),
            ),
            _ => Verdict::Intact { entries: last },
        })
    };
    walk().doing("walking along the audit log")
}

/// A verdict that names a place.
pub(super) fn tampered(entry: i64, finding: String) -> Verdict {
    Verdict::Tampered { entry, finding }
}

/// The versions that an entry names, or the number of one that is not there.
fn named_versions(row: &Row<'_>) -> rusqlite::Result<std::result::Result<NamedVersions, i64>> {
    let mut found = NamedVersions::default();
    for (at, place) in [(13, &mut found.previous), (15, &mut found.new)] {
        let Some(version) = row.get(at)? else {
            continue;
        };
        let Some(snapshot) = row.get_ref(at + 1)?.as_bytes_or_null()? else {
            return Ok(Err(version));
        };
        *place = Some(NamedVersion::of(version, snapshot));
    }
    Ok(Ok(found))
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
