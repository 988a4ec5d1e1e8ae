//! Letting calls in: reservations are made, use without a reservation is charged. Changes memory and notes in the
//! batch what has to be written down.

use std::sync::Arc;
use std::time::Duration;

use super::reservation::Reservation;
use crate::domain::decision::journal::{
    Charge, ReservationEnd, ReservationRow, ReservationState, UsageKey, UsageSum,
};
use crate::domain::decision::{Granted, ReservationId, Settled};
use crate::domain::values::money::Money;
use crate::ledger::engine::decision::demand::{Demand, Grant, Payer};
use crate::ledger::engine::directory::user_profile::Amounts;
use crate::ledger::engine::effects::Effects;
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
        let mut reservation = self.prepared(demand, grant.into(), id, now_ms)?;
        reservation.expires_at = now_ms.saturating_add(milliseconds(self.settings.reservation_ttl));
        effects.made(reservation.row());
        let nothing = Amounts::default();
        self.count(effects, &reservation, nothing, Some(1), number, now_ms);
        self.count_open(effects, &reservation, 1);
        self.put_open(reservation);
        self.granted(number, now_ms)
    }

    /// Charges a call that holds nothing and is over at once. Without a nonce nobody is told its id, and nobody will ask for it.
    pub fn charge(
        &mut self,
        effects: &mut Effects,
        demand: &Demand<'_>,
        payer: Payer,
        nonce: Option<i64>,
        amounts: Amounts,
        now_ms: i64,
    ) -> Option<Settled> {
        let number = self.number();
        let id = ReservationId {
            number,
            nonce: nonce.unwrap_or(0),
        };
        let mut reservation = self.prepared(demand, payer, id, now_ms)?;
        reservation.hold = Amounts::default();
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
        let requests = demand.call.requests;
        let row = ReservationRow {
            end: Some(end),
            requests,
            ..reservation.row()
        };
        self.count(
            effects,
            &reservation,
            amounts,
            Some(requests),
            number,
            now_ms,
        );
        self.note_use(effects, &row, amounts, requests, now_ms);
        let settled = self.settled(&row, amounts, false, now_ms);
        if nonce.is_some() {
            effects.finished.insert(number, row.clone());
        }
        effects.made(row);
        Some(settled)
    }

    fn prepared(
        &self,
        demand: &Demand<'_>,
        payer: Payer,
        id: ReservationId,
        now_ms: i64,
    ) -> Option<Reservation> {
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
        Some(Reservation {
            id,
            key_id: payer.key_id,
            user_id: payer.user_id,
            // Numbers begin with 1: what no copy pays for is in the history alone.
            copy_id: copy.map_or(0, |copy| copy.id),
            access_profile_id: copy.map_or(payer.last_profile_id, |copy| copy.access_profile_id),
            provider,
            provider_key,
            model: Arc::from(call.model.as_str()),
            mcp: call.mcp.clone().map(Box::new),
            estimated_tokens: call.estimated_tokens,
            estimated_cost: call.estimated_cost.map(Money::nanodollars),
            hold: demand.hold,
            request_id: call
                .request
                .as_ref()
                .map(|request| request.id.as_str().into()),
            created_at: now_ms,
            expires_at: now_ms,
            max_hold: call.max_hold.map(Money::nanodollars),
            owner: call.owner,
            is_orphan: false,
        })
    }

    /// An open reservation as it is answered.
    pub fn granted(&self, number: i64, now_ms: i64) -> Option<Granted> {
        let reservation = self.reservations.get(number)?;
        let copy = self
            .directory
            .copy(reservation.user_id, reservation.copy_id);
        Some(Granted {
            reservation: reservation.id,
            expires_at_ms: reservation.expires_at,
            user_id: reservation.user_id,
            access_profile_id: reservation.access_profile_id,
            copy_id: reservation.copy_id,
            provider: Arc::clone(&reservation.provider),
            limits: copy.map_or_else(Vec::new, |copy| {
                copy.states(&reservation.provider_key, now_ms, &self.zone)
            }),
            repeated: false,
        })
    }

    /// Adds to the history of use, on the day that holds `at_ms`.
    pub fn note_use(
        &mut self,
        effects: &mut Effects,
        row: &ReservationRow,
        amounts: Amounts,
        calls: i64,
        at_ms: i64,
    ) {
        let key = UsageKey {
            day: self.day(at_ms),
            user_id: row.user_id,
            access_profile_id: row.access_profile_id,
            provider: Arc::clone(&row.provider),
            model: Arc::clone(&row.model),
        };
        let sum = UsageSum {
            calls,
            tokens: amounts.tokens,
            cost: amounts.cost,
        };
        effects.used(key, sum);
    }
}

/// A time in milliseconds.
pub fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
