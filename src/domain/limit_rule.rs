//! The limits of a policy one by one, and how each of them stands in one copy: what is used and held in the open window, and up to
//! where it may go.

use std::collections::HashMap;

use jiff::tz::TimeZone;

use super::access_profile::{Budget, RateLimit};
use super::budget_override::BudgetOverride;
use super::duration::ResetDuration;
use super::letter_case::fold;
use super::policy::{Place, PlaceKind, Policy};
use super::window::{Window, Windows};

/// The scope of limits over all providers.
pub const TOTAL: &str = "total";

/// One limit of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitRule {
    /// Where it counts.
    pub place: Place,
    /// `total` or `provider:<name>`.
    pub scope: String,
    /// How often it starts anew.
    pub reset_duration: ResetDuration,
    /// When the fiscal year of its quarters starts, 1 to 12.
    pub quarter_start_month: Option<i64>,
    /// How far it goes, in nanodollars, tokens or requests.
    pub max_limit: i64,
}

impl Policy {
    /// Its limits, each once.
    pub fn limits(&self) -> Vec<LimitRule> {
        let mut rules = Vec::new();
        of_scope(
            &mut rules,
            "",
            TOTAL,
            &self.budgets,
            self.rate_limit.as_ref(),
        );
        for line in &self.provider_configs {
            let scope = format!("provider:{}", line.provider_name);
            let key = fold(&line.provider_name);
            of_scope(
                &mut rules,
                &key,
                &scope,
                &line.budgets,
                line.rate_limit.as_ref(),
            );
        }
        rules
    }
}

fn of_scope(
    rules: &mut Vec<LimitRule>,
    provider_key: &str,
    scope: &str,
    budgets: &[Budget],
    rate_limit: Option<&RateLimit>,
) {
    for budget in budgets {
        rules.push(LimitRule {
            place: Place::budget(provider_key, budget.reset_duration),
            scope: scope.to_owned(),
            reset_duration: budget.reset_duration,
            quarter_start_month: budget.reset_config.map(|config| config.quarter_start_month),
            max_limit: budget.max_limit.nanodollars(),
        });
    }
    let Some(limit) = rate_limit else { return };
    for place in Place::rate_limit(provider_key, limit) {
        let max_limit = match place.kind {
            PlaceKind::Tokens => limit.token_max_limit,
            PlaceKind::Requests => limit.request_max_limit,
            PlaceKind::Budget | PlaceKind::RateLimit => None,
        };
        if let (Some(max_limit), Some(reset_duration)) = (max_limit, place.reset_duration) {
            rules.push(LimitRule {
                place,
                scope: scope.to_owned(),
                reset_duration,
                quarter_start_month: None,
                max_limit,
            });
        }
    }
}

/// What a limit of a copy counts in the open window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Used {
    /// Used: nanodollars, tokens or requests.
    pub used: i64,
    /// Held by open reservations, in the same unit.
    pub held: i64,
    /// When the window began, in milliseconds since 1970.
    pub starts_at: i64,
    /// When it ends.
    pub resets_at: i64,
}

/// What is known of one copy when its limits are looked at.
#[derive(Clone, Copy)]
pub struct Standing<'a> {
    /// When the copy was given, in milliseconds since 1970: rolling windows are counted from here.
    pub anchor_ms: i64,
    /// Whether its windows follow the calendar.
    pub calendar_aligned: bool,
    /// What its limits count, by place; a limit that was never used may be missing.
    pub uses: &'a HashMap<i64, Used>,
    /// Its overrides.
    pub overrides: &'a [BudgetOverride],
    /// The calendar's time zone.
    pub zone: &'a TimeZone,
    /// The time it is looked at.
    pub now_ms: i64,
}

/// How a limit of a copy stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitNow {
    /// Where it counts (`limit_places`).
    pub place_id: i64,
    /// What is used and held.
    pub used: Used,
    /// How far it goes, with what an override adds.
    pub effective: i64,
    /// The override that is in force.
    pub raised: Option<BudgetOverride>,
    /// Windows that it still lasts, the open one included; none for good.
    pub cycles_remaining: Option<i64>,
}

impl Standing<'_> {
    /// How a limit of the copy stands that counts at `place_id`.
    pub fn of(
        &self,
        place_id: i64,
        duration: ResetDuration,
        quarter_start_month: Option<i64>,
        max_limit: i64,
    ) -> LimitNow {
        let windows = Windows::new(
            duration,
            self.calendar_aligned,
            quarter_start_month,
            self.anchor_ms,
            self.zone,
        );
        let used = self.uses.get(&place_id).copied().unwrap_or_else(|| {
            let window = windows.at(self.now_ms);
            Used {
                used: 0,
                held: 0,
                starts_at: window.starts_at,
                resets_at: window.resets_at,
            }
        });
        let open = Window {
            starts_at: used.starts_at,
            resets_at: used.resets_at,
            number: windows.at(used.starts_at).number,
        };
        let here = self.overrides.iter().find(|over| over.place_id == place_id);
        let raised = here.filter(|over| over.in_force(&windows, open)).copied();
        LimitNow {
            place_id,
            used,
            effective: max_limit.saturating_add(raised.map_or(0, |over| over.amount.nanodollars())),
            raised,
            cycles_remaining: raised.and_then(|over| over.remaining(&windows, open)),
        }
    }
}

impl LimitNow {
    /// Whether more is used and held than it allows.
    pub fn is_exceeded(&self) -> bool {
        self.used.used.saturating_add(self.used.held) > self.effective
    }
}
