//! The limits of a policy, each once, and where each of them counts.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::window::Windows;
use crate::domain::access_profile::policy::Policy;
use crate::domain::access_profile::{Budget, RateLimit};
use crate::domain::values::duration::ResetDuration;
use crate::domain::values::letter_case::fold;
use crate::domain::values::period::{Period, Unit};

/// The scope of limits over all providers.
const TOTAL: &str = "total";

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitKind {
    /// Nanodollars of a budget.
    Budget,
    /// Tokens of a rate limit.
    Tokens,
    /// Requests of a rate limit.
    Requests,
}

impl LimitKind {
    /// How it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Budget => "budget",
            Self::Tokens => "tokens",
            Self::Requests => "requests",
        }
    }
}

/// Where a limit counts. It does not depend on the policy: a budget that keeps its scope and its reset duration keeps its key, and
/// with it its id and its counter, whatever else changes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CounterKey {
    /// What is counted.
    pub kind: LimitKind,
    /// The provider without regard to case; empty over all providers.
    pub provider_key: Arc<str>,
    /// How often it starts anew.
    pub reset_duration: ResetDuration,
}

/// A limit of a policy that may not be stored yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLimit {
    /// Where it counts.
    pub key: CounterKey,
    /// `total` or `provider:<name>`.
    pub scope: Arc<str>,
    /// Nanodollars, tokens or requests in a window.
    pub max: i64,
    /// See [`Limit::window_rule`].
    pub window_rule: u8,
}

/// A limit of a stored policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Where it counts.
    pub key: CounterKey,
    /// The number of that key (`limit_places`).
    pub place_id: i64,
    /// The number in its id: that of its key for a budget, that of the whole rate limit for tokens and requests.
    pub named_place_id: i64,
    /// `total` or `provider:<name>`.
    pub scope: Arc<str>,
    /// Nanodollars, tokens or requests in a window.
    pub max: i64,
    /// How its windows lie: 0 rolling, 1 to 12 by the calendar with a fiscal year from that month (`counters.window_rule`).
    pub window_rule: u8,
}

/// A stored policy, with its limits as they are stored.
#[derive(Debug, Clone)]
pub struct StoredPolicy {
    /// The policy.
    pub policy: Policy,
    /// See [`Policy::limits`].
    pub limits: Vec<Limit>,
    /// The numbers in the ids of its rate limits, by [`Policy::rate_limit_scopes`].
    pub rate_limit_ids: HashMap<Arc<str>, i64>,
}

impl Policy {
    /// Its limits, those over all providers first, then those of each provider line; in each scope budgets, tokens, requests.
    pub fn limits(&self) -> Vec<NewLimit> {
        let mut limits = Vec::new();
        for scope in self.scopes() {
            let rule = |duration, quarter| window_rule(self.calendar_aligned, duration, quarter);
            for budget in scope.budgets {
                let quarter = budget.reset_config.map(|config| config.quarter_start_month);
                let duration = budget.reset_duration;
                let max = budget.max_limit.nanodollars();
                let window_rule = rule(duration, quarter);
                limits.push(scope.limit(LimitKind::Budget, duration, max, window_rule));
            }
            let Some(rate) = scope.rate_limit else {
                continue;
            };
            let parts = [
                (
                    LimitKind::Tokens,
                    rate.token_max_limit,
                    rate.token_reset_duration,
                ),
                (
                    LimitKind::Requests,
                    rate.request_max_limit,
                    rate.request_reset_duration,
                ),
            ];
            for (kind, max, duration) in parts {
                let duration = duration.unwrap_or(Period::HOUR).into();
                limits
                    .extend(max.map(|max| scope.limit(kind, duration, max, rule(duration, None))));
            }
        }
        limits
    }

    /// The scopes that have a rate limit, each by its provider without regard to case; empty over all providers. A rate limit has one
    /// id, whether it limits tokens, requests or both.
    pub fn rate_limit_scopes(&self) -> impl Iterator<Item = Arc<str>> {
        let limited = self.scopes().filter(|scope| scope.rate_limit.is_some());
        limited.map(|scope| scope.provider_key)
    }

    fn scopes(&self) -> impl Iterator<Item = Scope<'_>> {
        let total = Scope {
            provider_key: "".into(),
            name: TOTAL.into(),
            budgets: &self.budgets,
            rate_limit: self.rate_limit.as_ref(),
        };
        let lines = self.provider_configs.iter().map(|line| Scope {
            provider_key: fold(&line.provider_name).into(),
            name: format!("provider:{}", line.provider_name).into(),
            budgets: &line.budgets,
            rate_limit: line.rate_limit.as_ref(),
        });
        std::iter::once(total).chain(lines)
    }
}

/// Limits that cover the same calls.
struct Scope<'p> {
    provider_key: Arc<str>,
    name: Arc<str>,
    budgets: &'p [Budget],
    rate_limit: Option<&'p RateLimit>,
}

impl Scope<'_> {
    fn limit(
        &self,
        kind: LimitKind,
        reset_duration: ResetDuration,
        max: i64,
        window_rule: u8,
    ) -> NewLimit {
        NewLimit {
            key: CounterKey {
                kind,
                provider_key: Arc::clone(&self.provider_key),
                reset_duration,
            },
            scope: Arc::clone(&self.name),
            max,
            window_rule,
        }
    }
}

/// How windows lie. Those under a day never align, nor does one without an end; only quarters know a fiscal year.
fn window_rule(aligned: bool, duration: ResetDuration, quarter_start: Option<i64>) -> u8 {
    let unit = duration.period().map(Period::unit);
    let Some(unit) = unit.filter(|unit| aligned && *unit >= Unit::Day) else {
        return 0;
    };
    let month = quarter_start.filter(|_| unit == Unit::Quarter);
    month
        .and_then(|month| u8::try_from(month.clamp(1, 12)).ok())
        .unwrap_or(1)
}

impl NewLimit {
    /// The limit once it is stored, with the numbers that it has there.
    pub fn stored(self, place_id: i64, named_place_id: i64) -> Limit {
        Limit {
            key: self.key,
            place_id,
            named_place_id,
            scope: self.scope,
            max: self.max,
            window_rule: self.window_rule,
        }
    }
}

impl Limit {
    /// Whether it covers calls to a provider, which is named without regard to case.
    pub fn covers(&self, provider_key: &str) -> bool {
        self.key.provider_key.is_empty() || *self.key.provider_key == *provider_key
    }

    /// Its windows, for a copy that was made at `created_at_ms`.
    pub fn windows(&self, created_at_ms: i64, zone: &TimeZone) -> Windows {
        Windows::new(
            self.key.reset_duration,
            self.window_rule > 0,
            Some(i64::from(self.window_rule.max(1))),
            created_at_ms,
            zone,
        )
    }
}
