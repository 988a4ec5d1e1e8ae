//! A refused decision as an answer (API.md §4): the status, the code in the top-level `type`, and when to try again.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use serde_json::{Value, json};

use super::limits::{self, Shown};
use crate::domain::decision::input::NoKey;
use crate::domain::decision::{Presented, Refusal, RefusalKind};
use crate::http::core::problem::Problem;
use crate::http::core::request::Request;

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let code = refusal.kind.code();
        let mut extra = json!({});
        if let Some(id) = refusal.access_profile_id {
            extra["access_profile_id"] = id.into();
        }
        if let Some(limit) = &refusal.limit {
            extra["limit"] = json!(Shown(limit));
        }
        let mut problem = Self::new(status_of(refusal.kind), code, code, refusal.message);
        // Where waiting is in vain, nobody is told to wait.
        if let Some(wait_ms) = refusal.retry_after_ms {
            extra["retry_after_ms"] = Value::from(wait_ms);
            // Rounded up: a second too early would only be refused again.
            let seconds = wait_ms.saturating_add(999) / 1_000;
            problem = problem.with_header(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        if problem.status() == StatusCode::UNAUTHORIZED {
            problem =
                problem.with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        problem.with_extra(extra)
    }
}

/// The refusal of a call that is asked about with its key. One that does not work is told as a few lines and a count, like a credential.
pub fn refuse_call(request: &Request, key: &Presented, refusal: Refusal) -> Problem {
    if matches!(
        refusal.kind,
        RefusalKind::AccessNotFound | RefusalKind::AccessBlocked
    ) {
        request.note_refused_key(&key.public_id, refusal.kind.code());
    }
    refuse(request, refusal)
}

/// A refusal with the headers that the settings ask for.
pub fn refuse(request: &Request, refusal: Refusal) -> Problem {
    if request.state().rate_limit_headers {
        let now = request.state().services.clock.now();
        with_limit_headers(refusal, now.as_millisecond())
    } else {
        refusal.into()
    }
}

/// The refusal with the headers that say how much of its limit is left.
pub fn with_limit_headers(refusal: Refusal, now_ms: i64) -> Problem {
    let headers = refusal
        .limit
        .as_ref()
        .and_then(|limit| limits::headers(std::slice::from_ref(limit), now_ms));
    headers
        .into_iter()
        .flatten()
        .fold(Problem::from(refusal), |problem, (name, value)| {
            problem.with_header(name, value)
        })
}

/// The refusal of what is no virtual key; `place` says where one belongs. The text itself is not repeated.
pub fn no_key(why: NoKey, place: &str) -> Refusal {
    let (kind, message) = match why {
        NoKey::Missing => (
            RefusalKind::VirtualKeyRequired,
            format!("send the virtual key (tk_vk_…) of the caller in {place}"),
        ),
        NoKey::Malformed => (
            RefusalKind::AccessNotFound,
            format!(
                "what is in {place} is no virtual key; it begins with tk_vk_, and may be cut off or mistyped"
            ),
        ),
        NoKey::Management => (
            RefusalKind::AccessNotFound,
            format!(
                "{place} holds a management API key (tk_mgmt_…), but a virtual key (tk_vk_…) is needed there"
            ),
        ),
        NoKey::Several(one, other) => (
            RefusalKind::AccessNotFound,
            format!(
                "two different virtual keys were sent, in {one} and in {other}, so it can't be told who calls; send one of them"
            ),
        ),
    };
    Refusal::new(kind, message)
}

/// The code of a call that nobody knows the price of.
pub const PRICE_UNKNOWN: &str = "price_unknown";

/// The refusal of a call that nobody knows the price of; the sentence says so.
pub fn unpriced(sentence: String) -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        PRICE_UNKNOWN,
        PRICE_UNKNOWN,
        sentence,
    )
}

/// The HTTP status that a refusal of this kind is answered with.
pub fn status_of(kind: RefusalKind) -> StatusCode {
    match kind {
        RefusalKind::VirtualKeyRequired | RefusalKind::AccessNotFound => StatusCode::UNAUTHORIZED,
        RefusalKind::BudgetExceeded => StatusCode::PAYMENT_REQUIRED,
        RefusalKind::AccessBlocked
        | RefusalKind::ProviderBlocked
        | RefusalKind::ModelBlocked
        | RefusalKind::McpToolBlocked => StatusCode::FORBIDDEN,
        RefusalKind::TokenLimited | RefusalKind::RequestLimited | RefusalKind::RateLimited => {
            StatusCode::TOO_MANY_REQUESTS
        }
    }
}
