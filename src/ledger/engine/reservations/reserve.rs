//! Letting calls in: reservations are made, use without a reservation is charged. Changes memory and notes in the
//! batch what has to be written down.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::decision::amounts::{Amounts, Spent, TokenSplit};
use crate::domain::decision::journal::{
    Charge, ReservationEnd, ReservationState, UsageKey, UsageSum,
};
use crate::domain::decision::{Granted, Reservation, ReservationId, Settled};
use crate::ledger::engine::decision::demand::{Demand, Grant, Payer};
use crate::ledger::engine::effects::Effects;
use crate::ledger::engine::reservations::counted_reservation::CountedReservation;
use crate::ledger::engine::state::LedgerState;

impl LedgerState {
    /// Holds what a call asks on every limit of the line that grants it.
    pub fn reserve(
        &mut self,
        effects: &mut Effects,
        demand: &Demand<'_>,
        grant: Grant,
        nonce: i64,
        now_ms: i64,
    ) -> Option<Granted> {
        let number = self.number();
        let id = ReservationId { number, nonce };
        let (mut record, provider_key) = self.record(demand, grant.into(), id, now_ms)?;
        record.held = demand.terms_of(&provider_key)?.hold;
        record.expires_at = now_ms.saturating_add(milliseconds(self.settings.reservation_ttl));
        let reservation = CountedReservation::new(record, provider_key);
        effects.made(&reservation.record, None);
        self.let_in(effects, &reservation, Amounts::default(), true, now_ms);
        self.reservations.insert(reservation);
        self.granted(number, now_ms)
    }

    /// Charges a call that holds nothing and is over at once. Without a nonce nobody is told its id, and nobody will ask for it.
    pub fn charge(
        &mut self,
        effects: &mut Effects,
        demand: &Demand<'_>,
        payer: Payer,
        nonce: Option<i64>,
        spent: Spent,
        now_ms: i64,
    ) -> Option<Settled> {
        let amounts = spent.amounts();
        let number = self.number();
        let id = ReservationId {
            number,
            nonce: nonce.unwrap_or(0),
        };
        let (mut record, provider_key) = self.record(demand, payer, id, now_ms)?;
        let requests = demand.call.requests;
        record.requests = requests;
        let reservation = CountedReservation::new(record, provider_key);
        let end = ReservationEnd {
            state: ReservationState::Settled,
            expired: None,
            settled: Some(Charge {
                number,
                tokens: amounts.tokens,
                cost: amounts.cost,
            }),
            finished_at: now_ms,
            by: demand.call.owner,
        };
        self.let_in(effects, &reservation, amounts, false, now_ms);
        let record = &reservation.record;
        self.note_use(effects, record, (amounts, spent.split), requests);
        if nonce.is_some() {
            effects.finished(record, end);
        }
        effects.made(record, Some(end));
        Some(self.settled(record, amounts, false, now_ms))
    }

    /// The record of a call that holds nothing and expires at once, and its provider without regard to case.
    fn record(
        &self,
        demand: &Demand<'_>,
        payer: Payer,
        id: ReservationId,
        now_ms: i64,
    ) -> Option<(Reservation, Arc<str>)> {
        let call = demand.call;
        let copy = match payer.copy {
            Some(at) => Some(self.directory.copies_of(payer.user_id).get(at)?),
            None => None,
        };
        let (provider, provider_key) = match (copy, payer.line) {
            (Some(copy), Some(at)) => {
                let line = copy.rules.lines.get(at)?;
                (Arc::clone(&line.name), Arc::clone(&line.key))
            }
            _ => (
                call.provider.as_deref().unwrap_or_default().into(),
                demand.provider_key.as_deref().unwrap_or_default().into(),
            ),
        };
        let record = Reservation {
            id,
            virtual_key_id: payer.key_id,
            user_id: payer.user_id,
            // Numbers begin with 1: what no copy pays for is in the history alone.
            copy_id: copy.map_or(0, |copy| copy.id),
            access_profile_id: copy.map_or(payer.last_profile_id, |copy| copy.access_profile_id),
            provider,
            model: Arc::clone(&call.model),
            particulars: demand.particulars(&provider_key),
            held: Amounts::default(),
            request_id: call
                .request
                .as_ref()
                .map(|request| request.id.as_str().into()),
            created_at: now_ms,
            expires_at: now_ms,
            requests: 1,
            owner: call.owner,
        };
        Some((record, provider_key))
    }

    /// An open reservation as it is answered.
    pub fn granted(&self, number: i64, now_ms: i64) -> Option<Granted> {
        let reservation = self.reservations.get(number)?;
        let record = &reservation.record;
        let copy = self.directory.copy(record.user_id, record.copy_id);
        Some(Granted {
            reservation: record.id,
            expires_at_ms: record.expires_at,
            user_id: record.user_id,
            access_profile_id: record.access_profile_id,
            copy_id: record.copy_id,
            provider: Arc::clone(&record.provider),
            limits: copy.map_or_else(Vec::new, |copy| {
                copy.states(&reservation.provider_key, now_ms, &self.zone)
            }),
            repeated: false,
        })
    }

    /// Adds to the history of use, on the day on which the call was let in.
    pub fn note_use(
        &mut self,
        effects: &mut Effects,
        record: &Reservation,
        (amounts, split): (Amounts, TokenSplit),
        calls: i64,
    ) {
        let key = UsageKey {
            day: self.day(record.created_at),
            user_id: record.user_id,
            access_profile_id: record.access_profile_id,
            provider: Arc::clone(&record.provider),
            model: Arc::clone(&record.model),
        };
        let sum = UsageSum {
            calls,
            tokens: amounts.tokens,
            cost: amounts.cost,
            split,
        };
        effects.used(key, sum);
    }
}

/// A time in milliseconds.
pub fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
