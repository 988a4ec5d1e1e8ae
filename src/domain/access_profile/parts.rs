//! Reading the parts of an access profile from a request: provider lines, budgets, rate limits and MCP grants.

use std::collections::HashSet;
use std::hash::Hash;

use jiff::Timestamp;

use super::{
    Budget, McpServerLink, OverrideAction, ProviderConfig, RateLimit, ResetConfig, ToolGroupLink,
    ToolOverride,
};
use crate::domain::body::input::{MAX_NAME, Node};
use crate::domain::body::violation::{Path, Violations};
use crate::domain::models::expressions::ExpressionBudget;
use crate::domain::models::model_pattern::read_model_pattern;
use crate::domain::values::duration::{ResetDuration, read_reset_duration};
use crate::domain::values::letter_case::fold;
use crate::domain::values::money::{Money, read_money};
use crate::domain::values::number::MAX_COUNT;

/// Fields of a provider line that the server sets.
pub const SET_ON_PROVIDER: [&str; 1] = ["id"];
/// Fields of a budget that the server sets, in templates and in copies.
pub const SET_ON_BUDGET: [&str; 12] = [
    "id",
    "scope",
    "current_usage",
    "last_reset",
    "effective_max_limit",
    "held",
    "resets_at",
    "override_amount",
    "override_mode",
    "override_cycles_remaining",
    "override_cycles_total",
    "override_anchor_reset",
];
/// Fields of a rate limit that the server sets, in templates and in copies.
pub const SET_ON_RATE_LIMIT: [&str; 9] = [
    "id",
    "token_current_usage",
    "request_current_usage",
    "token_last_reset",
    "request_last_reset",
    "token_held",
    "request_held",
    "token_resets_at",
    "request_resets_at",
];

/// The provider lines; provider names are unique without regard to case. All lines share what expressions may take.
pub(super) fn read_providers(node: &Node<'_>) -> Option<Vec<ProviderConfig>> {
    let budget = ExpressionBudget::default();
    let mut seen = Unique::new("duplicate_provider");
    node.list(|item| {
        let mut fields = item.object()?;
        let name_node = fields.required("provider_name");
        let provider_name = name_node.as_ref().and_then(|node| node.name(MAX_NAME));
        let all_models_allowed = fields
            .given("all_models_allowed")
            .map_or(Some(false), |node| node.boolean());
        let allowed_models = optional(fields.sent("allowed_models"), |node| {
            read_patterns(node, &budget)
        });
        let blacklisted_models = optional(fields.sent("blacklisted_models"), |node| {
            read_patterns(node, &budget)
        });
        let budgets = optional(fields.sent("budgets"), read_budgets);
        let rate_limit = fields
            .given("rate_limit")
            .and_then(|node| read_rate_limit(&node));
        fields.ignore(&SET_ON_PROVIDER);
        fields.finish();
        let provider_name = provider_name?;
        seen.check(&name_node?, fold(&provider_name), || {
            format!("there is already a line for the provider {provider_name:?}")
        });
        Some(ProviderConfig {
            id: 0,
            provider_name,
            all_models_allowed: all_models_allowed?,
            allowed_models: allowed_models.unwrap_or_default(),
            blacklisted_models: blacklisted_models.unwrap_or_default(),
            budgets: budgets.unwrap_or_default(),
            rate_limit,
        })
    })
}

fn read_patterns(node: &Node<'_>, budget: &ExpressionBudget) -> Option<Vec<String>> {
    node.list(|item| read_model_pattern(&item, budget))
}

/// The budgets of one scope; reset durations are unique.
pub(super) fn read_budgets(node: &Node<'_>) -> Option<Vec<Budget>> {
    let mut seen = Unique::new("duplicate_reset_duration");
    node.list(|item| {
        let mut fields = item.object()?;
        let max_limit = fields
            .required("max_limit")
            .and_then(|node| read_money(&node));
        let duration_node = fields.given("reset_duration");
        let reset_duration = match &duration_node {
            Some(node) => read_reset_duration(node, true),
            None => Some(ResetDuration::MONTH),
        };
        let reset_config = fields
            .given("reset_config")
            .and_then(|node| read_reset_config(&node, reset_duration));
        fields.ignore(&SET_ON_BUDGET);
        let place = fields.path().field("reset_duration");
        fields.finish();
        let reset_duration = reset_duration?;
        seen.check_at(&place, item.violations, reset_duration, || {
            format!("there is already a budget that resets every {reset_duration}")
        });
        Some(Budget {
            id: String::new(),
            max_limit: max_limit?,
            reset_duration,
            reset_config,
            scope: String::new(),
            current_usage: Money::ZERO,
            last_reset: Timestamp::UNIX_EPOCH,
        })
    })
}

fn read_reset_config(node: &Node<'_>, duration: Option<ResetDuration>) -> Option<ResetConfig> {
    let mut fields = node.object()?;
    let month = fields
        .required("quarter_start_month")
        .and_then(|month| month.integer(1..=12));
    fields.finish();
    if duration.is_some_and(|duration| duration != ResetDuration::QUARTER) {
        return node.refuse(
            "reset_config_without_quarter",
            "is only for a reset_duration of \"1Q\"",
        );
    }
    Some(ResetConfig {
        quarter_start_month: month?,
    })
}

/// A rate limit; `null` is none, and so is one that is wrong.
pub(super) fn read_rate_limit(node: &Node<'_>) -> Option<RateLimit> {
    if node.value.is_null() {
        return None;
    }
    let mut fields = node.object()?;
    let token_max_limit = fields
        .given("token_max_limit")
        .and_then(|node| node.integer(1..=MAX_COUNT));
    let token_duration = fields
        .given("token_reset_duration")
        .and_then(|node| read_reset_duration(&node, false));
    let request_max_limit = fields
        .given("request_max_limit")
        .and_then(|node| node.integer(1..=MAX_COUNT));
    let request_duration = fields
        .given("request_reset_duration")
        .and_then(|node| read_reset_duration(&node, false));
    fields.ignore(&SET_ON_RATE_LIMIT);
    fields.finish();
    let or_hour = |limit: Option<i64>, duration: Option<ResetDuration>| {
        duration.or(limit.map(|_| ResetDuration::HOUR))
    };
    Some(RateLimit {
        token_max_limit,
        token_reset_duration: or_hour(token_max_limit, token_duration),
        request_max_limit,
        request_reset_duration: or_hour(request_max_limit, request_duration),
        ..RateLimit::default()
    })
}

/// Links to MCP tool groups; ids are unique.
pub(super) fn read_tool_groups(node: &Node<'_>) -> Option<Vec<ToolGroupLink>> {
    let mut seen = Unique::new("duplicate_tool_group");
    node.list(|item| {
        let mut fields = item.object()?;
        let at = fields.required("tool_group_id");
        fields.finish();
        let at = at?;
        let tool_group_id = at.integer(1..=MAX_COUNT)?;
        seen.check(&at, tool_group_id, || {
            format!("the tool group {tool_group_id} is already listed")
        });
        Some(ToolGroupLink { tool_group_id })
    })
}

/// Links to MCP servers; ids are unique.
pub(super) fn read_servers(node: &Node<'_>) -> Option<Vec<McpServerLink>> {
    let mut seen = Unique::new("duplicate_mcp_server");
    node.list(|item| {
        let mut fields = item.object()?;
        let at = fields.required("mcp_server_id");
        fields.finish();
        let at = at?;
        let mcp_server_id = at.name(MAX_NAME)?;
        seen.check(&at, mcp_server_id.clone(), || {
            format!("the MCP server {mcp_server_id:?} is already listed")
        });
        Some(McpServerLink { mcp_server_id })
    })
}

/// Overrides of single MCP tools; pairs of client and tool are unique.
pub(super) fn read_overrides(node: &Node<'_>) -> Option<Vec<ToolOverride>> {
    let mut seen = Unique::new("duplicate_tool_override");
    node.list(|item| {
        let mut fields = item.object()?;
        let client = fields
            .required("mcp_client_id")
            .and_then(|node| node.name(MAX_NAME));
        let tool_node = fields.required("tool_name");
        let tool = tool_node.as_ref().and_then(|node| node.name(MAX_NAME));
        let action = fields
            .given("action")
            .map_or(Some(OverrideAction::Include), |node| read_action(&node));
        fields.finish();
        let (mcp_client_id, tool_name) = (client?, tool?);
        let pair = (mcp_client_id.clone(), tool_name.clone());
        seen.check(&tool_node?, pair, || {
            format!("the tool {tool_name:?} of {mcp_client_id:?} is already listed")
        });
        Some(ToolOverride {
            mcp_client_id,
            tool_name,
            action: action?,
        })
    })
}

fn read_action(node: &Node<'_>) -> Option<OverrideAction> {
    match node.string(MAX_NAME)? {
        "include" => Some(OverrideAction::Include),
        "exclude" => Some(OverrideAction::Exclude),
        other => node.refuse(
            "invalid_action",
            format_args!("expected \"include\" or \"exclude\", found {other:?}"),
        ),
    }
}

/// Notes the second and later of equal things in a list.
struct Unique<T> {
    code: &'static str,
    seen: HashSet<T>,
}

impl<T: Eq + Hash> Unique<T> {
    fn new(code: &'static str) -> Self {
        Self {
            code,
            seen: HashSet::new(),
        }
    }

    fn check(&mut self, node: &Node<'_>, value: T, sentence: impl FnOnce() -> String) {
        self.check_at(&node.path, node.violations, value, sentence);
    }

    fn check_at(
        &mut self,
        path: &Path,
        violations: &Violations,
        value: T,
        sentence: impl FnOnce() -> String,
    ) {
        if !self.seen.insert(value) {
            violations.add(path, self.code, sentence());
        }
    }
}

/// `null` where a value has a default means that default.
pub(super) fn optional<T: Default>(
    node: Option<Node<'_>>,
    read: impl FnOnce(&Node<'_>) -> Option<T>,
) -> Option<T> {
    let node = node?;
    if node.value.is_null() {
        Some(T::default())
    } else {
        read(&node)
    }
}

pub(super) fn read_boolean(node: &Node<'_>) -> Option<bool> {
    node.boolean()
}
