//! A change of who holds what, with the type of its answer.

use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use super::changed::{ChangeWork, QueuedChange};
use super::engine::Ended;
use super::handle::Ledger;
use super::message::LedgerMessage;
use super::reply::{Reply, stopped};
use crate::error::Result;
use crate::store::followers::Aftermath;
use crate::store::{Needs, Occasion, WorkInTurn};

impl Ledger {
    /// Runs `work` in a write transaction of its own turn: every decision before it is in the database, none comes between it and
    /// its taking effect. What happened in it holds for every decision after this returns. It may delete rows of `counters`, which then
    /// start at zero. What else follows from it is for the caller.
    ///
    /// # Errors
    /// What `work` answers; see [`crate::store::Store::unit_of_work`].
    pub fn change<T: Send + 'static>(
        &self,
        occasion: Occasion,
        work: impl FnOnce(&mut WorkInTurn<'_>) -> Result<T> + Send + 'static,
    ) -> Result<(T, Aftermath)> {
        if !occasion.needs.first {
            self.store.gate().pass()?;
        }
        let (reply, receiver) = oneshot::channel();
        let change = OneChange::new(occasion, work, reply);
        self.queue
            .send(LedgerMessage::Change(Box::new(change)))
            .map_err(|_| stopped())?;
        receiver.blocking_recv().unwrap_or_else(|_| Err(stopped()))
    }

    /// Ends keys and copies in memory alone, where that can't be written down: no decision after this returns lets anybody in by them,
    /// also when their users are loaded anew.
    ///
    /// # Errors
    /// [`crate::error::Error::Unavailable`] when the ledger is stopping.
    pub fn end(&self, ended: Ended) -> Result<()> {
        let (done, receiver) = sync_channel(1);
        self.queue
            .send(LedgerMessage::End(ended, done))
            .map_err(|_| stopped())?;
        receiver.recv().map_err(|_| stopped())
    }

    /// All that was ended in memory alone is written down: from now on what is loaded is as it is.
    ///
    /// # Errors
    /// As [`Ledger::end`].
    pub fn ends_are_stored(&self) -> Result<()> {
        let (done, receiver) = sync_channel(1);
        self.queue
            .send(LedgerMessage::EndsStored(done))
            .map_err(|_| stopped())?;
        receiver.recv().map_err(|_| stopped())
    }
}

/// A change with its caller.
struct OneChange<T> {
    work: Option<ChangeWork>,
    needs: Needs,
    made: Arc<Mutex<Option<Made<T>>>>,
    reply: Reply<Made<T>>,
}

/// What a change answers, and what follows from it after its commit.
type Made<T> = (T, Aftermath);

impl<T: Send + 'static> OneChange<T> {
    /// A change that does `work` and answers to `reply`.
    fn new(
        occasion: Occasion,
        work: impl FnOnce(&mut WorkInTurn<'_>) -> Result<T> + Send + 'static,
        reply: Reply<Made<T>>,
    ) -> Self {
        let needs = occasion.needs;
        let made = Arc::new(Mutex::new(None));
        let place = Arc::clone(&made);
        let work: ChangeWork = Box::new(move |writing, seat| {
            let (answer, reload, aftermath) = seat.work(writing, occasion, work)?;
            *place.lock().unwrap_or_else(PoisonError::into_inner) = Some((answer, aftermath));
            Ok(reload)
        });
        Self {
            work: Some(work),
            needs,
            made,
            reply,
        }
    }
}

impl<T: Send> QueuedChange for OneChange<T> {
    fn work(&mut self) -> Option<ChangeWork> {
        self.work.take()
    }

    fn needs(&self) -> Needs {
        self.needs
    }

    fn answer(self: Box<Self>, outcome: Result<()>) {
        let made = self
            .made
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        // The caller may be gone; the change stands all the same.
        let _ = self
            .reply
            .send(outcome.and_then(|()| made.ok_or_else(stopped)));
    }
}
