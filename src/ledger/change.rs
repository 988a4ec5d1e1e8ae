//! A change of who holds what, with the type of its answer.

use std::sync::{Arc, Mutex, PoisonError};

use super::Changed;
use super::message::{Change, ChangeWork, Reply, stopped};
use crate::error::Result;
use crate::store::Writing;

/// A change with its caller.
pub struct OneChange<T> {
    work: Option<ChangeWork>,
    made: Arc<Mutex<Option<T>>>,
    reply: Reply<T>,
}

impl<T: Send + 'static> OneChange<T> {
    /// A change that does `work` and answers to `reply`.
    pub fn new(
        work: impl FnOnce(&Writing<'_>, &mut Changed) -> Result<T> + Send + 'static,
        reply: Reply<T>,
    ) -> Self {
        let made = Arc::new(Mutex::new(None));
        let place = Arc::clone(&made);
        let work: ChangeWork = Box::new(move |writing| {
            let mut changed = Changed::default();
            let answer = work(writing, &mut changed)?;
            *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
            Ok(changed)
        });
        Self {
            work: Some(work),
            made,
            reply,
        }
    }
}

impl<T: Send> Change for OneChange<T> {
    fn work(&mut self) -> Option<ChangeWork> {
        self.work.take()
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
