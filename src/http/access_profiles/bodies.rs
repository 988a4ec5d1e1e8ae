//! Shapes of the request bodies of access profiles.
//!
//! They are read field by field in `domain`; the types here only describe them for the OpenAPI document.

use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::shapes;
use crate::domain::access_profile::input::{MAX_BUDGETS, MAX_PROVIDERS, MAX_TAGS};
use crate::domain::access_profile::{OverrideAction, ResetConfig};

/// What a create of an access profile takes.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body for the OpenAPI document")]
pub struct AccessProfileBody {
    /// Trimmed; unique without regard to case.
    #[schema(schema_with = shapes::name)]
    name: String,
    #[schema(schema_with = shapes::text)]
    description: Option<String>,
    #[schema(default = true)]
    is_active: Option<bool>,
    #[schema(schema_with = shapes::names)]
    tags: Option<Vec<String>>,
    /// Provider names are unique without regard to case.
    #[schema(max_items = 10_000)]
    provider_configs: Option<Vec<ProviderConfigBody>>,
    /// Reset durations are unique.
    #[schema(max_items = 10_000)]
    budgets: Option<Vec<BudgetBody>>,
    rate_limit: Option<RateLimitBody>,
    #[schema(default = false)]
    calendar_aligned: Option<bool>,
    /// A span such as `"30d"` or `"12h"` (units `s m h d w`), or whole nanoseconds; from 1 hour to 365 days. Empty or 0: off.
    #[schema(schema_with = shapes::rotation_interval)]
    auto_rotation_interval: Option<String>,
    /// In the future; needs an interval.
    #[schema(schema_with = shapes::timestamp_or_null)]
    next_rotation_at: Option<String>,
    #[schema(max_items = 10_000)]
    mcp_tool_groups: Option<Vec<ToolGroupLinkBody>>,
    #[schema(max_items = 10_000)]
    mcp_servers: Option<Vec<McpServerLinkBody>>,
    /// An `exclude` on a server that `mcp_servers` grants is refused.
    #[schema(max_items = 10_000)]
    mcp_tool_overrides: Option<Vec<ToolOverrideBody>>,
}

/// What a create of an access profile takes: the profile, or an answer with the profile in it.
pub struct AccessProfileRequest;

/// What a change of an access profile takes, in the same two forms.
pub struct AccessProfileChangeRequest;

/// A schema that is one of two others.
macro_rules! either {
    ($type:ident: $body:ident, $envelope:ident) => {
        impl utoipa::PartialSchema for $type {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                let either = utoipa::openapi::schema::OneOfBuilder::new()
                    .item(utoipa::openapi::Ref::from_schema_name($body::name()))
                    .item(utoipa::openapi::Ref::from_schema_name($envelope::name()));
                utoipa::openapi::RefOr::T(either.into())
            }
        }

        impl utoipa::ToSchema for $type {
            fn schemas(all: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::Schema>)>) {
                use utoipa::PartialSchema as _;
                all.push(($body::name().into_owned(), $body::schema()));
                all.push(($envelope::name().into_owned(), $envelope::schema()));
                $envelope::schemas(all);
            }
        }
    };
}

either!(AccessProfileRequest: AccessProfileBody, AccessProfileEnvelope);
either!(AccessProfileChangeRequest: AccessProfileChangeBody, AccessProfileChangeEnvelope);

/// What a change of an access profile takes: the same fields, none of them required.
pub struct AccessProfileChangeBody;

impl PartialSchema for AccessProfileChangeBody {
    fn schema() -> RefOr<Schema> {
        let mut schema = shapes::all_optional(AccessProfileBody::schema());
        for (field, most) in [
            ("tags", MAX_TAGS),
            ("provider_configs", MAX_PROVIDERS),
            ("budgets", MAX_BUDGETS),
        ] {
            shapes::limit(&mut schema, field, most);
        }
        schema
    }
}

impl ToSchema for AccessProfileChangeBody {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        AccessProfileBody::schemas(schemas);
    }
}

/// A change in the form of an answer that is sent back.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body for the OpenAPI document")]
pub struct AccessProfileChangeEnvelope {
    access_profile: AccessProfileChangeBody,
}

/// An answer that is sent back as it was read.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body for the OpenAPI document")]
pub struct AccessProfileEnvelope {
    access_profile: AccessProfileBody,
}

/// A provider line as it may be sent.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body for the OpenAPI document")]
pub struct ProviderConfigBody {
    #[schema(schema_with = shapes::name)]
    provider_name: String,
    #[schema(default = false)]
    all_models_allowed: Option<bool>,
    /// Names, `*` or `regex:` patterns over the whole name. A profile has at most 200 `regex:` patterns, which take 2 MiB compiled.
    #[schema(schema_with = shapes::model_patterns)]
    allowed_models: Option<Vec<String>>,
    /// Beats the allow list.
    #[schema(schema_with = shapes::model_patterns)]
    blacklisted_models: Option<Vec<String>>,
    #[schema(max_items = 10_000)]
    budgets: Option<Vec<BudgetBody>>,
    rate_limit: Option<RateLimitBody>,
}

/// A budget as it may be sent.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body for the OpenAPI document")]
pub struct BudgetBody {
    /// US dollars; 0 denies.
    #[schema(schema_with = shapes::dollars)]
    max_limit: f64,
    #[schema(default = "1M", pattern = "^[1-9][0-9]{0,9}[smhdwMQY]$")]
    reset_duration: Option<String>,
    /// Only with a reset duration of `1Q`.
    reset_config: Option<ResetConfig>,
}

/// A rate limit as it may be sent.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body for the OpenAPI document")]
pub struct RateLimitBody {
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    token_max_limit: Option<i64>,
    #[schema(default = "1h", pattern = "^[1-9][0-9]{0,9}[smhdwMY]$")]
    token_reset_duration: Option<String>,
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    request_max_limit: Option<i64>,
    #[schema(default = "1h", pattern = "^[1-9][0-9]{0,9}[smhdwMY]$")]
    request_reset_duration: Option<String>,
}

/// A link to a tool group as it may be sent.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body for the OpenAPI document")]
pub struct ToolGroupLinkBody {
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    tool_group_id: i64,
}

/// A link to an MCP server as it may be sent.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body for the OpenAPI document")]
pub struct McpServerLinkBody {
    #[schema(schema_with = shapes::name)]
    mcp_server_id: String,
}

/// A tool override as it may be sent.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body for the OpenAPI document")]
pub struct ToolOverrideBody {
    #[schema(schema_with = shapes::name)]
    mcp_client_id: String,
    #[schema(schema_with = shapes::name)]
    tool_name: String,
    /// `include` when left out.
    action: Option<OverrideAction>,
}
