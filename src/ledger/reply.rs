//! How an answer of the ledger's thread comes back.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use crate::error::{Error, Result};

/// Where an answer goes.
pub type Reply<T> = oneshot::Sender<Result<T>>;

/// An answer that is on its way: a future, or waited for with [`Pending::wait`].
pub struct Pending<T>(Way<T>);

enum Way<T> {
    Coming(oneshot::Receiver<Result<T>>),
    Refused(Option<Error>),
}

impl<T> Pending<T> {
    /// An answer that comes from the other end.
    pub fn coming(receiver: oneshot::Receiver<Result<T>>) -> Self {
        Self(Way::Coming(receiver))
    }

    /// Nobody will answer.
    pub fn refused(error: Error) -> Self {
        Self(Way::Refused(Some(error)))
    }

    /// Blocks until the answer is there; not for async code.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the queue is full, the ledger is stopping, or the disk refused the journal.
    pub fn wait(self) -> Result<T> {
        match self.0 {
            Way::Coming(receiver) => receiver.blocking_recv().unwrap_or_else(|_| Err(stopped())),
            Way::Refused(error) => Err(error.unwrap_or_else(stopped)),
        }
    }
}

impl<T> Future for Pending<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        match &mut self.0 {
            Way::Coming(receiver) => Pin::new(receiver)
                .poll(context)
                .map(|answer| answer.unwrap_or_else(|_| Err(stopped()))),
            Way::Refused(error) => Poll::Ready(Err(error.take().unwrap_or_else(stopped))),
        }
    }
}

/// The ledger takes no more.
pub fn stopped() -> Error {
    Error::Unavailable {
        code: "shutting_down",
        reason: "the server is shutting down".to_owned(),
    }
}
