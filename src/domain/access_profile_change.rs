//! Building an access profile from what was sent, and applying a change to one.
//!
//! A budget or rate limit that keeps its place (same scope, same reset duration) keeps its id and with it its counters.

use std::cell::LazyCell;
use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::access_profile::{AccessProfile, Budget, RateLimit};
use super::access_profile_input::{AccessProfileInput, BudgetTerms, ProviderTerms, RateLimitTerms};
use super::access_profile_rules::{check_grants, check_rotation};
use super::duration::{ResetDuration, RotationInterval};
use super::letter_case::fold;
use super::money::Money;
use super::provider_line::{ProviderLine, SharedLine};
use super::violation::Violations;
use crate::error::Result;

/// Hands out the numbers of new provider lines, budgets and rate limits.
pub type NextId<'a> = &'a mut dyn FnMut() -> i64;

/// The scope of limits over all providers.
const TOTAL: &str = "total";

impl AccessProfile {
    /// A new profile, version 1.
    ///
    /// # Errors
    /// [`crate::error::Error::Invalid`] when fields contradict each other.
    pub fn create(
        id: i64,
        input: AccessProfileInput,
        next_id: NextId<'_>,
        now: Timestamp,
    ) -> Result<Self> {
        let blank = Self {
            id,
            name: String::new(),
            description: String::new(),
            is_active: true,
            version: 1,
            tags: Vec::new(),
            provider_configs: Vec::new(),
            budgets: Vec::new(),
            rate_limit: None,
            calendar_aligned: false,
            auto_rotation_interval: 0,
            next_rotation_at: None,
            last_rotation_at: None,
            mcp_tool_groups: Vec::new(),
            mcp_servers: Vec::new(),
            mcp_tool_overrides: Vec::new(),
            created_at: now,
            updated_at: now,
        };
        let violations = Violations::default();
        let new = blank.merged(input, &violations, next_id, now);
        violations.finish(Some(new))
    }

    /// This profile with the sent fields in place of its own; version and dates untouched. Notes where fields contradict each
    /// other.
    pub(super) fn merged(
        &self,
        input: AccessProfileInput,
        violations: &Violations,
        next_id: NextId<'_>,
        now: Timestamp,
    ) -> Self {
        let place = input.place();
        let (auto_rotation_interval, next_rotation_at) = self.rotation(&input, violations, now);
        // Field by field, because most of a large profile is its lines: those that are replaced are not copied first.
        let new = Self {
            id: self.id,
            name: input.name.unwrap_or_else(|| self.name.clone()),
            description: input
                .description
                .unwrap_or_else(|| self.description.clone()),
            is_active: input.is_active.unwrap_or(self.is_active),
            version: self.version,
            tags: input.tags.unwrap_or_else(|| self.tags.clone()),
            provider_configs: match input.provider_configs {
                Some(terms) => providers(&self.provider_configs, &terms, next_id, now),
                None => self.provider_configs.clone(),
            },
            budgets: match input.budgets {
                Some(terms) => budgets(&self.budgets, &terms, TOTAL, next_id, now),
                None => self.budgets.clone(),
            },
            rate_limit: match input.rate_limit {
                Some(terms) => {
                    terms.map(|terms| rate_limit(self.rate_limit.as_ref(), terms, next_id, now))
                }
                None => self.rate_limit.clone(),
            },
            calendar_aligned: input.calendar_aligned.unwrap_or(self.calendar_aligned),
            auto_rotation_interval,
            next_rotation_at,
            last_rotation_at: self.last_rotation_at,
            mcp_tool_groups: input
                .mcp_tool_groups
                .unwrap_or_else(|| self.mcp_tool_groups.clone()),
            mcp_servers: input
                .mcp_servers
                .unwrap_or_else(|| self.mcp_servers.clone()),
            mcp_tool_overrides: input
                .mcp_tool_overrides
                .unwrap_or_else(|| self.mcp_tool_overrides.clone()),
            created_at: self.created_at,
            updated_at: self.updated_at,
        };
        check_grants(
            violations,
            &place,
            &new.mcp_servers,
            &new.mcp_tool_overrides,
        );
        new
    }

    /// The interval and date of rotation: a date that is not sent stays while the interval stays, and is one interval from now when
    /// that is another.
    fn rotation(
        &self,
        input: &AccessProfileInput,
        violations: &Violations,
        now: Timestamp,
    ) -> (i64, Option<Timestamp>) {
        let interval = match input.auto_rotation_interval {
            Some(interval) => interval,
            None => RotationInterval::from_nanoseconds(self.auto_rotation_interval),
        };
        // The date as it was read is no wish: it may have passed, or rotation may be going off.
        let wished = input
            .next_rotation_at
            .flatten()
            .filter(|next| Some(*next) != self.next_rotation_at);
        check_rotation(violations, &input.place(), interval, wished, now);
        let next = interval.and_then(|interval| {
            let stays = interval.nanoseconds() == self.auto_rotation_interval
                || input.next_rotation_at.flatten().is_some();
            wished
                .or(self.next_rotation_at.filter(|_| stays))
                .or_else(|| interval.after(now))
        });
        (interval.map_or(0, RotationInterval::nanoseconds), next)
    }
}

fn providers(
    old: &[SharedLine],
    terms: &[Arc<ProviderTerms>],
    next_id: NextId<'_>,
    now: Timestamp,
) -> Vec<SharedLine> {
    let by_name = LazyCell::new(|| {
        let lines = old.iter();
        lines
            .map(|line| (fold(&line.provider_name), line))
            .collect::<HashMap<_, _>>()
    });
    let one = |(index, terms): (usize, &Arc<ProviderTerms>)| {
        // Most lines stay in their places.
        let in_place = old.get(index);
        let kept = in_place
            .filter(|line| line.provider_name == terms.provider_name)
            .or_else(|| by_name.get(&fold(&terms.provider_name)).copied());
        match kept {
            Some(line) if line.meets(terms) => line.clone(),
            _ => provider(kept, terms, next_id, now).into(),
        }
    };
    terms.iter().enumerate().map(one).collect()
}

fn provider(
    old: Option<&SharedLine>,
    terms: &ProviderTerms,
    next_id: NextId<'_>,
    now: Timestamp,
) -> ProviderLine {
    let scope = format!("provider:{}", terms.provider_name);
    ProviderLine {
        id: old.map_or_else(&mut *next_id, |line| line.id),
        all_models_allowed: terms.all_models_allowed,
        allowed_models: terms.allowed_models.clone(),
        blacklisted_models: terms.blacklisted_models.clone(),
        budgets: budgets(
            old.map_or(&[], |line| &line.budgets),
            &terms.budgets,
            &scope,
            next_id,
            now,
        ),
        rate_limit: terms.rate_limit.map(|terms| {
            rate_limit(
                old.and_then(|line| line.rate_limit.as_ref()),
                terms,
                next_id,
                now,
            )
        }),
        provider_name: terms.provider_name.clone(),
    }
}

fn budgets(
    old: &[Budget],
    terms: &[BudgetTerms],
    scope: &str,
    next_id: NextId<'_>,
    now: Timestamp,
) -> Vec<Budget> {
    let one = |terms: &BudgetTerms| {
        let old = old
            .iter()
            .find(|budget| budget.reset_duration == terms.reset_duration);
        Budget {
            id: old.map_or_else(
                || format!("budget-{}", next_id()),
                |budget| budget.id.clone(),
            ),
            max_limit: terms.max_limit,
            reset_duration: terms.reset_duration,
            reset_config: terms.reset_config,
            scope: scope.to_owned(),
            current_usage: old.map_or(Money::ZERO, |budget| budget.current_usage),
            last_reset: old.map_or(now, |budget| budget.last_reset),
        }
    };
    terms.iter().map(one).collect()
}

fn rate_limit(
    old: Option<&RateLimit>,
    terms: RateLimitTerms,
    next_id: NextId<'_>,
    now: Timestamp,
) -> RateLimit {
    let kept =
        |same: fn(&RateLimit) -> Option<ResetDuration>, new| old.filter(|old| same(old) == new);
    let tokens = kept(|old| old.token_reset_duration, terms.token_reset_duration);
    let requests = kept(
        |old| old.request_reset_duration,
        terms.request_reset_duration,
    );
    RateLimit {
        id: old.map_or_else(|| format!("rate-limit-{}", next_id()), |old| old.id.clone()),
        token_max_limit: terms.token_max_limit,
        token_reset_duration: terms.token_reset_duration,
        request_max_limit: terms.request_max_limit,
        request_reset_duration: terms.request_reset_duration,
        token_current_usage: tokens.map_or(0, |old| old.token_current_usage),
        request_current_usage: requests.map_or(0, |old| old.request_current_usage),
        token_last_reset: tokens.map_or(now, |old| old.token_last_reset),
        request_last_reset: requests.map_or(now, |old| old.request_last_reset),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::known_lines::KnownLines;

    /// Provider lines in which much is alike.
    fn bodies() -> impl Strategy<Value = String> {
        let one_of = |choices: &[&'static str]| prop::sample::select(choices.to_vec());
        let line = (
            one_of(&[
                r#""all_models_allowed":false"#,
                r#""all_models_allowed":true"#,
            ]),
            one_of(&[
                "",
                r#","allowed_models":["a"]"#,
                r#","blacklisted_models":["a"]"#,
            ]),
            one_of(&[
                "",
                r#","budgets":[{"max_limit":1},{"max_limit":2,"reset_duration":"1d"}]"#,
                r#","budgets":[{"max_limit":2,"reset_duration":"1d"},{"max_limit":1}]"#,
                r#","budgets":[{"max_limit":1}]"#,
                r#","budgets":[{"max_limit":2}]"#,
                r#","budgets":[{"max_limit":1,"reset_duration":"1Q"}]"#,
                r#","budgets":[{"max_limit":1,"reset_duration":"1Q","reset_config":{"quarter_start_month":2}}]"#,
            ]),
            one_of(&[
                "",
                r#","rate_limit":{"token_max_limit":1}"#,
                r#","rate_limit":{"token_max_limit":2}"#,
                r#","rate_limit":{"token_max_limit":1,"token_reset_duration":"1d"}"#,
                r#","rate_limit":{"request_max_limit":1}"#,
                r#","rate_limit":{}"#,
            ]),
        );
        let names = Just(["a", "A", "b", "c", "C"]).prop_shuffle();
        (names, prop::collection::vec(line, 0..4)).prop_map(|(names, lines)| {
            let lines = names
                .iter()
                .zip(lines)
                .map(|(name, (all, models, budgets, limits))| {
                    format!(r#"{{"provider_name":"{name}",{all}{models}{budgets}{limits}}}"#)
                });
            format!(
                r#"{{"provider_configs":[{}]}}"#,
                lines.collect::<Vec<_>>().join(",")
            )
        })
    }

    proptest! {
        #[test]
        fn lines_that_are_kept_are_what_they_would_become(bodies in prop::collection::vec(bodies(), 2..6)) {
            let mut last = 0;
            let mut profile: Option<AccessProfile> = None;
            for (round, body) in bodies.iter().enumerate() {
                let now = Timestamp::from_second(i64::try_from(round).unwrap()).unwrap();
                let input = AccessProfileInput::read_change(body.as_bytes(), &KnownLines::default()).unwrap();
                prop_assume!(input.violations.is_empty());
                let terms = input.provider_configs.clone().unwrap();
                let Some(old) = profile else {
                    let named = AccessProfileInput { name: Some("x".to_owned()), ..input };
                    let mut next_id = || { last += 1; last };
                    profile = Some(AccessProfile::create(1, named, &mut next_id, now).unwrap());
                    continue;
                };
                let (mut here, mut there) = (last, last);
                let one_by_one: Vec<ProviderLine> = terms.iter().map(|terms| {
                    let same = |line: &&SharedLine| fold(&line.provider_name) == fold(&terms.provider_name);
                    provider(old.provider_configs.iter().find(same), terms, &mut || { here += 1; here }, now)
                }).collect();
                let changed = old.change(input, &mut || { there += 1; there }, now).unwrap();
                let new = changed.unwrap_or_else(|| old.clone());
                prop_assert_eq!(here, there);
                last = there;
                let text = serde_json::to_string(&new.provider_configs).unwrap();
                prop_assert_eq!(&text, &serde_json::to_string(&one_by_one).unwrap());
                profile = Some(new);
            }
        }
    }
}
