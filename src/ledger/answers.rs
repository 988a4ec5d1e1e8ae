//! What was said to messages, until the commit of what it depends on; and telling it to who asked.

use super::NearLimit;
use super::holds::OpenSlice;
use super::message::{Counters, Decision, Message, Reply};
use crate::domain::decision::{Admitted, Granted, GrantedTools, Holder, Settled};
use crate::domain::explanation::Explanation;
use crate::error::{Error, Result};

/// What was said to a message.
pub enum Said {
    /// To a reservation, or an extension.
    Granted(Result<Decision<Granted>>),
    /// To a call that is counted alone.
    Admitted(Result<Decision<Admitted>>),
    /// To use without a reservation.
    Charged(Result<Decision<Settled>>),
    /// To a settlement.
    Settled(Result<Settled>),
    /// To a cancellation, or to what is only to be done.
    Done(Result<()>),
    /// To what is asked without an effect.
    Explained(Explanation),
    /// As before.
    Open(OpenSlice),
    /// As before.
    Who(Decision<Holder>),
    /// As before.
    Tools(Decision<GrantedTools>),
    /// As before.
    Counters(Counters),
    /// As before.
    Near(Vec<NearLimit>),
}

/// Tells everybody what was said to them.
pub fn tell(all: Vec<(Message, Said)>) {
    for (message, said) in all {
        give(message, said);
    }
}

/// Tells who sent `message` what was said.
pub fn give(message: Message, said: Said) {
    match (message, said) {
        (Message::Reserve(_, reply) | Message::Extend(_, _, _, reply), Said::Granted(answer)) => {
            send(reply, answer);
        }
        (Message::Admit(_, reply), Said::Admitted(answer)) => send(reply, answer),
        (Message::Charge(_, _, _, reply), Said::Charged(answer)) => send(reply, answer),
        (Message::Settle(_, _, _, _, reply), Said::Settled(answer)) => send(reply, answer),
        (
            Message::Cancel(_, _, reply) | Message::Flush(reply) | Message::Pruned(reply),
            Said::Done(answer),
        ) => {
            send(reply, answer);
        }
        (Message::Explain(_, reply) | Message::ExplainKnown(_, reply), Said::Explained(answer)) => {
            send(reply, Ok(answer));
        }
        (Message::Open(_, _, reply), Said::Open(answer)) => send(reply, Ok(answer)),
        (Message::Who(_, reply), Said::Who(answer)) => send(reply, Ok(answer)),
        (Message::McpTools(_, _, reply), Said::Tools(answer)) => send(reply, Ok(answer)),
        (Message::Counters(_, _, reply), Said::Counters(answer)) => send(reply, Ok(answer)),
        (Message::Near(_, _, reply), Said::Near(answer)) => send(reply, Ok(answer)),
        // Nothing else is ever said to them; who asked is told by the reply that is dropped.
        _ => {}
    }
}

/// Tells who sent `message` that it failed.
pub fn fail(message: Message, error: Error) {
    match message {
        Message::Reserve(_, reply) | Message::Extend(_, _, _, reply) => send(reply, Err(error)),
        Message::Admit(_, reply) => send(reply, Err(error)),
        Message::Charge(_, _, _, reply) => send(reply, Err(error)),
        Message::Settle(_, _, _, _, reply) => send(reply, Err(error)),
        Message::Cancel(_, _, reply) | Message::Flush(reply) | Message::Pruned(reply) => {
            send(reply, Err(error));
        }
        Message::Explain(_, reply) | Message::ExplainKnown(_, reply) => send(reply, Err(error)),
        Message::Open(_, _, reply) => send(reply, Err(error)),
        Message::Who(_, reply) => send(reply, Err(error)),
        Message::McpTools(_, _, reply) => send(reply, Err(error)),
        Message::Counters(_, _, reply) => send(reply, Err(error)),
        Message::Near(_, _, reply) => send(reply, Err(error)),
        Message::Change(change) => change.answer(Err(error)),
        Message::End(..) | Message::EndsStored(_) | Message::Stop(_) => {}
    }
}

/// Sends an answer to a caller who may be gone: what was decided stands all the same.
fn send<T>(reply: Reply<T>, answer: Result<T>) {
    let _ = reply.send(answer);
}
