//! A refused decision in the dialect of the caller.

use jiff::tz::TimeZone;

use super::error_body::{ErrorDetails, ErrorNames, write_error};
use super::limit_headers::limit_headers;
use super::words::{sentences, where_to_turn};
use crate::domain::decision::{Refusal, RefusalKind};
use crate::domain::settings::{BudgetStatus, RefusalSettings};
use crate::gateway::meter::dialect::{Dialect, Endpoint};

/// Longer than this nobody is told to wait for a limit to have room again, in milliseconds.
const LONGEST_WAIT_MS: i64 = 60_000;
/// `OpenAI`'s `type` of a 429 that Codex shows at once with the time at which it ends; any other it repeats, and shows nothing of it.
const FOR_CODEX: &str = "usage_limit_reached";

/// The request that is refused.
#[derive(Debug, Clone, Copy)]
pub struct RefusedRequest<'r> {
    /// In whose dialect it is answered.
    pub dialect: Dialect,
    /// What it asked for, where that is known.
    pub endpoint: Option<Endpoint>,
    /// The model that it named, where that is known.
    pub model: Option<&'r str>,
    /// Its id.
    pub request_id: &'r str,
    /// Now, in milliseconds since 1970.
    pub now_ms: i64,
    /// The zone in which people read times.
    pub zone: &'r TimeZone,
}

/// An answer that can be sent as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialectAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Headers, with names in lower case and values in ASCII.
    pub headers: Vec<(&'static str, String)>,
    /// JSON.
    pub body: String,
}

/// The answer to a refused call.
pub fn refuse_in_dialect(
    refusal: &Refusal,
    request: &RefusedRequest<'_>,
    settings: &RefusalSettings,
) -> DialectAnswer {
    let is_budget = refusal.kind == RefusalKind::BudgetExceeded;
    let wait_ms = refusal.retry_after_ms.map(|wait_ms| wait_ms.max(0));
    // Nobody waits a month before a window; a limit that has room in a moment is worth waiting for.
    let is_in_vain = is_budget || wait_ms.is_none_or(|wait_ms| wait_ms > LONGEST_WAIT_MS);
    let names = names(refusal.kind, request, settings.budget_status, is_in_vain);
    let mut message = sentences(refusal, request.model, request.now_ms, request.zone);
    let (contact, link) = (settings.contact.as_deref(), settings.link.as_deref());
    message.push_str(&where_to_turn(contact, link));
    // The only member that one of the clients reads of it.
    let is_told_when = is_budget || names.openai_type == FOR_CODEX;
    let resets_at = wait_ms.filter(|_| is_told_when).map(|wait_ms| {
        request
            .now_ms
            .saturating_add(wait_ms)
            .saturating_add(999)
            .div_euclid(1_000)
    });
    let body = write_error(
        request.dialect,
        &names,
        &ErrorDetails {
            message: &message,
            param: (refusal.kind == RefusalKind::ModelBlocked).then_some("model"),
            request_id: request.request_id,
            resets_at,
            retry_after_ms: wait_ms.filter(|_| names.status == 429),
        },
    );
    let mut headers = vec![
        ("content-type", "application/json".to_owned()),
        ("x-tollkeeper-refusal", refusal.kind.code().to_owned()),
    ];
    if is_in_vain {
        headers.push(("x-should-retry", "false".to_owned()));
    }
    // Codex sleeps as long as it is told here, a month too, and shows nothing meanwhile.
    let is_slept = is_in_vain && request.endpoint == Some(Endpoint::Responses);
    if let Some(wait_ms) = wait_ms.filter(|_| !is_slept) {
        // Rounded up: a second too early would only be refused again.
        let seconds = (wait_ms.saturating_add(999) / 1_000).max(1);
        headers.push(("retry-after", seconds.to_string()));
        headers.push(("retry-after-ms", wait_ms.max(1).to_string()));
    }
    if names.status == 401 {
        headers.push(("www-authenticate", "Bearer".to_owned()));
    }
    if let Some(limit) = &refusal.limit {
        headers.extend(limit_headers(request.dialect, limit, request.now_ms));
    }
    DialectAnswer {
        status: names.status,
        headers,
        body,
    }
}

fn names(
    kind: RefusalKind,
    request: &RefusedRequest<'_>,
    budget: BudgetStatus,
    is_in_vain: bool,
) -> ErrorNames {
    let for_codex = is_in_vain && request.endpoint == Some(Endpoint::Responses);
    let of = |status, openai_type, openai_code, anthropic_type, gemini_status| ErrorNames {
        status,
        openai_type,
        openai_code,
        anthropic_type,
        gemini_status,
    };
    let limited = |what| {
        of(
            429,
            if for_codex { FOR_CODEX } else { what },
            "rate_limit_exceeded",
            "rate_limit_error",
            "RESOURCE_EXHAUSTED",
        )
    };
    let forbidden = |code| {
        of(
            403,
            "invalid_request_error",
            code,
            "permission_error",
            "PERMISSION_DENIED",
        )
    };
    match kind {
        RefusalKind::VirtualKeyRequired | RefusalKind::AccessNotFound => of(
            401,
            "invalid_request_error",
            "invalid_api_key",
            "authentication_error",
            "UNAUTHENTICATED",
        ),
        RefusalKind::BudgetExceeded => {
            let (status, anthropic_type) = match budget {
                BudgetStatus::PaymentRequired => (402, "billing_error"),
                BudgetStatus::TooManyRequests => (429, "rate_limit_error"),
            };
            let openai_type = if for_codex && status == 429 {
                FOR_CODEX
            } else {
                "insufficient_quota"
            };
            let code = "insufficient_quota";
            of(
                status,
                openai_type,
                code,
                anthropic_type,
                "RESOURCE_EXHAUSTED",
            )
        }
        RefusalKind::TokenLimited => limited("tokens"),
        RefusalKind::RequestLimited | RefusalKind::RateLimited => limited("requests"),
        RefusalKind::ModelBlocked | RefusalKind::ProviderBlocked => forbidden("model_not_found"),
        RefusalKind::McpToolBlocked => forbidden("tool_not_allowed"),
        RefusalKind::AccessBlocked => forbidden("access_blocked"),
    }
}
