//! What the ledger's thread owns, a batch of decisions, and the questions that are answered in it.
//!
//! A question carries its reply: what works the answer out gives the type that is waited for, and only what was answered can be told.
//! Nothing pairs questions and replies anywhere else.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use tokio::sync::oneshot;

use super::changed::QueuedChange;
use super::clock::SharedHighWater;
use super::engine::{Decision, Effects, LedgerState, PendingRows, Refusals};
use super::figures::{BatchOutcomes, DecidedOn, LedgerFigures};
use super::known_requests::KnownRequests;
use super::known_rules::KnownRules;
use super::nonces::Nonces;
use super::reply::{Reply, stopped};
use crate::error::{Error, Result};
use crate::store::journal::LineBounds;
use crate::store::{Reader, Seat};

/// How many reservations whose time is up are ended at once, so that nobody waits long.
const MAX_EXPIRED: usize = 1_000;

/// Everything the thread owns.
pub struct Runtime {
    pub state: LedgerState,
    pub refusals: Refusals,
    pub pending: PendingRows,
    pub requests: KnownRequests,
    pub reader: Reader,
    pub nonces: Nonces,
    /// What the writer knows of the lines of the history.
    pub line_bounds: Arc<LineBounds>,
    pub store: Seat,
    pub known: KnownRules,
    /// What asks for the time.
    pub clock: Box<dyn Fn() -> Timestamp + Send>,
    /// Whether the clock was behind what it once showed.
    pub is_behind: bool,
    /// What others know of that.
    pub shared_high_water: SharedHighWater,
    /// When the first of the refusals came that are not written down yet.
    pub refused_at: Option<Instant>,
    /// Whether the time of further reservations is up.
    pub more_expire: bool,
    /// When reservations are ended again by themselves, after the disk has refused that.
    pub paused_until: Option<Instant>,
    /// What is counted of it.
    pub figures: Arc<LedgerFigures>,
}

/// What was decided and not yet written down.
#[derive(Default)]
pub struct Batch {
    pub now_ms: i64,
    pub effects: Effects,
    /// What is told after the commit.
    pub answered: Vec<Box<dyn Answered>>,
    /// Reservations whose time was up.
    pub expired: Vec<i64>,
    pub changes: Vec<Box<dyn QueuedChange>>,
    /// Whether refusals that are kept back are to be written down.
    pub flush: bool,
    /// Whether all tables are to be brought up to date.
    pub catch_up: bool,
    /// Whether the same was decided before, and could not be written down.
    pub again: bool,
    /// What came of it.
    pub outcomes: BatchOutcomes,
}

impl Batch {
    /// A batch at a time.
    pub fn at(now_ms: i64) -> Self {
        Self {
            now_ms,
            ..Self::default()
        }
    }

    /// Notes a decision for those who count them.
    pub fn decided<T>(&mut self, what: DecidedOn, outcome: &Decision<T>) {
        let refusal = outcome.as_ref().err().map(|refusal| refusal.kind);
        self.outcomes.note(what, refusal);
    }

    /// Undoes everything, and says so to who was to be told otherwise.
    pub fn lose(self, state: &mut LedgerState, error: &Error) {
        self.effects.undo(state);
        for answered in self.answered {
            answered.fail(error);
        }
    }
}

impl Runtime {
    /// Ends reservations whose time is up, unless the disk has refused that a moment ago.
    pub fn expire(&mut self, batch: &mut Batch) {
        if self
            .paused_until
            .is_none_or(|until| Instant::now() >= until)
        {
            self.paused_until = None;
            batch.expired = self
                .state
                .expire(&mut batch.effects, batch.now_ms, MAX_EXPIRED);
            self.more_expire = batch.expired.len() == MAX_EXPIRED;
        }
    }

    /// The time.
    pub fn now_ms(&self) -> i64 {
        (self.clock)().as_millisecond()
    }

    /// Answers a question. The answer is told at once if nothing that it may rest on waits for a commit.
    pub fn take(&mut self, batch: &mut Batch, question: Box<dyn Question>) {
        let answered = question.answer(self, batch);
        if batch.effects.is_empty() && !batch.catch_up {
            answered.tell();
        } else {
            batch.answered.push(answered);
        }
    }
}

/// A question, the type of its answer forgotten.
#[must_use = "whoever asked waits for an answer"]
pub trait Question: Send {
    /// Works the answer out. It is told later, as it may rest on what has to be written down first.
    fn answer(self: Box<Self>, runtime: &mut Runtime, batch: &mut Batch) -> Box<dyn Answered>;

    /// Tells who asked that it failed.
    fn fail(self: Box<Self>, error: &Error);
}

/// A question with its answer.
#[must_use = "whoever asked waits for the answer"]
pub trait Answered: Send {
    /// Tells who asked.
    fn tell(self: Box<Self>);

    /// The question without the answer, which came to nothing.
    fn again(self: Box<Self>) -> Box<dyn Question>;

    /// Tells who asked that it failed.
    fn fail(self: Box<Self>, error: &Error);
}

/// A question: what works out its answer, and who waits for it.
struct Asked<T, F> {
    work: F,
    answer: Option<Result<T>>,
    reply: Reply<T>,
}

/// A question, and where its answer comes.
pub fn ask<T: Send + 'static>(
    work: impl Fn(&mut Runtime, &mut Batch) -> Result<T> + Send + 'static,
) -> (Box<dyn Question>, oneshot::Receiver<Result<T>>) {
    let (reply, receiver) = oneshot::channel();
    let asked = Asked {
        work,
        answer: None,
        reply,
    };
    (Box::new(asked), receiver)
}

impl<T, F> Question for Asked<T, F>
where
    T: Send + 'static,
    F: Fn(&mut Runtime, &mut Batch) -> Result<T> + Send + 'static,
{
    fn answer(mut self: Box<Self>, runtime: &mut Runtime, batch: &mut Batch) -> Box<dyn Answered> {
        self.answer = Some((self.work)(runtime, batch));
        self
    }

    fn fail(self: Box<Self>, error: &Error) {
        send(self.reply, Err(error.clone()));
    }
}

impl<T, F> Answered for Asked<T, F>
where
    T: Send + 'static,
    F: Fn(&mut Runtime, &mut Batch) -> Result<T> + Send + 'static,
{
    fn tell(self: Box<Self>) {
        let answer = self.answer.unwrap_or_else(|| Err(stopped()));
        send(self.reply, answer);
    }

    fn again(mut self: Box<Self>) -> Box<dyn Question> {
        self.answer = None;
        self
    }

    fn fail(self: Box<Self>, error: &Error) {
        send(self.reply, Err(error.clone()));
    }
}

/// Sends an answer to a caller who may be gone: what was decided stands all the same.
fn send<T>(reply: Reply<T>, answer: Result<T>) {
    let _ = reply.send(answer);
}
