//! How an upstream was seen last. What is counted begins with the process.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAnswer {
    /// The upstream could not be reached; nothing was sent.
    NotConnected,
    /// The connection broke off.
    BrokenOff,
    /// It took too long.
    TimedOut,
    /// The upstream sends callers elsewhere; nothing was made.
    Redirects,
    /// The upstream does not take the key that it was sent; nothing was made.
    KeyRefused,
    /// Nobody waited for it any more; the upstream is not to blame.
    CallerGone,
}

impl NoAnswer {
    /// Its stable name, and what an operator looks at.
    pub fn about(self) -> (&'static str, &'static str) {
        match self {
            Self::NotConnected => (
                "not_connected",
                "it could not be reached: is base_url right, and the network up?",
            ),
            Self::BrokenOff => (
                "broken_off",
                "the connection broke off before the answer was whole",
            ),
            Self::TimedOut => ("timed_out", "no answer began within answer_timeout"),
            Self::Redirects => (
                "redirects",
                "it sends callers elsewhere: set base_url to where it sends them",
            ),
            Self::KeyRefused => (
                "key_refused",
                "it does not take its key: replace it, and start again or send SIGHUP",
            ),
            Self::CallerGone => ("caller_gone", "nobody waited for the answer any more"),
        }
    }
}

/// How an upstream was seen last.
#[derive(Default)]
pub struct UpstreamState(Mutex<Seen>);

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
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.failures += 1;
        seen.is_failing = true;
        seen.last_failure = Some((at, why));
    }

    /// What was seen.
    pub fn seen(&self) -> Seen {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
