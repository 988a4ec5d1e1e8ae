//! What a copy of an access profile allows: the part of a profile that governs calls. Copies with the same policy share one stored
//! row.

use serde::{Deserialize, Serialize};

use super::{
    AccessProfile, Budget, McpServerLink, ProviderConfig, RateLimit, ToolGroupLink, ToolOverride,
};

/// The part of an access profile that governs calls. Ids, counters and dates inside are blank: they belong to a copy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// What each provider may be used for.
    pub provider_configs: Vec<ProviderConfig>,
    /// Spending limits over all providers.
    pub budgets: Vec<Budget>,
    /// Request and token limits over all providers.
    pub rate_limit: Option<RateLimit>,
    /// Whether windows of a day and longer start at calendar boundaries.
    pub calendar_aligned: bool,
    /// MCP tool groups whose tools may be called.
    pub mcp_tool_groups: Vec<ToolGroupLink>,
    /// MCP servers of which every tool may be called.
    pub mcp_servers: Vec<McpServerLink>,
    /// Single MCP tools that are added or taken away.
    pub mcp_tool_overrides: Vec<ToolOverride>,
}

/// A part of a policy that can be pushed from a profile to its copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PolicyField {
    /// `provider_configs`
    ProviderConfigs,
    /// `budgets`; `calendar_aligned` goes with them.
    Budgets,
    /// `rate_limit`
    RateLimit,
    /// `mcp_tool_groups`
    McpToolGroups,
    /// `mcp_servers`
    McpServers,
    /// `mcp_tool_overrides`
    McpToolOverrides,
}

impl PolicyField {
    /// Every field, in the order of the contract, with its name on the wire.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::ProviderConfigs, "provider_configs"),
        (Self::Budgets, "budgets"),
        (Self::RateLimit, "rate_limit"),
        (Self::McpToolGroups, "mcp_tool_groups"),
        (Self::McpServers, "mcp_servers"),
        (Self::McpToolOverrides, "mcp_tool_overrides"),
    ];

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(field, _)| *field == self);
        found.map_or("", |(_, name)| name)
    }
}

impl Policy {
    /// What `profile` allows.
    pub fn of(profile: &AccessProfile) -> Self {
        // A copy's line is known by the id of the profile's.
        let line = |line: &ProviderConfig| ProviderConfig {
            id: line.id,
            ..line.blank()
        };
        Self {
            provider_configs: profile.provider_configs.iter().map(line).collect(),
            budgets: profile.budgets.iter().map(Budget::blank).collect(),
            rate_limit: profile.rate_limit.as_ref().map(RateLimit::blank),
            calendar_aligned: profile.calendar_aligned,
            mcp_tool_groups: profile.mcp_tool_groups.clone(),
            mcp_servers: profile.mcp_servers.clone(),
            mcp_tool_overrides: profile.mcp_tool_overrides.clone(),
        }
    }

    /// This policy with `fields` taken from `other`.
    pub fn with(&self, other: &Self, fields: &[PolicyField]) -> Self {
        let mut new = self.clone();
        for field in fields {
            match field {
                PolicyField::ProviderConfigs => {
                    new.provider_configs.clone_from(&other.provider_configs);
                }
                PolicyField::Budgets => {
                    new.budgets.clone_from(&other.budgets);
                    new.calendar_aligned = other.calendar_aligned;
                }
                PolicyField::RateLimit => new.rate_limit.clone_from(&other.rate_limit),
                PolicyField::McpToolGroups => {
                    new.mcp_tool_groups.clone_from(&other.mcp_tool_groups);
                }
                PolicyField::McpServers => new.mcp_servers.clone_from(&other.mcp_servers),
                PolicyField::McpToolOverrides => {
                    new.mcp_tool_overrides.clone_from(&other.mcp_tool_overrides);
                }
            }
        }
        new
    }
}
