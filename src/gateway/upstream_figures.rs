//! What is counted of the calls of an upstream since the start of the process.

use std::time::Duration;

use super::no_answer::NoAnswer;
use crate::domain::decision::amounts::Spent;
use crate::metrics::{Distribution, SLOW, nanoseconds};

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallOutcome {
    /// With an answer of this status, as far as the provider made one.
    Answered(u16),
    /// Without one, or with none that is whole.
    Unanswered(NoAnswer),
}

impl CallOutcome {
    /// Every name that there is.
    pub const NAMES: [&str; 9] = [
        "answered",
        "refused",
        "failed",
        "not_connected",
        "broken_off",
        "timed_out",
        "redirects",
        "key_refused",
        "caller_gone",
    ];

    /// Its name, at its place in [`CallOutcome::NAMES`]: what has a status of 500 and above is `failed`, of 400 and above `refused`.
    fn place(self) -> usize {
        match self {
            Self::Answered(..400) => 0,
            Self::Answered(400..500) => 1,
            Self::Answered(500..) => 2,
            Self::Unanswered(NoAnswer::NotConnected) => 3,
            Self::Unanswered(NoAnswer::BrokenOff) => 4,
            Self::Unanswered(NoAnswer::TimedOut) => 5,
            Self::Unanswered(NoAnswer::Redirects) => 6,
            Self::Unanswered(NoAnswer::KeyRefused) => 7,
            Self::Unanswered(NoAnswer::CallerGone) => 8,
        }
    }
}

/// What is counted of the calls of an upstream.
#[derive(Debug, Clone)]
pub struct UpstreamFigures {
    /// How often calls ended in each way, by their places in [`CallOutcome::NAMES`].
    pub ended: [u64; CallOutcome::NAMES.len()],
    /// Calls under way.
    pub in_progress: u64,
    /// How long answers took to begin, in nanoseconds.
    pub first_bytes: Distribution,
    /// Bytes of bodies that were sent to it.
    pub sent_bytes: u64,
    /// Bytes of bodies that came from it, as they came.
    pub received_bytes: u64,
    /// Tokens of input that were charged, those that were read from a cache left out.
    pub input_tokens: u64,
    /// Of input that was read from a cache.
    pub cached_input_tokens: u64,
    /// Of output.
    pub output_tokens: u64,
    /// What its calls were charged, in nanodollars.
    pub cost_nanodollars: u64,
}

impl Default for UpstreamFigures {
    fn default() -> Self {
        Self {
            ended: [0; CallOutcome::NAMES.len()],
            in_progress: 0,
            first_bytes: Distribution::new(SLOW),
            sent_bytes: 0,
            received_bytes: 0,
            input_tokens: 0,
            cached_input_tokens: 0,
            output_tokens: 0,
            cost_nanodollars: 0,
        }
    }
}

impl UpstreamFigures {
    /// A call is sent with a body of so many bytes.
    pub fn begin(&mut self, bytes: u64) {
        self.in_progress += 1;
        self.sent_bytes += bytes;
    }

    /// An answer began.
    pub fn answer(&mut self, latency: Duration) {
        self.first_bytes.note(nanoseconds(latency));
    }

    /// A call ended, of whose answer so many bytes came, and which is charged this.
    pub fn end(&mut self, outcome: CallOutcome, bytes: u64, spent: &Spent) {
        self.in_progress = self.in_progress.saturating_sub(1);
        self.ended[outcome.place()] += 1;
        self.received_bytes += bytes;
        let count = |number: i64| number.max(0).unsigned_abs();
        let split = spent.split;
        self.input_tokens += count(split.input.saturating_sub(split.cached_input));
        self.cached_input_tokens += count(split.cached_input);
        self.output_tokens += count(split.output);
        self.cost_nanodollars = self
            .cost_nanodollars
            .saturating_add(count(spent.cost.nanodollars()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_without_an_answer_are_named_as_the_page_names_them() {
        for why in [
            NoAnswer::NotConnected,
            NoAnswer::BrokenOff,
            NoAnswer::TimedOut,
            NoAnswer::Redirects,
            NoAnswer::KeyRefused,
            NoAnswer::CallerGone,
        ] {
            let place = CallOutcome::Unanswered(why).place();
            assert_eq!(CallOutcome::NAMES[place], why.about().0);
        }
        let name = |status| CallOutcome::NAMES[CallOutcome::Answered(status).place()];
        let names = [200, 399, 400, 499, 500].map(name);
        assert_eq!(
            names,
            ["answered", "answered", "refused", "refused", "failed"]
        );
    }
}
