//! One message after the other: finds what it is about, changes memory, and keeps the answer until the commit. Refusals and
//! questions change nothing and are answered at once.

use super::answers::Answer;
use super::counters::Amounts;
use super::decide::Ask;
use super::message::{Decision, Extension, Message, Reply};
use super::thread::{Turn, Turns};
use crate::domain::decision::{
    Admitted, Call, Granted, Refusal, RequestId, ReservationId, Settled,
};
use crate::domain::explanation::KeyStatus;
use crate::domain::money::Money;
use crate::error::{Error, Result};
use crate::store::journal::{self, End, ReservationRow, StoredAnswer};

impl Turns {
    /// Decides one message.
    pub(super) fn decide(&mut self, turn: &mut Turn, message: Message) {
        let now_ms = turn.now_ms;
        match message {
            Message::Reserve(call, reply) => match self.reserve(turn, &call) {
                Ok(Ok(granted)) => turn.answers.push(Answer::Granted(reply, granted)),
                other => send(reply, other),
            },
            Message::Admit(call, reply) => match self.admit(turn, *call) {
                Ok(Ok(admitted)) => turn.answers.push(Answer::Admitted(reply, admitted)),
                other => send(reply, other),
            },
            Message::Charge(call, tokens, cost, reply) => {
                match self.charge(turn, *call, tokens, cost) {
                    Ok(Ok(settled)) => turn.answers.push(Answer::Charged(reply, settled)),
                    other => send(reply, other),
                }
            }
            Message::Settle(id, tokens, cost, reply) => match self.settle(turn, id, tokens, cost) {
                Ok(settled) => turn.answers.push(Answer::Settled(reply, settled)),
                other => send(reply, other),
            },
            Message::Extend(id, by, reply) => match self.extend(turn, id, by) {
                Ok(Ok(granted)) => turn.answers.push(Answer::Granted(reply, granted)),
                other => send(reply, other),
            },
            Message::Cancel(id, reply) => match self.cancel(turn, id) {
                Ok(()) => turn.answers.push(Answer::Done(reply)),
                other => send(reply, other),
            },
            Message::Explain(call, reply) => send(reply, Ok(self.state.explain(&call, now_ms))),
            Message::Open(query, reply) => send(reply, Ok(self.state.open_page(query))),
            Message::Who(key, reply) => send(reply, Ok(self.state.who(&key, now_ms))),
            Message::McpTools(key, server, reply) => {
                send(reply, Ok(self.state.mcp_tools(&key, &server, now_ms)));
            }
            Message::Counters(copies, at_ms, reply) => {
                send(reply, Ok(self.state.counters(&copies, at_ms)));
            }
            // Those are seen to before.
            Message::Change(_) | Message::Flush(_) | Message::Stop(_) => {}
        }
    }

    fn reserve(&mut self, turn: &mut Turn, call: &Call) -> Result<Decision<Granted>> {
        if let Some(earlier) = self.earlier::<Granted>(turn, call)? {
            return Ok(Ok(Granted {
                repeated: true,
                ..earlier
            }));
        }
        let ask = Ask::new(&self.state, call);
        let grant = match self.state.decide(&ask, turn.now_ms, None) {
            Ok(grant) => grant,
            Err(refused) => return Ok(Err(self.refuse(&ask, *refused, turn.now_ms))),
        };
        let nonce = self.nonces.next()?;
        let granted = self
            .state
            .reserve(&mut turn.batch, &ask, grant, nonce, turn.now_ms)
            .ok_or_else(lost)?;
        remember(turn, grant.key_id, call, &granted)?;
        Ok(Ok(granted))
    }

    fn admit(&mut self, turn: &mut Turn, call: Call) -> Result<Decision<Admitted>> {
        let call = without_estimates(call);
        let ask = Ask::new(&self.state, &call);
        let grant = match self.state.decide(&ask, turn.now_ms, None) {
            Ok(grant) => grant,
            Err(refused) => return Ok(Err(self.refuse(&ask, *refused, turn.now_ms))),
        };
        let nothing = Amounts::default();
        let counted = self
            .state
            .charge(&mut turn.batch, &ask, grant, 0, nothing, turn.now_ms)
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

    fn charge(
        &mut self,
        turn: &mut Turn,
        call: Call,
        tokens: i64,
        cost: Money,
    ) -> Result<Decision<Settled>> {
        let call = without_estimates(call);
        if let Some(earlier) = self.earlier::<Settled>(turn, &call)? {
            return Ok(Ok(Settled {
                repeated: true,
                ..earlier
            }));
        }
        let ask = Ask::new(&self.state, &call);
        let grant = match self.state.decide(&ask, turn.now_ms, None) {
            Ok(grant) => grant,
            // It was used: the limits can only be charged.
            Err(refused) => match refused.no_room {
                Some(grant) => grant,
                None => return Ok(Err(self.refuse(&ask, *refused, turn.now_ms))),
            },
        };
        let amounts = Amounts {
            tokens,
            cost: cost.nanodollars(),
        };
        let nonce = self.nonces.next()?;
        let settled = self
            .state
            .charge(&mut turn.batch, &ask, grant, nonce, amounts, turn.now_ms)
            .ok_or_else(lost)?;
        remember(turn, grant.key_id, &call, &settled)?;
        Ok(Ok(settled))
    }

    fn settle(
        &mut self,
        turn: &mut Turn,
        id: ReservationId,
        tokens: i64,
        cost: Money,
    ) -> Result<Settled> {
        let amounts = Amounts {
            tokens,
            cost: cost.nanodollars(),
        };
        if self.is_open(id) {
            let settled = self
                .state
                .settle(&mut turn.batch, id.number, amounts, turn.now_ms);
            return settled.ok_or_else(lost);
        }
        let (row, end) = self.finished(turn, id)?;
        self.state
            .settle_finished(&mut turn.batch, &row, end, amounts, turn.now_ms)
    }

    fn extend(
        &mut self,
        turn: &mut Turn,
        id: ReservationId,
        by: Extension,
    ) -> Result<Decision<Granted>> {
        if self.is_open(id) {
            let extended = self
                .state
                .extend(&mut turn.batch, id.number, by, turn.now_ms);
            return extended.ok_or_else(lost);
        }
        self.finished(turn, id)?;
        Err(Error::conflict(
            "reservation_closed",
            "",
            "the reservation is settled, cancelled or expired; make a new one",
        ))
    }

    fn cancel(&mut self, turn: &mut Turn, id: ReservationId) -> Result<()> {
        if self.is_open(id) {
            let cancelled = self.state.cancel(&mut turn.batch, id.number, turn.now_ms);
            return cancelled.ok_or_else(lost);
        }
        let (row, end) = self.finished(turn, id)?;
        self.state
            .cancel_finished(&mut turn.batch, row, end, turn.now_ms)
    }

    fn is_open(&self, id: ReservationId) -> bool {
        self.state
            .open
            .get(&id.number)
            .is_some_and(|reservation| reservation.id == id)
    }

    /// A reservation that is over.
    fn finished(&self, turn: &Turn, id: ReservationId) -> Result<(ReservationRow, End)> {
        let row = match turn.batch.finished.get(&id.number) {
            Some(row) => Some(row.clone()),
            None => journal::find(&self.reader.look(), id.number)?,
        };
        row.filter(|row| row.nonce == id.nonce)
            .and_then(|row| row.end.map(|end| (row, end)))
            .ok_or_else(|| Error::not_found("reservation", id))
    }

    /// The answer that the request id of a call got before.
    fn earlier<T: serde::de::DeserializeOwned>(
        &self,
        turn: &Turn,
        call: &Call,
    ) -> Result<Option<T>> {
        let Some(request) = &call.request else {
            return Ok(None);
        };
        let (Some(key), KeyStatus::Active | KeyStatus::Previous) =
            self.state.key(&call.key, turn.now_ms)
        else {
            return Ok(None);
        };
        let stored = match turn.batch.answers.get(&(key.id, request.id.clone())) {
            Some(stored) => Some(stored.clone()),
            None => journal::find_answer(&self.reader.look(), key.id, &request.id, turn.now_ms)?,
        };
        let Some(stored) = stored else {
            return Ok(None);
        };
        if stored.request.body_hash != request.body_hash {
            return Err(Error::IdempotencyKeyReused);
        }
        serde_json::from_str(&stored.answer)
            .map(Some)
            .map_err(|error| Error::internal("reading the answer to a request id", error))
    }

    fn refuse(&mut self, ask: &Ask<'_>, refused: super::decide::Refused, now_ms: i64) -> Refusal {
        self.state
            .note_refusal(&mut self.refusals, ask, &refused, now_ms);
        refused.refusal
    }
}

/// Remembers the answer to a call with a request id.
fn remember<T: serde::Serialize>(
    turn: &mut Turn,
    key_id: i64,
    call: &Call,
    answer: &T,
) -> Result<()> {
    let Some(RequestId { id, .. }) = &call.request else {
        return Ok(());
    };
    let stored = StoredAnswer {
        virtual_key_id: key_id,
        request: call.request.clone().ok_or_else(lost)?,
        answer: serde_json::to_string(answer)
            .map_err(|error| Error::internal("writing the answer to a request id", error))?,
        created_at: turn.now_ms,
    };
    turn.batch.answers.insert((key_id, id.clone()), stored);
    Ok(())
}

fn without_estimates(call: Call) -> Call {
    Call {
        estimated_tokens: None,
        estimated_cost: None,
        ..call
    }
}

/// Sends an answer to a caller who may be gone.
fn send<T>(reply: Reply<T>, answer: Result<T>) {
    let _ = reply.send(answer);
}

fn lost() -> Error {
    Error::internal("deciding", "what was found a moment ago is gone")
}
