//! What a profile allows, written down so shortly that a model can read it too.

use serde_json::{Map, Value, json};
use tollkeeper::domain::limits::limit::LimitKind;
use tollkeeper::domain::values::duration::ResetDuration;

/// One limit: what it counts, for which provider, how often it starts anew, and how much it allows.
pub type Line = (LimitKind, Option<&'static str>, &'static str, i64);

/// The limits of a profile that allows `gpt-*` but `gpt-bad` of openai, and every model of anthropic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    pub aligned: bool,
    pub limits: &'static [Line],
}

pub const DOLLAR: i64 = 1_000_000_000;

use LimitKind::{Budget, Requests, Tokens};

/// The plans that profiles are made of and edited into.
pub const PLANS: [Plan; 4] = [
    Plan {
        aligned: false,
        limits: &[
            (Budget, None, "1h", 10 * DOLLAR),
            (Budget, None, "1d", 30 * DOLLAR),
            (Tokens, None, "1h", 1_000),
            (Requests, None, "5m", 12),
            (Budget, Some("openai"), "1h", 5 * DOLLAR),
            (Budget, Some("openai"), "never", 60 * DOLLAR),
        ],
    },
    Plan {
        aligned: true,
        limits: &[
            (Budget, None, "never", 90 * DOLLAR),
            (Budget, None, "1d", 20 * DOLLAR),
            (Budget, None, "1w", 60 * DOLLAR),
            (Tokens, None, "1d", 2_000),
            (Requests, None, "5m", 12),
            (Requests, Some("anthropic"), "1h", 9),
            (Tokens, Some("anthropic"), "1h", 600),
        ],
    },
    Plan {
        aligned: true,
        limits: &[
            (Budget, None, "1h", 10 * DOLLAR),
            (Budget, None, "1d", 8 * DOLLAR),
            (Budget, None, "never", 60 * DOLLAR),
            (Budget, Some("openai"), "1h", 0),
        ],
    },
    Plan {
        aligned: false,
        limits: &[],
    },
];

impl Plan {
    /// The body that creates a profile like this.
    pub fn body(&self, name: &str) -> Value {
        let scope = |provider: Option<&str>| {
            let mut budgets = Vec::new();
            let mut rates = Map::new();
            for (kind, of, duration, max) in self.limits {
                if *of != provider {
                    continue;
                }
                match kind {
                    Budget => budgets.push(json!({
                        "max_limit": max / DOLLAR, "reset_duration": duration
                    })),
                    kind => {
                        let name = if *kind == Tokens { "token" } else { "request" };
                        rates.insert(format!("{name}_max_limit"), json!(max));
                        rates.insert(format!("{name}_reset_duration"), json!(duration));
                    }
                }
            }
            let rates = (!rates.is_empty()).then_some(Value::Object(rates));
            (json!(budgets), json!(rates))
        };
        let (budgets, rate_limit) = scope(None);
        let (openai_budgets, openai_rates) = scope(Some("openai"));
        let (anthropic_budgets, anthropic_rates) = scope(Some("anthropic"));
        json!({
            "name": name,
            "calendar_aligned": self.aligned,
            "budgets": budgets,
            "rate_limit": rate_limit,
            "provider_configs": [
                {"provider_name": "OpenAI", "allowed_models": ["gpt-*"], "blacklisted_models": ["gpt-bad"],
                 "budgets": openai_budgets, "rate_limit": openai_rates},
                {"provider_name": "anthropic", "all_models_allowed": true,
                 "budgets": anthropic_budgets, "rate_limit": anthropic_rates},
            ],
        })
    }
}

pub fn duration(text: &str) -> ResetDuration {
    text.parse().unwrap()
}
