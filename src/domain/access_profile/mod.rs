//! The access profile: what an operator allows, as it is stored and as the contract shows it.
//!
//! The JSON of these types is the wire format of the contract (API.md §2) and the snapshot that every version keeps. Reading a
//! request is [`self::input`]; the rules for building and changing one are in [`self::change`].

pub mod change;
pub mod input;
pub mod parts;
pub mod policy;
pub mod propagation;
pub mod rules;
pub mod versions;
pub mod warnings;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::values::duration::ResetDuration;
use super::values::money::Money;
use super::values::period::Period;

/// A policy template: which providers, models and MCP tools may be used, and how much of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AccessProfile {
    /// Set by the server; never used again after a delete.
    pub id: i64,
    /// 1 to 255 characters, unique without regard to case.
    #[schema(min_length = 1, max_length = 255)]
    pub name: String,
    /// Free text, empty when not given.
    pub description: String,
    /// An inactive profile can't be assigned; what was assigned before keeps working.
    pub is_active: bool,
    /// 1 after creation; every change adds one.
    pub version: i64,
    /// Labels to filter by.
    pub tags: Vec<String>,
    /// What each provider may be used for. A provider that is not here is blocked.
    pub provider_configs: Vec<ProviderConfig>,
    /// Spending limits over all providers.
    pub budgets: Vec<Budget>,
    /// Request and token limits over all providers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// Whether windows of a day and longer start at calendar boundaries.
    pub calendar_aligned: bool,
    /// How often the holders' virtual keys rotate, in nanoseconds; 0 when they don't.
    pub auto_rotation_interval: i64,
    /// When they rotate next.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_rotation_at: Option<Timestamp>,
    /// When they last rotated.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_rotation_at: Option<Timestamp>,
    /// MCP tool groups whose tools may be called.
    pub mcp_tool_groups: Vec<ToolGroupLink>,
    /// MCP servers of which every tool may be called.
    pub mcp_servers: Vec<McpServerLink>,
    /// Single MCP tools that are added or taken away.
    pub mcp_tool_overrides: Vec<ToolOverride>,
    /// Set by the server.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Set by the server.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

/// What one provider may be used for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProviderConfig {
    /// Set by the server; kept as long as the provider stays in the profile.
    pub id: i64,
    /// The provider, unique in the profile without regard to case.
    pub provider_name: String,
    /// Every model of the provider may be used.
    pub all_models_allowed: bool,
    /// Names, `*` or `regex:` patterns over the whole name, without regard to case; also over what is behind `<provider_name>/`, where
    /// a call names the model so. Empty: none.
    pub allowed_models: Vec<String>,
    /// The same kinds of patterns; beats the allow list.
    pub blacklisted_models: Vec<String>,
    /// Spending limits of this provider alone.
    pub budgets: Vec<Budget>,
    /// Request and token limits of this provider alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
}

/// A spending limit over a window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Budget {
    /// Set by the server; kept as long as scope and reset duration stay.
    pub id: String,
    /// US dollars per window; 0 denies.
    #[schema(value_type = f64, minimum = 0, maximum = 1_000_000_000)]
    pub max_limit: Money,
    /// `<n><unit>` with a unit of `s m h d w M Q Y`, or `never`.
    #[schema(value_type = String)]
    pub reset_duration: ResetDuration,
    /// When the fiscal year starts; only with a reset duration of `1Q`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reset_config: Option<ResetConfig>,
    /// `total` or `provider:<name>`.
    pub scope: String,
    /// US dollars spent in the window; always 0 in a template.
    #[schema(value_type = f64, minimum = 0)]
    pub current_usage: Money,
    /// When the window began; in a template, when the budget was made.
    #[schema(value_type = String, format = DateTime)]
    pub last_reset: Timestamp,
}

/// The fiscal calendar of a quarterly budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResetConfig {
    /// The month in which the fiscal year's first quarter starts, 1 to 12.
    #[schema(minimum = 1, maximum = 12)]
    pub quarter_start_month: i64,
}

/// Limits on tokens and requests over windows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RateLimit {
    /// Set by the server.
    pub id: String,
    /// Tokens per window; `null` is no limit.
    #[schema(minimum = 1)]
    pub token_max_limit: Option<i64>,
    /// `<n><unit>` with a unit of `s m h d w M Y`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub token_reset_duration: Option<Period>,
    /// Requests per window; `null` is no limit.
    #[schema(minimum = 1)]
    pub request_max_limit: Option<i64>,
    /// `<n><unit>` with a unit of `s m h d w M Y`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub request_reset_duration: Option<Period>,
    /// Tokens used in the window; always 0 in a template.
    pub token_current_usage: i64,
    /// Requests made in the window; always 0 in a template.
    pub request_current_usage: i64,
    /// When the token window began; in a template, when the limit was made.
    #[schema(value_type = String, format = DateTime)]
    pub token_last_reset: Timestamp,
    /// When the request window began; in a template, when the limit was made.
    #[schema(value_type = String, format = DateTime)]
    pub request_last_reset: Timestamp,
}

/// A grant of the tools of an MCP tool group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ToolGroupLink {
    /// The tool group's id.
    pub tool_group_id: i64,
}

/// A grant of every tool of an MCP server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct McpServerLink {
    /// The MCP server, as the gateway calls it.
    pub mcp_server_id: String,
}

/// One MCP tool that is added to or taken from what the groups and servers grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ToolOverride {
    /// The MCP client (server) that offers the tool.
    pub mcp_client_id: String,
    /// The tool.
    pub tool_name: String,
    /// Whether the tool is added or taken away.
    pub action: OverrideAction,
}

/// What a [`ToolOverride`] does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OverrideAction {
    /// The tool may be called.
    #[default]
    Include,
    /// The tool may not be called, whatever else grants it.
    Exclude,
}

/// An MCP thing that a profile names: a tool group, a server or a client.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct McpReference {
    /// `mcp_tool_group`, `mcp_server` or `mcp_client`.
    pub kind: String,
    /// Its id, as the profile names it.
    pub id: String,
}

impl ProviderConfig {
    /// What was sent of it: without what the server sets.
    pub fn blank(&self) -> Self {
        Self {
            id: 0,
            budgets: self.budgets.iter().map(Budget::blank).collect(),
            rate_limit: self.rate_limit.as_ref().map(RateLimit::blank),
            ..self.clone()
        }
    }
}

impl Budget {
    /// What was sent of it, and its scope: without what the server sets.
    pub fn blank(&self) -> Self {
        Self {
            id: String::new(),
            current_usage: Money::ZERO,
            last_reset: Timestamp::UNIX_EPOCH,
            ..self.clone()
        }
    }
}

impl RateLimit {
    /// What was sent of it: without what the server sets.
    pub fn blank(&self) -> Self {
        Self {
            token_max_limit: self.token_max_limit,
            token_reset_duration: self.token_reset_duration,
            request_max_limit: self.request_max_limit,
            request_reset_duration: self.request_reset_duration,
            ..Self::default()
        }
    }
}

impl AccessProfile {
    /// Every MCP thing this profile names, each once, sorted.
    pub fn mcp_references(&self) -> Vec<McpReference> {
        let reference = |kind: &str, id: String| McpReference {
            kind: kind.to_owned(),
            id,
        };
        let groups = self
            .mcp_tool_groups
            .iter()
            .map(|link| reference("mcp_tool_group", link.tool_group_id.to_string()));
        let servers = self
            .mcp_servers
            .iter()
            .map(|link| reference("mcp_server", link.mcp_server_id.clone()));
        let clients = self
            .mcp_tool_overrides
            .iter()
            .map(|tool| reference("mcp_client", tool.mcp_client_id.clone()));
        let mut all: Vec<_> = groups.chain(servers).chain(clients).collect();
        all.sort();
        all.dedup();
        all
    }
}
