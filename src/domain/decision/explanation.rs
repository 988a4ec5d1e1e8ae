//! The explanation of a decision: every step that led to it.

use std::sync::Arc;

use super::{LimitState, Refusal, RefusalKind};
use crate::domain::credential::ID_LENGTH;

/// A decision and every step that led to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Why it is refused; none when it is allowed.
    pub refusal: Option<Refusal>,
    /// The public id that was presented.
    pub public_id: [u8; ID_LENGTH],
    /// What is known of the key.
    pub key: KeyStatus,
    /// The key's number (`virtual_keys.id`), if the key is known.
    pub virtual_key_id: Option<i64>,
    /// Whose key it is.
    pub user_id: Option<i64>,
    /// The profile that grants the call, or whose refusal it is.
    pub access_profile_id: Option<i64>,
    /// The provider that would be used, as the profile names it.
    pub provider: Option<Arc<str>>,
    /// Every copy of a profile, in the order in which they are asked.
    pub copies: Vec<ExplainedCopy>,
}

/// What is known of a virtual key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyStatus {
    /// It works.
    Active,
    /// It is the secret before the last rotation, within the grace period.
    Previous,
    /// It has expired.
    Expired,
    /// Unknown id or wrong secret.
    Unknown,
}

impl KeyStatus {
    /// How it is shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Previous => "previous",
            Self::Expired => "expired",
            Self::Unknown => "unknown",
        }
    }
}

/// What one copy of a profile says to the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainedCopy {
    /// The profile.
    pub access_profile_id: i64,
    /// The user's copy of it.
    pub copy_id: i64,
    /// The version of the profile that the copy was made from or last changed by.
    pub template_version: i64,
    /// When it expires.
    pub expires_at_ms: Option<i64>,
    /// Whether it has not expired.
    pub is_active: bool,
    /// Why it refuses; none when it grants the call and has room.
    pub refusal: Option<Refusal>,
    /// Every provider line that was asked.
    pub providers: Vec<ExplainedProvider>,
    /// The provider that would be used.
    pub provider: Option<Arc<str>>,
    /// What was said of the MCP tool, if one is called and the model is allowed.
    pub mcp: Option<ExplainedMcp>,
    /// Every limit that applies to the provider that would be used.
    pub limits: Vec<ExplainedLimit>,
}

/// What one provider line says to the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainedProvider {
    /// The provider, as the profile names it.
    pub provider: Arc<str>,
    /// Why it refuses: the model is not allowed.
    pub refusal: Option<RefusalKind>,
    /// The field that decided: `all_models_allowed`, `allowed_models` or `blacklisted_models`.
    pub rule: Option<&'static str>,
    /// The pattern in it that matched.
    pub pattern: Option<Arc<str>>,
    /// The model without the prefix of the provider, where it is this that the pattern covers.
    pub matched_name: Option<String>,
}

/// What was said of the MCP tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExplainedMcp {
    /// Whether it may be called.
    pub allowed: bool,
    /// What decided: `mcp_servers`, `mcp_tool_groups`, `include`, `exclude`, or `none` when nothing grants it.
    pub rule: &'static str,
}

/// What one limit says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainedLimit {
    /// The limit as it is now.
    pub state: LimitState,
    /// What the call asks of it.
    pub asked: i64,
    /// Whether that fits.
    pub fits: bool,
}
