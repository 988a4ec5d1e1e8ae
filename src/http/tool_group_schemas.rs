//! Shapes of bodies and answers about MCP tool groups; see [`super::schemas`].

use jiff::Timestamp;
use serde::Serialize;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::shapes;
use crate::domain::tool_group::{ClientTools, ToolGroup};

/// What making a tool group takes.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body for the OpenAPI document")]
pub struct ToolGroupBody {
    /// Unique without regard to case.
    #[schema(schema_with = shapes::name)]
    name: String,
    #[schema(schema_with = shapes::text)]
    description: Option<String>,
    /// Whether it grants anything; left out: yes.
    enabled: Option<bool>,
    /// Each client once.
    #[schema(max_items = 10_000)]
    tools: Vec<ClientToolsBody>,
}

/// Tools of one MCP client.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body for the OpenAPI document")]
pub struct ClientToolsBody {
    #[schema(schema_with = shapes::name)]
    mcp_client_id: String,
    /// Empty or left out: every tool of the client.
    #[schema(schema_with = shapes::names)]
    tool_names: Option<Vec<String>>,
}

/// What a change of a tool group takes: the same fields, none of them required.
pub struct ToolGroupChangeBody;

impl PartialSchema for ToolGroupChangeBody {
    fn schema() -> RefOr<Schema> {
        shapes::all_optional(ToolGroupBody::schema())
    }
}

impl ToSchema for ToolGroupChangeBody {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        ToolGroupBody::schemas(schemas);
    }
}

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

/// A page of tool groups.
#[derive(Debug, Serialize, ToSchema)]
pub struct ToolGroupList {
    /// The groups.
    pub mcp_tool_groups: Vec<ToolGroupView>,
    /// Items on this page.
    pub count: usize,
    /// Items on all pages.
    pub total_count: i64,
    /// As asked.
    pub limit: i64,
    /// As asked.
    pub offset: i64,
}
