//! The headers in which clients of each provider look for what is left of a limit.

use crate::domain::limits::limit::LimitKind;
use crate::domain::limits::limit_state::LimitState;
use crate::domain::values::instant::write_instant;
use crate::gateway::meter::dialect::Dialect;

/// Those of one limit. A budget has none, because no provider has one either; nor has Gemini.
pub fn limit_headers(
    dialect: Dialect,
    limit: &LimitState,
    now_ms: i64,
) -> Vec<(&'static str, String)> {
    let names = match (dialect, limit.kind) {
        (Dialect::OpenAi, LimitKind::Requests) => [
            "x-ratelimit-limit-requests",
            "x-ratelimit-remaining-requests",
            "x-ratelimit-reset-requests",
        ],
        (Dialect::OpenAi, LimitKind::Tokens) => [
            "x-ratelimit-limit-tokens",
            "x-ratelimit-remaining-tokens",
            "x-ratelimit-reset-tokens",
        ],
        (Dialect::Anthropic, LimitKind::Requests) => [
            "anthropic-ratelimit-requests-limit",
            "anthropic-ratelimit-requests-remaining",
            "anthropic-ratelimit-requests-reset",
        ],
        (Dialect::Anthropic, LimitKind::Tokens) => [
            "anthropic-ratelimit-tokens-limit",
            "anthropic-ratelimit-tokens-remaining",
            "anthropic-ratelimit-tokens-reset",
        ],
        _ => return Vec::new(),
    };
    let Some(resets_at) = limit.resets_at else {
        return Vec::new();
    };
    let reset = if dialect == Dialect::OpenAi {
        span(resets_at.saturating_sub(now_ms))
    } else {
        let mut text = String::new();
        write_instant(&mut text, resets_at);
        text
    };
    let values = [
        limit.effective_max_limit.max(0).to_string(),
        limit.remaining().to_string(),
        reset,
    ];
    names.into_iter().zip(values).collect()
}

/// A span as `OpenAI` writes it: `6m0s`, rounded up to the second.
fn span(ms: i64) -> String {
    let seconds = ms.max(0).saturating_add(999) / 1_000;
    let (hours, minutes, rest) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest}s"),
        (0, _) => format!("{minutes}m{rest}s"),
        _ => format!("{hours}h{minutes}m{rest}s"),
    }
}
