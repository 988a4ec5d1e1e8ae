//! The versions of access profiles: written once, never changed; what is not current any more is packed.

use jiff::Timestamp;
use rusqlite::params;

use super::packed_versions;
use crate::domain::access_profile::versions::rewritten;
use crate::domain::list::{Listed, Page};
use crate::error::{Error, Result};
use crate::store::sql::{Columns, Reading};
use crate::store::unit_of_work::Work;

/// One version of a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The profile.
    pub access_profile_id: i64,
    /// 1 for the first.
    pub version: i64,
    /// The whole profile as JSON.
    pub snapshot: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// The name of the key that made it.
    pub created_by: String,
    /// What it takes in the database, in bytes.
    pub stored_bytes: i64,
}

impl Version {
    /// A number that no other version of any profile has: the pairing function of Cantor over the two that name it.
    pub fn id(&self) -> i64 {
        let sum = self.access_profile_id.saturating_add(self.version);
        let pairs_before = i128::from(sum) * (i128::from(sum) + 1) / 2;
        i64::try_from(pairs_before + i128::from(self.version)).unwrap_or(i64::MAX)
    }

    fn written_anew(self) -> Result<Self> {
        let snapshot = rewritten(&self.snapshot)?.unwrap_or(self.snapshot);
        Ok(Self { snapshot, ..self })
    }
}

/// Stores a version that is made now.
pub(in crate::store) fn insert(
    work: &Work<'_>,
    id: i64,
    version: i64,
    snapshot: &str,
) -> Result<()> {
    work.run(
        "storing a version",
        "INSERT INTO access_profile_versions (access_profile_id, version, snapshot, created_at, created_by)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        params![id, version, snapshot, work.now().as_millisecond(), work.actor().name],
    )
}

/// Versions with what they are differences from.
const VERSIONS: &str = "SELECT v.access_profile_id, v.version, v.created_at, v.created_by, \
     octet_length(v.snapshot) + coalesce(octet_length(v.packed), 0) AS stored_bytes, v.snapshot AS text, v.packed, b.snapshot, b.packed \
     FROM access_profile_versions v \
     LEFT JOIN access_profile_versions b ON b.access_profile_id = v.access_profile_id AND b.version = v.base_version";

fn version(row: &Columns<'_>) -> rusqlite::Result<Version> {
    Ok(Version {
        access_profile_id: row.get("access_profile_id")?,
        version: row.get("version")?,
        created_at: row.at("created_at")?,
        created_by: row.get("created_by")?,
        stored_bytes: row.get("stored_bytes")?,
        snapshot: row.from("text", packed_versions::read)?.unwrap_or_default(),
    })
}

/// A page of a profile's versions, the newest first.
///
/// # Errors
/// [`Error::NotFound`] when there is no such profile, [`Error::Invalid`] when the page is too large.
pub fn list(reading: &Reading<'_>, id: i64, page: Page) -> Result<Listed<Version>> {
    let total_count = get_current_number(reading, id)?;
    let (mut size, mut items) = (0, Vec::new());
    let mut add = |version: Version| {
        let version = version.written_anew()?;
        size += version.snapshot.len();
        let fits = page.has_room_for(size)?;
        if fits {
            items.push(version);
        }
        Ok(fits)
    };
    let sql = format!(
        "{VERSIONS} WHERE v.access_profile_id = ?1 ORDER BY v.version DESC LIMIT ?2 OFFSET ?3"
    );
    let values = params![id, page.limit, page.offset];
    reading.each_while("listing versions", &sql, values, |row| {
        version(row).map(&mut add)
    })?;
    // Versions have no gaps: the number of the current one is how many there are.
    Ok(Listed { items, total_count })
}

/// One version of a profile.
///
/// # Errors
/// [`Error::NotFound`] naming the profile or the version.
pub fn get(reading: &Reading<'_>, id: i64, number: i64) -> Result<Version> {
    get_current_number(reading, id)?;
    let sql = format!("{VERSIONS} WHERE v.access_profile_id = ?1 AND v.version = ?2");
    reading
        .find("reading a version", &sql, [id, number], version)?
        .ok_or_else(|| {
            Error::not_found(
                "version",
                format_args!("{number} of the access profile {id}"),
            )
        })?
        .written_anew()
}

/// The number of a profile's current version.
///
/// # Errors
/// [`Error::NotFound`].
pub fn get_current_number(reading: &Reading<'_>, id: i64) -> Result<i64> {
    reading
        .find_value(
            "reading an access profile",
            "SELECT version FROM access_profiles WHERE id = ?1",
            [id],
        )?
        .ok_or_else(|| Error::not_found("access profile", id))
}
