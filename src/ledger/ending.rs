//! Settling, extending and cancelling: which reservation is meant, and whether it is there for whoever ends it.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::batch::Batch;
use super::counters::Amounts;
use super::message::{Decision, Ender, Extension};
use super::requests::lost;
use super::reservation::Reservation;
use super::thread::{Turn, Turns};
use crate::domain::audit::NewAuditEntry;
use crate::domain::decision::{Granted, Party, ReservationId, Settled};
use crate::domain::money::Money;
use crate::error::{Error, Result};
use crate::store::journal::{self, End, ReservationRow, ReservationState};

/// What the audit log calls it when somebody else's reservation is settled, extended or cancelled.
const SETTLE: &str = "reservation.settle";
const EXTEND: &str = "reservation.extend";
const CANCEL: &str = "reservation.cancel";

/// What becomes of the use of a reservation that is not known any more.
const FORGOTTEN: &str =
    "what the call of one that has been over for a day used is charged with POST /v1/usage";

impl Turns {
    pub(super) fn settle(
        &mut self,
        turn: &mut Turn,
        id: ReservationId,
        tokens: i64,
        cost: Money,
        by: &Ender,
    ) -> Result<Settled> {
        let amounts = Amounts {
            tokens,
            cost: cost.nanodollars(),
        };
        let (batch, now_ms) = (&mut turn.batch, turn.now_ms);
        let used = || json!({ "tokens": tokens, "cost": cost });
        if let Some(open) = self.open(id) {
            let before = by.others(id, open.owner, || open.row())?;
            let settled = self
                .state
                .settle(batch, id.number, amounts, by.party(), now_ms)
                .ok_or_else(lost)?;
            batch.tell(by, SETTLE, before, used, now_ms);
            return Ok(settled);
        }
        let (row, end, before) = self.over(batch, id, by)?;
        let settled = self
            .state
            .settle_finished(batch, &row, end, amounts, now_ms)?;
        if !settled.repeated {
            batch.tell(by, SETTLE, before, used, now_ms);
        }
        Ok(settled)
    }

    pub(super) fn extend(
        &mut self,
        turn: &mut Turn,
        id: ReservationId,
        to: Extension,
        by: &Ender,
    ) -> Result<Decision<Granted>> {
        let Some(open) = self.open(id) else {
            self.over(&turn.batch, id, by)?;
            return Err(Error::conflict(
                "reservation_closed",
                "",
                "the reservation is settled, cancelled or expired; make a new one",
            ));
        };
        let before = by.others(id, open.owner, || open.row())?;
        let model = Arc::clone(&open.model);
        let (batch, now_ms) = (&mut turn.batch, turn.now_ms);
        match self.state.extend(batch, id.number, to, now_ms)? {
            Ok(granted) => {
                let now_held = || {
                    json!({
                        "estimated_tokens": to.estimated_tokens,
                        "estimated_cost": to.estimated_cost,
                        "expires_at": at(granted.expires_at_ms),
                    })
                };
                batch.tell(by, EXTEND, before, now_held, now_ms);
                Ok(Ok(granted))
            }
            Err(refused) => Ok(Err(self.refuse(turn, &model, *refused))),
        }
    }

    pub(super) fn cancel(&mut self, turn: &mut Turn, id: ReservationId, by: &Ender) -> Result<()> {
        let (batch, now_ms) = (&mut turn.batch, turn.now_ms);
        let nothing = || json!({});
        if let Some(open) = self.open(id) {
            let before = by.others(id, open.owner, || open.row())?;
            self.state
                .cancel(batch, id.number, by.party(), now_ms)
                .ok_or_else(lost)?;
            batch.tell(by, CANCEL, before, nothing, now_ms);
            return Ok(());
        }
        let (row, end, before) = self.over(batch, id, by)?;
        self.state.cancel_finished(batch, row, end, now_ms)?;
        if end.state != ReservationState::Cancelled {
            batch.tell(by, CANCEL, before, nothing, now_ms);
        }
        Ok(())
    }

    /// An open reservation.
    pub(super) fn open(&self, id: ReservationId) -> Option<&Reservation> {
        let open = self.state.open.get(&id.number);
        open.filter(|reservation| reservation.id == id)
    }

    /// A reservation that is over.
    pub(super) fn finished(
        &self,
        batch: &Batch,
        id: ReservationId,
    ) -> Result<(ReservationRow, End)> {
        let row = match batch.finished.get(&id.number) {
            Some(row) => Some(row.clone()),
            None => journal::find(&self.reader.look(), id.number)?,
        };
        row.filter(|row| row.nonce == id.nonce)
            .and_then(|row| row.end.map(|end| (row, end)))
            .ok_or_else(|| Error::absent(format!("there is no reservation {id}; {FORGOTTEN}")))
    }

    /// The same for one who ends it once more, and once more as [`Ender::others`] answers it.
    fn over(
        &self,
        batch: &Batch,
        id: ReservationId,
        by: &Ender,
    ) -> Result<(ReservationRow, End, Option<ReservationRow>)> {
        let (row, end) = self.finished(batch, id)?;
        let before = by.others(id, row.owner, || row.clone())?;
        let by = by.party();
        Ok((row, End { by, ..end }, before))
    }
}

impl Ender {
    fn party(&self) -> Party {
        Party::ApiKey(self.api_key_id)
    }

    /// The reservation as it was, for the audit log, if it is another's: what gateways do with their own is told by nothing but the
    /// journal.
    ///
    /// # Errors
    /// [`Error::Forbidden`] when it is another's and this key may end its own alone.
    fn others(
        &self,
        id: ReservationId,
        owner: Party,
        row: impl FnOnce() -> ReservationRow,
    ) -> Result<Option<ReservationRow>> {
        if owner.is_own_of(self.api_key_id) {
            Ok(None)
        } else if self.for_others.is_some() {
            Ok(Some(row()))
        } else {
            Err(not_own(id))
        }
    }
}

/// What a key is told that may only end its own reservations. That there is one is no secret to whoever knows its id, which holds 64
/// random bits.
fn not_own(id: ReservationId) -> Error {
    Error::Forbidden {
        code: "not_own_reservation",
        message: format!(
            "the reservation {id} was not made with this API key; to settle, extend or cancel it, it lacks the permission Decisions:Update"
        ),
    }
}

impl Batch {
    /// Has the audit log tell what `by` did to the reservation of another, if it was another's.
    fn tell(
        &mut self,
        by: &Ender,
        action: &'static str,
        before: Option<ReservationRow>,
        new: impl FnOnce() -> Value,
        now_ms: i64,
    ) {
        let Some((before, actor)) = before.zip(by.for_others.as_deref()) else {
            return;
        };
        let id = ReservationId {
            number: before.id,
            nonce: before.nonce,
        };
        let previous = json!({
            "id": id.to_string(),
            "api_key_id": before.owner.api_key_id(),
            "provider": before.provider,
            "model": before.model,
            "held_tokens": before.held_tokens,
            "held_cost": Money::from_nanodollars(before.held_cost),
        });
        let entry = NewAuditEntry {
            access_profile_id: Some(before.access_profile_id),
            user_id: Some(before.user_id),
            ..NewAuditEntry::about(
                actor.clone(),
                action,
                "reservation",
                &id,
                Some(previous),
                Some(new()),
            )
        };
        self.audited.push((at(now_ms), entry));
    }
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or_default()
}
