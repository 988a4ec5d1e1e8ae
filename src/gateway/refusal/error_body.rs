//! The shape of errors in each dialect.

use serde_json::{Value, json};

use crate::gateway::meter::dialect::Dialect;

/// What an error is, in words of each dialect.
#[derive(Debug, Clone, Copy)]
pub struct ErrorNames {
    /// The HTTP status.
    pub status: u16,
    /// `OpenAI`'s `type`.
    pub openai_type: &'static str,
    /// `OpenAI`'s `code`.
    pub openai_code: &'static str,
    /// Anthropic's `type`.
    pub anthropic_type: &'static str,
    /// Gemini's `status`.
    pub gemini_status: &'static str,
}

/// What an error says beside its names.
#[derive(Debug, Clone, Copy, Default)]
pub struct ErrorDetails<'e> {
    /// For people.
    pub message: &'e str,
    /// The member that is wrong.
    pub param: Option<&'e str>,
    /// The id of the request.
    pub request_id: &'e str,
    /// When what ran out comes back, in seconds since 1970.
    pub resets_at: Option<i64>,
    /// How long to wait, in milliseconds.
    pub retry_after_ms: Option<i64>,
}

/// The body of an error.
pub fn write_error(dialect: Dialect, names: &ErrorNames, details: &ErrorDetails<'_>) -> String {
    let body = match dialect {
        Dialect::OpenAi => {
            let mut error = json!({
                "message": details.message,
                "type": names.openai_type,
                "param": details.param,
                "code": names.openai_code,
            });
            if let Some(resets_at) = details.resets_at {
                error["resets_at"] = resets_at.into();
            }
            json!({ "error": error })
        }
        Dialect::Anthropic => json!({
            "type": "error",
            "error": { "type": names.anthropic_type, "message": details.message },
            "request_id": details.request_id,
        }),
        Dialect::Gemini => {
            let mut error = json!({
                "code": names.status,
                "message": details.message,
                "status": names.gemini_status,
            });
            if let Some(wait_ms) = details.retry_after_ms {
                // Its clients read no header.
                let seconds = format!("{}s", wait_ms.max(0).saturating_add(999) / 1_000);
                let retry: Value = json!({
                    "@type": "type.googleapis.com/google.rpc.RetryInfo",
                    "retryDelay": seconds,
                });
                error["details"] = json!([retry]);
            }
            json!({ "error": error })
        }
    };
    body.to_string()
}
