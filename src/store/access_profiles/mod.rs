//! Access profiles: one row each, every version's snapshot, tags and MCP references.

pub mod attachments;
pub mod details;
pub mod packed_versions;
pub mod pages;
pub mod policies;
pub mod propagation;
pub mod versions;

use jiff::Timestamp;
use rusqlite::params;

use self::packed_versions::PackedVersion;
use super::lists::names;
use super::lists::taken::UniqueName;
use super::sql::Reading;
use super::unit_of_work::Work;
use crate::domain::access_profile::versions::rewritten;
use crate::domain::access_profile::{AccessProfile, McpReference};
use crate::domain::audit::NamedVersion;
use crate::domain::event::{Creation, Edit, Event, RotationDates};
use crate::domain::validator::entity_tag;
use crate::domain::values::letter_case::name_key;
use crate::error::{Error, Result};

/// A profile as it is shown: the JSON of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The profile.
    pub id: i64,
    /// The version.
    pub version: i64,
    /// The profile as JSON.
    pub json: String,
    /// The JSON that is stored of the version, where it is another: it was written otherwise then, or the keys of the holders rotated since.
    stored: Option<String>,
}

/// The number the next new profile gets.
pub fn next_id(work: &Work<'_>) -> Result<i64> {
    work.value(
        "choosing an id",
        "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'access_profiles'), 0) + 1",
        [],
    )
}

/// Stores a new profile as its first version.
///
/// # Errors
/// [`Error::Conflict`] when the name is taken.
pub fn insert(
    work: &mut Work<'_>,
    profile: &AccessProfile,
    creation: Creation,
) -> Result<Snapshot> {
    NAMED.check_new(work, &profile.name)?;
    work.run(
        NAMED.doing,
        "INSERT INTO access_profiles (id, name, name_key, description, is_active, version, created_at, updated_at,
                                      next_rotation_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            profile.id,
            profile.name,
            name_key(&profile.name),
            profile.description,
            profile.is_active,
            profile.version,
            profile.created_at.as_millisecond(),
            profile.updated_at.as_millisecond(),
            profile.next_rotation_at.map(Timestamp::as_millisecond),
        ],
    )?;
    insert_tags(work, profile)?;
    insert_references(work, profile.id, &profile.mcp_references())?;
    let snapshot = Snapshot::of(profile)?;
    versions::insert(work, snapshot.id, snapshot.version, &snapshot.json)?;
    work.record(Event::AccessProfileCreated {
        id: profile.id,
        creation,
        version: snapshot.named(),
    });
    Ok(snapshot)
}

/// Stores the next version of a profile in place of the current one, which is the profile `before` and was packed `ahead`, or is packed here.
///
/// # Errors
/// [`Error::Conflict`] when the name is taken.
pub fn update(
    work: &mut Work<'_>,
    (current, before): (&Snapshot, &AccessProfile),
    profile: &AccessProfile,
    edit: Edit,
    ahead: Option<PackedVersion>,
) -> Result<Snapshot> {
    NAMED.check(work, profile.id, &profile.name)?;
    work.run(
        NAMED.doing,
        "UPDATE access_profiles
         SET name = ?2, name_key = iif(name = ?2, name_key, ?3), description = ?4, is_active = ?5, version = ?6, updated_at = ?7,
             next_rotation_at = ?8, rotated = 0
         WHERE id = ?1",
        params![
            profile.id,
            profile.name,
            name_key(&profile.name),
            profile.description,
            profile.is_active,
            profile.version,
            profile.updated_at.as_millisecond(),
            profile.next_rotation_at.map(Timestamp::as_millisecond),
        ],
    )?;
    if before.tags != profile.tags {
        forget(work, profile.id, TAGS)?;
        insert_tags(work, profile)?;
    }
    let references = profile.mcp_references();
    if before.mcp_references() != references {
        forget(work, profile.id, REFERENCES)?;
        insert_references(work, profile.id, &references)?;
    }
    let version = (current.id, current.version);
    packed_versions::put(work, version, current.stored(), ahead)?;
    let snapshot = Snapshot::of(profile)?;
    versions::insert(work, snapshot.id, snapshot.version, &snapshot.json)?;
    work.record(Event::AccessProfileReplaced {
        id: profile.id,
        edit,
        before: current.named(),
        after: snapshot.named(),
        is_found_otherwise: found_by(before) != found_by(profile),
    });
    Ok(snapshot)
}

/// Removes a profile, of which `current` is the last version. Its versions stay for the audit log, and are shown nowhere else.
pub fn delete(work: &mut Work<'_>, current: &Snapshot) -> Result<()> {
    let id = current.id;
    names::keep_of_access_profile(work, id)?;
    for sql in [TAGS, REFERENCES] {
        forget(work, id, sql)?;
    }
    work.run(
        "deleting an access profile",
        "DELETE FROM access_profiles WHERE id = ?1",
        [id],
    )?;
    let version = current.named();
    work.record(Event::AccessProfileDeleted { id, version });
    Ok(())
}

/// What is kept beside the row, and how it is removed.
const TAGS: &str = "DELETE FROM access_profile_tags WHERE access_profile_id = ?1";
const REFERENCES: &str = "DELETE FROM access_profile_references WHERE access_profile_id = ?1";

fn forget(work: &Work<'_>, id: i64, sql: &str) -> Result<()> {
    work.run("removing what is kept beside an access profile", sql, [id])
}

/// What a search or a filter looks at.
fn found_by(profile: &AccessProfile) -> (&str, &str, bool, &[String]) {
    let AccessProfile {
        name,
        description,
        is_active,
        tags,
        ..
    } = profile;
    (name, description, *is_active, tags)
}

const NAMED: UniqueName = UniqueName {
    what: "an access profile named",
    table: "access_profiles",
    field: "name",
    among: "true",
    code: "duplicate_name",
    doing: "storing an access profile",
};

fn insert_tags(work: &Work<'_>, profile: &AccessProfile) -> Result<()> {
    for tag in &profile.tags {
        // The same label twice in a profile is one label to filter by.
        work.run(
            "storing a tag",
            "INSERT OR IGNORE INTO access_profile_tags (tag, access_profile_id) VALUES (?1, ?2)",
            params![tag, profile.id],
        )?;
    }
    Ok(())
}

fn insert_references(work: &Work<'_>, id: i64, references: &[McpReference]) -> Result<()> {
    for reference in references {
        work.run(
            "storing an MCP reference",
            "INSERT INTO access_profile_references (access_profile_id, kind, reference) VALUES (?1, ?2, ?3)",
            params![id, reference.kind, reference.id],
        )?;
    }
    Ok(())
}

/// The current version of a profile.
///
/// # Errors
/// [`Error::NotFound`].
pub fn get_current(reading: &Reading<'_>, id: i64) -> Result<Snapshot> {
    let found = reading.find(
        READING,
        "SELECT v.version, v.snapshot, p.last_rotation_at, p.rotated, p.next_rotation_at FROM access_profiles p
         JOIN access_profile_versions v ON v.access_profile_id = p.id AND v.version = p.version
         WHERE p.id = ?1",
        [id],
        |row| {
            let stored: (i64, String) = (row.get("version")?, row.get("snapshot")?);
            let last = row.at_if_any("last_rotation_at")?;
            let rotated: bool = row.get("rotated")?;
            let next = row.at_if_any("next_rotation_at")?;
            Ok((stored, rotated.then_some(RotationDates { next, last })))
        },
    )?;
    let ((version, json), dates) = found.ok_or_else(|| Error::not_found("access profile", id))?;
    let snapshot = Snapshot::read(id, version, json)?;
    match dates {
        None => Ok(snapshot),
        Some(dates) => snapshot.rotated(dates),
    }
}

const READING: &str = "reading an access profile";

impl Snapshot {
    /// The strong validator of this version by itself.
    pub fn entity_tag(&self) -> String {
        entity_tag(self.version, &self.json)
    }

    /// The profile of this version.
    ///
    /// # Errors
    /// [`Error::Internal`] when the stored JSON is of another shape.
    pub fn profile(&self) -> Result<AccessProfile> {
        AccessProfile::from_json(&self.json)
    }

    fn of(profile: &AccessProfile) -> Result<Self> {
        Ok(Self {
            id: profile.id,
            version: profile.version,
            json: profile.to_json()?,
            stored: None,
        })
    }

    /// That of a version that is stored.
    fn read(id: i64, version: i64, stored: String) -> Result<Self> {
        let (json, stored) = match rewritten(&stored)? {
            Some(json) => (json, Some(stored)),
            None => (stored, None),
        };
        Ok(Self {
            id,
            version,
            json,
            stored,
        })
    }

    /// What the audit log calls this version by.
    fn named(&self) -> NamedVersion {
        NamedVersion::of(self.version, self.stored().as_bytes())
    }

    fn stored(&self) -> &str {
        self.stored.as_ref().unwrap_or(&self.json)
    }

    /// The same with the dates of a rotation that came after the version was written.
    fn rotated(self, dates: RotationDates) -> Result<Self> {
        let profile = AccessProfile {
            next_rotation_at: dates.next,
            last_rotation_at: dates.last,
            ..self.profile()?
        };
        Ok(Self {
            json: profile.to_json()?,
            stored: Some(self.stored.unwrap_or(self.json)),
            ..self
        })
    }
}
