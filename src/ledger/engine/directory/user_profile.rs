//! A user's copy of a profile, with what its limits count.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::counter::Counter;
use super::counters::Counters;
use super::rules::Rules;
use crate::domain::decision::journal::{CounterName, NOT_CLOSED};
use crate::domain::limits::budget_override::BudgetOverride;
use crate::domain::limits::limit::Limit;
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
    /// What was used and is held.
    pub counters: Counters,
    /// What budgets were raised by.
    pub overrides: Vec<BudgetOverride>,
}

impl UserProfile {
    /// The counter of a limit in the window that is open at `now_ms`; calls from `number` on belong to a new one.
    pub fn current(&self, limit: &Limit, now_ms: i64, zone: &TimeZone, number: i64) -> Counter {
        let fresh = |window: Window| Counter {
            place_id: limit.place_id,
            window_rule: limit.window_rule,
            settled: 0,
            held: 0,
            open: 0,
            starts_at: window.starts_at,
            resets_at: window.resets_at,
            let_in_from: number,
            counted_from: number,
        };
        match self.counters.last(limit.place_id) {
            Some(counter) => counter
                .rolled(limit, self.created_at, now_ms, zone)
                .map_or(*counter, fresh),
            None => fresh(limit.windows(self.created_at, zone).at(now_ms)),
        }
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
        counter.count(limit.key.kind)
    }

    /// What a limit counts at `now_ms`, and up to where.
    pub fn balance(&self, limit: &Limit, now_ms: i64, zone: &TimeZone) -> Balance {
        let count = self.count(limit, now_ms, zone);
        self.limited(zone).balance(limit, count)
    }

    /// What a limit counts in the window in which the call with a number was let in, and up to where; none when it does not count that
    /// call.
    pub fn balance_of(&self, limit: &Limit, number: i64, zone: &TimeZone) -> Option<Balance> {
        let (_, counter) = self.counters.of(limit.place_id, number)?;
        let count = counter.count(limit.key.kind);
        Some(self.limited(zone).balance_then(limit, count))
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

    /// Takes over what was open of the counters `before` a change, which the stored ones follow at `now_ms`. The use of one that is not
    /// stored any more was reset, or its window is over under the rule of now and it is closed; calls from `number` on come after that.
    /// Answers which counters are not stored as they are.
    pub fn follow(
        &mut self,
        before: Counters,
        number: i64,
        now_ms: i64,
        zone: &TimeZone,
    ) -> Vec<CounterName> {
        let (rules, created_at) = (&self.rules, self.created_at);
        let changed = self.counters.follow(before, rules, |old| {
            let limit = rules.limit_at(old.place_id)?;
            let reset = old.reset(limit.key.kind, number);
            let open = reset.adopted(limit, created_at, now_ms, zone);
            Some(open.map_or((number, old), |open| (NOT_CLOSED, open)))
        });
        self.named(changed)
    }

    /// See [`Counters::forget_ended`].
    pub fn forget_ended(&mut self) -> Vec<CounterName> {
        let ended = self.counters.forget_ended(&self.rules);
        self.named(ended)
    }

    fn named(&self, counters: Vec<(i64, i64)>) -> Vec<CounterName> {
        let name = |(place_id, until)| CounterName {
            copy_id: self.id,
            place_id,
            until,
        };
        counters.into_iter().map(name).collect()
    }
}
