//! Roles: groups of users that are given access profiles together. A role gives no management permission.

use jiff::Timestamp;

use super::input::{Fields, MAX_NAME, Node, read_description};
use super::json::Json;
use super::stored_texts::Sent;
use super::validator::entity_tag_beside;
use super::violation::Violations;
use crate::error::Result;

/// A role as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Set by the server; never used again after a delete.
    pub id: i64,
    /// 1 to 255 characters, unique without regard to case.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Users who are in it.
    pub user_count: i64,
    /// Changes with every change of the role.
    pub revision: i64,
    /// Set by the server.
    pub created_at: Timestamp,
    /// Set by the server.
    pub updated_at: Timestamp,
}

/// An access profile that a role is attached to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachedProfile {
    /// The profile.
    pub access_profile_id: i64,
    /// Its name.
    pub name: String,
    /// Whether users who join the role get it.
    pub is_default: bool,
}

/// A role with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleDetail {
    /// The role.
    pub role: Role,
    /// The profiles it is attached to, in the order in which they were.
    pub access_profiles: Vec<AttachedProfile>,
}

impl RoleDetail {
    /// The validator of what is shown of the role.
    pub fn entity_tag(&self) -> String {
        let role = &self.role;
        let content = format!("{} {:?} {}", role.id, role.name, role.updated_at);
        let beside = format!("{} {:?}", role.user_count, self.access_profiles);
        entity_tag_beside(role.revision, &content, &beside)
    }
}

/// The fields of a role as somebody sent them; `None` where they were left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleInput {
    /// Trimmed, 1 to 255 characters.
    pub name: Option<String>,
    /// Empty when `null`.
    pub description: Option<String>,
}

/// Fields that the server sets.
pub const SET_BY_SERVER: [&str; 6] = [
    "id",
    "is_system_role",
    "user_count",
    "access_profiles",
    "created_at",
    "updated_at",
];

impl RoleInput {
    /// Reads the body of a create, where the name is required, or of a change.
    ///
    /// # Errors
    /// [`crate::error::Error::Invalid`] with every violation.
    pub fn parse(body: &Json<'_>, sent: Sent<'_>) -> Result<Self> {
        let violations = Violations::beside(sent.stored());
        let root = Node::root(body, &violations);
        let input = root
            .object()
            .map(|fields| Self::read(fields, sent.is_new()));
        violations.finish(input)
    }

    fn read(mut fields: Fields<'_>, creating: bool) -> Self {
        let name = if creating {
            fields.required("name")
        } else {
            fields.sent("name")
        };
        let input = Self {
            name: name.and_then(|node| node.name(MAX_NAME)),
            description: read_optional_description(&mut fields),
        };
        fields.ignore(&SET_BY_SERVER);
        fields.finish();
        input
    }
}

/// The description of anything: `None` when it was left out, empty when it is `null`.
pub fn read_optional_description(fields: &mut Fields<'_>) -> Option<String> {
    let node = fields.sent("description")?;
    if node.value.is_null() {
        Some(String::new())
    } else {
        read_description(&node)
    }
}

impl Role {
    /// The role with the sent fields in place of today's; `None` when that changes nothing.
    pub fn change(&self, input: RoleInput, now: Timestamp) -> Option<Self> {
        let changed = Self {
            name: input.name.unwrap_or_else(|| self.name.clone()),
            description: input
                .description
                .unwrap_or_else(|| self.description.clone()),
            ..self.clone()
        };
        (changed != *self).then_some(Self {
            updated_at: now,
            ..changed
        })
    }
}
