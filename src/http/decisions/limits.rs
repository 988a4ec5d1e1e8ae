//! What is left of the limits that apply to a call: in an answer, and in its headers.
//!
//! Written by hand: a decision shows several limits, and is made on every call.

use std::fmt::Write;

use actix_web::HttpResponse;
use actix_web::http::header::{HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};

use crate::domain::decision::LimitState;
use crate::domain::decision::explanation::ExplainedLimit;
use crate::domain::limits::limit::LimitKind;
use crate::domain::values::instant::write_instant;
use crate::domain::values::money::write_dollars;

/// What a limit allows, what is used and held of it, and when it starts anew. Dollars, tokens or requests.
#[derive(ToSchema)]
pub struct LimitView {
    /// The access profile that sets it.
    pub access_profile_id: i64,
    /// `budget`, `tokens` or `requests`.
    #[schema(schema_with = kind_schema)]
    pub kind: String,
    /// The id of the budget or rate limit, as the copy of the profile shows it.
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
}

/// What a limit counts.
pub fn kind_schema() -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(["budget", "tokens", "requests"]))
        .into()
}

/// Writes limits as a JSON list.
pub fn write_limits(out: &mut String, limits: &[LimitState]) {
    out.push('[');
    for (at, limit) in limits.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_limit(out, limit);
    }
    out.push(']');
}

/// Writes one limit as a JSON object.
pub fn write_limit(out: &mut String, limit: &LimitState) {
    out.push_str("{\"access_profile_id\":");
    write_number(out, limit.access_profile_id);
    out.push_str(",\"kind\":\"");
    out.push_str(limit.kind.name());
    out.push_str("\",\"id\":\"");
    limit.write_id(out);
    out.push_str("\",\"scope\":");
    write_text(out, &limit.scope);
    out.push_str(",\"reset_duration\":\"");
    // A string takes whatever is written.
    let _ = limit.reset_duration.write(out);
    out.push('"');
    let amounts = [
        (",\"max_limit\":", limit.max_limit),
        (",\"effective_max_limit\":", limit.effective_max_limit),
        (",\"used\":", limit.used),
        (",\"held\":", limit.held),
        (",\"remaining\":", limit.remaining()),
    ];
    for (name, amount) in amounts {
        out.push_str(name);
        write_amount(out, limit.kind, amount);
    }
    if let Some(resets_at) = limit.resets_at {
        out.push_str(",\"resets_at\":");
        write_time(out, resets_at);
    }
    out.push('}');
}

/// An amount as text: dollars, tokens or requests.
pub fn amount(kind: LimitKind, amount: i64) -> String {
    let mut text = String::new();
    write_amount(&mut text, kind, amount);
    text
}

fn write_amount(out: &mut String, kind: LimitKind, amount: i64) {
    match kind {
        LimitKind::Budget => {
            // A string takes whatever is written.
            let _ = write_dollars(out, amount);
        }
        _ => write_number(out, amount),
    }
}

/// Writes a whole number.
pub fn write_number(out: &mut String, number: i64) {
    out.push_str(itoa::Buffer::new().format(number));
}

/// Writes an instant in milliseconds since 1970 as a JSON string.
pub fn write_time(out: &mut String, at_ms: i64) {
    out.push('"');
    write_instant(out, at_ms);
    out.push('"');
}

/// Writes text as a JSON string.
pub fn write_text(out: &mut String, text: &str) {
    let plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    if text.bytes().all(plain) {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        // Text can always be written as JSON.
        out.push_str(&serde_json::to_string(text).unwrap_or_default());
    }
}

/// A limit of an explanation, with what the call asks of it.
pub fn explained(limit: &ExplainedLimit) -> Option<Box<RawValue>> {
    let mut text = String::new();
    write_limit(&mut text, &limit.state);
    text.pop();
    text.push_str(",\"asked\":");
    write_amount(&mut text, limit.state.kind, limit.asked);
    let _ = write!(text, ",\"fits\":{}}}", limit.fits);
    RawValue::from_string(text).ok()
}

/// A limit as JSON, for where speed is no matter.
#[derive(Debug)]
pub struct Shown<'l>(pub &'l LimitState);

impl Serialize for Shown<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = String::new();
        write_limit(&mut text, self.0);
        RawValue::from_string(text)
            .map_err(serde::ser::Error::custom)?
            .serialize(serializer)
    }
}

/// The headers `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10) for all limits that apply. Money
/// counts in millionths of a dollar: a structured integer has 15 digits.
pub fn headers(limits: &[LimitState], now_ms: i64) -> Option<[(HeaderName, HeaderValue); 2]> {
    if limits.is_empty() {
        return None;
    }
    let (mut policies, mut states) = (String::new(), String::new());
    for limit in limits {
        if !policies.is_empty() {
            policies.push_str(", ");
            states.push_str(", ");
        }
        let (name, unit, per_unit) = match limit.kind {
            LimitKind::Budget => ("budget", ";qu=\"microdollars\"", 1_000),
            LimitKind::Tokens => ("tokens", ";qu=\"tokens\"", 1),
            LimitKind::Requests => ("requests", "", 1),
        };
        let name = format!("{name}-{}-{}", limit.copy_id, limit.named_place_id);
        let whole = |amount: i64| (amount / per_unit).clamp(0, 999_999_999_999_999);
        let seconds = |ms: i64| (ms.max(0).saturating_add(999)) / 1_000;
        let _ = write!(
            policies,
            "\"{name}\";q={}{unit}",
            whole(limit.effective_max_limit)
        );
        let _ = write!(states, "\"{name}\";r={}", whole(limit.remaining()));
        // A window without an end has neither a length nor a time until it ends.
        if let Some(resets_at) = limit.resets_at {
            let _ = write!(policies, ";w={}", seconds(resets_at - limit.starts_at));
            let _ = write!(states, ";t={}", seconds(resets_at - now_ms));
        }
    }
    Some([
        (
            HeaderName::from_static("ratelimit-policy"),
            HeaderValue::from_str(&policies).ok()?,
        ),
        (
            HeaderName::from_static("ratelimit"),
            HeaderValue::from_str(&states).ok()?,
        ),
    ])
}

/// Puts those headers on an answer.
pub fn add_headers(response: &mut HttpResponse, limits: &[LimitState], now_ms: i64) {
    for (name, value) in headers(limits, now_ms).into_iter().flatten() {
        response.headers_mut().insert(name, value);
    }
}
