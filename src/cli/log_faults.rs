//! Faults in the log: the first of a kind are written, and then how many there were, so that a flood of what fails does not fill
//! the disk that it may fail for.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use log::{Level, Record};

use crate::domain::repeats::{LeftOut, PERIOD, Repeats};

/// How many lines of a kind are written in a period.
const FIRST: u32 = 3;
/// Kinds that are told apart in a period.
const KINDS: usize = 100;

/// What went wrong lately.
pub struct Faults {
    began: Instant,
    /// Whether anything was left out that is to be told.
    left_out: AtomicBool,
    repeats: Mutex<Repeats<String>>,
}

/// Lines that were left out.
pub struct Unwritten(LeftOut<String>);

impl Default for Faults {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            left_out: AtomicBool::new(false),
            repeats: Mutex::new(Repeats::new(FIRST, KINDS)),
        }
    }
}

impl Faults {
    /// Whether a line is to be written; all that say that nothing went wrong are.
    pub fn is_told(&self, record: &Record<'_>) -> bool {
        if record.level() > Level::Warn {
            return true;
        }
        // Two lines that differ in numbers alone are of one kind.
        let kind: String = record.args().to_string();
        let kind = kind.replace(|digit: char| digit.is_ascii_digit(), "#");
        let told = self.repeats().note(kind, self.now());
        if !told {
            self.left_out.store(true, Ordering::Relaxed);
        }
        told
    }

    /// What was left out before this line, once the period is over. To be asked before each line.
    pub fn due(&self, record: &Record<'_>) -> Vec<Unwritten> {
        if record.level() > Level::Warn && !self.left_out.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let due = self.repeats().due(self.now());
        if !due.is_empty() {
            self.left_out.store(false, Ordering::Relaxed);
        }
        due.into_iter().map(Unwritten).collect()
    }

    /// Writes what was left out until now.
    pub fn end(&self) {
        let all = self.repeats().end();
        for left_out in all {
            log::error!("{}", Unwritten(left_out));
        }
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn repeats(&self) -> MutexGuard<'_, Repeats<String>> {
        self.repeats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Unwritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = PERIOD.as_secs();
        match &self.0.what {
            Some(what) => write!(f, "{} more like it in {seconds} s: {what}", self.0.count),
            None => write!(f, "{} more of other kinds in {seconds} s", self.0.count),
        }
    }
}
