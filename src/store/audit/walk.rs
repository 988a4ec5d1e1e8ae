//! Walking along the audit log: every entry must fit its hash and the one before it, and every version an entry.

use rusqlite::ErrorCode;

use super::chain::{self, Milestone};
use super::entries::{ENTRIES, NAMED, entry};
use super::notes;
use crate::domain::audit::{AuditEntry, ChainKey, NamedVersion, NamedVersions, Verdict, sealed};
use crate::error::Result;
use crate::store::access_profiles::packed_versions;
use crate::store::sql::{Columns, Reading};

/// Walks the chain from a milestone on, which it moves as far as the chain is intact. Entries before the one that began the chain of
/// today are as they were then, if that entry fits.
pub(crate) fn walk(
    reading: &Reading<'_>,
    key: &ChainKey,
    milestone: &mut Milestone,
) -> Result<Verdict> {
    if !chain::is_there(reading)? {
        return Ok(tampered(1, "the whole log is gone".to_owned()));
    }
    let sealed_before = notes::renewed_at(reading)?.unwrap_or_default();
    walk_sealed(reading, Chain { key, sealed_before }, milestone)
}

/// Seals all entries with a key, from a milestone on, which then stands for the hash of the last one. They must be of the right shape and
/// order.
pub(super) fn seal(
    reading: &Reading<'_>,
    key: &ChainKey,
    milestone: &mut Milestone,
) -> Result<Verdict> {
    if !chain::is_there(reading)? {
        return Ok(tampered(1, "the whole log is gone".to_owned()));
    }
    let sealed_before = i64::MAX;
    walk_sealed(reading, Chain { key, sealed_before }, milestone)
}

/// A chain, and where it begins.
#[derive(Clone, Copy)]
struct Chain<'k> {
    key: &'k ChainKey,
    /// Entries before this one were written with another key.
    sealed_before: i64,
}

fn walk_sealed(
    reading: &Reading<'_>,
    chain: Chain<'_>,
    milestone: &mut Milestone,
) -> Result<Verdict> {
    const DOING: &str = "walking along the audit log";
    let sql = format!("{ENTRIES} WHERE a.id > ?1 ORDER BY a.id");
    // Of all that SQLite can say against a statement of ours, this is about what the tables are.
    if let Err(error) = reading.connection.prepare_cached(&sql)
        && error.sqlite_error_code() == Some(ErrorCode::Unknown)
    {
        let finding = format!("the log is not as Tollkeeper made it: {error}");
        return Ok(tampered(1, finding));
    }
    let mut found = None;
    reading.each_while(DOING, &sql, [milestone.entry], |row| {
        found = step(row, chain, milestone)?;
        Ok(Ok(found.is_none()))
    })?;
    if let Some(found) = found {
        return Ok(found);
    }
    let sql = "SELECT seq FROM sqlite_sequence WHERE name = 'audit_logs'";
    let highest: Option<i64> = reading.find_value(DOING, sql, [])?;
    let last = milestone.entry;
    if let Some(highest) = highest.filter(|highest| *highest > last) {
        let finding = format!("there were {highest} entries, the rest was removed");
        return Ok(tampered(last + 1, finding));
    }
    Ok(Verdict::Intact { entries: last })
}

/// Moves the milestone to the next entry, or answers what is wrong with that.
fn step(
    row: &Columns<'_>,
    chain: Chain<'_>,
    milestone: &mut Milestone,
) -> rusqlite::Result<Option<Verdict>> {
    let id: i64 = row.get("id")?;
    let wrong = |finding: &str| Ok(Some(tampered(id, finding.to_owned())));
    let expected = milestone.entry + 1;
    if id != expected {
        let finding = format!("the entry is missing; the next one is {id}");
        return Ok(Some(tampered(expected, finding)));
    }
    let read = entry(row).and_then(|(entry, mac)| Ok((entry, mac, named_versions(row)?)));
    let (entry, mac, versions) = match read {
        Ok(read) => read,
        // The row was fetched: what can't be read of it was never written by Tollkeeper.
        Err(error) => {
            return wrong(&format!(
                "the entry, or a version it tells of, is of another shape: {error}"
            ));
        }
    };
    let versions = match versions {
        Ok(versions) => versions,
        Err(gone) => {
            return wrong(&format!(
                "version {gone} of the access profile, which it tells of, is gone"
            ));
        }
    };
    let key = chain.key;
    let computed = key.mac(&milestone.mac, id, entry.at, &entry.entry, &versions);
    let is_sealed = id < chain.sealed_before;
    if !is_sealed && computed != mac {
        return wrong(if versions == NamedVersions::default() {
            "the entry does not fit its hash and the one before it"
        } else {
            "the entry, or a version it tells of, does not fit its hash and the one before it"
        });
    }
    if versions.new.is_some() && !is_told(row, &entry) {
        return wrong("the version it tells of says another who or when");
    }
    let mac = if is_sealed {
        sealed(&computed, &mac)
    } else {
        mac
    };
    *milestone = Milestone { entry: id, mac };
    Ok(None)
}

/// Whether the new version that an entry names says the same of who made it and when. The entry's hash covers that.
fn is_told(row: &Columns<'_>, told: &AuditEntry) -> bool {
    let by = row.get::<String>("version_by");
    let at = row.at("version_at");
    by.is_ok_and(|by| by == told.entry.actor.name) && at.is_ok_and(|at| at == told.at)
}

/// The first profile with a version that comes after all of which the log tells, and that version; for a log that is intact.
///
/// The first release's entries name no versions, so a profile that has only such may have any.
pub(crate) fn find_untold_version(reading: &Reading<'_>) -> Result<Option<(i64, i64)>> {
    reading.find(
        "comparing versions with the audit log",
        "SELECT v.access_profile_id, v.last FROM
             (SELECT access_profile_id, max(version) AS last FROM access_profile_versions GROUP BY access_profile_id) v
         LEFT JOIN (SELECT access_profile_id, max(new_version) AS last FROM audit_logs
                    WHERE access_profile_id IS NOT NULL GROUP BY access_profile_id) a
         ON a.access_profile_id = v.access_profile_id
         WHERE a.access_profile_id IS NULL OR v.last > a.last
         ORDER BY v.access_profile_id LIMIT 1",
        [],
        |row| Ok((row.get("access_profile_id")?, row.get("last")?)),
    )
}

/// A verdict that names a place.
pub(crate) fn tampered(entry: i64, finding: String) -> Verdict {
    Verdict::Tampered { entry, finding }
}

/// The versions that an entry names, or the number of one that is not there.
fn named_versions(row: &Columns<'_>) -> rusqlite::Result<std::result::Result<NamedVersions, i64>> {
    let mut found = NamedVersions::default();
    let places = [&mut found.previous, &mut found.new];
    for ((number, text), place) in NAMED.into_iter().zip(places) {
        let Some(version) = row.get(number)? else {
            continue;
        };
        let Some(snapshot) = row.from(text, packed_versions::read)? else {
            return Ok(Err(version));
        };
        *place = Some(NamedVersion::of(version, snapshot.as_bytes()));
    }
    Ok(Ok(found))
}
