//! Everything that decisions depend on.

use jiff::tz::TimeZone;

use super::directory::Directory;
use super::directory::key::Key;
use super::directory::user_profile::UserProfile;
use super::reservations::Reservations;
use super::reservations::counted_reservation::CountedReservation;
use crate::domain::credential::ID_LENGTH;
use crate::domain::decision::amounts::Amounts;
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

    /// See [`Directory::put_user`].
    pub fn put_user(
        &mut self,
        user_id: i64,
        copies: Vec<UserProfile>,
        keys: Vec<([u8; ID_LENGTH], Key)>,
    ) {
        self.directory
            .put_user(user_id, copies, keys, self.next_number);
    }

    /// Adds an open reservation and what it holds.
    pub fn put_open(&mut self, reservation: CountedReservation) {
        let (user_id, copy_id) = (reservation.record.user_id, reservation.record.copy_id);
        if let Some(copy) = self.directory.copy_mut(user_id, copy_id) {
            copy.hold(&reservation.provider_key, reservation.record.held, 1);
        }
        self.reservations.insert(reservation);
    }

    /// Takes an open reservation away, and what it holds.
    pub fn remove_open(&mut self, number: i64) -> Option<CountedReservation> {
        let reservation = self.reservations.remove(number)?;
        let freed = Amounts {
            tokens: -reservation.record.held.tokens,
            cost: -reservation.record.held.cost,
        };
        let (user_id, copy_id) = (reservation.record.user_id, reservation.record.copy_id);
        if let Some(copy) = self.directory.copy_mut(user_id, copy_id) {
            copy.hold(&reservation.provider_key, freed, -1);
        }
        Some(reservation)
    }
}

/// The day of a zone that holds a time; its number counts from 1970-01-01.
pub fn day_of(at_ms: i64, zone: &TimeZone) -> Window {
    Windows::new(ResetDuration::DAY, true, None, 0, zone).at(at_ms)
}
