//! Settling, extending and cancelling: which reservation is meant, and whether it is there for whoever ends it.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::engine::{Decision, Effects, Extension};
use super::figures::DecidedOn;
use super::requests::lost;
use super::runtime::{Batch, Runtime};
use crate::domain::audit::{Actor, NewAuditEntry};
use crate::domain::decision::amounts::PricedUse;
use crate::domain::decision::journal::{ReservationEnd, ReservationState};
use crate::domain::decision::{Granted, Party, Reservation, ReservationId, Settled};
use crate::domain::values::money::Money;
use crate::error::{Error, Result};
use crate::store::journal;

/// What the audit log calls it when somebody else's reservation is settled, extended or cancelled.
const SETTLE: &str = "reservation.settle";
const EXTEND: &str = "reservation.extend";
const CANCEL: &str = "reservation.cancel";

/// What becomes of the use of a reservation that is not known any more.
const FORGOTTEN: &str =
    "what the call of one that has been over for a day used is charged with POST /v1/usage";

/// A reservation that is known, and how it ended if it did.
#[derive(Debug, Clone)]
pub struct FoundReservation {
    /// Its record.
    pub record: Arc<Reservation>,
    /// How it ended.
    pub end: Option<ReservationEnd>,
}

/// Who settles, extends or cancels a reservation: whoever made it, or a management key that may do it for others.
#[derive(Debug, Clone)]
pub struct Ender {
    /// Who it is.
    pub party: Party,
    /// Who the audit log says it was when the reservation is another's. Without it only the key's own are there for it.
    pub for_others: Option<Box<Actor>>,
}

impl Ender {
    /// A management key that is after a reservation of its own, as gateways are.
    pub fn own(api_key_id: i64) -> Self {
        Self::party(Party::ApiKey(api_key_id))
    }

    /// The proxy, which ends what it made itself.
    pub fn proxy() -> Self {
        Self::party(Party::Proxy)
    }

    /// Whoever came with the virtual key of a call, and ends what was made for it.
    pub fn virtual_key() -> Self {
        Self::party(Party::VirtualKey)
    }

    fn party(party: Party) -> Self {
        Self {
            party,
            for_others: None,
        }
    }
}

impl Runtime {
    pub(super) fn settle(
        &mut self,
        batch: &mut Batch,
        id: ReservationId,
        used: PricedUse,
        by: &Ender,
    ) -> Result<Settled> {
        let (effects, now_ms) = (&mut batch.effects, batch.now_ms);
        let spent = used.spent;
        let told = || json!({ "tokens": spent.tokens, "cost": spent.cost });
        if let Some(open) = self.open(id) {
            let before = by.others(open)?;
            let settled = self
                .state
                .settle(effects, id.number, used, by.party, now_ms)
                .ok_or_else(lost)?;
            tell(effects, by, SETTLE, before, told, now_ms);
            return Ok(settled);
        }
        let (record, end, before) = self.over(effects, id, by)?;
        let settled = self
            .state
            .settle_finished(effects, &record, end, used, now_ms)?;
        if !settled.repeated {
            tell(effects, by, SETTLE, before, told, now_ms);
        }
        Ok(settled)
    }

    pub(super) fn extend(
        &mut self,
        batch: &mut Batch,
        id: ReservationId,
        to: Extension,
        by: &Ender,
    ) -> Result<Decision<Granted>> {
        let Some(open) = self.open(id) else {
            self.over(&batch.effects, id, by)?;
            return Err(Error::conflict(
                "reservation_closed",
                "",
                "the reservation is settled, cancelled or expired; make a new one",
            ));
        };
        let before = by.others(open)?;
        let model = Arc::clone(&open.model);
        let (effects, now_ms) = (&mut batch.effects, batch.now_ms);
        match self.state.extend(effects, id.number, to, now_ms)? {
            Ok(granted) => {
                let now_held = || {
                    json!({
                        "estimated_tokens": to.estimated_tokens,
                        "estimated_cost": to.estimated_cost,
                        "expires_at": at(granted.expires_at_ms),
                    })
                };
                tell(effects, by, EXTEND, before, now_held, now_ms);
                batch.outcomes.note(DecidedOn::Extension, None);
                Ok(Ok(granted))
            }
            Err(refused) => {
                let refusal = self.refuse(batch, &model, *refused);
                batch
                    .outcomes
                    .note(DecidedOn::Extension, Some(refusal.kind));
                Ok(Err(refusal))
            }
        }
    }

    pub(super) fn cancel(
        &mut self,
        batch: &mut Batch,
        id: ReservationId,
        by: &Ender,
    ) -> Result<()> {
        let (effects, now_ms) = (&mut batch.effects, batch.now_ms);
        let nothing = || json!({});
        if let Some(open) = self.open(id) {
            let before = by.others(open)?;
            self.state
                .cancel(effects, id.number, by.party, now_ms)
                .ok_or_else(lost)?;
            tell(effects, by, CANCEL, before, nothing, now_ms);
            return Ok(());
        }
        let (record, end, before) = self.over(effects, id, by)?;
        self.state.cancel_finished(effects, &record, end, now_ms)?;
        if end.state != ReservationState::Cancelled {
            tell(effects, by, CANCEL, before, nothing, now_ms);
        }
        Ok(())
    }

    /// A reservation that `by` may end.
    pub(super) fn find_reservation(
        &self,
        batch: &Batch,
        id: ReservationId,
        by: &Ender,
    ) -> Result<FoundReservation> {
        let (record, end) = if let Some(open) = self.open(id) {
            (Arc::clone(open), None)
        } else {
            let (record, end) = self.finished(&batch.effects, id)?;
            (record, Some(end))
        };
        by.others(&record)?;
        Ok(FoundReservation { record, end })
    }

    /// An open reservation.
    pub(super) fn open(&self, id: ReservationId) -> Option<&Arc<Reservation>> {
        let open = &self.state.reservations.get(id.number)?.record;
        (open.id == id).then_some(open)
    }

    /// A reservation that is over.
    pub(super) fn finished(
        &self,
        effects: &Effects,
        id: ReservationId,
    ) -> Result<(Arc<Reservation>, ReservationEnd)> {
        let row = match effects.find_finished(id.number) {
            Some(row) => Some(row.clone()),
            None => journal::find(&self.reader.look(), id.number)?,
        };
        row.filter(|row| row.record.id == id)
            .and_then(|row| row.end.map(|end| (row.record, end)))
            .ok_or_else(|| Error::absent(format!("there is no reservation {id}; {FORGOTTEN}")))
    }

    /// The same for one who ends it once more, and once more as [`Ender::others`] answers it.
    fn over(
        &self,
        effects: &Effects,
        id: ReservationId,
        by: &Ender,
    ) -> Result<(Arc<Reservation>, ReservationEnd, Option<Arc<Reservation>>)> {
        let (record, end) = self.finished(effects, id)?;
        let before = by.others(&record)?;
        let by = by.party;
        Ok((record, ReservationEnd { by, ..end }, before))
    }
}

impl Ender {
    /// The reservation as it was, for the audit log, if it is another's: what gateways do with their own is told by nothing but the
    /// journal.
    ///
    /// # Errors
    /// [`Error::Forbidden`] when it is another's and this key may end its own alone.
    fn others(&self, record: &Arc<Reservation>) -> Result<Option<Arc<Reservation>>> {
        if record.owner.may_be_ended_by(self.party) {
            Ok(None)
        } else if self.for_others.is_some() {
            Ok(Some(Arc::clone(record)))
        } else {
            Err(not_own(record.id))
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

/// Has the audit log tell what `by` did to the reservation of another, if it was another's.
fn tell(
    effects: &mut Effects,
    by: &Ender,
    action: &'static str,
    before: Option<Arc<Reservation>>,
    new: impl FnOnce() -> Value,
    now_ms: i64,
) {
    let Some((before, actor)) = before.zip(by.for_others.as_deref()) else {
        return;
    };
    let previous = json!({
        "id": before.id.to_string(),
        "api_key_id": before.owner.api_key_id(),
        "provider": before.provider,
        "model": before.model,
        "held_tokens": before.held.tokens,
        "held_cost": Money::from_nanodollars(before.held.cost),
    });
    let entry = NewAuditEntry {
        access_profile_id: Some(before.access_profile_id),
        user_id: Some(before.user_id),
        ..NewAuditEntry::about(
            actor.clone(),
            action,
            "reservation",
            &before.id,
            Some(previous),
            Some(new()),
        )
    };
    effects.audited.push((at(now_ms), entry));
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or_default()
}
