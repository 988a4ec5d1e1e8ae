//! Putting together how a copy is shown: its policy, and how its limits stand.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::limit::{CounterKey, Limit, LimitKind, StoredPolicy};
use super::limit_state::{Count, LimitState, LimitedCopy, limit_id};
use crate::domain::access_profile::{AccessProfile, Budget, ProviderConfig, RateLimit};
use crate::domain::people::holding::UserAccessProfile;
use crate::domain::people::user_copy::{CopyBudget, CopyProviderConfig, CopyRateLimit, UserCopy};
use crate::domain::values::duration::ResetDuration;
use crate::domain::values::letter_case::fold;
use crate::domain::values::money::Money;
use crate::domain::values::period::Period;
use crate::domain::virtual_key::masked;
use crate::error::{Error, Result};

impl UserCopy {
    /// How a copy is shown at `now_ms`. `keys` are the public ids of the keys that are shown with it, `counts` what its limits count,
    /// by place; a limit that was never used may be missing.
    ///
    /// # Errors
    /// [`Error::Internal`] when a limit of the policy has no place.
    pub fn of(
        copy: &UserAccessProfile,
        profile: &AccessProfile,
        stored: &StoredPolicy,
        keys: Vec<String>,
        limited: LimitedCopy<'_>,
        counts: &HashMap<i64, Count>,
        now_ms: i64,
    ) -> Result<Self> {
        let state = |limit| {
            let count = limited.count_in(limit, counts, now_ms);
            limited.state(limit, limited.balance(limit, count))
        };
        let limits = stored.limits.iter();
        let page = CopyPage {
            copy,
            limited,
            states: limits
                .map(|limit| (&limit.key, (limit, state(limit))))
                .collect(),
            rate_limit_ids: &stored.rate_limit_ids,
        };
        let policy = &stored.policy;
        Ok(Self {
            id: copy.id,
            user_id: copy.user_id.to_string(),
            parent_profile_id: copy.access_profile_id,
            name: profile.name.clone(),
            description: profile.description.clone(),
            is_active: copy
                .expires_at
                .is_none_or(|at| at.as_millisecond() > now_ms),
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
                .map(|line| page.provider(line))
                .collect::<Result<_>>()?,
            budgets: page.budgets("", &policy.budgets)?,
            rate_limit: page.rate_limit("", policy.rate_limit.as_ref())?,
            calendar_aligned: policy.calendar_aligned,
            auto_rotation_interval: profile.auto_rotation_interval,
            next_rotation_at: profile.next_rotation_at,
            last_rotation_at: profile.last_rotation_at,
            mcp_tool_groups: policy.mcp_tool_groups.clone(),
            mcp_servers: policy.mcp_servers.clone(),
            mcp_tool_overrides: policy.mcp_tool_overrides.clone(),
            created_at: copy.created_at,
            updated_at: copy.updated_at,
        })
    }
}

/// Everything that is known of the copy that is shown.
struct CopyPage<'a> {
    copy: &'a UserAccessProfile,
    limited: LimitedCopy<'a>,
    states: HashMap<&'a CounterKey, (&'a Limit, LimitState)>,
    rate_limit_ids: &'a HashMap<Arc<str>, i64>,
}

impl CopyPage<'_> {
    fn state(
        &self,
        kind: LimitKind,
        provider_key: &str,
        reset_duration: ResetDuration,
    ) -> Result<(&Limit, &LimitState)> {
        let key = CounterKey {
            kind,
            provider_key: provider_key.into(),
            reset_duration,
        };
        let (limit, state) = self.states.get(&key).ok_or_else(no_place)?;
        Ok((*limit, state))
    }

    fn provider(&self, line: &ProviderConfig) -> Result<CopyProviderConfig> {
        let key = fold(&line.provider_name);
        Ok(CopyProviderConfig {
            id: line.id,
            provider_name: line.provider_name.clone(),
            all_models_allowed: line.all_models_allowed,
            allowed_models: line.allowed_models.clone(),
            blacklisted_models: line.blacklisted_models.clone(),
            budgets: self.budgets(&key, &line.budgets)?,
            rate_limit: self.rate_limit(&key, line.rate_limit.as_ref())?,
        })
    }

    fn budgets(&self, provider_key: &str, budgets: &[Budget]) -> Result<Vec<CopyBudget>> {
        let one = |budget: &Budget| {
            let (limit, state) =
                self.state(LimitKind::Budget, provider_key, budget.reset_duration)?;
            let windows = limit.windows(self.limited.created_at, self.limited.zone);
            let window = windows.at(state.starts_at);
            let raised = self.limited.override_in(limit, window);
            Ok(CopyBudget {
                id: state.id(),
                max_limit: budget.max_limit,
                effective_max_limit: Money::nearest(state.effective_max_limit),
                reset_duration: budget.reset_duration,
                reset_config: budget.reset_config,
                scope: budget.scope.clone(),
                current_usage: Money::nearest(state.used),
                held: Money::nearest(state.held),
                last_reset: time(state.starts_at),
                resets_at: state.resets_at.map(time),
                override_amount: raised.map(|over| over.amount),
                override_mode: raised.map(super::budget_override::BudgetOverride::mode),
                override_cycles_remaining: raised.and_then(|over| over.remaining(&windows, window)),
                override_cycles_total: raised.and_then(|over| over.cycles),
                override_anchor_reset: raised
                    .filter(|over| over.cycles.is_some())
                    .map(|over| time(over.anchor_at)),
            })
        };
        budgets.iter().map(one).collect()
    }

    fn rate_limit(
        &self,
        provider_key: &str,
        limit: Option<&RateLimit>,
    ) -> Result<Option<CopyRateLimit>> {
        let Some(limit) = limit else {
            return Ok(None);
        };
        let state = |kind, max: Option<i64>, duration: Option<Period>| {
            let limited = max.and(duration);
            let state = limited.map(|period| self.state(kind, provider_key, period.into()));
            state.transpose().map(|state| state.map(|(_, state)| state))
        };
        let tokens = state(
            LimitKind::Tokens,
            limit.token_max_limit,
            limit.token_reset_duration,
        )?;
        let requests = state(
            LimitKind::Requests,
            limit.request_max_limit,
            limit.request_reset_duration,
        )?;
        let began = |state: Option<&LimitState>| {
            state.map_or(self.copy.created_at, |state| time(state.starts_at))
        };
        let ends = |state: Option<&LimitState>| state?.resets_at.map(time);
        let named_place_id = self.rate_limit_ids.get(provider_key).ok_or_else(no_place)?;
        Ok(Some(CopyRateLimit {
            id: limit_id(LimitKind::Tokens, self.copy.id, *named_place_id),
            token_max_limit: limit.token_max_limit,
            token_reset_duration: limit.token_reset_duration,
            request_max_limit: limit.request_max_limit,
            request_reset_duration: limit.request_reset_duration,
            token_current_usage: tokens.map_or(0, |state| state.used),
            request_current_usage: requests.map_or(0, |state| state.used),
            token_held: tokens.map(|state| state.held),
            request_held: requests.map(|state| state.held),
            token_last_reset: began(tokens),
            request_last_reset: began(requests),
            token_resets_at: ends(tokens),
            request_resets_at: ends(requests),
        }))
    }
}

fn no_place() -> Error {
    Error::internal("showing a limit", "it has no place")
}

fn time(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or_default()
}
