//! The answer that explains a decision.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::limits;

/// A decision and every step that led to it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExplainAnswer {
    /// Whether the call would be let in.
    pub allowed: bool,
    /// The status that a reservation would be answered with.
    pub status_code: u16,
    /// The code of the refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<&'static str>,
    /// A sentence for people.
    pub message: String,
    /// The key; none when there is none to look up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub virtual_key: Option<ExplainedKey>,
    /// Whose key it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The profile that grants the call, or whose refusal it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_profile_id: Option<i64>,
    /// The provider that would be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Everything that was asked, in order, one line each.
    pub steps: Vec<StepView>,
    /// The same by profile, in the order in which they are asked.
    pub access_profiles: Vec<CopyView>,
}

/// A virtual key.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExplainedKey {
    /// Its id.
    pub id: String,
    /// Its name, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `active`, `previous` (the secret before the last rotation), `expired` or `unknown`.
    pub status: &'static str,
}

/// One step of a decision.
#[derive(Debug, Serialize, ToSchema)]
pub struct StepView {
    /// `virtual_key`, `estimate`, `access_profile`, `provider`, `mcp` or `limit`.
    pub step: &'static str,
    /// The profile that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_profile_id: Option<i64>,
    /// What the step is about.
    pub subject: String,
    /// `granted`, `estimated`, `fits`, `exceeded`, or the code of a refusal.
    pub outcome: &'static str,
    /// What decided.
    pub detail: String,
}

/// What one copy of a profile says.
#[derive(Debug, Serialize, ToSchema)]
pub struct CopyView {
    /// The profile.
    pub access_profile_id: i64,
    /// The copy.
    pub id: i64,
    /// The name of the profile.
    pub name: String,
    /// The version of the profile that the copy follows.
    pub template_version: i64,
    /// Whether it has not expired.
    pub is_active: bool,
    /// When it expires.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// `granted`, or the code of a refusal.
    pub outcome: &'static str,
    /// Why it refuses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The provider that would be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Every provider line that was asked.
    pub providers: Vec<ProviderView>,
    /// What was said of the MCP tool, if one is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcp: Option<McpView>,
    /// Every limit that applies.
    #[schema(value_type = Vec<ExplainedLimitView>)]
    pub limits: Vec<Box<RawValue>>,
}

/// What one provider line says to the model.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProviderView {
    /// The provider.
    pub provider: String,
    /// `granted` or `model_blocked`.
    pub outcome: &'static str,
    /// The field that decided: `all_models_allowed`, `allowed_models` or `blacklisted_models`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<&'static str>,
    /// The pattern in it that matched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// The model without the prefix of the provider, where it is this that the pattern covers; left out where it is the whole name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matched_name: Option<String>,
}

/// What was said of the MCP tool.
#[derive(Debug, Serialize, ToSchema)]
pub struct McpView {
    /// `granted` or `mcp_tool_blocked`.
    pub outcome: &'static str,
    /// What decided: `mcp_servers`, `mcp_tool_groups`, `include`, `exclude`, or `none` when nothing grants it.
    pub rule: &'static str,
}

/// What one limit says: dollars, tokens or requests.
#[derive(ToSchema)]
pub struct ExplainedLimitView {
    /// The access profile that sets it.
    pub access_profile_id: i64,
    /// `budget`, `tokens` or `requests`.
    #[schema(schema_with = limits::kind_schema)]
    pub kind: String,
    /// The id of the budget or rate limit.
    pub id: String,
    /// `total` or `provider:<name>`.
    pub scope: String,
    /// How often it starts anew.
    pub reset_duration: String,
    /// What the profile allows.
    pub max_limit: f64,
    /// The same with what an override adds.
    pub effective_max_limit: f64,
    /// Used in this window.
    pub used: f64,
    /// Held by open reservations.
    pub held: f64,
    /// What is neither used nor held; never below 0.
    pub remaining: f64,
    /// When the window ends; left out when it never does.
    #[schema(format = DateTime)]
    pub resets_at: Option<String>,
    /// What the call asks of it.
    pub asked: f64,
    /// Whether that fits.
    pub fits: bool,
}
