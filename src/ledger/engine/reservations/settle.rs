//! The end of reservations: settled, cancelled, or expired; and settled after all.

use std::sync::Arc;

use crate::domain::decision::amounts::{Amounts, PricedUse, Spent, TokenSplit};
use crate::domain::decision::journal::{Charge, ReservationEnd, ReservationState};
use crate::domain::decision::{Party, Reservation, Settled};
use crate::domain::settings::OnExpiry;
use crate::domain::values::letter_case::fold;
use crate::domain::values::money::Money;
use crate::error::{Error, Result};
use crate::ledger::engine::effects::Effects;
use crate::ledger::engine::reservations::counted_reservation::CountedReservation;
use crate::ledger::engine::state::LedgerState;

impl LedgerState {
    /// Charges what an open reservation really used and frees its hold; `None` when it is not open.
    pub fn settle(
        &mut self,
        effects: &mut Effects,
        number: i64,
        used: PricedUse,
        by: Party,
        now_ms: i64,
    ) -> Option<Settled> {
        let PricedUse { spent, priced_by } = used;
        let amounts = spent.amounts();
        let mut reservation = self.reservations.remove(number)?;
        reprice(&mut reservation.record, priced_by);
        self.end_hold(effects, &reservation, amounts, 0);
        let number = self.number();
        let end = ReservationEnd {
            state: ReservationState::Settled,
            expired: None,
            settled: Some(charge(number, amounts)),
            finished_at: now_ms,
            by,
        };
        let record = Arc::clone(&reservation.record);
        self.note_use(effects, &record, (amounts, spent.split), 1);
        effects.closed(reservation, end);
        Some(self.settled(&record, amounts, false, now_ms))
    }

    /// Settles a reservation that is over: once more with the same numbers, or after it has expired or was cancelled. Whoever settles
    /// what was cancelled has made the call after all. `end.by` is who does it now.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it was settled with other numbers.
    pub fn settle_finished(
        &mut self,
        effects: &mut Effects,
        record: &Arc<Reservation>,
        end: ReservationEnd,
        used: PricedUse,
        now_ms: i64,
    ) -> Result<Settled> {
        let PricedUse { spent, priced_by } = used;
        let amounts = spent.amounts();
        let before = end
            .settled
            .filter(|_| end.state == ReservationState::Settled);
        match before {
            Some(before) if (before.tokens, before.cost) == (amounts.tokens, amounts.cost) => {
                Ok(self.settled(record, amounts, true, now_ms))
            }
            Some(before) => Err(Error::conflict(
                "already_settled",
                "",
                format!(
                    "the reservation was settled with {} tokens and ${}",
                    before.tokens,
                    dollars(before.cost)
                ),
            )),
            None => {
                let mut record = Arc::clone(record);
                reprice(&mut record, priced_by);
                let state = ReservationState::Settled;
                self.mend(effects, &record, end, state, spent, now_ms);
                Ok(self.settled(&record, amounts, false, now_ms))
            }
        }
    }

    /// Frees an open reservation whose call was never made, and takes its request back; `None` when it is not open.
    pub fn cancel(
        &mut self,
        effects: &mut Effects,
        number: i64,
        by: Party,
        now_ms: i64,
    ) -> Option<()> {
        let reservation = self.reservations.remove(number)?;
        self.end_hold(effects, &reservation, Amounts::default(), -1);
        let end = ReservationEnd {
            state: ReservationState::Cancelled,
            expired: None,
            settled: None,
            finished_at: now_ms,
            by,
        };
        effects.closed(reservation, end);
        Some(())
    }

    /// Cancels a reservation that is over: once more, or after it has expired; then its charge is taken back too. `end.by` is who
    /// does it now.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it was settled.
    pub fn cancel_finished(
        &mut self,
        effects: &mut Effects,
        record: &Arc<Reservation>,
        end: ReservationEnd,
        now_ms: i64,
    ) -> Result<()> {
        match end.state {
            ReservationState::Settled => Err(Error::conflict(
                "already_settled",
                "",
                "the reservation was settled: its call was made",
            )),
            ReservationState::Cancelled | ReservationState::Open => Ok(()),
            ReservationState::Expired => {
                let nothing = Spent::default();
                self.mend(
                    effects,
                    record,
                    end,
                    ReservationState::Cancelled,
                    nothing,
                    now_ms,
                );
                Ok(())
            }
        }
    }

    /// Ends the reservations whose time is up at `now_ms`, so many at most, and answers which.
    pub fn expire(&mut self, effects: &mut Effects, now_ms: i64, most: usize) -> Vec<i64> {
        let mut expired = Vec::new();
        while expired.len() < most
            && let Some(number) = self.reservations.next_expired(now_ms)
        {
            self.expire_one(effects, number, now_ms);
            expired.push(number);
        }
        expired
    }

    /// Ends a reservation whose time is up, as the settings say: charged at its estimate, also where
    /// less was held, or given back with its request. What the proxy held was sent, so it is charged; and so is what came with a virtual
    /// key, because whoever has it may have asked for the hold.
    pub fn expire_one(&mut self, effects: &mut Effects, number: i64, now_ms: i64) {
        let Some(reservation) = self.reservations.remove(number) else {
            return;
        };
        let is_charged =
            self.settings.on_expiry == OnExpiry::Charge || reservation.record.owner.is_of_a_call();
        let charged = is_charged.then(|| {
            let (number, estimate) = (self.number(), reservation.record.particulars.estimate());
            self.end_hold(effects, &reservation, estimate, 0);
            let unknown = TokenSplit::default();
            self.note_use(effects, &reservation.record, (estimate, unknown), 1);
            charge(number, estimate)
        });
        if charged.is_none() {
            self.end_hold(effects, &reservation, Amounts::default(), -1);
        }
        let by = if reservation.is_orphan {
            Party::UserDeletion
        } else {
            Party::Expiry
        };
        let end = ReservationEnd {
            state: ReservationState::Expired,
            expired: charged,
            settled: None,
            finished_at: now_ms,
            by,
        };
        effects.closed(reservation, end);
    }

    /// Replaces what a reservation that is over was charged by what it really used, in the windows in which it was let in and on that
    /// day. Where nothing of such a window is open any more, nobody can spend what is given back, and the history alone is mended.
    fn mend(
        &mut self,
        effects: &mut Effects,
        record: &Arc<Reservation>,
        end: ReservationEnd,
        state: ReservationState,
        spent: Spent,
        now_ms: i64,
    ) {
        let amounts = spent.amounts();
        // Nothing counts a hold that was released.
        let expired = end.expired.map(Charge::amounts).unwrap_or_default();
        // What was cancelled after it had expired was given back already.
        let counted = end.settled.map_or(expired, Charge::amounts);
        let difference = amounts.less(counted);
        let number = self.number();
        // A hold that was released or cancelled was no call so far.
        let was_call = end.state == ReservationState::Expired && end.expired.is_some();
        let calls = i64::from(state == ReservationState::Settled) - i64::from(was_call);
        let reservation = CountedReservation::of(Arc::clone(record));
        let more = (difference, amounts.above(expired));
        let charged_at = end.expired.map(|charge| charge.number);
        self.correct(effects, &reservation, more, calls, charged_at);
        self.note_use(effects, record, (difference, spent.split), calls);
        let end = ReservationEnd {
            state,
            expired: end.expired,
            settled: Some(charge(number, amounts)),
            finished_at: now_ms,
            by: end.by,
        };
        effects.mended(record, end);
    }

    /// A reservation that is over as it is answered.
    pub fn settled(
        &self,
        record: &Reservation,
        amounts: Amounts,
        repeated: bool,
        now_ms: i64,
    ) -> Settled {
        let copy = self.directory.copy(record.user_id, record.copy_id);
        Settled {
            reservation: record.id,
            user_id: record.user_id,
            access_profile_id: record.access_profile_id,
            copy_id: record.copy_id,
            provider: Arc::clone(&record.provider),
            tokens: amounts.tokens,
            cost: Money::from_nanodollars(amounts.cost).unwrap_or(Money::MAX),
            limits: copy.map_or_else(Vec::new, |copy| {
                copy.states(&fold(&record.provider), now_ms, &self.zone)
            }),
            outside_policy: None,
            priced_by: record.particulars.priced_by().cloned(),
            repeated,
        }
    }
}

/// Notes whose price it is that a call is charged by.
fn reprice(record: &mut Arc<Reservation>, priced_by: Option<Arc<str>>) {
    if record.particulars.priced_by() != priced_by.as_ref() {
        Arc::make_mut(record).particulars.set_priced_by(priced_by);
    }
}

impl Charge {
    fn amounts(self) -> Amounts {
        Amounts {
            tokens: self.tokens,
            cost: self.cost,
        }
    }
}

fn charge(number: i64, amounts: Amounts) -> Charge {
    Charge {
        number,
        tokens: amounts.tokens,
        cost: amounts.cost,
    }
}

fn dollars(cost: i64) -> Money {
    Money::from_nanodollars(cost).unwrap_or(Money::MAX)
}
