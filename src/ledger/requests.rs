//! One message after the other: finds what it is about, changes memory, and says what came of it.

use super::answers::Said;
use super::counters::Amounts;
use super::decide::{Ask, Refused};
use super::message::{Decision, Message};
use super::thread::{Turn, Turns};
use crate::domain::decision::{Admitted, Call, Granted, Refusal, RequestId, ReservationId};
use crate::error::{Error, Result};
use crate::store::journal::{self, ReservationState, StoredAnswer};

/// What a request id came with: the same id names one reservation and one charge, which have nothing to do with each other.
#[derive(Clone, Copy)]
pub(super) enum Asked {
    /// A call that is to be made.
    Reservation,
    /// A call that was made.
    Usage,
}

impl Asked {
    /// The request id as it is stored. Nobody can send one that begins with this character.
    fn stored_id(self, id: &str) -> String {
        match self {
            Self::Reservation => id.to_owned(),
            Self::Usage => format!("\u{1}usage {id}"),
        }
    }
}

impl Turns {
    /// What is said to a message; nothing to those that are seen to before.
    pub(super) fn decide(&mut self, turn: &mut Turn, message: &Message) -> Option<Said> {
        let now_ms = turn.now_ms;
        Some(match message {
            Message::Reserve(call, _) => Said::Granted(self.reserve(turn, call)),
            Message::Admit(call, _) => Said::Admitted(self.admit(turn, call)),
            Message::Charge(call, tokens, cost, _) => {
                Said::Charged(self.charge(turn, call, *tokens, *cost))
            }
            Message::Settle(id, tokens, cost, by, _) => {
                Said::Settled(self.settle(turn, *id, *tokens, *cost, by))
            }
            Message::Extend(id, to, by, _) => Said::Granted(self.extend(turn, *id, *to, by)),
            Message::Cancel(id, by, _) => Said::Done(self.cancel(turn, *id, by)),
            Message::Flush(_) => Said::Done(Ok(())),
            Message::Pruned(_) => Said::Done(self.pruned(turn)),
            Message::Explain(call, _) => Said::Explained(self.state.explain(call, now_ms)),
            Message::ExplainKnown(call, _) => {
                Said::Explained(self.state.explain_known(call, now_ms))
            }
            Message::Open(query, after, _) => Said::Open(self.state.open_slice(*query, *after)),
            Message::Who(key, _) => Said::Who(self.state.who(key, now_ms)),
            Message::McpTools(key, server, _) => {
                Said::Tools(self.state.mcp_tools(key, server, now_ms))
            }
            Message::Counters(copies, at_ms, _) => {
                Said::Counters(self.state.counters(copies, *at_ms))
            }
            Message::Near(copies, at_ms, _) => Said::Near(self.state.near_limits(copies, *at_ms)),
            Message::Change(_) | Message::End(..) | Message::EndsStored(_) | Message::Stop(_) => {
                return None;
            }
        })
    }

    fn reserve(&mut self, turn: &mut Turn, call: &Call) -> Result<Decision<Granted>> {
        let once = call.request.is_some();
        let key = once.then(|| self.state.working_key(&call.key, turn.now_ms));
        if let Some(key) = key.flatten()
            && let Some(earlier) = self.earlier(turn, key.id, call, Asked::Reservation)?
        {
            return self.made_before(turn, earlier).map(Ok);
        }
        let ask = Ask::new(&self.state, call);
        let grant = match self.state.decide(&ask, turn.now_ms, None) {
            Ok(grant) => grant,
            Err(refused) => return Ok(Err(self.refuse(turn, &call.model, *refused))),
        };
        self.state.has_room_for_open(grant.key_id, call.owner)?;
        let nonce = self.nonces.next()?;
        let granted = self
            .state
            .reserve(&mut turn.batch, &ask, grant, nonce, turn.now_ms)
            .ok_or_else(lost)?;
        let id = &granted.reservation;
        self.remember(turn, grant.key_id, call, Asked::Reservation, id)?;
        Ok(Ok(granted))
    }

    /// The reservation that a call with this request id got before. One that is over lets no call in: nothing is held for it.
    fn made_before(&self, turn: &Turn, id: ReservationId) -> Result<Granted> {
        if self.open(id).is_some() {
            let granted = self
                .state
                .granted(id.number, turn.now_ms)
                .ok_or_else(lost)?;
            return Ok(Granted {
                repeated: true,
                ..granted
            });
        }
        let how = match self.finished(&turn.batch, id) {
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

    fn admit(&mut self, turn: &mut Turn, call: &Call) -> Result<Decision<Admitted>> {
        let ask = Ask::new(&self.state, call);
        let grant = match self.state.decide(&ask, turn.now_ms, None) {
            Ok(grant) => grant,
            Err(refused) => return Ok(Err(self.refuse(turn, &call.model, *refused))),
        };
        let nothing = Amounts::default();
        let counted = self
            .state
            .charge(
                &mut turn.batch,
                &ask,
                grant.into(),
                None,
                nothing,
                turn.now_ms,
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
        turn: &Turn,
        key_id: i64,
        call: &Call,
        asked: Asked,
    ) -> Result<Option<T>> {
        let Some(request) = &call.request else {
            return Ok(None);
        };
        let stored_id = asked.stored_id(&request.id);
        let stored = match turn.batch.answers.get(&(key_id, stored_id.clone())) {
            Some(stored) => Some(stored.clone()),
            None if !self.requests.may_hold(key_id, &stored_id) => None,
            None => journal::find_answer(&self.reader.look(), key_id, &stored_id, turn.now_ms)?,
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
        turn: &mut Turn,
        key_id: i64,
        call: &Call,
        asked: Asked,
        answer: &T,
    ) -> Result<()> {
        let Some(RequestId { id, body_hash }) = &call.request else {
            return Ok(());
        };
        let id = asked.stored_id(id);
        let stored = StoredAnswer {
            virtual_key_id: key_id,
            request: RequestId {
                id: id.clone(),
                body_hash: *body_hash,
            },
            answer: serde_json::to_string(answer)
                .map_err(|error| Error::internal("writing the answer to a request id", error))?,
            created_at: turn.now_ms,
        };
        self.requests.add(key_id, &id);
        turn.batch.answers.insert((key_id, id), stored);
        Ok(())
    }

    /// Old request ids were forgotten. What this batch answers is not stored yet, so nothing is forgotten here while there is any.
    fn pruned(&mut self, turn: &Turn) -> Result<()> {
        if turn.batch.answers.is_empty() {
            let left = journal::find_request_rows(&self.reader.look())?;
            self.requests.pruned(left);
        }
        Ok(())
    }

    pub(super) fn refuse(&mut self, turn: &Turn, model: &str, refused: Refused) -> Refusal {
        if !turn.again {
            self.state
                .note_refusal(&mut self.refusals, model, &refused, turn.now_ms);
        }
        refused.refusal
    }
}

pub(super) fn lost() -> Error {
    Error::internal("deciding", "what was found a moment ago is gone")
}
