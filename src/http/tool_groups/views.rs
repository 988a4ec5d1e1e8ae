//! Answers about MCP tool groups.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::mcp::tool_group::{ClientTools, ToolGroup};
use crate::http::core::list::ListItem;

/// A tool group: tools of MCP clients that a profile can grant together.
#[derive(Debug, Serialize, ToSchema)]
pub struct ToolGroupView {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Whether it grants anything.
    pub enabled: bool,
    /// What it grants.
    pub tools: Vec<ClientTools>,
    /// Always empty, as the five after it: access profiles name tool groups, and nothing else does.
    pub virtual_key_ids: Vec<String>,
    /// Always empty.
    pub team_ids: Vec<String>,
    /// Always empty.
    pub customer_ids: Vec<String>,
    /// Always empty.
    pub user_ids: Vec<String>,
    /// Always empty.
    pub provider_names: Vec<String>,
    /// Always empty.
    pub api_key_ids: Vec<i64>,
    /// Access profiles that name it.
    pub access_profile_count: i64,
    /// Set by the server.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Set by the server.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

impl ListItem for ToolGroupView {
    const MEMBER: &'static str = "mcp_tool_groups";
    const SCHEMA: &'static str = "ToolGroupList";
    const ABOUT: &'static str = "A page of tool groups.";
}

impl From<ToolGroup> for ToolGroupView {
    fn from(group: ToolGroup) -> Self {
        Self {
            id: group.id,
            name: group.name,
            description: group.description,
            enabled: group.enabled,
            tools: group.tools,
            virtual_key_ids: Vec::new(),
            team_ids: Vec::new(),
            customer_ids: Vec::new(),
            user_ids: Vec::new(),
            provider_names: Vec::new(),
            api_key_ids: Vec::new(),
            access_profile_count: group.access_profile_count,
            created_at: group.created_at,
            updated_at: group.updated_at,
        }
    }
}

/// A tool group that was deleted.
#[derive(Debug, Serialize, ToSchema)]
pub struct ToolGroupDeleted {
    /// Always true: a refusal has the shape of every refusal.
    pub success: bool,
    /// A sentence.
    pub message: String,
}

/// One tool group.
#[derive(Debug, Serialize, ToSchema)]
pub struct ToolGroupAnswer {
    /// The group.
    pub mcp_tool_group: ToolGroupView,
}
