//! The parts of an access profile as they are sent: provider lines, budgets, rate limits and MCP grants.
//!
//! What is wrong in a part is noted, and the part is read all the same: the others are compared with it.

use jiff::Timestamp;

use super::{
    Budget, McpServerLink, OverrideAction, ProviderConfig, RateLimit, ResetConfig, ToolGroupLink,
    ToolOverride,
};
use crate::domain::body::input::{MAX_NAME, Node};
use crate::domain::body::{BodySchema, Form, ValueKind, integer, name, object};
use crate::domain::models::expressions::ExpressionBudget;
use crate::domain::models::model_pattern::model_pattern;
use crate::domain::values::duration::{ResetDuration, budget_duration, rate_limit_duration};
use crate::domain::values::letter_case::fold;
use crate::domain::values::money::{Money, dollars};
use crate::domain::values::number::MAX_COUNT;
use crate::domain::values::period::Period;

/// The provider lines; provider names are unique without regard to case. All lines share what expressions may take.
pub(super) fn providers() -> ValueKind<'static, Vec<ProviderConfig>> {
    let budget = ExpressionBudget::default();
    object(
        "ProviderConfigBody",
        "A provider line as it may be sent.",
        move |form| read_provider(form, &budget),
    )
    .unique_list(
        Some("provider_name"),
        "duplicate_provider",
        |line| fold(&line.provider_name),
        |line| {
            let provider = &line.provider_name;
            format!("there is already a line for the provider {provider:?}")
        },
    )
}

fn read_provider(form: &mut Form<'_>, budget: &ExpressionBudget) -> Option<ProviderConfig> {
    let provider_name = form.required("provider_name", name(), "");
    let all_models_allowed = form.flag("all_models_allowed", false, "");
    let allowed_models = form.optional(
        "allowed_models",
        model_pattern(budget).list(),
        "Names, `*` or `regex:` patterns over the whole name. A profile has at most 200 `regex:` patterns, which take 2 MiB compiled.",
    );
    let blacklisted_models = form.optional(
        "blacklisted_models",
        model_pattern(budget).list(),
        "Beats the allow list.",
    );
    let budgets = form.optional("budgets", budgets(), "");
    let rate_limit = form.optional("rate_limit", rate_limit(), "");
    form.ignore(&["id"]);
    Some(ProviderConfig {
        id: 0,
        provider_name: provider_name?,
        all_models_allowed,
        allowed_models: allowed_models.unwrap_or_default(),
        blacklisted_models: blacklisted_models.unwrap_or_default(),
        budgets: budgets.unwrap_or_default(),
        rate_limit,
    })
}

/// The budgets of one scope; reset durations are unique.
pub(super) fn budgets() -> ValueKind<'static, Vec<Budget>> {
    object("BudgetBody", "A budget as it may be sent.", read_budget).unique_list(
        Some("reset_duration"),
        "duplicate_reset_duration",
        |budget| budget.reset_duration,
        |budget| match budget.reset_duration {
            ResetDuration::Every(period) => {
                format!("there is already a budget that resets every {period}")
            }
            ResetDuration::Never => "there is already a budget that never resets".to_owned(),
        },
    )
}

fn read_budget(form: &mut Form<'_>) -> Option<Budget> {
    let max_limit = form.required(
        "max_limit",
        dollars(),
        "US dollars: 0 denies, and nothing lies between 0 and 0.000000001.",
    );
    let sent = form.optional(
        "reset_duration",
        budget_duration(),
        "`never` is a prepaid sum: one window from the assignment on without an end, whatever `calendar_aligned` says. It is topped up by \
         raising `max_limit`.",
    );
    form.note_default("1M");
    let left_out = !form.gives("reset_duration");
    let reset_duration = sent.or(left_out.then_some(ResetDuration::MONTH));
    // Some clients send nothing so.
    let says_nothing = form.is_empty_object("reset_config");
    let quarterly = reset_duration.is_none_or(|duration| duration == ResetDuration::QUARTER);
    let reset_config = form.optional(
        "reset_config",
        reset_config(quarterly || says_nothing),
        "Only with a reset duration of `1Q`; beside another, `{}` is as if it were left out.",
    );
    let reset_config = reset_config.filter(|_| quarterly);
    form.ignore(&[
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
    ]);
    Some(Budget {
        id: String::new(),
        max_limit: max_limit.unwrap_or_default(),
        reset_duration: reset_duration?,
        reset_config,
        scope: String::new(),
        current_usage: Money::ZERO,
        last_reset: Timestamp::UNIX_EPOCH,
    })
}

/// The fiscal calendar of a budget that may have one.
fn reset_config(may_be: bool) -> ValueKind<'static, ResetConfig> {
    object(
        "ResetConfigBody",
        "The fiscal calendar of a quarterly budget.",
        |form| {
            let month = form.optional(
                "quarter_start_month",
                integer(1..=12),
                "The month in which the fiscal year's first quarter starts, 1 to 12.",
            );
            form.note_default(1);
            Some(ResetConfig {
                quarter_start_month: month.unwrap_or(1),
            })
        },
    )
    .checked(move |node, _| {
        if !may_be {
            let sentence = "is only for a reset_duration of \"1Q\"";
            node.refuse::<()>("reset_config_without_quarter", sentence);
        }
    })
}

/// A rate limit.
pub(super) fn rate_limit() -> ValueKind<'static, RateLimit> {
    object("RateLimitBody", "A rate limit as it may be sent.", |form| {
        Some(read_rate_limit(form))
    })
}

fn read_rate_limit(form: &mut Form<'_>) -> RateLimit {
    let most = || integer(1..=MAX_COUNT);
    let left_out = "Left out beside a limit: `1h`.";
    let token_max_limit = form.optional("token_max_limit", most(), "");
    let token_duration = form.optional("token_reset_duration", rate_limit_duration(), left_out);
    let request_max_limit = form.optional("request_max_limit", most(), "");
    let request_duration = form.optional("request_reset_duration", rate_limit_duration(), left_out);
    form.ignore(&[
        "id",
        "token_current_usage",
        "request_current_usage",
        "token_last_reset",
        "request_last_reset",
        "token_held",
        "request_held",
        "token_resets_at",
        "request_resets_at",
    ]);
    let or_hour =
        |limit: Option<i64>, duration: Option<Period>| duration.or(limit.map(|_| Period::HOUR));
    RateLimit {
        token_max_limit,
        token_reset_duration: or_hour(token_max_limit, token_duration),
        request_max_limit,
        request_reset_duration: or_hour(request_max_limit, request_duration),
        ..RateLimit::default()
    }
}

/// Links to MCP tool groups; ids are unique.
pub(super) fn tool_groups() -> ValueKind<'static, Vec<ToolGroupLink>> {
    object(
        "ToolGroupLinkBody",
        "A link to a tool group as it may be sent.",
        |form| {
            let tool_group_id = form.required("tool_group_id", integer(1..=MAX_COUNT), "");
            Some(ToolGroupLink {
                tool_group_id: tool_group_id?,
            })
        },
    )
    .unique_list(
        Some("tool_group_id"),
        "duplicate_tool_group",
        |link| link.tool_group_id,
        |link| format!("the tool group {} is already listed", link.tool_group_id),
    )
}

/// Links to MCP servers; ids are unique.
pub(super) fn servers() -> ValueKind<'static, Vec<McpServerLink>> {
    object(
        "McpServerLinkBody",
        "A link to an MCP server as it may be sent.",
        |form| {
            let mcp_server_id = form.required("mcp_server_id", name(), "");
            Some(McpServerLink {
                mcp_server_id: mcp_server_id?,
            })
        },
    )
    .unique_list(
        Some("mcp_server_id"),
        "duplicate_mcp_server",
        |link| link.mcp_server_id.clone(),
        |link| format!("the MCP server {:?} is already listed", link.mcp_server_id),
    )
}

/// Overrides of single MCP tools; pairs of client and tool are unique.
pub(super) fn overrides() -> ValueKind<'static, Vec<ToolOverride>> {
    object(
        "ToolOverrideBody",
        "A tool override as it may be sent.",
        |form| {
            let client = form.required("mcp_client_id", name(), "");
            let tool = form.required("tool_name", name(), "");
            let action = form.optional("action", action(), "`include` when left out.");
            Some(ToolOverride {
                mcp_client_id: client?,
                tool_name: tool?,
                action: action.unwrap_or_default(),
            })
        },
    )
    .unique_list(
        Some("tool_name"),
        "duplicate_tool_override",
        |tool| (tool.mcp_client_id.clone(), tool.tool_name.clone()),
        |tool| {
            let (name, client) = (&tool.tool_name, &tool.mcp_client_id);
            format!("the tool {name:?} of {client:?} is already listed")
        },
    )
}

fn action() -> ValueKind<'static, OverrideAction> {
    ValueKind::new(|| BodySchema::values(["include", "exclude"]), read_action)
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
