//! A user's copy of a profile, with what its limits count and what its open reservations hold.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::Counted;
use super::counter::Counter;
use super::rules::{Limit, Rules};
use crate::domain::budget_override::BudgetOverride;
use crate::domain::decision::LimitState;
use crate::domain::policy::PlaceKind;
use crate::domain::window::Window;

/// A copy. Its lists have no spare room: there may be a million.
pub struct Copy {
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
    pub held: Vec<Held>,
}

/// What the open reservations of a copy hold for one provider. Amounts of millions of reservations fit, each as large as one can
/// be, so that what is freed again leaves the right rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The provider without regard to case.
    pub provider_key: Arc<str>,
    /// Tokens.
    pub tokens: i128,
    /// Nanodollars.
    pub cost: i128,
    /// How many reservations.
    pub reservations: i64,
}

/// What a call asks of limits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amounts {
    /// Tokens.
    pub tokens: i64,
    /// Nanodollars.
    pub cost: i64,
}

impl Amounts {
    /// What is asked of a limit of this kind, with so many requests.
    pub fn of(self, kind: PlaceKind, requests: i64) -> i64 {
        match kind {
            PlaceKind::Budget => self.cost,
            PlaceKind::Tokens => self.tokens,
            PlaceKind::Requests | PlaceKind::RateLimit => requests,
        }
    }

    /// What is left when `others` are taken away; below zero where they are more.
    pub fn less(self, others: Self) -> Self {
        Self {
            tokens: self.tokens - others.tokens,
            cost: self.cost - others.cost,
        }
    }

    /// What these are above `others`, 0 where they are not.
    pub fn above(self, others: Self) -> Self {
        Self {
            tokens: (self.tokens - others.tokens).max(0),
            cost: (self.cost - others.cost).max(0),
        }
    }
}

/// How a limit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Used in the window; requests of open reservations are not in it.
    pub used: i64,
    /// Held by open reservations.
    pub held: i128,
    /// What the window allows.
    pub effective: i64,
    /// When it began.
    pub starts_at: i64,
    /// When it ends.
    pub resets_at: i64,
}

impl Standing {
    /// Whether `asked` fits. Something must be left of the limit, whatever a call says or does not say that it will use.
    pub fn has_room_for(&self, asked: i64) -> bool {
        let spent = i128::from(self.used) + self.held;
        let effective = i128::from(self.effective);
        spent < effective && spent + i128::from(asked) <= effective
    }

    /// Whether a call that takes so much in all is larger than the whole limit, so that waiting is in vain.
    pub fn never_has_room_for(&self, whole: Option<i64>) -> bool {
        self.effective <= 0 || whole.is_some_and(|whole| whole > self.effective)
    }

    /// What is held as it is shown.
    fn held_shown(&self) -> i64 {
        i64::try_from(self.held).unwrap_or(i64::MAX)
    }
}

impl Copy {
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
        let provider_key = limit.provider_key.as_deref();
        let covered = self
            .held
            .iter()
            .filter(|held| provider_key.is_none_or(|key| key == &*held.provider_key));
        covered
            .map(|held| match limit.kind {
                PlaceKind::Budget => held.cost,
                _ => held.tokens,
            })
            .sum()
    }

    /// How a limit stands at `now_ms`.
    pub fn standing(&self, limit: &Limit, now_ms: i64, zone: &TimeZone) -> Standing {
        let counter = self.current(limit, now_ms, zone, 0);
        let held = match limit.kind {
            PlaceKind::Requests => i128::from(counter.open),
            _ => self.held_of(limit),
        };
        Standing {
            used: counter.settled - counter.open,
            held,
            effective: self.effective(limit, &counter, zone),
            starts_at: counter.starts_at,
            resets_at: counter.resets_at,
        }
    }

    fn effective(&self, limit: &Limit, counter: &Counter, zone: &TimeZone) -> i64 {
        let raised = self
            .overrides
            .iter()
            .find(|over| over.place_id == limit.place_id && limit.kind == PlaceKind::Budget);
        let Some(raised) = raised else {
            return limit.max;
        };
        let windows = limit.windows(self.created_at, zone);
        if raised.in_force(&windows, counter.window()) {
            limit.max.saturating_add(raised.amount.nanodollars())
        } else {
            limit.max
        }
    }

    /// A limit as it is shown.
    pub fn state(&self, limit: &Limit, standing: Standing) -> LimitState {
        LimitState {
            access_profile_id: self.access_profile_id,
            copy_id: self.id,
            kind: limit.kind,
            place_id: limit.place_id,
            named_place_id: limit.named_place_id,
            scope: Arc::clone(&limit.scope),
            reset_duration: limit.reset_duration,
            max_limit: limit.max,
            effective_max_limit: standing.effective,
            used: standing.used,
            held: standing.held_shown(),
            starts_at: standing.starts_at,
            resets_at: standing.resets_at,
        }
    }

    /// The limits that cover a provider, as they are shown.
    pub fn states(&self, provider_key: &str, now_ms: i64, zone: &TimeZone) -> Vec<LimitState> {
        self.rules
            .covering(provider_key)
            .iter()
            .map(|limit| &self.rules.limits[*limit])
            .map(|limit| self.state(limit, self.standing(limit, now_ms, zone)))
            .collect()
    }

    /// What every limit counts at `now_ms`.
    pub fn counted(&self, now_ms: i64, zone: &TimeZone) -> Vec<Counted> {
        let one = |limit: &Limit| {
            let standing = self.standing(limit, now_ms, zone);
            Counted {
                place_id: limit.place_id,
                used: standing.used,
                held: standing.held_shown(),
                window_starts_at: standing.starts_at,
                window_resets_at: standing.resets_at,
            }
        };
        self.rules.limits.iter().map(one).collect()
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
            self.held.push(Held {
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
}
