//! Prolonging open reservations and raising what they hold: nothing that a new reservation would not get.

use super::batch::Batch;
use super::counters::{Amounts, Copy};
use super::decide::Ask;
use super::directory::State;
use super::message::{Decision, Extension};
use super::refuse;
use super::reservation::Reservation;
use super::reservations::milliseconds;
use crate::domain::decision::{Granted, Presented, Refusal, RefusalKind};
use crate::domain::money::Money;
use crate::domain::policy::PlaceKind;
use crate::error::{Error, Result};

impl State {
    /// Prolongs an open reservation and raises what it holds, or refuses as a reservation would be: when its key does not work any
    /// more, the copy of the profile does not allow the call any more, or a limit has no room for what comes on top.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the user does not hold the profile any more; [`Error::Internal`] when it is not open.
    pub fn extend(
        &mut self,
        batch: &mut Batch,
        number: i64,
        by: Extension,
        now_ms: i64,
    ) -> Result<Decision<Granted>> {
        let not_open = || Error::internal("extending a reservation", "it is not open");
        let before = self.open.get(&number).ok_or_else(not_open)?.clone();
        let mut after = before.clone();
        let more = |old: Option<i64>, new: Option<i64>| match (old, new) {
            (old, None) => old,
            (old, Some(new)) => Some(old.unwrap_or(0).max(new)),
        };
        after.estimated_tokens = more(before.estimated_tokens, by.estimated_tokens);
        after.estimated_cost = more(
            before.estimated_cost,
            by.estimated_cost.map(Money::nanodollars),
        );
        let wanted = self.hold(after.estimate(), after.max_hold);
        let extra = wanted.above(before.hold);
        if let Some(refusal) = self.refuses_more(&before, extra, now_ms)? {
            return Ok(Err(refusal));
        }
        after.hold.tokens += extra.tokens;
        after.hold.cost += extra.cost;
        let ttl = by.ttl.unwrap_or(self.settings.reservation_ttl);
        after.expires_at = before
            .expires_at
            .max(now_ms.saturating_add(milliseconds(ttl)));
        drop(self.remove_open(number));
        batch.extended(before, &after);
        self.put_open(after);
        self.granted(number, now_ms).map(Ok).ok_or_else(not_open)
    }

    /// Why a reservation can't go on.
    fn refuses_more(
        &self,
        reservation: &Reservation,
        extra: Amounts,
        now_ms: i64,
    ) -> Result<Option<Refusal>> {
        let Some((public_id, key)) = self.key_of(reservation.user_id, reservation.key_id) else {
            return Ok(Some(refuse::revoked_key()));
        };
        if self.latest(now_ms) >= key.expires_at {
            return Ok(Some(refuse::expired_key(key).refusal));
        }
        let Some(copy) = self.copy(reservation.user_id, reservation.copy_id) else {
            return Err(Error::conflict(
                "access_profile_gone",
                "",
                "the user does not hold the access profile of this reservation any more; settle or cancel it",
            ));
        };
        let call = reservation.call(Presented {
            public_id,
            secret_hash: key.secret_hash,
        });
        let ask = Ask::new(self, &call);
        if let Some(stop) = self.still_refuses(copy, &ask, now_ms) {
            return Ok(Some(refuse::by_copy(self, copy, &ask, &stop, now_ms)));
        }
        Ok(self.no_room_for(copy, reservation, extra, now_ms))
    }

    /// The refusal of a limit that has no room for more of a reservation.
    fn no_room_for(
        &self,
        copy: &Copy,
        reservation: &Reservation,
        extra: Amounts,
        now_ms: i64,
    ) -> Option<Refusal> {
        for at in copy.rules.covering(&reservation.provider_key) {
            let limit = &copy.rules.limits[*at];
            let asked = extra.of(limit.kind, 0);
            let standing = copy.standing(limit, now_ms, &self.zone);
            if asked == 0 || standing.has_room_for(Some(asked)) {
                continue;
            }
            let state = copy.state(limit, standing);
            return Some(Refusal {
                kind: if limit.kind == PlaceKind::Budget {
                    RefusalKind::BudgetExceeded
                } else {
                    RefusalKind::TokenLimited
                },
                message: refuse::no_room(&state, Some(asked)),
                retry_after_ms: Some((state.resets_at - now_ms).max(0)),
                access_profile_id: Some(copy.access_profile_id),
                limit: Some(state),
            });
        }
        None
    }
}
