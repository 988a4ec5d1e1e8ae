//! Roles: groups of users that are given access profiles together. A role gives no management permission.

use jiff::Timestamp;

use crate::domain::body::{Body, Form, description, name};
use crate::domain::validator::entity_tag_beside;

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

/// What making a role takes.
pub const NEW_ROLE: Body<RoleInput> = Body::new("RoleBody", "What making a role takes.", |form| {
    Some(RoleInput::read(form))
});

/// What a change of a role takes.
pub const ROLE_CHANGE: Body<RoleInput> = Body::change(
    "RoleChangeBody",
    "What a change of a role takes: the same fields, none of them required.",
    |form| Some(RoleInput::read(form)),
)
.or_under("role");

impl RoleInput {
    fn read(form: &mut Form<'_>) -> Self {
        let input = Self {
            name: form.required("name", name(), "Unique without regard to case."),
            description: form.sent("description", description(), ""),
        };
        form.ignore(&[
            "id",
            "is_system_role",
            "user_count",
            "access_profiles",
            "created_at",
            "updated_at",
        ]);
        input
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
