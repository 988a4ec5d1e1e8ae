//! Answers that wait for the commit of what they say.

use super::message::{Decision, Reply};
use crate::domain::decision::{Admitted, Granted, Settled};
use crate::error::Result;

/// An answer with its caller.
pub enum Answer {
    /// A reservation was made or extended.
    Granted(Reply<Decision<Granted>>, Granted),
    /// A call was let in.
    Admitted(Reply<Decision<Admitted>>, Admitted),
    /// Use was charged without a reservation.
    Charged(Reply<Decision<Settled>>, Settled),
    /// A reservation was settled.
    Settled(Reply<Settled>, Settled),
    /// A reservation was cancelled, or what was kept back is written down.
    Done(Reply<()>),
}

impl Answer {
    /// Tells the caller, who may be gone: what was decided stands all the same.
    pub fn give(self, outcome: &Result<()>) {
        let failed = outcome.clone().err();
        match self {
            Self::Granted(reply, granted) => {
                let _ = reply.send(failed.map_or(Ok(Ok(granted)), Err));
            }
            Self::Admitted(reply, admitted) => {
                let _ = reply.send(failed.map_or(Ok(Ok(admitted)), Err));
            }
            Self::Charged(reply, settled) => {
                let _ = reply.send(failed.map_or(Ok(Ok(settled)), Err));
            }
            Self::Settled(reply, settled) => {
                let _ = reply.send(failed.map_or(Ok(settled), Err));
            }
            Self::Done(reply) => {
                let _ = reply.send(failed.map_or(Ok(()), Err));
            }
        }
    }
}
