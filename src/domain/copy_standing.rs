//! Putting together how a copy is shown: its policy, what its limits count, and what its overrides add.

use std::collections::HashMap;

use jiff::Timestamp;

use super::access_profile::{Budget, ProviderConfig, RateLimit};
use super::duration::ResetDuration;
use super::holding::UserAccessProfile;
use super::letter_case::fold;
use super::limit_rule::{LimitNow, Standing};
use super::money::Money;
use super::policy::{Place, PlaceKind, Policy};
use super::user_copy::{CopyBudget, CopyProviderConfig, CopyRateLimit, ProfileFacts, UserCopy};
use super::virtual_key::masked;

/// A policy with the ids of the places where its limits count.
#[derive(Debug, Clone)]
pub struct PlacedPolicy {
    /// The policy.
    pub policy: Policy,
    /// The id of every place of it.
    pub place_ids: HashMap<Place, i64>,
}

impl UserCopy {
    /// How a copy is shown. `keys` are the public ids of the keys that are shown with it.
    pub fn of(
        copy: &UserAccessProfile,
        profile: &ProfileFacts,
        placed: &PlacedPolicy,
        keys: Vec<String>,
        standing: Standing<'_>,
    ) -> Self {
        let shown = Shown {
            copy,
            placed,
            standing,
        };
        let policy = &placed.policy;
        Self {
            id: copy.id,
            user_id: copy.user_id.to_string(),
            parent_profile_id: copy.access_profile_id,
            name: profile.name.clone(),
            description: profile.description.clone(),
            is_active: copy
                .expires_at
                .is_none_or(|at| at.as_millisecond() > standing.now_ms),
            expires_at: copy.expires_at,
            source: copy.source.name(),
            source_role_id: copy.source.role_id(),
            template_version: copy.template_version,
            virtual_key_values: keys.iter().map(|id| (id.clone(), masked(id))).collect(),
            virtual_key_ids: keys,
            tags: profile.tags.clone(),
            provider_configs: policy
                .provider_configs
                .iter()
                .map(|line| shown.provider(line))
                .collect(),
            budgets: shown.budgets("", &policy.budgets),
            rate_limit: shown.rate_limit("", policy.rate_limit.as_ref()),
            calendar_aligned: policy.calendar_aligned,
            auto_rotation_interval: profile.auto_rotation_interval,
            next_rotation_at: profile.next_rotation_at,
            last_rotation_at: profile.last_rotation_at,
            mcp_tool_groups: policy.mcp_tool_groups.clone(),
            mcp_servers: policy.mcp_servers.clone(),
            mcp_tool_overrides: policy.mcp_tool_overrides.clone(),
            created_at: copy.created_at,
            updated_at: copy.updated_at,
        }
    }
}

/// The id of a limit in a copy: it stays as long as the place does.
pub fn limit_id(kind: PlaceKind, copy_id: i64, place_id: i64) -> String {
    match kind {
        PlaceKind::Budget => format!("budget-{copy_id}-{place_id}"),
        _ => format!("rate-limit-{copy_id}-{place_id}"),
    }
}

/// Everything that is known of the copy that is shown.
struct Shown<'a> {
    copy: &'a UserAccessProfile,
    placed: &'a PlacedPolicy,
    standing: Standing<'a>,
}

impl Shown<'_> {
    fn place_id(&self, place: &Place) -> i64 {
        // Every place of a stored policy is stored with it.
        self.placed.place_ids.get(place).copied().unwrap_or(0)
    }

    fn provider(&self, line: &ProviderConfig) -> CopyProviderConfig {
        let key = fold(&line.provider_name);
        CopyProviderConfig {
            id: line.id,
            provider_name: line.provider_name.clone(),
            all_models_allowed: line.all_models_allowed,
            allowed_models: line.allowed_models.clone(),
            blacklisted_models: line.blacklisted_models.clone(),
            budgets: self.budgets(&key, &line.budgets),
            rate_limit: self.rate_limit(&key, line.rate_limit.as_ref()),
        }
    }

    fn budgets(&self, key: &str, budgets: &[Budget]) -> Vec<CopyBudget> {
        let one = |budget: &Budget| {
            let place_id = self.place_id(&Place::budget(key, budget.reset_duration));
            let now = self.standing.of(
                place_id,
                budget.reset_duration,
                budget.reset_config.map(|config| config.quarter_start_month),
                budget.max_limit.nanodollars(),
            );
            CopyBudget {
                id: limit_id(PlaceKind::Budget, self.copy.id, place_id),
                max_limit: budget.max_limit,
                effective_max_limit: Money::nearest(now.effective),
                reset_duration: budget.reset_duration,
                reset_config: budget.reset_config,
                scope: budget.scope.clone(),
                current_usage: Money::nearest(now.used.used),
                held: Money::nearest(now.used.held),
                last_reset: time(now.used.starts_at),
                resets_at: time(now.used.resets_at),
                override_amount: now.raised.map(|over| over.amount),
                override_mode: now.raised.map(|over| over.mode()),
                override_cycles_remaining: now.cycles_remaining,
                override_cycles_total: now.raised.and_then(|over| over.cycles),
                override_anchor_reset: now.raised.map(|over| time(over.anchor_at)),
            }
        };
        budgets.iter().map(one).collect()
    }

    fn rate_limit(&self, key: &str, limit: Option<&RateLimit>) -> Option<CopyRateLimit> {
        let limit = limit?;
        let of = |kind, duration: Option<ResetDuration>, max: Option<i64>| -> Option<LimitNow> {
            let place = Place {
                kind,
                provider_key: key.to_owned(),
                reset_duration: Some(duration?),
            };
            Some(
                self.standing
                    .of(self.place_id(&place), duration?, None, max?),
            )
        };
        let tokens = of(
            PlaceKind::Tokens,
            limit.token_reset_duration,
            limit.token_max_limit,
        );
        let requests = of(
            PlaceKind::Requests,
            limit.request_reset_duration,
            limit.request_max_limit,
        );
        let whole = Place {
            kind: PlaceKind::RateLimit,
            provider_key: key.to_owned(),
            reset_duration: None,
        };
        let began = |now: Option<LimitNow>| {
            now.map_or(self.copy.created_at, |now| time(now.used.starts_at))
        };
        let ends = |now: Option<LimitNow>| now.map(|now| time(now.used.resets_at));
        Some(CopyRateLimit {
            id: limit_id(PlaceKind::RateLimit, self.copy.id, self.place_id(&whole)),
            token_max_limit: limit.token_max_limit,
            token_reset_duration: limit.token_reset_duration,
            request_max_limit: limit.request_max_limit,
            request_reset_duration: limit.request_reset_duration,
            token_current_usage: tokens.map_or(0, |now| now.used.used),
            request_current_usage: requests.map_or(0, |now| now.used.used),
            token_held: tokens.map(|now| now.used.held),
            request_held: requests.map(|now| now.used.held),
            token_last_reset: began(tokens),
            request_last_reset: began(requests),
            token_resets_at: ends(tokens),
            request_resets_at: ends(requests),
        })
    }
}

fn time(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or_default()
}
