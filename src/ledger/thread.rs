//! The ledger's thread: takes what is waiting, decides it in order, has it written down as one and told.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::clock::SharedHighWater;
use super::engine::Refusals;
use super::figures::LedgerFigures;
use super::known_requests::KnownRequests;
use super::known_rules::KnownRules;
use super::load;
use super::message::LedgerMessage;
use super::nonces::Nonces;
use super::runtime::{Batch, Runtime};
use crate::domain::settings::DecisionSettings;
use crate::error::{Error, Result};
use crate::store::Seat;

/// Messages in one batch.
const MAX_BATCH: usize = 1_024;
/// With fewer, others get the processor before they are decided: whoever is about to ask comes into the same batch, and waking this
/// thread for each message would cost more than deciding it. With as many, others ask meanwhile.
const FEW: usize = 4;
/// How often reservations are looked through for those whose time is up, while nothing else happens.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long refusals wait for something else that has to be written down.
const FLUSH_AFTER: Duration = Duration::from_secs(1);
/// How far the clock may be behind what it once showed before the log says so, in milliseconds.
const BEHIND: i64 = 60_000;

/// Loads everything and starts the thread.
pub fn start(
    store: Seat,
    settings: DecisionSettings,
    zone: TimeZone,
    clock: impl Fn() -> Timestamp + Send + 'static,
    (waiting, figures): (Receiver<LedgerMessage>, Arc<LedgerFigures>),
    shared_high_water: SharedHighWater,
    known: KnownRules,
) -> Result<JoinHandle<()>> {
    let ((state, pending), requests) = store.read(|reading| {
        let loaded = load::everything(reading, settings, zone, &known)?;
        Ok((loaded, KnownRequests::load(reading)?))
    })?;
    shared_high_water.set(&state.directory.high_water);
    let reader = store.reader()?;
    let runtime = Runtime {
        state,
        refusals: Refusals::default(),
        pending,
        requests,
        reader,
        store,
        known,
        nonces: Nonces::new(),
        line_bounds: Arc::default(),
        refused_at: None,
        is_behind: false,
        shared_high_water,
        clock: Box::new(clock),
        more_expire: false,
        paused_until: None,
        figures,
    };
    runtime.figures.see(&runtime.state.reservations);
    if runtime.now_ms() + BEHIND < runtime.state.directory.high_water.latest() {
        log::warn!(
            "the clock is behind the time of the last decisions; what had expired by then stays expired"
        );
    }
    std::thread::Builder::new()
        .name("ledger".to_owned())
        .spawn(move || runtime.run(&waiting))
        .map_err(|error| Error::internal("starting the ledger's thread", error))
}

/// Takes what is waiting.
fn collect(waiting: &Receiver<LedgerMessage>, messages: &mut Vec<LedgerMessage>) {
    let room = MAX_BATCH.saturating_sub(messages.len());
    messages.extend(waiting.try_iter().take(room));
}

impl Runtime {
    fn run(mut self, waiting: &Receiver<LedgerMessage>) {
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
            self.figures.take(messages.len());
            let stop = self.decide_all(&mut messages);
            self.figures.see(&self.state.reservations);
            if let Some(done) = stop {
                // Whoever waits for the end may be gone.
                let _ = done.send(());
                return;
            }
        }
    }

    fn next(
        &self,
        waiting: &Receiver<LedgerMessage>,
    ) -> std::result::Result<LedgerMessage, RecvTimeoutError> {
        if !self.state.reservations.any_expires() && self.refused_at.is_none() {
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
    fn decide_all(&mut self, messages: &mut Vec<LedgerMessage>) -> Option<SyncSender<()>> {
        let mut batch = self.begin();
        let mut stop = None;
        for message in messages.drain(..) {
            // What comes after a change sees it.
            let is_change = matches!(message, LedgerMessage::Change(_));
            if !batch.changes.is_empty() && !is_change {
                self.end(batch);
                batch = self.begin();
            }
            match message {
                LedgerMessage::Change(change) => batch.changes.push(change),
                LedgerMessage::End(ended, done) => {
                    // What was decided before stands, and may be undone only before this.
                    self.end(batch);
                    batch = self.begin();
                    self.state.directory.end(&ended);
                    // Whoever asked may be gone.
                    let _ = done.send(());
                }
                LedgerMessage::EndsStored(done) => {
                    self.state.directory.not_stored.clear();
                    let _ = done.send(());
                }
                LedgerMessage::Stop(done) => {
                    batch.flush = true;
                    batch.catch_up = true;
                    stop = Some(done);
                }
                LedgerMessage::Question(question) => self.take(&mut batch, question),
            }
        }
        self.end(batch);
        stop
    }

    fn begin(&mut self) -> Batch {
        let mut batch = Batch::at(self.now_ms());
        batch.flush = self
            .refused_at
            .is_some_and(|at| at.elapsed() >= FLUSH_AFTER);
        self.state.directory.see(batch.now_ms);
        // While the clock only goes forward, whoever shows things need not know.
        let is_behind = batch.now_ms < self.state.directory.high_water.latest();
        if is_behind || self.is_behind {
            self.is_behind = is_behind;
            self.shared_high_water.set(&self.state.directory.high_water);
        }
        self.expire(&mut batch);
        batch
    }
}
