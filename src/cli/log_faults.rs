//! Faults in the log: the first of a kind are written, and then how many there were, so that a flood of what fails does not fill
//! the disk that it may fail for.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use log::{Level, Record};

use crate::domain::values::repeats::{LeftOut, PERIOD, Repeats};
use crate::http::core::log_lines::COUNTED;

/// How many lines of a kind are written in a period.
const FIRST: u32 = 3;
/// Kinds of a level that are told apart in a period: however many warnings there are, they take no place of an error.
const KINDS: usize = 100;

/// What went wrong lately.
pub struct Faults {
    began: Instant,
    errors: Kinds,
    warnings: Kinds,
}

/// Lines of a level.
struct Kinds {
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
            errors: Kinds::default(),
            warnings: Kinds::default(),
        }
    }
}

impl Faults {
    /// Whether a line is to be written; all that say that nothing went wrong are.
    pub fn is_told(&self, record: &Record<'_>) -> bool {
        let kinds = match record.level() {
            Level::Error => &self.errors,
            Level::Warn => &self.warnings,
            _ => return true,
        };
        // Two lines that differ in numbers alone are of one kind.
        let kind: String = record.args().to_string();
        let kind = kind.replace(|digit: char| digit.is_ascii_digit(), "#");
        kinds.note(kind, self.began.elapsed())
    }

    /// What was left out before this line, once the period is over. To be asked before each line.
    pub fn due(&self, record: &Record<'_>) -> Vec<Unwritten> {
        let is_fault = record.level() <= Level::Warn;
        [&self.errors, &self.warnings]
            .into_iter()
            .filter(|kinds| is_fault || kinds.left_out.load(Ordering::Relaxed))
            .flat_map(|kinds| kinds.due(self.began.elapsed()))
            .collect()
    }

    /// Writes what was left out until now.
    pub fn end(&self) {
        for kinds in [&self.errors, &self.warnings] {
            let all = kinds.repeats().end();
            for left_out in all {
                log::error!("{}", Unwritten(left_out));
            }
        }
    }
}

impl Default for Kinds {
    fn default() -> Self {
        Self {
            left_out: AtomicBool::new(false),
            repeats: Mutex::new(Repeats::new(FIRST, KINDS)),
        }
    }
}

impl Kinds {
    fn note(&self, kind: String, now: Duration) -> bool {
        let told = self.repeats().note(kind, now);
        if !told {
            self.left_out.store(true, Ordering::Relaxed);
            COUNTED.add(1);
        }
        told
    }

    fn due(&self, now: Duration) -> impl Iterator<Item = Unwritten> + use<> {
        let due = self.repeats().due(now);
        if !due.is_empty() {
            self.left_out.store(false, Ordering::Relaxed);
        }
        due.into_iter().map(Unwritten)
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
