//! Counting what a reservation uses on the limits of its copy that cover its provider. Changes memory and notes in the batch what
//! has to be written down.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::Effects;
use crate::domain::decision::amounts::Amounts;
use crate::domain::limits::limit::{Limit, LimitKind};
use crate::ledger::engine::directory::counter::Counter;
use crate::ledger::engine::directory::user_profile::UserProfile;
use crate::ledger::engine::reservations::counted_reservation::CountedReservation;
use crate::ledger::engine::state::LedgerState;

impl LedgerState {
    /// Counts amounts and requests. `requests` are those of a call that is let in now, none when it was let in before.
    ///
    /// A call that is let in moves every limit to the window that is open, also where nothing is counted of it yet: what the room
    /// of one window let in must never come upon the use of the window before, should the clock go back.
    pub fn count(
        &mut self,
        effects: &mut Effects,
        reservation: &CountedReservation,
        amounts: Amounts,
        requests: Option<i64>,
        number: i64,
        now_ms: i64,
    ) {
        self.each_limit(reservation, |copy, limit, zone| {
            let added = amounts.of(limit.key.kind, requests.unwrap_or(0));
            let opens = requests.is_some() && !copy.stands_in_window(limit, now_ms, zone);
            if added != 0 || opens {
                let mut note =
                    |place_id, before| effects.touched(reservation, place_id, before, true);
                copy.touch(limit, now_ms, zone, number, &mut note)
                    .add(added);
            }
        });
    }

    /// Adds a difference to what a charge with the number `charged_at` counted; where that counts no more, what comes on top of it.
    pub fn correct(
        &mut self,
        effects: &mut Effects,
        reservation: &CountedReservation,
        (difference, on_top): (Amounts, Amounts),
        charged_at: i64,
        number: i64,
        now_ms: i64,
    ) {
        self.each_limit(reservation, |copy, limit, zone| {
            let (difference, on_top) = (
                difference.of(limit.key.kind, 0),
                on_top.of(limit.key.kind, 0),
            );
            if difference == 0 && on_top == 0 {
                return;
            }
            let mut note = |place_id, before| effects.touched(reservation, place_id, before, true);
            let counter = copy.touch(limit, now_ms, zone, number, &mut note);
            counter.add(if counter.counted_from <= charged_at {
                difference
            } else {
                on_top
            });
        });
    }

    /// Adds to what is known to be open of the request of a reservation, where it counts.
    pub fn count_open(
        &mut self,
        effects: &mut Effects,
        reservation: &CountedReservation,
        added: i64,
    ) {
        self.each_request_counter(reservation, |counter| {
            effects.touched(reservation, counter.place_id, Some(*counter), false);
            counter.open += added;
        });
    }

    /// Takes the request of a reservation back (-1), or counts it again (1), where its window is still open.
    pub fn correct_request(
        &mut self,
        effects: &mut Effects,
        reservation: &CountedReservation,
        added: i64,
    ) {
        self.each_request_counter(reservation, |counter| {
            effects.touched(reservation, counter.place_id, Some(*counter), true);
            counter.add(added);
        });
    }

    /// Takes up an open reservation of the journal.
    pub fn reopen(&mut self, reservation: CountedReservation) {
        self.each_request_counter(&reservation, |counter| counter.open += 1);
        self.put_open(reservation);
    }

    /// The counters that count the request of a reservation, while its windows are open.
    fn each_request_counter(
        &mut self,
        reservation: &CountedReservation,
        mut each: impl FnMut(&mut Counter),
    ) {
        self.each_limit(reservation, |copy, limit, _| {
            if limit.key.kind != LimitKind::Requests {
                return;
            }
            let found = copy.counters.iter_mut().find(|counter| {
                counter.place_id == limit.place_id && counter.counted_from <= reservation.number()
            });
            if let Some(counter) = found {
                each(counter);
            }
        });
    }

    /// The limits that cover the provider of a reservation, if the user still holds its copy.
    fn each_limit(
        &mut self,
        reservation: &CountedReservation,
        mut each: impl FnMut(&mut UserProfile, &Limit, &TimeZone),
    ) {
        let Self {
            directory, zone, ..
        } = self;
        let (user_id, copy_id) = (reservation.record.user_id, reservation.record.copy_id);
        let Some(copy) = directory.copy_mut(user_id, copy_id) else {
            return;
        };
        let rules = Arc::clone(&copy.rules);
        for at in rules.covering(&reservation.provider_key) {
            each(copy, &rules.limits[*at], zone);
        }
    }
}
