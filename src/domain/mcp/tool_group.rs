//! MCP tool groups: tools of MCP clients under one name, so that a profile can grant them together.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::body::{Body, BodySchema, Form, ValueKind, boolean, description, name, object};
use crate::domain::validator::entity_tag_beside;
use crate::domain::values::number::MAX_COUNT;
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
    /// Free text.
    pub description: Option<String>,
    /// Whether it grants anything.
    pub enabled: Option<bool>,
    /// Replaces the list.
    pub tools: Option<Vec<ClientTools>>,
}

/// What making a tool group takes.
pub const NEW_TOOL_GROUP: Body<ToolGroupInput> =
    Body::new("ToolGroupBody", "What making a tool group takes.", |form| {
        Some(ToolGroupInput::read(form))
    });

/// What a change of a tool group takes.
pub const TOOL_GROUP_CHANGE: Body<ToolGroupInput> = Body::change(
    "ToolGroupChangeBody",
    "What a change of a tool group takes: the same fields, none of them required.",
    |form| Some(ToolGroupInput::read(form)),
)
.or_under("mcp_tool_group");

impl ToolGroupInput {
    fn read(form: &mut Form<'_>) -> Self {
        let input = Self {
            name: form.required("name", name(), "Unique without regard to case."),
            tools: form.required("tools", tools(), "Each client once."),
            description: form.optional("description", description(), ""),
            enabled: form.optional(
                "enabled",
                boolean(),
                "Whether it grants anything; left out: no.",
            ),
        };
        for list in ATTACHED {
            form.optional(
                list,
                nothing(list),
                "Empty: access profiles name tool groups, and nothing else does.",
            );
        }
        form.ignore(&["id", "access_profile_count", "created_at", "updated_at"]);
        input
    }

    /// What makes a group of a body that was read as one of a create; it grants nothing unless it says so.
    ///
    /// # Errors
    /// [`Error::Internal`] when it was not.
    pub fn into_new(self) -> Result<NewToolGroup> {
        match (self.name, self.tools) {
            (Some(name), Some(tools)) => Ok(NewToolGroup {
                name,
                tools,
                description: self.description.unwrap_or_default(),
                enabled: self.enabled.unwrap_or(false),
            }),
            _ => Err(Error::internal("making a tool group", "a field is missing")),
        }
    }
}

/// What a tool group of the contract may be attached to, and one of ours is not.
pub const ATTACHED: [&str; 6] = [
    "virtual_key_ids",
    "team_ids",
    "customer_ids",
    "user_ids",
    "provider_names",
    "api_key_ids",
];

/// A list of what is told apart by a text, or by a whole number, that must be empty.
fn nothing(list: &str) -> ValueKind<'static, ()> {
    let items = if list == "api_key_ids" {
        BodySchema::integer(1..=MAX_COUNT)
    } else {
        BodySchema::Text {
            least: 0,
            most: None,
            pattern: None,
        }
    };
    let schema = move || BodySchema::List {
        items: Box::new(items.clone()),
        least: 0,
        most: 0,
        unique: false,
    };
    ValueKind::new(schema, |node| {
        if node.list(|_| Some(()))?.is_empty() {
            return Some(());
        }
        node.refuse(
            "not_supported",
            "must be empty: who may use a tool group is said by the access profiles that name it",
        )
    })
}

fn tools() -> ValueKind<'static, Vec<ClientTools>> {
    object(
        "ClientToolsBody",
        "Tools of one MCP client.",
        ClientTools::read,
    )
    .unique_list(
        Some("mcp_client_id"),
        "duplicate_mcp_client",
        |tools| tools.mcp_client_id.clone(),
        |tools| format!("the tools of {:?} are already listed", tools.mcp_client_id),
    )
}

impl ClientTools {
    fn read(form: &mut Form<'_>) -> Option<Self> {
        let mcp_client_id = form.required("mcp_client_id", name(), "");
        let names = name().unique_list(None, "duplicate_tool_name", Clone::clone, |name| {
            format!("the tool {name:?} is listed twice")
        });
        let tool_names = form.optional(
            "tool_names",
            names,
            "Empty, left out or `[\"*\"]`: every tool of the client.",
        );
        Some(Self {
            mcp_client_id: mcp_client_id?,
            tool_names: tool_names
                .filter(|names| !names.iter().any(|name| name == "*"))
                .unwrap_or_default(),
        })
    }
}
