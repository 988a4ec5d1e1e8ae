//! What was used at one place in one window, and how its window moves on.

use jiff::tz::TimeZone;

use crate::domain::decision::journal::CounterRow;
use crate::domain::limits::limit::{Limit, LimitKind};
use crate::domain::limits::limit_state::Count;
use crate::domain::limits::window::Window;

/// What was used at one place in one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counter {
    /// Where it counts (`limit_places`).
    pub place_id: i64,
    /// How its windows lie ([`Limit::window_rule`]).
    pub window_rule: u8,
    /// Used: nanodollars, tokens or requests, those of open reservations among them.
    pub settled: i64,
    /// What open reservations hold, in the same unit. What a million of them hold fits, each as much as one can, so that what is freed
    /// again leaves the right rest. Known in memory only.
    pub held: i128,
    /// How many reservations are open that were let in in its window. Known in memory only.
    pub open: u32,
    /// When the window began.
    pub starts_at: i64,
    /// When it ends.
    pub resets_at: i64,
    /// Calls that were let in from this number on belong to its window.
    pub let_in_from: i64,
    /// Of these, only what the journal holds from this number on counts: a later one where the use was reset by hand.
    pub counted_from: i64,
}

impl Counter {
    /// Adds to what is used. What has grown beyond everything that can be counted stays there until the window is over: too much
    /// rather than too little.
    pub fn add(&mut self, amount: i64) {
        if self.settled < i64::MAX {
            self.settled = self.settled.saturating_add(amount);
        }
    }

    /// Holds so much for a reservation that is open.
    pub fn hold(&mut self, amount: i64) {
        self.held += i128::from(amount);
        self.open += 1;
    }

    /// Frees it again.
    pub fn free(&mut self, amount: i64) {
        self.held -= i128::from(amount);
        self.open -= 1;
    }

    /// What it counts, of a limit of this kind.
    pub fn count(&self, kind: LimitKind) -> Count {
        let used = match kind {
            LimitKind::Requests => self.settled - self.requests(),
            LimitKind::Budget | LimitKind::Tokens => self.settled,
        };
        Count {
            used,
            held: self.held,
            starts_at: self.starts_at,
            resets_at: self.resets_at,
        }
    }

    /// What is held of requests, one by each reservation.
    fn requests(&self) -> i64 {
        i64::try_from(self.held).unwrap_or(i64::MAX)
    }

    /// Its window. The number is not known here and not needed to follow it.
    pub fn window(&self) -> Window {
        Window {
            starts_at: self.starts_at,
            resets_at: self.resets_at,
            number: 0,
        }
    }

    /// The window that has begun since, if one has.
    pub fn rolled(
        &self,
        limit: &Limit,
        created_at: i64,
        now_ms: i64,
        zone: &TimeZone,
    ) -> Option<Window> {
        // Most calls come in the window of the one before, and need not know how long it is.
        if now_ms < self.resets_at {
            return None;
        }
        let next = limit
            .windows(created_at, zone)
            .follow(self.window(), now_ms);
        (next.starts_at != self.starts_at).then_some(next)
    }

    /// The same use in the window that is open at `now_ms` under the limit's rule, if that is another rule than the one before;
    /// none when its window is over and nothing of it counts any more.
    pub fn adopted(
        self,
        limit: &Limit,
        created_at: i64,
        now_ms: i64,
        zone: &TimeZone,
    ) -> Option<Self> {
        if self.window_rule == limit.window_rule {
            return Some(self);
        }
        if now_ms >= self.resets_at {
            return None;
        }
        let window = limit.windows(created_at, zone).at(now_ms);
        Some(Self {
            window_rule: limit.window_rule,
            starts_at: window.starts_at,
            resets_at: window.resets_at,
            ..self
        })
    }

    /// The same window with nothing used but what is held, counting what comes from `number` on.
    pub fn reset(self, kind: LimitKind, number: i64) -> Self {
        let settled = match kind {
            LimitKind::Requests => self.requests(),
            LimitKind::Budget | LimitKind::Tokens => 0,
        };
        Self {
            settled,
            counted_from: number,
            ..self
        }
    }

    /// The counter as it is stored.
    pub fn row(&self, copy_id: i64) -> CounterRow {
        CounterRow {
            copy_id,
            place_id: self.place_id,
            settled: self.settled,
            starts_at: self.starts_at,
            resets_at: self.resets_at,
            window_rule: self.window_rule,
            let_in_from: self.let_in_from,
            counted_from: self.counted_from,
        }
    }

    /// The counter of a row. What is open of it is not known yet.
    pub fn of(row: &CounterRow) -> Self {
        Self {
            place_id: row.place_id,
            window_rule: row.window_rule,
            settled: row.settled,
            held: 0,
            open: 0,
            starts_at: row.starts_at,
            resets_at: row.resets_at,
            let_in_from: row.let_in_from,
            counted_from: row.counted_from,
        }
    }
}
