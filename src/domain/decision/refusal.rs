//! Why a call is refused: a value, not an error.

use serde::{Deserialize, Serialize};

use crate::domain::limits::limit_state::LimitState;

/// Why a call is refused (API.md §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalKind {
    /// No virtual key, or none that is well-formed.
    VirtualKeyRequired,
    /// Unknown id or wrong secret: nobody can tell which.
    AccessNotFound,
    /// The key or every copy of a profile is expired, or the user holds none.
    AccessBlocked,
    /// No profile has a line for the provider.
    ProviderBlocked,
    /// No line allows the model.
    ModelBlocked,
    /// The MCP tool is not granted.
    McpToolBlocked,
    /// A budget has no room.
    BudgetExceeded,
    /// A limit on tokens has no room.
    TokenLimited,
    /// A limit on requests has no room.
    RequestLimited,
    /// Neither tokens nor requests have room.
    RateLimited,
}

impl RefusalKind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::VirtualKeyRequired,
        Self::AccessNotFound,
        Self::AccessBlocked,
        Self::ProviderBlocked,
        Self::ModelBlocked,
        Self::McpToolBlocked,
        Self::BudgetExceeded,
        Self::TokenLimited,
        Self::RequestLimited,
        Self::RateLimited,
    ];

    /// The stable machine-readable reason.
    pub fn code(self) -> &'static str {
        match self {
            Self::VirtualKeyRequired => "virtual_key_required",
            Self::AccessNotFound => "access_not_found",
            Self::AccessBlocked => "access_blocked",
            Self::ProviderBlocked => "provider_blocked",
            Self::ModelBlocked => "model_blocked",
            Self::McpToolBlocked => "mcp_tool_blocked",
            Self::BudgetExceeded => "budget_exceeded",
            Self::TokenLimited => "token_limited",
            Self::RequestLimited => "request_limited",
            Self::RateLimited => "rate_limited",
        }
    }
}

/// A refusal: a value, not an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub kind: RefusalKind,
    /// A sentence: which limit, what is used, what is held, when it resets or why waiting is in vain.
    pub message: String,
    /// The limit that has no room.
    pub limit: Option<LimitState>,
    /// The profile whose refusal this is: the one that came furthest.
    pub access_profile_id: Option<i64>,
    /// When to try again at the earliest, in milliseconds from now; none where waiting is in vain.
    pub retry_after_ms: Option<i64>,
}

impl Refusal {
    /// A refusal that is not that of a limit.
    pub fn new(kind: RefusalKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            limit: None,
            access_profile_id: None,
            retry_after_ms: None,
        }
    }

    /// The refusal of a virtual key that is not there.
    pub fn unknown_key() -> Self {
        Self::new(
            RefusalKind::AccessNotFound,
            "this virtual key is not known here; check that it is complete and meant for this server",
        )
    }
}

/// What would have refused a call that was charged all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutsidePolicy {
    /// Why.
    pub kind: RefusalKind,
    /// The sentence of the refusal.
    pub message: String,
}

impl From<Refusal> for OutsidePolicy {
    fn from(refusal: Refusal) -> Self {
        Self {
            kind: refusal.kind,
            message: refusal.message,
        }
    }
}
