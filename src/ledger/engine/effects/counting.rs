//! Counting on the limits of a copy what a reservation holds and uses. Changes memory and notes in the batch what has to be written
//! down.
//!
//! A call counts in the windows in which it was let in, whenever it ends. Where such a counter is gone, nothing counts: the history alone
//! tells of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::Effects;
use crate::domain::decision::amounts::Amounts;
use crate::domain::decision::journal::{CounterName, NOT_CLOSED};
use crate::domain::limits::limit::{Limit, LimitKind};
use crate::ledger::engine::directory::counter::Counter;
use crate::ledger::engine::directory::user_profile::UserProfile;
use crate::ledger::engine::reservations::counted_reservation::CountedReservation;
use crate::ledger::engine::state::LedgerState;

impl LedgerState {
    /// Counts a call that is let in now: its requests, what it is charged at once, and what it holds if it stays open.
    ///
    /// It moves every limit to the window that is open, also where nothing is counted of it yet: what the room of one window let in
    /// must never come upon the use of the window before, should the clock go back.
    pub fn let_in(
        &mut self,
        effects: &mut Effects,
        reservation: &CountedReservation,
        charged: Amounts,
        stays_open: bool,
        now_ms: i64,
    ) {
        let (record, number) = (&reservation.record, reservation.number());
        self.each_limit(reservation, |copy, limit, zone| {
            let (kind, place_id) = (limit.key.kind, limit.place_id);
            let last = copy.counters.last(place_id).copied();
            let mut counter = copy.current(limit, now_ms, zone, number);
            let is_new = last.is_none_or(|last| last.let_in_from != counter.let_in_from);
            let added = charged.of(kind, record.requests);
            if !(is_new || stays_open || added != 0) {
                return;
            }
            counter.add(added);
            if stays_open {
                counter.hold(record.held.of(kind, record.requests));
            }
            let name = |until| CounterName {
                copy_id: copy.id,
                place_id,
                until,
            };
            let user_id = record.user_id;
            effects.touched(user_id, name(NOT_CLOSED), last, is_new || added != 0);
            if let Some(closed) = last.filter(|last| is_new && last.open > 0) {
                effects.touched(user_id, name(number), None, true);
                copy.counters.put(place_id, number, Some(closed));
            }
            copy.counters.put(place_id, NOT_CLOSED, Some(counter));
        });
    }

    /// Adds to what an open reservation holds.
    pub fn hold_more(
        &mut self,
        effects: &mut Effects,
        reservation: &CountedReservation,
        more: Amounts,
    ) {
        self.change_counters(effects, reservation, |kind, counter| {
            counter.held += i128::from(more.of(kind, 0));
        });
    }

    /// Frees what a reservation held that was open, and counts what it used; `requests` are added to its own: -1 takes it back.
    pub fn end_hold(
        &mut self,
        effects: &mut Effects,
        reservation: &CountedReservation,
        used: Amounts,
        requests: i64,
    ) {
        let record = &reservation.record;
        self.change_counters(effects, reservation, |kind, counter| {
            counter.free(record.held.of(kind, record.requests));
            counter.add(used.of(kind, requests));
        });
    }

    /// Adds a difference to what the charge of an expiry, with the number `charged_at`, counted of a reservation that is over, and to its
    /// requests; where the use was reset since that charge, what comes on top of it.
    pub fn correct(
        &mut self,
        effects: &mut Effects,
        reservation: &CountedReservation,
        (difference, on_top): (Amounts, Amounts),
        requests: i64,
        charged_at: Option<i64>,
    ) {
        self.change_counters(effects, reservation, |kind, counter| {
            let is_reset = charged_at.is_some_and(|number| number < counter.counted_from);
            counter.add(if is_reset {
                on_top.of(kind, 0)
            } else {
                difference.of(kind, requests)
            });
        });
    }

    /// Takes up an open reservation of the journal.
    pub fn reopen(&mut self, reservation: CountedReservation) {
        let (record, number) = (&reservation.record, reservation.number());
        self.each_limit(&reservation, |copy, limit, _| {
            let place_id = limit.place_id;
            if let Some((until, counter)) = copy.counters.of(place_id, number) {
                let mut counter = *counter;
                counter.hold(record.held.of(limit.key.kind, record.requests));
                copy.counters.put(place_id, until, Some(counter));
            }
        });
        self.reservations.insert(reservation);
    }

    /// Lets limits that were set since count these open reservations of copies, by number, that were let in in the window that is open
    /// at `now_ms`: what they hold from now on, as what comes from `number` on. Answers which counters that begins, each with its user.
    pub fn adopt(
        &mut self,
        copies: &BTreeSet<i64>,
        number: i64,
        now_ms: i64,
    ) -> BTreeMap<CounterName, i64> {
        let mut begun = BTreeMap::new();
        if copies.is_empty() {
            return begun;
        }
        let open = self.reservations.iter();
        let open: Vec<_> = open
            .filter(|one| copies.contains(&one.record.copy_id))
            .cloned()
            .collect();
        for reservation in open {
            let record = &reservation.record;
            self.each_limit(&reservation, |copy, limit, zone| {
                let (kind, place_id) = (limit.key.kind, limit.place_id);
                let name = CounterName {
                    copy_id: copy.id,
                    place_id,
                    until: NOT_CLOSED,
                };
                let last = copy.counters.last(place_id).copied();
                let is_begun = begun.contains_key(&name);
                let mut counter = copy.current(limit, now_ms, zone, reservation.number());
                let begins = last.is_none() && record.created_at >= counter.starts_at;
                if !(is_begun || begins) {
                    return;
                }
                counter.counted_from = number;
                counter.hold(record.held.of(kind, record.requests));
                counter.add(Amounts::default().of(kind, record.requests));
                copy.counters.put(place_id, NOT_CLOSED, Some(counter));
                begun.insert(name, record.user_id);
            });
        }
        begun
    }

    /// Changes the counters of the windows in which a reservation was let in. A closed one of which nothing is open any more is gone.
    fn change_counters(
        &mut self,
        effects: &mut Effects,
        reservation: &CountedReservation,
        mut change: impl FnMut(LimitKind, &mut Counter),
    ) {
        let (user_id, number) = (reservation.record.user_id, reservation.number());
        self.each_limit(reservation, |copy, limit, _| {
            let place_id = limit.place_id;
            let Some((until, before)) = copy.counters.of(place_id, number) else {
                return;
            };
            let (before, mut counter) = (*before, *before);
            change(limit.key.kind, &mut counter);
            if counter == before {
                return;
            }
            let name = CounterName {
                copy_id: copy.id,
                place_id,
                until,
            };
            let is_gone = until != NOT_CLOSED && counter.open == 0;
            let is_written = is_gone || counter.settled != before.settled;
            effects.touched(user_id, name, Some(before), is_written);
            copy.counters
                .put(place_id, until, (!is_gone).then_some(counter));
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
