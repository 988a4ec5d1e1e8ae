//! How many connections there may be at a time, and what large answers hold, for all workers of a listener together.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};

/// The places of a listener.
pub struct Places {
    free: Semaphore,
    waiting: AtomicUsize,
    /// Connections that were ended and are not gone yet.
    leaving: AtomicUsize,
    held: AtomicUsize,
}

impl Places {
    /// So many places.
    pub fn new(count: usize) -> Self {
        Self {
            free: Semaphore::new(count),
            waiting: AtomicUsize::new(0),
            leaving: AtomicUsize::new(0),
            held: AtomicUsize::new(0),
        }
    }

    /// No connection gets a place from now on: those that wait for one end.
    pub fn close(&self) {
        self.free.close();
    }

    /// How many more connections wait for a place than are about to leave one.
    pub(super) fn short_of(&self) -> usize {
        let waiting = self.waiting.load(Ordering::Relaxed);
        waiting.saturating_sub(self.leaving.load(Ordering::Relaxed))
    }

    pub(super) fn begins_to_leave(&self) {
        self.leaving.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn has_left(&self) {
        self.leaving.fetch_sub(1, Ordering::Relaxed);
    }

    /// Bytes that large answers hold.
    pub(super) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    pub(super) fn hold(&self, bytes: usize) {
        self.held.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn release(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// A place, held until it is dropped; `none_free` is called before it is waited for. `None` once they are closed.
    pub(super) async fn take(&self, none_free: impl FnOnce()) -> Option<SemaphorePermit<'_>> {
        if let Ok(place) = self.free.try_acquire() {
            return Some(place);
        }
        let _waiting = Waiting::new(&self.waiting);
        none_free();
        self.free.acquire().await.ok()
    }
}

/// One that waits, until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
