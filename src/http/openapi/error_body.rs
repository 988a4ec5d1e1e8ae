//! The shape of every refusal as the OpenAPI document shows it; `problem` writes it.

use utoipa::ToSchema;

use crate::http::decisions::limits::LimitView;

/// Every refusal.
#[derive(ToSchema)]
pub struct ErrorBody {
    /// The request id.
    #[schema(pattern = "^[A-Za-z0-9._-]{1,128}$")]
    pub event_id: String,
    /// What kind of refusal it is.
    #[schema(pattern = "^[a-z_]+$")]
    pub r#type: String,
    /// Always false: part of the contract.
    pub is_bifrost_error: bool,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    pub status_code: i64,
    /// What is wrong.
    pub error: ErrorDetail,
    /// What else there is to say.
    pub extra_fields: ErrorExtras,
}

/// What is wrong; the first thing, where there are several.
#[derive(ToSchema)]
pub struct ErrorDetail {
    /// The same as the top-level `type`.
    #[schema(pattern = "^[a-z_]+$")]
    pub r#type: String,
    /// Stable machine-readable reason.
    #[schema(pattern = "^[a-z_]+$")]
    pub code: String,
    /// A sentence for people.
    #[schema(min_length = 1)]
    pub message: String,
    /// JSON path of the offending value; left out where it is about none.
    pub param: Option<String>,
}

/// What else a refusal says.
#[derive(ToSchema)]
pub struct ErrorExtras {
    /// Every violation: with a 400, and with a 409 that has several reasons.
    pub errors: Option<Vec<ErrorEntry>>,
    /// The limit that has no room: with a refused decision.
    pub limit: Option<LimitView>,
    /// The profile whose refusal it is: with a refused decision.
    pub access_profile_id: Option<i64>,
    /// When to try again at the earliest, in milliseconds: with 402 and 429. Missing where a call is larger than a whole limit.
    pub retry_after_ms: Option<i64>,
    /// How many users hold or have what was to be deleted: with a 409.
    pub user_count: Option<u64>,
    /// The ids of up to ten of them.
    #[schema(max_items = 10)]
    pub user_ids: Option<Vec<String>>,
}

/// One violation.
#[derive(ToSchema)]
pub struct ErrorEntry {
    /// Stable machine-readable reason.
    #[schema(pattern = "^[a-z_]+$")]
    pub code: String,
    /// A sentence for people.
    #[schema(min_length = 1)]
    pub message: String,
    /// JSON path of the offending value; left out where it is about none.
    pub param: Option<String>,
}
