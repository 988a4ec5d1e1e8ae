//! A user's copy of a profile, with what its limits count and what its open reservations hold.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::counter::Counter;
use super::rules::Rules;
use crate::domain::decision::amounts::Amounts;
use crate::domain::limits::budget_override::BudgetOverride;
use crate::domain::limits::limit::{Limit, LimitKind};
use crate::domain::limits::limit_state::{Balance, Count, LimitState, LimitedCopy};
use crate::domain::limits::window::Window;

/// What limits count, by place.
pub type Counts = Vec<(i64, Count)>;

/// A copy. Its lists have no spare room: there may be a million.
pub struct UserProfile {
    /// Its id.
    pub id: i64,
    /// The profile it is a copy of.
    pub access_profile_id: i64,
    /// The version of the profile that it was made from or last changed by.
    pub template_version: i64,
    /// When it was made; rolling windows are counted from here.
    pub created_at: i64,
    /// When it expires; `i64::MAX` when it does not.
    pub expires_at: i64,
    /// What it allows.
    pub rules: Arc<Rules>,
    /// What was used, by place; a limit that was never used is missing.
    pub counters: Vec<Counter>,
    /// What budgets were raised by.
    pub overrides: Vec<BudgetOverride>,
    /// What open reservations hold, by provider.
    pub held: Vec<ProviderHold>,
}

/// What the open reservations of a copy hold for one provider. Amounts of millions of reservations fit, each as large as one can
/// be, so that what is freed again leaves the right rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderHold {
    /// The provider without regard to case.
    pub provider_key: Arc<str>,
    /// Tokens.
    pub tokens: i128,
    /// Nanodollars.
    pub cost: i128,
    /// How many reservations.
    pub reservations: i64,
}

impl UserProfile {
    /// The counter of a limit in the window that is open at `now_ms`, were it touched then.
    fn current(&self, limit: &Limit, now_ms: i64, zone: &TimeZone, number: i64) -> Counter {
        let fresh = |window: Window| Counter {
            place_id: limit.place_id,
            window_rule: limit.window_rule,
            settled: 0,
            open: 0,
            starts_at: window.starts_at,
            resets_at: window.resets_at,
            counted_from: number,
        };
        match self.counter(limit.place_id) {
            Some(counter) => counter
                .rolled(limit, self.created_at, now_ms, zone)
                .map_or(*counter, fresh),
            None => fresh(limit.windows(self.created_at, zone).at(now_ms)),
        }
    }

    /// Whether a limit has a counter, and it counts the window that is open at `now_ms`.
    pub fn stands_in_window(&self, limit: &Limit, now_ms: i64, zone: &TimeZone) -> bool {
        self.counter(limit.place_id).is_some_and(|counter| {
            counter
                .rolled(limit, self.created_at, now_ms, zone)
                .is_none()
        })
    }

    /// The counter at a place, if it was ever used.
    pub fn counter(&self, place_id: i64) -> Option<&Counter> {
        self.counters
            .iter()
            .find(|counter| counter.place_id == place_id)
    }

    /// What open reservations hold that a limit on money or tokens covers.
    fn held_of(&self, limit: &Limit) -> i128 {
        let covered = self.held.iter();
        covered
            .filter(|held| limit.covers(&held.provider_key))
            .map(|held| match limit.key.kind {
                LimitKind::Budget => held.cost,
                LimitKind::Tokens | LimitKind::Requests => held.tokens,
            })
            .sum()
    }

    /// The copy with its limits, for working out how these stand.
    pub fn limited<'a>(&'a self, zone: &'a TimeZone) -> LimitedCopy<'a> {
        LimitedCopy {
            access_profile_id: self.access_profile_id,
            copy_id: self.id,
            created_at: self.created_at,
            overrides: &self.overrides,
            zone,
        }
    }

    /// What a limit counts at `now_ms`.
    fn count(&self, limit: &Limit, now_ms: i64, zone: &TimeZone) -> Count {
        let counter = self.current(limit, now_ms, zone, 0);
        Count {
            used: counter.settled - counter.open,
            held: match limit.key.kind {
                LimitKind::Requests => i128::from(counter.open),
                LimitKind::Budget | LimitKind::Tokens => self.held_of(limit),
            },
            starts_at: counter.starts_at,
            resets_at: counter.resets_at,
        }
    }

    /// What a limit counts at `now_ms`, and up to where.
    pub fn balance(&self, limit: &Limit, now_ms: i64, zone: &TimeZone) -> Balance {
        let count = self.count(limit, now_ms, zone);
        self.limited(zone).balance(limit, count)
    }

    /// How a limit stands at `now_ms`.
    pub fn state(&self, limit: &Limit, now_ms: i64, zone: &TimeZone) -> LimitState {
        let balance = self.balance(limit, now_ms, zone);
        self.limited(zone).state(limit, balance)
    }

    /// How the limits stand that cover a provider.
    pub fn states(&self, provider_key: &str, now_ms: i64, zone: &TimeZone) -> Vec<LimitState> {
        self.rules
            .covering(provider_key)
            .iter()
            .map(|limit| self.state(&self.rules.limits[*limit], now_ms, zone))
            .collect()
    }

    /// What every limit counts at `now_ms`, by place.
    pub fn counts(&self, now_ms: i64, zone: &TimeZone) -> Counts {
        let limits = self.rules.limits.iter();
        limits
            .map(|limit| (limit.place_id, self.count(limit, now_ms, zone)))
            .collect()
    }

    /// The counter of a limit to count in, moved to the window that is open at `now_ms`; in a new window it counts what the journal
    /// holds from `number` on. `before` is told what it was.
    pub fn touch(
        &mut self,
        limit: &Limit,
        now_ms: i64,
        zone: &TimeZone,
        number: i64,
        before: &mut impl FnMut(i64, Option<Counter>),
    ) -> &mut Counter {
        let current = self.current(limit, now_ms, zone, number);
        let place_id = limit.place_id;
        let at = self
            .counters
            .iter()
            .position(|counter| counter.place_id == place_id);
        before(place_id, at.map(|at| self.counters[at]));
        let at = at.unwrap_or_else(|| {
            if self.counters.capacity() == self.counters.len() {
                self.counters.reserve_exact(1);
            }
            self.counters.push(current);
            self.counters.len() - 1
        });
        self.counters[at] = current;
        &mut self.counters[at]
    }

    /// Puts a counter back as it was.
    pub fn restore(&mut self, place_id: i64, before: Option<Counter>) {
        self.counters.retain(|counter| counter.place_id != place_id);
        self.counters.extend(before);
    }

    /// Adds to what is held for a provider, or takes away from it.
    pub fn hold(&mut self, provider_key: &Arc<str>, amounts: Amounts, reservations: i64) {
        let at = self
            .held
            .iter()
            .position(|held| held.provider_key == *provider_key);
        let at = at.unwrap_or_else(|| {
            self.held.push(ProviderHold {
                provider_key: Arc::clone(provider_key),
                tokens: 0,
                cost: 0,
                reservations: 0,
            });
            self.held.len() - 1
        });
        let held = &mut self.held[at];
        held.tokens += i128::from(amounts.tokens);
        held.cost += i128::from(amounts.cost);
        held.reservations += reservations;
        if held.reservations == 0 {
            self.held.swap_remove(at);
        }
        if self.held.is_empty() {
            self.held = Vec::new();
        }
    }

    /// Takes over what only memory knows of it as it was.
    pub fn take_over(&mut self, old: Self, next_number: i64) {
        self.held = old.held;
        self.carry_open(&old.counters, next_number);
    }

    /// How many requests of the counters belong to open reservations, where they count on. A counter that was set to another value
    /// counts only what comes from now on.
    pub fn carry_open(&mut self, old: &[Counter], next_number: i64) {
        for counter in &mut self.counters {
            let Some(before) = old
                .iter()
                .find(|before| before.place_id == counter.place_id)
            else {
                continue;
            };
            if before.counted_from == counter.counted_from && before.settled == counter.settled {
                counter.open = before.open;
            } else {
                counter.open = 0;
                counter.counted_from = next_number;
            }
        }
    }
}
