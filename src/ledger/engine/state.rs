//! Everything that decisions depend on.

use jiff::tz::TimeZone;

use super::directory::Directory;
use super::reservations::Reservations;
use crate::domain::limits::window::{Window, Windows};
use crate::domain::settings::DecisionSettings;
use crate::domain::values::duration::ResetDuration;

/// Everything that decisions depend on, in memory.
pub struct LedgerState {
    /// The zone of the calendar.
    pub zone: TimeZone,
    /// How decisions are made.
    pub settings: DecisionSettings,
    /// Who holds what.
    pub directory: Directory,
    /// What is open.
    pub reservations: Reservations,
    /// The number of what happens next in the journal.
    pub next_number: i64,
    /// The day that was asked for last.
    today: Window,
}

impl LedgerState {
    /// Nobody, nothing.
    pub fn empty(settings: DecisionSettings, zone: TimeZone) -> Self {
        Self {
            zone,
            settings,
            directory: Directory::default(),
            reservations: Reservations::default(),
            next_number: 1,
            today: Window {
                starts_at: 0,
                resets_at: 0,
                number: 0,
            },
        }
    }

    /// A new number of the journal.
    pub fn number(&mut self) -> i64 {
        let number = self.next_number;
        self.next_number += 1;
        number
    }

    /// The number of the oldest reservation that is open; that of what happens next when none is.
    pub fn open_from(&self) -> i64 {
        self.reservations.oldest().unwrap_or(self.next_number)
    }

    /// The day of the configured zone that holds a time.
    pub fn day(&mut self, at_ms: i64) -> i64 {
        let known = self.today;
        if !(known.starts_at..known.resets_at).contains(&at_ms) {
            self.today = day_of(at_ms, &self.zone);
        }
        self.today.number
    }
}

/// The day of a zone that holds a time; its number counts from 1970-01-01.
pub fn day_of(at_ms: i64, zone: &TimeZone) -> Window {
    Windows::new(ResetDuration::DAY, true, None, 0, zone).at(at_ms)
}
