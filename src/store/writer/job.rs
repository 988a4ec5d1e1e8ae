//! Closures that wait for the writer, with their callers.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, TrySendError, sync_channel};

use crate::error::{Error, Result};
use crate::store::sql::Writing;

/// A closure with its caller, the type of its answer forgotten.
pub trait Job: Send {
    /// Runs in the transaction, at most once; false when its effects must be undone.
    fn run(&mut self, writing: &Writing<'_>) -> bool;
    /// Tells the caller, once the batch is committed or lost.
    fn answer(self: Box<Self>, committed: Result<()>);
    /// What it needs of the commit.
    fn needs(&self) -> Needs;
    /// Why its effects must be undone.
    fn refusal(&self) -> Option<&Error>;
}

/// What a closure needs of its commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// It has to survive a power cut, not only the end of the process.
    pub sync: bool,
    /// What was read before may be shown no more ([`crate::store::Store::generation`]).
    pub generation: bool,
    /// Others wait until it is stored ([`crate::store::writer::write_gate`]).
    pub first: bool,
}

impl Needs {
    /// What a write of the management needs.
    pub const ALL: Self = Self {
        sync: true,
        generation: true,
        first: false,
    };

    /// What a write needs that others wait for.
    pub const FIRST: Self = Self {
        first: true,
        ..Self::ALL
    };
}

/// A closure with its caller.
struct AnsweredJob<T, W, A> {
    /// What runs.
    work: Option<W>,
    /// What it answered.
    result: Option<Result<T>>,
    /// What tells who waits.
    answer: A,
    /// What it needs of the commit.
    needs: Needs,
}

impl<T, W, A> Job for AnsweredJob<T, W, A>
where
    T: Send,
    W: FnOnce(&Writing<'_>) -> Result<T> + Send,
    A: FnOnce(Result<T>) + Send,
{
    fn run(&mut self, writing: &Writing<'_>) -> bool {
        let Some(work) = self.work.take() else {
            return false;
        };
        let result = catch_unwind(AssertUnwindSafe(|| work(writing)))
            .unwrap_or_else(|panic| Err(panicked(&*panic)));
        let keep = result.is_ok();
        self.result = Some(result);
        keep
    }

    fn answer(self: Box<Self>, committed: Result<()>) {
        (self.answer)(committed.and(self.result.unwrap_or_else(|| Err(stopped()))));
    }

    fn needs(&self) -> Needs {
        self.needs
    }

    fn refusal(&self) -> Option<&Error> {
        self.result.as_ref()?.as_ref().err()
    }
}

/// A closure to be run. What it answers is given to `answer`, on the writer's thread and before anything else is written.
pub fn job<T: Send + 'static>(
    work: impl FnOnce(&Writing<'_>) -> Result<T> + Send + 'static,
    needs: Needs,
    answer: impl FnOnce(Result<T>) + Send + 'static,
) -> Box<dyn Job> {
    Box::new(AnsweredJob {
        work: Some(work),
        result: None,
        answer,
        needs,
    })
}

/// What tells a caller who waits, and where that caller waits.
pub fn to_a_caller<T: Send + 'static>() -> (impl FnOnce(Result<T>) + Send, Receiver<Result<T>>) {
    let (caller, receiver) = sync_channel(1);
    let answer = move |result| {
        // The caller may be gone; the write stands all the same.
        let _ = caller.send(result);
    };
    (answer, receiver)
}

/// A write that was submitted.
pub struct Submitted<T>(pub(super) Receiver<Result<T>>);

impl<T> Submitted<T> {
    /// Waits until it is committed.
    ///
    /// # Errors
    /// See [`crate::store::Store::unit_of_work`].
    pub fn wait(self) -> Result<T> {
        self.0.recv().unwrap_or_else(|_| Err(stopped()))
    }
}

/// The store takes no more.
pub fn stopped() -> Error {
    Error::Unavailable {
        code: "shutting_down",
        reason: "the server is shutting down".to_owned(),
    }
}

/// A queue of so many places has none left, or nobody takes from it.
pub fn not_taken<T>(error: &TrySendError<T>, places: usize) -> Error {
    match error {
        TrySendError::Full(_) => Error::Unavailable {
            code: "overloaded",
            reason: format!("{places} writes are waiting already"),
        },
        TrySendError::Disconnected(_) => stopped(),
    }
}

/// The thread that writes is gone, and nobody stopped it.
pub fn ended() -> Error {
    Error::Unavailable {
        code: "writer_ended",
        reason: "what writes to the database has ended by a fault; the log says which: start the server again".to_owned(),
    }
}

/// What a panic says.
pub fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a text".to_owned());
    Error::internal("a write panicked", text)
}
