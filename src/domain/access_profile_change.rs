//! Building an access profile from what was sent, and applying a change to one.
//!
//! A budget or rate limit that keeps its place (same scope, same reset duration) keeps its id and with it its counters.

use std::collections::HashMap;

use jiff::Timestamp;

use super::access_profile::{AccessProfile, Budget, ProviderConfig, RateLimit};
use super::access_profile_input::{
    AccessProfileInput, BudgetTerms, ProviderTerms, RateLimitTerms, check_grants, check_rotation,
};
use super::duration::{ResetDuration, RotationInterval};
use super::letter_case::fold;
use super::money::Money;
use super::violation::{Path, Violations};
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
        blank.merged(input, next_id, now)
    }

    /// This profile with the sent fields in place of its own; version and dates untouched.
    pub(super) fn merged(
        &self,
        input: AccessProfileInput,
        next_id: NextId<'_>,
        now: Timestamp,
    ) -> Result<Self> {
        let mut new = self.clone();
        new.rotate(&input, now)?;
        new.name = input.name.unwrap_or(new.name);
        new.description = input.description.unwrap_or(new.description);
        new.is_active = input.is_active.unwrap_or(new.is_active);
        new.tags = input.tags.unwrap_or(new.tags);
        new.calendar_aligned = input.calendar_aligned.unwrap_or(new.calendar_aligned);
        new.mcp_tool_groups = input.mcp_tool_groups.unwrap_or(new.mcp_tool_groups);
        new.mcp_servers = input.mcp_servers.unwrap_or(new.mcp_servers);
        new.mcp_tool_overrides = input.mcp_tool_overrides.unwrap_or(new.mcp_tool_overrides);
        if let Some(terms) = input.provider_configs {
            let lines = self.provider_configs.iter();
            let old: HashMap<String, &ProviderConfig> = lines
                .map(|line| (fold(&line.provider_name), line))
                .collect();
            new.provider_configs = terms
                .into_iter()
                .map(|terms| {
                    provider(
                        old.get(&fold(&terms.provider_name)).copied(),
                        terms,
                        next_id,
                        now,
                    )
                })
                .collect();
        }
        if let Some(terms) = input.budgets {
            new.budgets = budgets(&self.budgets, &terms, TOTAL, next_id, now);
        }
        if let Some(terms) = input.rate_limit {
            new.rate_limit =
                terms.map(|terms| rate_limit(self.rate_limit.as_ref(), terms, next_id, now));
        }
        let violations = Violations::default();
        check_grants(
            &violations,
            &Path::root(),
            &new.mcp_servers,
            &new.mcp_tool_overrides,
        );
        violations.finish(Some(new))
    }

    /// Rotation: a date that is not sent stays while rotation stays on, and is one interval from now when it is turned on.
    fn rotate(&mut self, input: &AccessProfileInput, now: Timestamp) -> Result<()> {
        let interval = match input.auto_rotation_interval {
            Some(interval) => interval,
            None => RotationInterval::from_nanoseconds(self.auto_rotation_interval),
        };
        // The date as it was read is no wish: it may have passed, or rotation may be going off.
        let wished = input
            .next_rotation_at
            .flatten()
            .filter(|next| Some(*next) != self.next_rotation_at);
        let violations = Violations::default();
        check_rotation(&violations, &Path::root(), interval, wished, now);
        violations.finish(Some(()))?;
        self.auto_rotation_interval = interval.map_or(0, RotationInterval::nanoseconds);
        self.next_rotation_at = match interval {
            None => None,
            Some(interval) => match (wished, self.next_rotation_at) {
                (Some(next), _) | (None, Some(next)) => Some(next),
                (None, None) => interval.after(now),
            },
        };
        Ok(())
    }
}

fn provider(
    old: Option<&ProviderConfig>,
    terms: ProviderTerms,
    next_id: NextId<'_>,
    now: Timestamp,
) -> ProviderConfig {
    let scope = format!("provider:{}", terms.provider_name);
    ProviderConfig {
        id: old.map_or_else(&mut *next_id, |line| line.id),
        all_models_allowed: terms.all_models_allowed,
        allowed_models: terms.allowed_models,
        blacklisted_models: terms.blacklisted_models,
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
        provider_name: terms.provider_name,
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
