//! Lines of the log on their way to standard error.
//!
//! A write to it costs more than deciding a call, so the lines of requests that a worker ends in one turn of its runtime are written
//! as one. Every other line is written at once. A process that is killed in between loses lines, and nothing else.

use std::cell::{Cell, RefCell};
use std::io::{Result, Write, stderr};

use crate::metrics::Tally;

/// Bytes that are kept at most.
const MOST: usize = 16 * 1024;

/// Lines that are not written because another one says how many there are. A process has one log, so this is one number.
pub static COUNTED: Tally = Tally::new();
/// Lines that standard error did not take.
pub static LOST: Tally = Tally::new();

#[derive(Default)]
struct Kept {
    /// Whether what is logged now is kept.
    keeps: Cell<bool>,
    /// Whether a task will write what is kept.
    awaited: Cell<bool>,
    lines: RefCell<Vec<u8>>,
}

thread_local! {
    static KEPT: Kept = Kept::default();
}

/// Runs `log`, and has what it logs written with the lines of the other requests that this thread is about to end. To be called
/// where a local task can be spawned.
pub fn together(log: impl FnOnce()) {
    KEPT.with(|kept| {
        kept.keeps.set(true);
        log();
        kept.keeps.set(false);
        if !kept.lines.borrow().is_empty() && !kept.awaited.replace(true) {
            let end = End;
            actix_web::rt::spawn(async move {
                // Whoever is ready now comes first.
                tokio::task::yield_now().await;
                drop(end);
            });
        }
    });
}

/// Writes what is kept when it goes: once its task had its turn, or never will.
struct End;

impl Drop for End {
    fn drop(&mut self) {
        // Where the thread itself ends, nothing is kept any more.
        let _ = KEPT.try_with(|kept| {
            kept.awaited.set(false);
            release(&mut kept.lines.borrow_mut());
        });
    }
}

/// Writes what is kept. Whoever can't write a line has no place to say so, and the next one may fare better.
fn release(lines: &mut Vec<u8>) {
    if !lines.is_empty() {
        if stderr().lock().write_all(lines).is_err() {
            LOST.add(memchr::memchr_iter(b'\n', lines).count() as u64);
        }
        lines.clear();
    }
}

/// Standard error, but for what [`together`] keeps. Takes whole lines.
pub struct LogLines;

impl Write for LogLines {
    fn write(&mut self, line: &[u8]) -> Result<usize> {
        let kept = KEPT.try_with(|kept| {
            let mut lines = kept.lines.borrow_mut();
            if !kept.keeps.get() {
                // The lines of a thread stay in their order.
                release(&mut lines);
                return false;
            }
            if lines.len() + line.len() > MOST {
                release(&mut lines);
            }
            lines.extend_from_slice(line);
            true
        });
        if !kept.unwrap_or(false) {
            stderr()
                .lock()
                .write_all(line)
                .inspect_err(|_| LOST.add(1))?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}
