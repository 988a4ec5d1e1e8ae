//! How a limit stands in one copy: what is used and held in the open window, and up to where it may go. Decisions, explanations,
//! refusals, copies as they are shown and previews all take what is worked out here.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize, Serializer};

use super::budget_override::BudgetOverride;
use super::limit::{Limit, LimitKind};
use super::window::Window;
use crate::domain::values::duration::ResetDuration;

/// What a limit counts in one copy, in the window that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// Used: nanodollars, tokens or requests; requests of open reservations are not in it.
    pub used: i64,
    /// Held by open reservations, in the same unit.
    pub held: i128,
    /// When the window began, in milliseconds since 1970.
    pub starts_at: i64,
    /// When it ends.
    pub resets_at: i64,
}

impl Count {
    /// Nothing, in a window.
    pub fn nothing_in(window: Window) -> Self {
        Self {
            used: 0,
            held: 0,
            starts_at: window.starts_at,
            resets_at: window.resets_at,
        }
    }

    /// The window. Its number is not known here and not needed to follow it.
    pub fn window(&self) -> Window {
        Window {
            starts_at: self.starts_at,
            resets_at: self.resets_at,
            number: 0,
        }
    }
}

/// What a limit counts, and up to where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    /// What it counts.
    pub count: Count,
    /// What the window allows, with what an override adds.
    pub effective: i64,
}

impl Balance {
    fn of(limit: &Limit, count: Count, over: Option<&BudgetOverride>) -> Self {
        let added = over.map_or(0, |over| over.amount.nanodollars());
        Self {
            count,
            effective: limit.max.saturating_add(added),
        }
    }

    /// Whether `asked` fits. Something must be left of the limit, whatever a call says or does not say that it will use.
    pub fn has_room_for(&self, asked: i64) -> bool {
        let spent = i128::from(self.count.used) + self.count.held;
        let effective = i128::from(self.effective);
        spent < effective && spent + i128::from(asked) <= effective
    }

    /// Whether a call that takes so much in all is larger than the whole limit, so that waiting is in vain.
    pub fn never_has_room_for(&self, whole: Option<i64>) -> bool {
        self.effective <= 0 || whole.is_some_and(|whole| whole > self.effective)
    }
}

/// The copy in which limits are looked at.
#[derive(Debug, Clone, Copy)]
pub struct LimitedCopy<'a> {
    /// The profile.
    pub access_profile_id: i64,
    /// The copy.
    pub copy_id: i64,
    /// When it was given, in milliseconds since 1970: rolling windows are counted from here.
    pub created_at: i64,
    /// What its budgets were raised by.
    pub overrides: &'a [BudgetOverride],
    /// The calendar's time zone.
    pub zone: &'a TimeZone,
}

impl<'a> LimitedCopy<'a> {
    /// The override of a limit that is in force in a window.
    pub fn override_in(&self, limit: &Limit, window: Window) -> Option<&'a BudgetOverride> {
        let mut here = self.overrides.iter();
        let over = here.find(|over| over.place_id == limit.place_id)?;
        let windows = limit.windows(self.created_at, self.zone);
        over.in_force(&windows, window).then_some(over)
    }

    /// What a limit counts at `now_ms`, by what limits count by place: nothing, where it is not there.
    pub fn count_in(&self, limit: &Limit, counts: &HashMap<i64, Count>, now_ms: i64) -> Count {
        let known = counts.get(&limit.place_id).copied();
        let windows = || limit.windows(self.created_at, self.zone);
        known.unwrap_or_else(|| Count::nothing_in(windows().at(now_ms)))
    }

    /// Up to where a limit goes that counts this.
    pub fn balance(&self, limit: &Limit, count: Count) -> Balance {
        Balance::of(limit, count, self.override_in(limit, count.window()))
    }

    /// The same of a window that may be over: what was given after it raises nothing there.
    pub fn balance_then(&self, limit: &Limit, count: Count) -> Balance {
        let then = |over: &&BudgetOverride| over.anchor_at < count.resets_at;
        let over = self.override_in(limit, count.window()).filter(then);
        Balance::of(limit, count, over)
    }

    /// A limit as it is shown.
    pub fn state(&self, limit: &Limit, balance: Balance) -> LimitState {
        let period = limit.key.reset_duration.period();
        LimitState {
            access_profile_id: self.access_profile_id,
            copy_id: self.copy_id,
            kind: limit.key.kind,
            place_id: limit.place_id,
            named_place_id: limit.named_place_id,
            scope: Arc::clone(&limit.scope),
            reset_duration: limit.key.reset_duration,
            max_limit: limit.max,
            effective_max_limit: balance.effective,
            used: balance.count.used,
            held: i64::try_from(balance.count.held).unwrap_or(i64::MAX),
            starts_at: balance.count.starts_at,
            resets_at: period.map(|_| balance.count.resets_at),
        }
    }
}

/// One limit of a copy at a moment. Amounts are nanodollars, tokens or requests.
///
/// It is stored as a list of its fields in this order: one is kept for every limit of every call with a request id. A new field comes
/// last and has a default, so that what was stored before is still read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LimitState {
    /// The profile.
    pub access_profile_id: i64,
    /// The copy.
    pub copy_id: i64,
    /// What is counted: a budget, tokens or requests.
    pub kind: LimitKind,
    /// Where it counts (`limit_places`).
    pub place_id: i64,
    /// The place that its id names: its own for a budget, that of the whole rate limit for tokens and requests.
    pub named_place_id: i64,
    /// `total` or `provider:<name>`.
    pub scope: Arc<str>,
    /// How often it starts anew.
    pub reset_duration: ResetDuration,
    /// What the policy allows in a window.
    pub max_limit: i64,
    /// That and what an override adds.
    pub effective_max_limit: i64,
    /// Used in the window.
    pub used: i64,
    /// Held by open reservations.
    pub held: i64,
    /// When the window began.
    pub starts_at: i64,
    /// When it ends, if it does.
    pub resets_at: Option<i64>,
}

impl Serialize for LimitState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (
            self.access_profile_id,
            self.copy_id,
            self.kind,
            self.place_id,
            self.named_place_id,
            &self.scope,
            self.reset_duration,
            self.max_limit,
            self.effective_max_limit,
            self.used,
            self.held,
            self.starts_at,
            self.resets_at,
        )
            .serialize(serializer)
    }
}

impl LimitState {
    /// What is left, 0 when it is overdrawn.
    pub fn remaining(&self) -> i64 {
        self.effective_max_limit
            .saturating_sub(self.used)
            .saturating_sub(self.held)
            .max(0)
    }

    /// Whether more is used and held than it allows.
    pub fn is_exceeded(&self) -> bool {
        self.used.saturating_add(self.held) > self.effective_max_limit
    }

    /// See [`limit_id`].
    pub fn id(&self) -> String {
        limit_id(self.kind, self.copy_id, self.named_place_id)
    }

    /// Writes that id.
    pub fn write_id(&self, out: &mut String) {
        write_limit_id(out, self.kind, self.copy_id, self.named_place_id);
    }
}

/// The id of a limit in a copy, `budget-<copy>-<place>` or `rate-limit-<copy>-<place>`: it stays as long as the place does.
pub fn limit_id(kind: LimitKind, copy_id: i64, named_place_id: i64) -> String {
    let mut id = String::new();
    write_limit_id(&mut id, kind, copy_id, named_place_id);
    id
}

fn write_limit_id(out: &mut String, kind: LimitKind, copy_id: i64, named_place_id: i64) {
    out.push_str(match kind {
        LimitKind::Budget => "budget-",
        LimitKind::Tokens | LimitKind::Requests => "rate-limit-",
    });
    let mut number = itoa::Buffer::new();
    out.push_str(number.format(copy_id));
    out.push('-');
    out.push_str(number.format(named_place_id));
}
