//! The copy of an access profile that a user holds, as the contract shows it (API.md §3): the policy with what binds now.
//!
//! The JSON of these types is the wire format; [`crate::domain::limits::copy_limits`] puts them together.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::access_profile::{McpServerLink, ResetConfig, ToolGroupLink, ToolOverride};
use crate::domain::values::duration::ResetDuration;
use crate::domain::values::money::Money;
use crate::domain::values::period::Period;

/// A copy of an access profile that a user holds.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct UserCopy {
    /// Set by the server; never used again.
    pub id: i64,
    /// Who holds it.
    pub user_id: String,
    /// The access profile that it is a copy of; paths name the copy by it.
    pub parent_profile_id: i64,
    /// The profile's.
    pub name: String,
    /// The profile's.
    pub description: String,
    /// Whether its time is not over.
    pub is_active: bool,
    /// From when on it grants nothing.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// `role` or `direct`.
    pub source: &'static str,
    /// The role it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_role_id: Option<i64>,
    /// The version of the profile that it was made from or last changed by.
    pub template_version: i64,
    /// The virtual keys that were issued under it, and those that were issued to the user at large.
    pub virtual_key_ids: Vec<String>,
    /// The same keys, masked.
    pub virtual_key_values: BTreeMap<String, String>,
    /// The profile's.
    pub tags: Vec<String>,
    /// What each provider may be used for.
    pub provider_configs: Vec<CopyProviderConfig>,
    /// Spending limits over all providers.
    pub budgets: Vec<CopyBudget>,
    /// Request and token limits over all providers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<CopyRateLimit>,
    /// Whether windows of a day and longer start at calendar boundaries.
    pub calendar_aligned: bool,
    /// The profile's: how often managed keys rotate, in nanoseconds; 0 when they don't.
    pub auto_rotation_interval: i64,
    /// The profile's.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_rotation_at: Option<Timestamp>,
    /// The profile's.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_rotation_at: Option<Timestamp>,
    /// MCP tool groups whose tools may be called.
    pub mcp_tool_groups: Vec<ToolGroupLink>,
    /// MCP servers of which every tool may be called.
    pub mcp_servers: Vec<McpServerLink>,
    /// Single MCP tools that are added or taken away.
    pub mcp_tool_overrides: Vec<ToolOverride>,
    /// When it was given; rolling windows are counted from here.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

/// What one provider may be used for.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CopyProviderConfig {
    /// The profile's.
    pub id: i64,
    /// The provider.
    pub provider_name: String,
    /// Every model of the provider may be used.
    pub all_models_allowed: bool,
    /// Names, `*` or `regex:` patterns over the whole name, without regard to case. Empty: none.
    pub allowed_models: Vec<String>,
    /// The same kinds of patterns; beats the allow list.
    pub blacklisted_models: Vec<String>,
    /// Spending limits of this provider alone.
    pub budgets: Vec<CopyBudget>,
    /// Request and token limits of this provider alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<CopyRateLimit>,
}

/// A spending limit and how it stands.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CopyBudget {
    /// The same as long as scope and reset duration stay; not the id of the profile's budget.
    pub id: String,
    /// US dollars per window; 0 denies.
    #[schema(value_type = f64, minimum = 0, maximum = 1_000_000_000)]
    pub max_limit: Money,
    /// What binds: `max_limit`, and `override_amount` while that is in force.
    #[schema(value_type = f64, minimum = 0, maximum = 1_000_000_000)]
    pub effective_max_limit: Money,
    /// `<n><unit>` with a unit of `s m h d w M Q Y`, or `never`.
    #[schema(value_type = String)]
    pub reset_duration: ResetDuration,
    /// When the fiscal year starts; only with a reset duration of `1Q`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reset_config: Option<ResetConfig>,
    /// `total` or `provider:<name>`.
    pub scope: String,
    /// US dollars spent in the window.
    #[schema(value_type = f64, minimum = 0)]
    pub current_usage: Money,
    /// US dollars held by calls that are under way.
    #[schema(value_type = f64, minimum = 0)]
    pub held: Money,
    /// When the window began; with `never`, when the copy was given.
    #[schema(value_type = String, format = DateTime)]
    pub last_reset: Timestamp,
    /// When it ends; left out with `never`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub resets_at: Option<Timestamp>,
    /// What an override adds; left out without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub override_amount: Option<Money>,
    /// `cycles` or `forever`; left out without an override.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub override_mode: Option<&'static str>,
    /// Windows that the override still lasts, this one included; with `cycles`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub override_cycles_remaining: Option<i64>,
    /// Windows that the override lasts in all; with `cycles`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub override_cycles_total: Option<i64>,
    /// When the window began in which the override was given; with `cycles`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub override_anchor_reset: Option<Timestamp>,
}

/// Limits on tokens and requests and how they stand.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CopyRateLimit {
    /// The same as long as the scope stays.
    pub id: String,
    /// Tokens per window; `null` is no limit.
    pub token_max_limit: Option<i64>,
    /// `<n><unit>` with a unit of `s m h d w M Y`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub token_reset_duration: Option<Period>,
    /// Requests per window; `null` is no limit.
    pub request_max_limit: Option<i64>,
    /// `<n><unit>` with a unit of `s m h d w M Y`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub request_reset_duration: Option<Period>,
    /// Tokens used in the window.
    pub token_current_usage: i64,
    /// Requests made in the window.
    pub request_current_usage: i64,
    /// Tokens held by calls that are under way; left out without a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_held: Option<i64>,
    /// Requests that are under way, as far as they are held; left out without a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_held: Option<i64>,
    /// When the token window began; without a limit, when the copy was given.
    #[schema(value_type = String, format = DateTime)]
    pub token_last_reset: Timestamp,
    /// When the request window began; without a limit, when the copy was given.
    #[schema(value_type = String, format = DateTime)]
    pub request_last_reset: Timestamp,
    /// When the token window ends; left out without a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub token_resets_at: Option<Timestamp>,
    /// When the request window ends; left out without a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub request_resets_at: Option<Timestamp>,
}

impl UserCopy {
    /// The budget with this id.
    pub fn budget(&self, id: &str) -> Option<&CopyBudget> {
        let lines = self.provider_configs.iter().flat_map(|line| &line.budgets);
        self.budgets
            .iter()
            .chain(lines)
            .find(|budget| budget.id == id)
    }
}
