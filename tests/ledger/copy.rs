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
    /// Changes whenever it starts at zero.
    pub epoch: u64,
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
    pub counters: HashMap<Place, Counter>,
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
                    }
                }
            }
        }
    }

    pub fn covering(&self, provider: &str) -> Vec<Line> {
        let all = self.plan.limits.iter().copied();
        all.filter(|(_, of, ..)| of.is_none_or(|of| of == provider))
            .collect()
    }

    pub fn effective(&self, line: Line, now: i64) -> i64 {
        let place = (line.0, line.1, line.2);
        let Some((amount, cycles, anchor)) = self.overrides.get(&place) else {
            return line.3;
        };
        let windows = self.windows(&self.plan, place);
        let open = self.current(place, now).window;
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
