//! Prolonging open reservations and raising what they hold: nothing that a new reservation would not get.

use super::batch::Batch;
use super::counters::Amounts;
use super::decide::{Ask, Refused};
use super::directory::State;
use super::message::Extension;
use super::refuse;
use super::reservation::Reservation;
use super::reservations::milliseconds;
use crate::domain::decision::{Granted, Presented};
use crate::domain::money::Money;
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
    ) -> Result<std::result::Result<Granted, Box<Refused>>> {
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
        let extra = self
            .hold(after.estimate(), after.max_hold)
            .above(before.hold);
        if let Some(refused) = self.refuses_more(&after, extra, now_ms)? {
            return Ok(Err(refused));
        }
        after.hold.tokens += extra.tokens;
        after.hold.cost += extra.cost;
        let ttl = by.ttl.unwrap_or(self.settings.reservation_ttl);
        after.expires_at = before
            .expires_at
            .max(now_ms.saturating_add(milliseconds(ttl)));
        if extra != Amounts::default() {
            // More is let in by the windows that are open now; nothing of it is counted yet.
            let (nothing, from) = (Amounts::default(), self.next_number);
            self.count(batch, &after, nothing, Some(0), from, now_ms);
        }
        drop(self.remove_open(number));
        batch.extended(before, &after);
        self.put_open(after);
        self.granted(number, now_ms).map(Ok).ok_or_else(not_open)
    }

    /// Why a reservation can't go on as it would be `after` it is extended.
    fn refuses_more(
        &self,
        after: &Reservation,
        extra: Amounts,
        now_ms: i64,
    ) -> Result<Option<Box<Refused>>> {
        let user_id = after.user_id;
        let Some((public_id, key)) = self.key_of(user_id, after.key_id) else {
            return Ok(Some(refuse::revoked_key(user_id)));
        };
        if self.is_key_over(key, now_ms) {
            return Ok(Some(refuse::expired_key(key)));
        }
        let Some(copy) = self.copy(user_id, after.copy_id) else {
            return Err(Error::conflict(
                "access_profile_gone",
                "",
                "the user does not hold the access profile of this reservation any more; settle or cancel it",
            ));
        };
        let call = after.call(Presented {
            public_id,
            secret_hash: key.secret_hash,
        });
        let ask = Ask::new(self, &call).more(extra);
        let stop = self.still_refuses(copy, &ask, now_ms);
        Ok(stop.map(|stop| refuse::in_copy(self, user_id, copy, &ask, &stop, now_ms)))
    }
}
