//! What the connections of a worker share: its time in ticks, and the places of all workers.

use std::cell::Cell;
use std::sync::Arc;

use memchr::memmem::Finder;

use super::last_bytes::EMPTY_LINE;
use super::places::Places;

/// A number of ticks since the worker started.
pub(super) type Tick = u32;

/// A worker, as each of its connections knows it.
pub(super) struct Worker {
    pub(super) places: Arc<Places>,
    now: Cell<Tick>,
    empty_line: Finder<'static>,
}

impl Worker {
    pub(super) fn new(places: Arc<Places>) -> Self {
        Self {
            places,
            now: Cell::new(0),
            empty_line: Finder::new(EMPTY_LINE),
        }
    }

    pub(super) fn now(&self) -> Tick {
        self.now.get()
    }

    pub(super) fn set_now(&self, now: Tick) {
        self.now.set(now);
    }

    /// Where a head ends among these bytes.
    pub(super) fn find_head_end(&self, bytes: &[u8]) -> Option<usize> {
        let at = self.empty_line.find(bytes)?;
        Some(at + self.empty_line.needle().len())
    }
}
