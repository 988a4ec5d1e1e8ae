//! A copy of a profile in the plain model: its limits, and what they count.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use tollkeeper::domain::limits::limit::LimitKind;
use tollkeeper::domain::limits::window::{Window, Windows};

use crate::plan::{Line, Plan, duration};

/// Where a limit counts.
pub type Place = (LimitKind, Option<&'static str>, &'static str);

#[derive(Debug, Clone, Copy)]
pub struct Counter {
    pub used: i64,
    pub window: Window,
    /// Changes whenever a window begins.
    pub epoch: u64,
    /// When its use was reset by hand.
    pub reset: u64,
}

impl Counter {
    /// What has grown beyond everything that can be counted stays there.
    pub fn add(&mut self, amount: i64) {
        if self.used < i64::MAX {
            self.used = self.used.saturating_add(amount);
        }
    }
}

pub struct Copy {
    pub user: usize,
    pub id: i64,
    pub made_at: i64,
    pub plan: Plan,
    /// Those of the windows that were used last.
    pub counters: HashMap<Place, Counter>,
    /// Those of all windows before, by their epochs.
    pub over: HashMap<(Place, u64), Counter>,
    /// Raised by: amount, cycles, when its first window began.
    overrides: HashMap<Place, (i64, Option<i64>, i64)>,
}

impl Copy {
    pub fn new(user: usize, copy_id: i64, made_at: i64, plan: Plan) -> Self {
        Self {
            user,
            id: copy_id,
            made_at,
            plan,
            counters: HashMap::new(),
            over: HashMap::new(),
            overrides: HashMap::new(),
        }
    }

    pub fn windows(&self, plan: &Plan, place: Place) -> Windows {
        Windows::new(
            duration(place.2),
            plan.aligned,
            None,
            self.made_at,
            &TimeZone::UTC,
        )
    }

    /// The counter of a place at `now`, were it used then; a new epoch is 0 here.
    pub fn current(&self, place: Place, now: i64) -> Counter {
        let windows = self.windows(&self.plan, place);
        match self.counters.get(&place) {
            None => Counter {
                used: 0,
                window: windows.at(now),
                epoch: 0,
                reset: 0,
            },
            Some(counter) => {
                let window = windows.follow(counter.window, now);
                if window.starts_at == counter.window.starts_at {
                    *counter
                } else {
                    Counter {
                        used: 0,
                        window,
                        epoch: 0,
                        reset: 0,
                    }
                }
            }
        }
    }

    /// Puts the counter of the open window in place of the one before, which stays if it was another's.
    pub fn begin(&mut self, place: Place, counter: Counter) {
        let before = self.counters.insert(place, counter);
        if let Some(before) = before.filter(|before| before.epoch != counter.epoch) {
            self.over.insert((place, before.epoch), before);
        }
    }

    /// The counter with an epoch, unless its limit is gone since.
    pub fn known_window(&self, place: Place, epoch: u64) -> Option<&Counter> {
        let last = self.counters.get(&place);
        let last = last.filter(|counter| counter.epoch == epoch);
        last.or_else(|| self.over.get(&(place, epoch)))
    }

    /// The same, to count in.
    pub fn window(&mut self, place: Place, epoch: u64) -> Option<&mut Counter> {
        match self.counters.get_mut(&place) {
            Some(last) if last.epoch == epoch => Some(last),
            _ => self.over.get_mut(&(place, epoch)),
        }
    }

    pub fn covering(&self, provider: &str) -> Vec<Line> {
        let all = self.plan.limits.iter().copied();
        all.filter(|(_, of, ..)| of.is_none_or(|of| of == provider))
            .collect()
    }

    pub fn effective(&self, line: Line, now: i64) -> i64 {
        let open = self.current((line.0, line.1, line.2), now).window;
        self.raised_in(line, open)
    }

    /// The same in a window that may be over: what was given after it raises nothing there.
    pub fn effective_in(&self, line: Line, window: Window) -> i64 {
        let over = self.overrides.get(&(line.0, line.1, line.2));
        if over.is_some_and(|(_, _, anchor)| *anchor >= window.resets_at) {
            return line.3;
        }
        self.raised_in(line, window)
    }

    fn raised_in(&self, line: Line, open: Window) -> i64 {
        let place = (line.0, line.1, line.2);
        let Some((amount, cycles, anchor)) = self.overrides.get(&place) else {
            return line.3;
        };
        let windows = self.windows(&self.plan, place);
        let passed = windows.at(open.starts_at).number - windows.at(*anchor).number;
        if cycles.is_none_or(|cycles| passed.max(0) < cycles) {
            line.3 + amount
        } else {
            line.3
        }
    }

    /// Raises a budget; answers the window it begins with.
    pub fn raise(&mut self, place: Place, amount: i64, cycles: Option<i64>, now: i64) -> i64 {
        let anchor = self.current(place, now).window.starts_at;
        self.overrides.insert(place, (amount, cycles, anchor));
        anchor
    }
}
