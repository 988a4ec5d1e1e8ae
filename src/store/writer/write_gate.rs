//! Whether writes succeed, and whether there is one that must come before all others.
//!
//! What was taken away while the disk refused writes is stored before anything else is: until then the gate is closed, and only
//! writes that say that they go first are let through. One thread tries again as long as that or the disk is in the way
//! ([`WriteGate::next_round`]).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::store::database::fault;

/// How long the thread that tries again waits between two rounds.
const EVERY: Duration = Duration::from_secs(1);
/// How long a write waits for a round that it asked for.
const PATIENCE: Duration = Duration::from_secs(2);

/// The code of an error that says that something else has to be stored first.
pub const FIRST: &str = "revocations_first";

/// Whether a write failed because none can succeed before somebody does something about the disk or the file.
pub fn refuses_writes(error: &Error) -> bool {
    let code = match error {
        Error::Unavailable { code, .. } => *code,
        _ => "",
    };
    fault::is_of_the_disk(error) || [fault::GONE, fault::DAMAGED, FIRST].contains(&code)
}

/// The state of writing, shared by the writer, those who write, the thread that tries again, and `/ready`.
#[derive(Default)]
pub struct WriteGate {
    /// Something has to be stored before anything else.
    closed: AtomicBool,
    /// The disk refused the last commit.
    failing: AtomicBool,
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Default)]
struct GateState {
    /// Why the last commit failed, if the disk refused it.
    refusal: Option<Error>,
    /// Rounds that have ended.
    rounds: u64,
    /// How many are asked for.
    wanted: u64,
    is_stopped: bool,
}

impl GateState {
    fn is_round_wanted(&self) -> bool {
        self.rounds < self.wanted
    }
}

impl WriteGate {
    /// Whether the disk refused the last commit.
    pub fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }

    /// Notes that something was written.
    pub fn succeeded(&self) {
        self.state().refusal = None;
        self.failing.store(false, Ordering::SeqCst);
    }

    /// Notes that a commit failed, if it was the disk that refused it.
    pub fn failed(&self, error: &Error) {
        if fault::is_of_the_disk(error) {
            let mut state = self.state();
            state.refusal = Some(error.clone());
            self.failing.store(true, Ordering::SeqCst);
            self.changed.notify_all();
        }
    }

    /// From now on only writes that go first are let through.
    pub fn close(&self) {
        self.set_closed(true);
    }

    /// All writes are let through again.
    pub fn open(&self) {
        self.set_closed(false);
    }

    fn set_closed(&self, closed: bool) {
        let _state = self.state();
        self.closed.store(closed, Ordering::SeqCst);
        self.changed.notify_all();
    }

    /// Whether a write that does not go first may begin. If not, the thread that tries again does so at once.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub fn check(&self) -> Result<()> {
        self.is_open().inspect_err(|_| drop(self.want_a_round()))
    }

    /// The same, for a write that can wait a moment for what must come first.
    ///
    /// # Errors
    /// As [`WriteGate::check`].
    pub fn pass(&self) -> Result<()> {
        if self.is_open().is_ok() {
            return Ok(());
        }
        let state = self.want_a_round();
        let wanted = state.wanted;
        let over = self.changed.wait_timeout_while(state, PATIENCE, |state| {
            state.rounds < wanted && !state.is_stopped && self.is_open().is_err()
        });
        drop(over);
        self.is_open()
    }

    /// Whether writes succeed.
    ///
    /// # Errors
    /// [`Error::Unavailable`] with the reason.
    pub fn ready(&self) -> Result<()> {
        match &self.state().refusal {
            Some(refusal) => Err(refusal.clone()),
            None => self.is_open(),
        }
    }

    /// Waits until it is time to try again: something is in the way, and somebody asked for it or some time has passed. False when
    /// the store is about to close.
    pub fn next_round(&self) -> bool {
        let mut state = self.state();
        let mut has_waited = false;
        while !state.is_stopped {
            let in_the_way = self.is_failing() || self.is_open().is_err();
            if in_the_way && (has_waited || state.is_round_wanted()) {
                return true;
            }
            if in_the_way {
                let waited = self.changed.wait_timeout(state, EVERY);
                let (woken, waited) = waited.unwrap_or_else(PoisonError::into_inner);
                (state, has_waited) = (woken, waited.timed_out());
            } else {
                let woken = self.changed.wait(state);
                state = woken.unwrap_or_else(PoisonError::into_inner);
            }
        }
        false
    }

    /// Whether somebody asked for a round that has not ended.
    #[cfg(test)]
    pub fn is_round_wanted(&self) -> bool {
        self.state().is_round_wanted()
    }

    /// A round has ended.
    pub fn round_over(&self) {
        self.state().rounds += 1;
        self.changed.notify_all();
    }

    /// Nobody tries again any more.
    pub fn stop(&self) {
        self.state().is_stopped = true;
        self.changed.notify_all();
    }

    /// Whether nothing has to be stored first.
    ///
    /// # Errors
    /// [`Error::Unavailable`] with the code [`FIRST`].
    pub fn is_open(&self) -> Result<()> {
        if !self.closed.load(Ordering::SeqCst) {
            return Ok(());
        }
        Err(Error::Unavailable {
            code: FIRST,
            reason: "the disk refuses writes, and access that was taken away has to be stored first; nothing was written"
                .to_owned(),
        })
    }

    fn want_a_round(&self) -> MutexGuard<'_, GateState> {
        let mut state = self.state();
        // One that is running may have begun before this.
        state.wanted = state.rounds + 2;
        self.changed.notify_all();
        state
    }

    fn state(&self) -> MutexGuard<'_, GateState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
