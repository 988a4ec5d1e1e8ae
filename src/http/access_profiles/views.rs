//! Answers about access profiles: what they are, what they were, and who did what to them.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::domain::access_profile::warnings::Warning;
use crate::domain::access_profile::{AccessProfile, McpReference};
use crate::http::assignments::views::AttachmentView;
use crate::http::core::list::ListItem;

/// One access profile.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccessProfileAnswer {
    #[schema(value_type = AccessProfile)]
    pub(super) access_profile: Box<RawValue>,
    /// What lets nothing through, with what to do; left out where there is nothing to warn of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) warnings: Option<Vec<Warning>>,
}

/// One access profile and what belongs to it.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccessProfileDetail {
    #[schema(value_type = AccessProfile)]
    pub(super) access_profile: Box<RawValue>,
    /// Roles it is attached to, in the order in which they were.
    pub(super) roles: Vec<AttachmentView>,
    /// Users who hold a copy.
    pub(super) user_count: i64,
    /// MCP things that it names and that are not known here; they grant nothing by themselves.
    pub(super) unresolved_references: Vec<McpReference>,
    /// What lets nothing through, with what to do; left out where there is nothing to warn of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) warnings: Option<Vec<Warning>>,
}

/// A page of access profiles.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccessProfileList {
    #[schema(value_type = Vec<AccessProfile>)]
    pub(super) access_profiles: Vec<Box<RawValue>>,
    /// How many users hold a copy of each, in the same order.
    pub(super) user_counts: Vec<i64>,
    /// Items on this page.
    pub(super) count: usize,
    /// Items on all pages.
    pub(super) total_count: i64,
    pub(super) limit: i64,
    pub(super) offset: i64,
}

/// One version of an access profile.
#[derive(Debug, Serialize, ToSchema)]
pub struct VersionView {
    /// A number that no other version of any profile has.
    pub id: i64,
    /// The profile.
    pub access_profile_id: i64,
    /// What the profile was called.
    pub name: String,
    /// Free text.
    pub description: String,
    /// 1 for the first.
    pub version: i64,
    /// The whole profile of that version: JSON in a string.
    pub snapshot: String,
    /// What it takes in the database, in bytes: the current one is kept whole, an earlier one as what differs from one before it.
    pub stored_bytes: i64,
    /// The name of the key that made it.
    pub changed_by: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl ListItem for VersionView {
    const MEMBER: &'static str = "versions";
    const SCHEMA: &'static str = "VersionList";
    const ABOUT: &'static str = "A page of versions, the newest first.";
}

/// One version.
#[derive(Debug, Serialize, ToSchema)]
pub struct VersionAnswer {
    /// The version.
    pub version: VersionView,
}

/// One entry of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditLogView {
    /// Its place in the chain, 1 for the first.
    pub id: i64,
    /// The access profile concerned.
    pub access_profile_id: Option<i64>,
    /// The user concerned: a number in a string.
    pub user_id: Option<String>,
    /// The name, at that time, of the key that did it.
    pub actor: String,
    /// What was done: `create`, `update`, `delete`, `propagate`, `attach_role`, `detach_role`, `clone`, `activate` or `deactivate` of an
    /// access profile, or something else with what it was done to, such as `access_profile.assign` or `user.delete`.
    pub action: String,
    /// What was there before: the changed fields, or the whole thing when it was deleted. JSON in a string.
    pub previous_values: Option<String>,
    /// What is there now: the changed fields, or the whole thing when it was created. JSON in a string.
    pub new_values: Option<String>,
    /// `actor_id`, the public id of the key that did it, and `request_id`, the request. JSON in a string.
    pub metadata: Option<String>,
    /// When it was done.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl ListItem for AuditLogView {
    const MEMBER: &'static str = "audit_logs";
    const SCHEMA: &'static str = "AuditLogList";
    const ABOUT: &'static str = "A page of the audit log, the newest first.";
}
