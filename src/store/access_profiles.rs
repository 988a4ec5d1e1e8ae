//! Access profiles: one row each, every version's snapshot, tags and MCP references.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::access_profile_versions::{self, WholeVersion};
use super::fault::Doing;
use super::names;
use super::packed_versions::Packed;
use super::sql::Reading;
use super::taken::UniqueName;
use super::unit_of_work::Work;
use crate::domain::access_profile::{AccessProfile, McpReference};
use crate::domain::audit::NamedVersion;
use crate::domain::event::{Creation, Edit, Event};
use crate::domain::letter_case::name_key;
use crate::domain::validator::entity_tag;
use crate::error::{Error, Result};

/// A profile as it is shown: the JSON of one version, byte for byte as it was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The profile.
    pub id: i64,
    /// The version.
    pub version: i64,
    /// The profile as JSON.
    pub json: String,
    /// The JSON that is stored of the version, where the keys of the holders rotated since.
    stored: Option<String>,
    /// When the keys of the holders last rotated by schedule, in milliseconds since 1970.
    last_rotation_at: Option<i64>,
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
pub fn insert(work: &mut Work<'_>, new: &WholeVersion, creation: Creation) -> Result<()> {
    let profile = &new.profile;
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
    access_profile_versions::insert(work, new)?;
    work.record(Event::AccessProfileCreated {
        id: profile.id,
        creation,
        version: new.named,
    });
    Ok(())
}

/// Stores the next version of a profile in place of `old`, the current one, of which `packed` stays.
///
/// # Errors
/// [`Error::Conflict`] when the name is taken.
pub fn update(
    work: &mut Work<'_>,
    old: &WholeVersion,
    packed: Option<&Packed>,
    new: &WholeVersion,
    edit: Edit,
) -> Result<()> {
    let (before, profile) = (&old.profile, &new.profile);
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
    if let Some(packed) = packed {
        packed.store(work)?;
    }
    access_profile_versions::insert(work, new)?;
    work.record(Event::AccessProfileReplaced {
        id: profile.id,
        edit,
        before: old.named,
        after: new.named,
        is_found_otherwise: found_by(before) != found_by(profile),
    });
    Ok(())
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

/// The number of a profile's current version, if there is such a profile.
///
/// # Errors
/// When the database can't be read.
pub fn find_current_version(reading: &Reading<'_>, id: i64) -> Result<Option<i64>> {
    reading
        .connection
        .prepare_cached("SELECT version FROM access_profiles WHERE id = ?1")
        .and_then(|mut statement| {
            statement
                .query_row(params![id], |row| row.get(0))
                .optional()
        })
        .doing("reading an access profile")
}

/// The current version of a profile.
///
/// # Errors
/// [`Error::NotFound`].
pub fn get_current(reading: &Reading<'_>, id: i64) -> Result<Snapshot> {
    reading
        .connection
        .prepare_cached(
            "SELECT v.access_profile_id, v.version, v.snapshot, p.last_rotation_at, p.rotated, p.next_rotation_at FROM access_profiles p
             JOIN access_profile_versions v ON v.access_profile_id = p.id AND v.version = p.version
             WHERE p.id = ?1",
        )
        .and_then(|mut statement| {
            statement
                .query_row(params![id], |row| {
                    let snapshot = Snapshot {
                        id: row.get(0)?,
                        version: row.get(1)?,
                        json: row.get(2)?,
                        stored: None,
                        last_rotation_at: row.get(3)?,
                    };
                    Ok((snapshot, row.get::<_, bool>(4)?, row.get(5)?))
                })
                .optional()
        })
        .doing("reading an access profile")?
        .ok_or_else(|| Error::not_found("access profile", id))
        .and_then(|(snapshot, rotated, next)| {
            if rotated { snapshot.rotated(next) } else { Ok(snapshot) }
        })
}

/// Whether this is what is current: the version, and the last rotation of its holders' keys.
///
/// # Errors
/// When the database can't be read.
pub fn is_current(reading: &Reading<'_>, snapshot: &Snapshot) -> Result<bool> {
    reading
        .connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM access_profiles WHERE id = ?1 AND version = ?2 AND last_rotation_at IS ?3)",
        )
        .and_then(|mut statement| {
            statement.query_row(
                params![snapshot.id, snapshot.version, snapshot.last_rotation_at],
                |row| row.get(0),
            )
        })
        .doing("reading an access profile")
}

/// How long the JSON of a profile, and that of each of its lines, is expected to be, in bytes.
const ROOM: usize = 1_100;

impl Snapshot {
    /// The strong validator of this version by itself.
    pub fn entity_tag(&self) -> String {
        entity_tag(self.version, &self.json)
    }

    /// The snapshot of a profile.
    ///
    /// # Errors
    /// [`Error::Internal`] when it can't be written as JSON.
    pub fn of(profile: &AccessProfile) -> Result<Self> {
        let mut json = Vec::with_capacity(ROOM + profile.provider_configs.len() * ROOM);
        serde_json::to_writer(&mut json, profile)
            .map_err(|error| Error::internal("writing a snapshot", error))?;
        let json = String::from_utf8(json)
            .map_err(|error| Error::internal("writing a snapshot", error))?;
        Ok(Self {
            id: profile.id,
            version: profile.version,
            json,
            stored: None,
            last_rotation_at: profile.last_rotation_at.map(Timestamp::as_millisecond),
        })
    }

    /// What the audit log calls this version by.
    pub fn named(&self) -> NamedVersion {
        NamedVersion::of(self.version, self.stored().as_bytes())
    }

    /// This version packed, for when it is not current any more; nothing when that is not worth it.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn packed(&self, reading: &Reading<'_>) -> Result<Option<Packed>> {
        Packed::of(reading, self.id, self.version, self.stored())
    }

    fn stored(&self) -> &str {
        self.stored.as_ref().unwrap_or(&self.json)
    }

    /// The same with the dates of a rotation that came after the version was written.
    fn rotated(self, next_rotation_at: Option<i64>) -> Result<Self> {
        let time = |milliseconds: i64| Timestamp::from_millisecond(milliseconds).ok();
        let profile = AccessProfile {
            next_rotation_at: next_rotation_at.and_then(time),
            last_rotation_at: self.last_rotation_at.and_then(time),
            ..self.profile()?
        };
        Ok(Self {
            json: Self::of(&profile)?.json,
            stored: Some(self.json),
            ..self
        })
    }

    /// The profile of this version.
    ///
    /// # Errors
    /// [`Error::Internal`] when the stored JSON is of another shape.
    pub fn profile(&self) -> Result<AccessProfile> {
        serde_json::from_str(&self.json)
            .map_err(|error| Error::internal("reading a snapshot", error))
    }
}
