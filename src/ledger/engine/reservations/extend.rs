//! Prolonging open reservations and raising what they hold: nothing that a new reservation would not get.

use std::time::Duration;

use super::reserve::milliseconds;
use crate::domain::decision::amounts::Amounts;
use crate::domain::decision::{Granted, Presented, Reservation};
use crate::domain::values::money::Money;
use crate::error::{Error, Result};
use crate::ledger::engine::decision::copy_decision;
use crate::ledger::engine::decision::demand::{Demand, Obstacle, RefusedCall, hold};
use crate::ledger::engine::decision::refuse;
use crate::ledger::engine::effects::Effects;
use crate::ledger::engine::reservations::counted_reservation::call_of;
use crate::ledger::engine::state::LedgerState;

/// What a reservation is extended by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extension {
    /// What the call will take in all; the hold only grows.
    pub estimated_tokens: Option<i64>,
    /// What the call will cost in all; the hold only grows.
    pub estimated_cost: Option<Money>,
    /// How long it is held from now on; the setting's time if not given.
    pub ttl: Option<Duration>,
}

impl LedgerState {
    /// Prolongs an open reservation and raises what it holds, or refuses as a reservation would be: when its key does not work any
    /// more, the copy of the profile does not allow the call any more, or a limit has no room for what comes on top in the window in
    /// which the call was let in. A limit that does not count the call is not asked.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the user does not hold the profile any more; [`Error::Internal`] when it is not open.
    pub fn extend(
        &mut self,
        effects: &mut Effects,
        number: i64,
        by: Extension,
        now_ms: i64,
    ) -> Result<std::result::Result<Granted, Box<RefusedCall>>> {
        let not_open = || Error::internal("extending a reservation", "it is not open");
        let before = self.reservations.get(number).ok_or_else(not_open)?.clone();
        let mut after = Reservation::clone(&before.record);
        let expected = &mut after.particulars;
        expected.estimated_tokens = expected.estimated_tokens.max(by.estimated_tokens);
        expected.estimated_cost = expected.estimated_cost.max(by.estimated_cost);
        let extra = hold(&self.settings, &after.particulars).above(after.held);
        if let Some(refused) = self.refuses_more(&after, extra, now_ms)? {
            return Ok(Err(refused));
        }
        after.held.tokens += extra.tokens;
        after.held.cost += extra.cost;
        let ttl = by.ttl.unwrap_or(self.settings.reservation_ttl);
        let until = now_ms.saturating_add(milliseconds(ttl));
        after.expires_at = after.expires_at.max(until);
        let after = before.changed(after);
        if extra != Amounts::default() {
            self.hold_more(effects, &after, extra);
        }
        drop(self.reservations.remove(number));
        effects.extended(before, &after.record);
        self.reservations.insert(after);
        self.granted(number, now_ms).map(Ok).ok_or_else(not_open)
    }

    /// Why a reservation can't go on as it would be `after` it is extended.
    fn refuses_more(
        &self,
        after: &Reservation,
        extra: Amounts,
        now_ms: i64,
    ) -> Result<Option<Box<RefusedCall>>> {
        let user_id = after.user_id;
        let Some((public_id, key)) = self.directory.key_of(user_id, after.virtual_key_id) else {
            return Ok(Some(refuse::revoked_key(user_id)));
        };
        if self.directory.is_key_over(key, now_ms) {
            return Ok(Some(refuse::expired_key(key)));
        }
        let Some(copy) = self.directory.copy(user_id, after.copy_id) else {
            return Err(Error::conflict(
                "access_profile_gone",
                "",
                "the user does not hold the access profile of this reservation any more; settle or cancel it",
            ));
        };
        let presented = Presented {
            public_id,
            secret_hash: key.secret_hash,
        };
        let call = call_of(after, presented);
        let demand = Demand::new(&self.settings, &call).more(extra, after.id.number);
        let obstacle = copy_decision::find_obstacle(self, copy, &demand, now_ms);
        let refusal = |obstacle: Obstacle| {
            refuse::in_copy(user_id, copy, &demand, &obstacle, now_ms, &self.zone)
        };
        Ok(obstacle.map(refusal))
    }
}
