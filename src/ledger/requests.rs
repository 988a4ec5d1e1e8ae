//! Letting calls in, each by its key and its request id.

use super::engine::{Decision, Demand, RefusedCall};
use super::figures::DecidedOn;
use super::runtime::{Batch, Runtime};
use crate::domain::decision::amounts::Spent;
use crate::domain::decision::journal::{CallAnswer, ReservationState};
use crate::domain::decision::{Admitted, Call, Granted, Refusal, RequestId, ReservationId};
use crate::error::{Error, Result};
use crate::store::journal;

/// What a request id came with: the same id names one reservation and one charge, which have nothing to do with each other.
#[derive(Clone, Copy)]
pub(super) enum RequestKind {
    /// A call that is to be made.
    Reservation,
    /// A call that was made.
    Usage,
}

impl RequestKind {
    /// The request id as it is stored. Nobody can send one that begins with this character.
    fn stored_id(self, id: &str) -> String {
        match self {
            Self::Reservation => id.to_owned(),
            Self::Usage => format!("\u{1}usage {id}"),
        }
    }
}

impl Runtime {
    pub(super) fn reserve(&mut self, batch: &mut Batch, call: &Call) -> Result<Decision<Granted>> {
        let decision = self.decide_reservation(batch, call)?;
        if !matches!(&decision, Ok(granted) if granted.repeated) {
            batch.decided(DecidedOn::Reservation, &decision);
        }
        Ok(decision)
    }

    fn decide_reservation(&mut self, batch: &mut Batch, call: &Call) -> Result<Decision<Granted>> {
        let once = call.request.is_some();
        let key = once.then(|| self.state.directory.working_key(&call.key, batch.now_ms));
        if let Some(key) = key.flatten()
            && let Some(earlier) = self.earlier(batch, key.id, call, RequestKind::Reservation)?
        {
            return self.made_before(batch, earlier).map(Ok);
        }
        let demand = Demand::new(&self.state.settings, call);
        let grant = match self.state.decide(&demand, batch.now_ms, None) {
            Ok(grant) => grant,
            Err(refused) => return Ok(Err(self.refuse(batch, &call.model, *refused))),
        };
        self.state
            .reservations
            .check_room(&self.state.settings, grant.key_id, call.owner)?;
        let nonce = self.nonces.next()?;
        let granted = self
            .state
            .reserve(&mut batch.effects, &demand, grant, nonce, batch.now_ms)
            .ok_or_else(lost)?;
        let id = &granted.reservation;
        self.remember(batch, grant.key_id, call, RequestKind::Reservation, id)?;
        Ok(Ok(granted))
    }

    /// The reservation that a call with this request id got before. One that is over lets no call in: nothing is held for it.
    fn made_before(&self, batch: &Batch, id: ReservationId) -> Result<Granted> {
        if self.open(id).is_some() {
            let granted = self
                .state
                .granted(id.number, batch.now_ms)
                .ok_or_else(lost)?;
            return Ok(Granted {
                repeated: true,
                ..granted
            });
        }
        let how = match self.finished(&batch.effects, id) {
            Ok((_, end)) => match end.state {
                ReservationState::Settled => "it was settled",
                ReservationState::Cancelled => "it was cancelled",
                ReservationState::Open | ReservationState::Expired => "it has expired",
            },
            Err(Error::NotFound { .. }) => "it is forgotten",
            Err(error) => return Err(error),
        };
        Err(Error::conflict(
            "reservation_closed",
            "request_id",
            format!(
                "the call with this request_id was let in before, with the reservation {id}, and {how}: nothing is held for it any \
                 more; a new call needs a new request_id"
            ),
        ))
    }

    pub(super) fn admit(&mut self, batch: &mut Batch, call: &Call) -> Result<Decision<Admitted>> {
        let decision = self.decide_admission(batch, call)?;
        batch.decided(DecidedOn::Admission, &decision);
        Ok(decision)
    }

    fn decide_admission(&mut self, batch: &mut Batch, call: &Call) -> Result<Decision<Admitted>> {
        let demand = Demand::new(&self.state.settings, call);
        let grant = match self.state.decide(&demand, batch.now_ms, None) {
            Ok(grant) => grant,
            Err(refused) => return Ok(Err(self.refuse(batch, &call.model, *refused))),
        };
        let nothing = Spent::default();
        let counted = self
            .state
            .charge(
                &mut batch.effects,
                &demand,
                grant.into(),
                None,
                nothing,
                batch.now_ms,
            )
            .ok_or_else(lost)?;
        Ok(Ok(Admitted {
            public_id: call.key.public_id,
            user_id: counted.user_id,
            access_profile_id: counted.access_profile_id,
            copy_id: counted.copy_id,
            provider: counted.provider,
            limits: counted.limits,
        }))
    }

    /// The answer that the request id of a call with this key got before.
    pub(super) fn earlier<T: serde::de::DeserializeOwned>(
        &self,
        batch: &Batch,
        key_id: i64,
        call: &Call,
        asked: RequestKind,
    ) -> Result<Option<T>> {
        let Some(request) = &call.request else {
            return Ok(None);
        };
        let stored_id = asked.stored_id(&request.id);
        let stored = match batch.effects.answers.get(&(key_id, stored_id.clone())) {
            Some(stored) => Some(stored.clone()),
            None if !self.requests.may_hold(key_id, &stored_id) => None,
            None => journal::find_answer(&self.reader.look(), key_id, &stored_id, batch.now_ms)?,
        };
        let Some(stored) = stored else {
            return Ok(None);
        };
        if stored.request.body_hash != request.body_hash {
            return Err(Error::RequestIdReused);
        }
        serde_json::from_str(&stored.answer)
            .map(Some)
            .map_err(|error| Error::internal("reading the answer to a request id", error))
    }

    /// Remembers the answer to a call with a request id.
    pub(super) fn remember<T: serde::Serialize>(
        &mut self,
        batch: &mut Batch,
        key_id: i64,
        call: &Call,
        asked: RequestKind,
        answer: &T,
    ) -> Result<()> {
        let Some(RequestId { id, body_hash }) = &call.request else {
            return Ok(());
        };
        let id = asked.stored_id(id);
        let stored = CallAnswer {
            virtual_key_id: key_id,
            request: RequestId {
                id: id.clone(),
                body_hash: *body_hash,
            },
            answer: serde_json::to_string(answer)
                .map_err(|error| Error::internal("writing the answer to a request id", error))?,
            created_at: batch.now_ms,
        };
        self.requests.add(key_id, &id);
        batch.effects.answers.insert((key_id, id), stored);
        Ok(())
    }

    /// Old request ids were forgotten. What this batch answers is not stored yet, so nothing is forgotten here while there is any.
    pub(super) fn pruned(&mut self, batch: &Batch) -> Result<()> {
        if batch.effects.answers.is_empty() {
            let left = journal::find_request_rows(&self.reader.look())?;
            self.requests.pruned(left);
        }
        Ok(())
    }

    pub(super) fn refuse(&mut self, batch: &Batch, model: &str, refused: RefusedCall) -> Refusal {
        if !batch.again {
            let day = self.state.day(batch.now_ms);
            self.refusals
                .note(&self.state.directory, model, &refused, day);
        }
        refused.refusal
    }
}

pub(super) fn lost() -> Error {
    Error::internal("deciding", "what was found a moment ago is gone")
}
