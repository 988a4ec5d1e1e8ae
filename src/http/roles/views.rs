//! Answers about roles.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::people::role::{AttachedProfile, Role, RoleDetail};
use crate::http::core::list::ListItem;
use crate::http::permissions::views::PermissionView;

/// A role: a group of users that are given access profiles together.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoleView {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Always false: there are no roles that come with the server.
    pub is_system_role: bool,
    /// Whose data its users see in the gateway, which minds it: `own-data`, `team-data`, `business-unit-data`, `customer-data` or `all-data`. It
    /// narrows nothing here.
    pub dac: &'static str,
    /// Always null: roles are made by management API keys, not by users.
    pub created_by_user_id: Option<String>,
    /// Users who are in it.
    pub user_count: i64,
    /// The access profiles that it is attached to.
    pub access_profiles: Vec<AttachedProfileView>,
    /// Counts the changes of the role, those of its permissions too; joining and leaving users and its access profiles do not count. A change
    /// that is sent with another one is refused.
    pub revision: i64,
    /// Set by the server.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Set by the server.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

impl ListItem for RoleView {
    const MEMBER: &'static str = "roles";
    const SCHEMA: &'static str = "RoleList";
    const ABOUT: &'static str = "A page of roles.";
}

/// An access profile that a role is attached to.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttachedProfileView {
    /// The profile.
    pub access_profile_id: i64,
    /// Its name.
    pub name: String,
    /// Whether users who join the role get it.
    pub is_default: bool,
}

impl From<&RoleDetail> for RoleView {
    fn from(detail: &RoleDetail) -> Self {
        let one = |attached: &AttachedProfile| AttachedProfileView {
            access_profile_id: attached.access_profile_id,
            name: attached.name.clone(),
            is_default: attached.is_default,
        };
        let role = &detail.role;
        Self {
            id: role.id,
            name: role.name.clone(),
            description: role.description.clone(),
            is_system_role: false,
            dac: role.dac.name(),
            created_by_user_id: None,
            user_count: role.user_count,
            access_profiles: detail.access_profiles.iter().map(one).collect(),
            revision: role.revision,
            created_at: role.created_at,
            updated_at: role.updated_at,
        }
    }
}

/// One role.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoleAnswer {
    /// The role.
    pub role: RoleView,
}

/// What a role is permitted.
#[derive(Debug, Serialize, ToSchema)]
pub struct RolePermissions {
    /// Its permissions, by id.
    pub permissions: Vec<PermissionView>,
    /// How many there are.
    pub count: usize,
    /// The same.
    pub total_count: usize,
    /// The revision of the role.
    pub revision: i64,
}

impl From<&Role> for RolePermissions {
    fn from(role: &Role) -> Self {
        let permissions: Vec<_> = role.permissions.list().map(PermissionView::from).collect();
        Self {
            count: permissions.len(),
            total_count: permissions.len(),
            permissions,
            revision: role.revision,
        }
    }
}
