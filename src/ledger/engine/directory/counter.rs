//! What was used at one place in one window, and how its window moves on.

use jiff::tz::TimeZone;

use crate::domain::decision::journal::CounterRow;
use crate::domain::limits::limit::Limit;
use crate::domain::limits::window::Window;

/// What was used at one place in one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counter {
    /// Where it counts (`limit_places`).
    pub place_id: i64,
    /// How its windows lie ([`Limit::window_rule`]).
    pub window_rule: u8,
    /// Used: nanodollars, tokens or requests.
    pub settled: i64,
    /// How many of the requests belong to reservations that are open. Known in memory only.
    pub open: i64,
    /// When the window began.
    pub starts_at: i64,
    /// When it ends.
    pub resets_at: i64,
    /// Only what the journal holds from this number on counts.
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

    /// The counter as it is stored.
    pub fn row(&self, copy_id: i64) -> CounterRow {
        CounterRow {
            copy_id,
            place_id: self.place_id,
            settled: self.settled,
            starts_at: self.starts_at,
            resets_at: self.resets_at,
            window_rule: self.window_rule,
            counted_from: self.counted_from,
        }
    }

    /// The counter of a row. How many of its requests are open is not known yet.
    pub fn of(row: &CounterRow) -> Self {
        Self {
            place_id: row.place_id,
            window_rule: row.window_rule,
            settled: row.settled,
            open: 0,
            starts_at: row.starts_at,
            resets_at: row.resets_at,
            counted_from: row.counted_from,
        }
    }
}
