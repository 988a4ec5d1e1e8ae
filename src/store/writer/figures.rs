//! What the writer counts of itself: raised by its thread alone, read by whoever shows it.

use std::time::Instant;

use crate::error::Result;
use crate::metrics::{Distribution, Histogram, QUICK, SIZES, Tally, nanoseconds};

/// What the writer counts of itself.
#[derive(Debug)]
#[repr(align(128))]
pub struct WriterFigures {
    durations: Histogram,
    writes: Histogram,
    failures: Tally,
}

impl Default for WriterFigures {
    fn default() -> Self {
        Self {
            durations: Histogram::new(QUICK),
            writes: Histogram::new(SIZES),
            failures: Tally::new(),
        }
    }
}

impl WriterFigures {
    /// A commit of so many writes ended that began then.
    pub(super) fn committed(&self, writes: usize, began: Instant, outcome: &Result<()>) {
        if outcome.is_err() {
            self.failures.add(1);
            return;
        }
        self.durations.note(nanoseconds(began.elapsed()));
        self.writes.note(writes as u64);
    }

    /// How long commits took that succeeded, in nanoseconds.
    pub fn durations(&self) -> Distribution {
        self.durations.read()
    }

    /// How many writes shared each of them.
    pub fn writes(&self) -> Distribution {
        self.writes.read()
    }

    /// Commits that failed.
    pub fn failures(&self) -> u64 {
        self.failures.get()
    }
}
