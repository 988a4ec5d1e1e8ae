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
            access_profile_count: group.access_profile_count,
            created_at: group.created_at,
            updated_at: group.updated_at,
        }
    }
}

/// One tool group.
#[derive(Debug, Serialize, ToSchema)]
pub struct ToolGroupAnswer {
    /// The group.
    pub mcp_tool_group: ToolGroupView,
}
