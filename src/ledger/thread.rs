//! The ledger's thread: takes what is waiting, decides it in order, has it written down as one and told.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::answers::{Said, fail, give};
use super::batch::{Batch, Refusals};
use super::directory::State;
use super::known_requests::KnownRequests;
use super::known_rules::KnownRules;
use super::load;
use super::message::{Change, Message};
use super::nonces::Nonces;
use super::seen::Seen;
use super::tail::Tail;
use crate::domain::settings::DecisionSettings;
use crate::error::{Error, Result};
use crate::store::{Reader, Seat};

/// Messages in one batch.
const MAX_BATCH: usize = 1_024;
/// With fewer, others get the processor before they are decided: whoever is about to ask comes into the same batch, and waking this
/// thread for each message would cost more than deciding it. With as many, others ask meanwhile.
const FEW: usize = 4;
/// How often reservations are looked through for those whose time is up, while nothing else happens.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long refusals wait for something else that has to be written down.
const FLUSH_AFTER: Duration = Duration::from_secs(1);
/// How many of them are ended at once, so that nobody waits long.
const MAX_EXPIRED: usize = 1_000;
/// How far the clock may be behind what it once showed before the log says so, in milliseconds.
const BEHIND: i64 = 60_000;

/// Loads everything and starts the thread.
pub(super) fn start(
    store: Seat,
    settings: DecisionSettings,
    zone: TimeZone,
    clock: impl Fn() -> Timestamp + Send + 'static,
    waiting: Receiver<Message>,
    seen: Seen,
    known: KnownRules,
) -> Result<JoinHandle<()>> {
    let ((state, tail), requests) = store.read(|reading| {
        let loaded = load::everything(reading, settings, zone, &known)?;
        Ok((loaded, KnownRequests::load(reading)?))
    })?;
    seen.set(&state.peaks);
    let reader = store.reader()?;
    let turns = Turns {
        state,
        refusals: Refusals::new(),
        tail,
        requests,
        reader,
        store,
        known,
        nonces: Nonces::new(),
        refused_at: None,
        is_behind: false,
        seen,
        clock: Box::new(clock),
        more_expire: false,
        paused_until: None,
    };
    if turns.now_ms() + BEHIND < turns.state.peaks.latest() {
        log::warn!(
            "the clock is behind the time of the last decisions; what had expired by then stays expired"
        );
    }
    std::thread::Builder::new()
        .name("ledger".to_owned())
        .spawn(move || turns.run(&waiting))
        .map_err(|error| Error::internal("starting the ledger's thread", error))
}

/// Takes what is waiting.
fn collect(waiting: &Receiver<Message>, messages: &mut Vec<Message>) {
    let room = MAX_BATCH.saturating_sub(messages.len());
    messages.extend(waiting.try_iter().take(room));
}

/// Everything the thread owns.
pub(super) struct Turns {
    pub(super) state: State,
    pub(super) refusals: Refusals,
    pub(super) tail: Tail,
    pub(super) requests: KnownRequests,
    pub(super) reader: Reader,
    pub(super) nonces: Nonces,
    pub(super) store: Seat,
    pub(super) known: KnownRules,
    clock: Box<dyn Fn() -> Timestamp + Send>,
    /// Whether the clock was behind what it once showed.
    is_behind: bool,
    /// What others know of that.
    seen: Seen,
    /// When the first of the refusals came that are not written down yet.
    pub(super) refused_at: Option<Instant>,
    /// Whether the time of further reservations is up.
    pub(super) more_expire: bool,
    /// When reservations are ended again by themselves, after the disk has refused that.
    pub(super) paused_until: Option<Instant>,
}

/// What was decided and not yet written down.
#[derive(Default)]
pub(super) struct Turn {
    pub(super) now_ms: i64,
    pub(super) batch: Batch,
    /// What was said, to be told after the commit.
    pub(super) said: Vec<(Message, Said)>,
    /// Reservations whose time was up.
    pub(super) expired: Vec<i64>,
    pub(super) changes: Vec<Box<dyn Change>>,
    /// Whether refusals that are kept back are to be written down.
    pub(super) flush: bool,
    /// Whether all tables are to be brought up to date.
    pub(super) catch_up: bool,
    /// Whether the same was decided before, and could not be written down.
    pub(super) again: bool,
}

impl Turn {
    /// A turn at a time.
    pub(super) fn at(now_ms: i64) -> Self {
        Self {
            now_ms,
            ..Self::default()
        }
    }

    /// Undoes everything, and says so to who was to be told otherwise.
    pub(super) fn lose(self, state: &mut State, error: &Error) {
        self.batch.undo(state);
        for (message, _) in self.said {
            fail(message, error.clone());
        }
    }
}

impl Turns {
    fn run(mut self, waiting: &Receiver<Message>) {
        let mut messages = Vec::with_capacity(MAX_BATCH);
        // Who asks alone does not wait for others: where all cores are busy, giving way takes tens of milliseconds.
        let mut is_alone = true;
        loop {
            match self.next(waiting) {
                Ok(message) => messages.push(message),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            collect(waiting, &mut messages);
            if messages.len() < FEW && !is_alone {
                std::thread::yield_now();
                collect(waiting, &mut messages);
            }
            is_alone = messages.len() < 2;
            if let Some(done) = self.turn(&mut messages) {
                // Whoever waits for the end may be gone.
                let _ = done.send(());
                return;
            }
        }
    }

    fn next(&self, waiting: &Receiver<Message>) -> std::result::Result<Message, RecvTimeoutError> {
        if self.state.expiries.is_empty() && self.refused_at.is_none() {
            return waiting.recv().map_err(|_| RecvTimeoutError::Disconnected);
        }
        let wait = if self.more_expire {
            Duration::ZERO
        } else {
            LOOK_EVERY
        };
        waiting.recv_timeout(wait)
    }

    /// Decides everything that came. Answers who waits for the end, if that is asked for.
    fn turn(&mut self, messages: &mut Vec<Message>) -> Option<SyncSender<()>> {
        let mut turn = self.begin();
        let mut stop = None;
        for message in messages.drain(..) {
            // What comes after a change sees it.
            let is_change = matches!(message, Message::Change(_));
            if !turn.changes.is_empty() && !is_change {
                self.end(turn);
                turn = self.begin();
            }
            match message {
                Message::Change(change) => turn.changes.push(change),
                Message::End(ended, done) => {
                    // What was decided before stands, and may be undone only before this.
                    self.end(turn);
                    turn = self.begin();
                    self.state.end(&ended);
                    // Whoever asked may be gone.
                    let _ = done.send(());
                }
                Message::EndsStored(done) => {
                    self.state.not_stored.clear();
                    let _ = done.send(());
                }
                Message::Stop(done) => {
                    turn.flush = true;
                    turn.catch_up = true;
                    stop = Some(done);
                }
                other => self.take(&mut turn, other),
            }
        }
        self.end(turn);
        stop
    }

    fn begin(&mut self) -> Turn {
        let mut turn = Turn::at(self.now_ms());
        turn.flush = self
            .refused_at
            .is_some_and(|at| at.elapsed() >= FLUSH_AFTER);
        self.state.see(turn.now_ms);
        // While the clock only goes forward, whoever shows things need not know.
        let is_behind = turn.now_ms < self.state.peaks.latest();
        if is_behind || self.is_behind {
            self.is_behind = is_behind;
            self.seen.set(&self.state.peaks);
        }
        self.expire(&mut turn);
        turn
    }

    /// Ends reservations whose time is up, unless the disk has refused that a moment ago.
    pub(super) fn expire(&mut self, turn: &mut Turn) {
        if self
            .paused_until
            .is_none_or(|until| Instant::now() >= until)
        {
            self.paused_until = None;
            turn.expired = self.state.expire(&mut turn.batch, turn.now_ms, MAX_EXPIRED);
            self.more_expire = turn.expired.len() == MAX_EXPIRED;
        }
    }

    /// The time.
    pub(super) fn now_ms(&self) -> i64 {
        (self.clock)().as_millisecond()
    }

    /// Decides one message. What is said is told at once if nothing that it may rest on waits for a commit.
    pub(super) fn take(&mut self, turn: &mut Turn, message: Message) {
        let flush = matches!(message, Message::Flush(_));
        turn.flush |= flush;
        turn.catch_up |= flush;
        let Some(said) = self.decide(turn, &message) else {
            return;
        };
        if turn.batch.is_empty() && !flush {
            give(message, said);
        } else {
            turn.said.push((message, said));
        }
    }
}
