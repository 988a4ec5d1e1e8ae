//! How an upstream was seen last. What is counted begins with the process and goes on for a name, whatever its settings become.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::no_answer::NoAnswer;
use super::upstream_figures::UpstreamFigures;

/// How an upstream was seen last.
#[derive(Default)]
pub struct UpstreamState {
    seen: Mutex<Seen>,
    figures: Mutex<UpstreamFigures>,
}

/// What was seen of an upstream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// Calls that it answered, those among them that it refused.
    pub answers: u64,
    /// Of these, those of status 400 and above.
    pub errors: u64,
    /// Calls that got no answer, or none that is whole.
    pub failures: u64,
    /// The last answer.
    pub last_answer: Option<LastAnswer>,
    /// When a call last got no answer, and why.
    pub last_failure: Option<(Timestamp, NoAnswer)>,
    is_failing: bool,
}

/// An answer of an upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastAnswer {
    /// When it began.
    pub at: Timestamp,
    /// Its status.
    pub status: u16,
    /// How long it took to begin.
    pub latency: Duration,
}

impl UpstreamState {
    /// Notes the beginning of an answer.
    pub fn answered(&self, at: Timestamp, status: u16, latency: Duration) {
        self.count(|figures| figures.answer(latency));
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.answers += 1;
        seen.errors += u64::from(status >= 400);
        seen.is_failing = status >= 500;
        seen.last_answer = Some(LastAnswer {
            at,
            status,
            latency,
        });
    }

    /// Notes a call without an answer.
    pub fn failed(&self, at: Timestamp, why: NoAnswer) {
        if why == NoAnswer::CallerGone {
            return;
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.failures += 1;
        seen.is_failing = true;
        seen.last_failure = Some((at, why));
    }

    /// What was seen.
    pub fn seen(&self) -> Seen {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has something counted.
    pub fn count(&self, count: impl FnOnce(&mut UpstreamFigures)) {
        let mut figures = self.figures.lock().unwrap_or_else(PoisonError::into_inner);
        count(&mut figures);
    }

    /// What was counted.
    pub fn figures(&self) -> UpstreamFigures {
        let figures = self.figures.lock().unwrap_or_else(PoisonError::into_inner);
        figures.clone()
    }
}

impl Seen {
    /// `unused` before the first call, `failing` while the last call got no answer or one of status 500 and above, else `answering`.
    pub fn state(&self) -> &'static str {
        if self.answers + self.failures == 0 {
            "unused"
        } else if self.is_failing {
            "failing"
        } else {
            "answering"
        }
    }
}
