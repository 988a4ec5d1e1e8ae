//! Walking along the audit log: every entry must fit its hash and the one before it, and every version an entry.

use rusqlite::{ErrorCode, OptionalExtension, Row};

use super::{ENTRIES, Mac, NAMED, entry};
use crate::domain::audit::{
    AuditEntry, ChainKey, MAC_LENGTH, NamedVersion, NamedVersions, Verdict,
};
use crate::error::Result;
use crate::store::fault::Doing;
use crate::store::{Reading, packed_versions};

/// An entry up to which the chain is intact, and its hash.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct Milestone {
    /// 0 before the first entry.
    entry: i64,
    mac: Mac,
}

impl Milestone {
    /// Before the first entry.
    pub(in crate::store) const START: Self = Self {
        entry: 0,
        mac: [0; MAC_LENGTH],
    };
}

/// Walks the chain from a milestone on, which it moves as far as the chain is intact.
pub(in crate::store) fn walk(
    reading: &Reading<'_>,
    chain: &ChainKey,
    milestone: &mut Milestone,
) -> Result<Verdict> {
    let mut walk = || {
        let statement = reading
            .connection
            .prepare_cached(&format!("{ENTRIES} WHERE a.id > ?1 ORDER BY a.id"));
        let mut statement = match statement {
            // Of all that SQLite can say against a statement of ours, this is about what the tables are.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::Unknown) => {
                let finding = format!("the log is not as Tollkeeper made it: {error}");
                return Ok(tampered(1, finding));
            }
            statement => statement?,
        };
        let mut rows = statement.query([milestone.entry])?;
        while let Some(row) = rows.next()? {
            let id: i64 = row.get(0)?;
            let expected = milestone.entry + 1;
            if id != expected {
                return Ok(tampered(
                    expected,
                    format!("the entry is missing; the next one is {id}"),
                ));
            }
            let read = entry(row).and_then(|(entry, mac)| Ok((entry, mac, named_versions(row)?)));
            let (entry, mac, versions) = match read {
                Ok(read) => read,
                // The row was fetched: what can't be read of it was never written by Tollkeeper.
                Err(error) => {
                    let finding = format!(
                        "the entry, or a version it tells of, is of another shape: {error}"
                    );
                    return Ok(tampered(id, finding));
                }
            };
            let versions = match versions {
                Ok(versions) => versions,
                Err(gone) => {
                    return Ok(tampered(
                        entry.id,
                        format!("version {gone} of the access profile, which it tells of, is gone"),
                    ));
                }
            };
            if chain.mac(&milestone.mac, entry.id, entry.at, &entry.entry, &versions) != mac {
                let finding = if versions == NamedVersions::default() {
                    "the entry does not fit its hash and the one before it"
                } else {
                    "the entry, or a version it tells of, does not fit its hash and the one before it"
                };
                return Ok(tampered(entry.id, finding.to_owned()));
            }
            if versions.new.is_some() && !is_told(row, &entry)? {
                let finding = "the version it tells of says another who or when";
                return Ok(tampered(entry.id, finding.to_owned()));
            }
            *milestone = Milestone {
                entry: entry.id,
                mac,
            };
        }
        let highest: Option<i64> = reading
            .connection
            .query_row(
                "SELECT seq FROM sqlite_sequence WHERE name = 'audit_logs'",
                [],
                |row| row.get(0),
            )
            .optional()?;
        let last = milestone.entry;
        if let Some(highest) = highest.filter(|highest| *highest > last) {
            let finding = format!("there were {highest} entries, the rest was removed");
            return Ok(tampered(last + 1, finding));
        }
        Ok(Verdict::Intact { entries: last })
    };
    walk().doing("walking along the audit log")
}

/// Whether the new version that an entry names says the same of who made it and when. The entry's hash covers that.
fn is_told(row: &Row<'_>, told: &AuditEntry) -> rusqlite::Result<bool> {
    let (by, at) = (row.get_ref(23)?, row.get_ref(24)?);
    Ok(by
        .as_bytes()
        .is_ok_and(|by| by == told.entry.actor.name.as_bytes())
        && at.as_i64().is_ok_and(|at| at == told.at.as_millisecond()))
}

/// The first profile with a version that comes after all of which the log tells, and that version; for a log that is intact.
///
/// The first release's entries name no versions, so a profile that has only such may have any.
pub(in crate::store) fn find_untold_version(reading: &Reading<'_>) -> Result<Option<(i64, i64)>> {
    reading
        .connection
        .query_row(
            "SELECT v.access_profile_id, v.last FROM
                 (SELECT access_profile_id, max(version) AS last FROM access_profile_versions GROUP BY access_profile_id) v
             LEFT JOIN (SELECT access_profile_id, max(new_version) AS last FROM audit_logs
                        WHERE access_profile_id IS NOT NULL GROUP BY access_profile_id) a
             ON a.access_profile_id = v.access_profile_id
             WHERE a.access_profile_id IS NULL OR v.last > a.last
             ORDER BY v.access_profile_id LIMIT 1",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()
        .doing("comparing versions with the audit log")
}

/// A verdict that names a place.
pub(in crate::store) fn tampered(entry: i64, finding: String) -> Verdict {
    Verdict::Tampered { entry, finding }
}

/// The versions that an entry names, or the number of one that is not there.
fn named_versions(row: &Row<'_>) -> rusqlite::Result<std::result::Result<NamedVersions, i64>> {
    let mut found = NamedVersions::default();
    for (at, place) in NAMED.into_iter().zip([&mut found.previous, &mut found.new]) {
        let Some(version) = row.get(at)? else {
            continue;
        };
        let Some(snapshot) = packed_versions::read(row, at + 1)? else {
            return Ok(Err(version));
        };
        *place = Some(NamedVersion::of(version, snapshot.as_bytes()));
    }
    Ok(Ok(found))
}
