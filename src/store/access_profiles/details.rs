//! What is shown of an access profile beside it: the roles it is attached to, and how many users hold it.

use serde_json::json;

use super::Snapshot;
use super::attachments;
use crate::domain::access_profile::McpReference;
use crate::domain::people::holding::Attachment;
use crate::domain::validator::entity_tag_beside;
use crate::error::Result;
use crate::store::people::user_access_profiles;
use crate::store::sql::Reading;

/// What is shown beside an access profile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beside {
    /// The roles it is attached to.
    pub roles: Vec<Attachment>,
    /// How many users hold a copy.
    pub user_count: i64,
    /// The MCP things it names that are not known here, sorted.
    pub unresolved_references: Vec<McpReference>,
    /// How many of those it names are known.
    known_references: i64,
}

impl Beside {
    /// What is shown beside a profile.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn read(reading: &Reading<'_>, id: i64) -> Result<Self> {
        let unresolved_references = list_unresolved_references(reading, id)?;
        let all = count_references(reading, id)?;
        let unresolved = i64::try_from(unresolved_references.len()).unwrap_or(i64::MAX);
        Ok(Self {
            roles: attachments::list_of_profile(reading, id)?,
            user_count: user_access_profiles::count_of_profile(reading, id)?,
            known_references: all - unresolved,
            unresolved_references,
        })
    }

    /// The strong validator of a version of the profile, shown with this.
    pub fn entity_tag(&self, snapshot: &Snapshot) -> String {
        if self.roles.is_empty() && self.user_count == 0 && self.known_references == 0 {
            return snapshot.entity_tag();
        }
        let beside = json!([self.roles, self.user_count, self.unresolved_references]);
        entity_tag_beside(snapshot.version, &snapshot.json, &beside.to_string())
    }
}

/// The MCP things a profile names that are not known here, sorted.
fn list_unresolved_references(reading: &Reading<'_>, id: i64) -> Result<Vec<McpReference>> {
    reading
        .all(
            "reading MCP references",
            "SELECT kind, reference FROM access_profile_references r
             WHERE access_profile_id = ?1 AND NOT CASE kind
                 WHEN 'mcp_tool_group' THEN EXISTS (SELECT 1 FROM mcp_tool_groups WHERE id = CAST(r.reference AS INTEGER))
                 ELSE EXISTS (SELECT 1 FROM mcp_tool_group_clients WHERE mcp_client_id = r.reference) END
             ORDER BY kind, reference",
            [id],
            |row| {
                Ok(McpReference {
                    kind: row.get("kind")?,
                    id: row.get("reference")?,
                })
            },
        )
}

fn count_references(reading: &Reading<'_>, id: i64) -> Result<i64> {
    let sql = "SELECT count(*) FROM access_profile_references WHERE access_profile_id = ?1";
    reading.value("counting MCP references", sql, [id])
}

/// A version of a profile with the validator of what is shown of it.
///
/// # Errors
/// When the database can't be read.
pub fn tagged(reading: &Reading<'_>, snapshot: Snapshot) -> Result<TaggedSnapshot> {
    Ok(TaggedSnapshot {
        entity_tag: Beside::read(reading, snapshot.id)?.entity_tag(&snapshot),
        snapshot,
    })
}

/// A version of a profile with the validator of what is shown of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaggedSnapshot {
    /// The version.
    pub snapshot: Snapshot,
    /// Its strong validator; it covers what is shown beside the profile.
    pub entity_tag: String,
}

/// The users who hold a copy of a profile, the first of them in the order of assignment.
///
/// # Errors
/// When the database can't be read.
pub fn list_first_holders(reading: &Reading<'_>, id: i64, most: i64) -> Result<Vec<i64>> {
    reading
        .values(
            "listing who holds an access profile",
            "SELECT user_id FROM user_access_profiles WHERE access_profile_id = ?1 ORDER BY id LIMIT ?2",
            [id, most],
        )
}
