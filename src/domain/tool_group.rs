//! MCP tool groups: tools of MCP clients under one name, so that a profile can grant them together.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::input::{Fields, MAX_NAME, Node};
use super::json::Json;
use super::role::read_optional_description;
use super::stored_texts::Sent;
use super::validator::entity_tag_beside;
use super::violation::Violations;
use crate::error::{Error, Result};

/// A tool group as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolGroup {
    /// Set by the server; never used again after a delete.
    pub id: i64,
    /// 1 to 255 characters, unique without regard to case.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Whether it grants anything.
    pub enabled: bool,
    /// What it grants, each client once.
    pub tools: Vec<ClientTools>,
    /// Profiles that name it.
    pub access_profile_count: i64,
    /// Changes with every change of the group.
    pub revision: i64,
    /// Set by the server.
    pub created_at: Timestamp,
    /// Set by the server.
    pub updated_at: Timestamp,
}

/// Tools of one MCP client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClientTools {
    /// The client.
    pub mcp_client_id: String,
    /// Its tools; empty: every one.
    pub tool_names: Vec<String>,
}

impl ToolGroup {
    /// The validator of what is shown of the group.
    pub fn entity_tag(&self) -> String {
        let content = format!("{} {:?} {}", self.id, self.name, self.updated_at);
        let beside = self.access_profile_count.to_string();
        entity_tag_beside(self.revision, &content, &beside)
    }

    /// The group with the sent fields in place of today's; `None` when that changes nothing.
    pub fn change(&self, input: ToolGroupInput, now: Timestamp) -> Option<Self> {
        let changed = Self {
            name: input.name.unwrap_or_else(|| self.name.clone()),
            description: input
                .description
                .unwrap_or_else(|| self.description.clone()),
            enabled: input.enabled.unwrap_or(self.enabled),
            tools: input.tools.unwrap_or_else(|| self.tools.clone()),
            ..self.clone()
        };
        (changed != *self).then_some(Self {
            updated_at: now,
            ..changed
        })
    }
}

/// What makes a tool group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToolGroup {
    /// See [`ToolGroup::name`].
    pub name: String,
    /// See [`ToolGroup::description`].
    pub description: String,
    /// See [`ToolGroup::enabled`].
    pub enabled: bool,
    /// See [`ToolGroup::tools`].
    pub tools: Vec<ClientTools>,
}

/// The fields of a tool group as somebody sent them; `None` where they were left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolGroupInput {
    /// Trimmed, 1 to 255 characters.
    pub name: Option<String>,
    /// Empty when `null`.
    pub description: Option<String>,
    /// Whether it grants anything.
    pub enabled: Option<bool>,
    /// Replaces the list.
    pub tools: Option<Vec<ClientTools>>,
}

/// Fields that the server sets.
pub const SET_BY_SERVER: [&str; 4] = ["id", "access_profile_count", "created_at", "updated_at"];

impl ToolGroupInput {
    /// Reads the body of a create, where name and tools are required, or of a change.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every violation.
    pub fn parse(body: &Json<'_>, sent: Sent<'_>) -> Result<Self> {
        let violations = Violations::beside(sent.stored());
        let root = Node::root(body, &violations);
        let input = root
            .object()
            .map(|fields| Self::read(fields, sent.is_new()));
        violations.finish(input)
    }

    fn read(mut fields: Fields<'_>, creating: bool) -> Self {
        let mut wanted = |name| {
            if creating {
                fields.required(name)
            } else {
                fields.sent(name)
            }
        };
        let (name, tools) = (wanted("name"), wanted("tools"));
        let input = Self {
            name: name.and_then(|node| node.name(MAX_NAME)),
            tools: tools.and_then(|node| read_tools(&node)),
            description: read_optional_description(&mut fields),
            enabled: fields.given("enabled").and_then(|node| node.boolean()),
        };
        fields.ignore(&SET_BY_SERVER);
        fields.finish();
        input
    }

    /// What makes a group of a body that was read as one of a create; it is enabled unless it says otherwise.
    ///
    /// # Errors
    /// [`Error::Internal`] when it was not.
    pub fn into_new(self) -> Result<NewToolGroup> {
        match (self.name, self.tools) {
            (Some(name), Some(tools)) => Ok(NewToolGroup {
                name,
                tools,
                description: self.description.unwrap_or_default(),
                enabled: self.enabled.unwrap_or(true),
            }),
            _ => Err(Error::internal("making a tool group", "a field is missing")),
        }
    }
}

/// Names of tools, each once.
fn read_tool_names(node: &Node<'_>) -> Option<Vec<String>> {
    let mut seen = std::collections::HashSet::new();
    node.list(|tool| {
        let name = tool.name(MAX_NAME)?;
        if !seen.insert(name.clone()) {
            let sentence = format!("the tool {name:?} is listed twice");
            return tool.refuse("duplicate_tool_name", sentence);
        }
        Some(name)
    })
}

fn read_tools(node: &Node<'_>) -> Option<Vec<ClientTools>> {
    let mut seen = std::collections::HashSet::new();
    node.list(|item| {
        let mut fields = item.object()?;
        let client_node = fields.required("mcp_client_id");
        let client = client_node.as_ref().and_then(|node| node.name(MAX_NAME));
        let tools = match fields.given("tool_names") {
            Some(node) => read_tool_names(&node),
            None => Some(Vec::new()),
        };
        fields.finish();
        let mcp_client_id = client?;
        if !seen.insert(mcp_client_id.clone()) {
            let sentence = format!("the tools of {mcp_client_id:?} are already listed");
            return client_node?.refuse("duplicate_mcp_client", sentence);
        }
        Some(ClientTools {
            mcp_client_id,
            tool_names: tools?,
        })
    })
}
