//! Places for work that takes long: one at a time for each caller, few at a time for all, so that it never takes what others need.
//!
//! What is held moves to the thread that works: a client that goes away does not end the work, and makes no room for more of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

use crate::error::{Error, Result};
use crate::store::READERS;

/// Slow reads at a time; the rest of the readers is for small ones.
const SLOW_READS: usize = READERS as usize / 2;
/// How many requests of one caller may wait for its place.
const MAX_WAITING: usize = 64;
/// When it may be worth trying again, in seconds.
const RETRY_AFTER: u64 = 1;

/// Places for what takes long.
pub struct SlowWork {
    callers: Arc<Callers>,
    reads: Arc<Semaphore>,
    /// Compiling takes all of a processor.
    expressions: Arc<Semaphore>,
}

impl Default for SlowWork {
    fn default() -> Self {
        Self {
            callers: Arc::default(),
            reads: Arc::new(Semaphore::new(SLOW_READS)),
            expressions: Arc::new(Semaphore::new(1)),
        }
    }
}

impl SlowWork {
    /// The turn of a caller for a read that takes long.
    ///
    /// # Errors
    /// 429 when too many of the same caller wait.
    pub async fn read_turn(&self, caller: String) -> Result<ReadTurn> {
        Ok(ReadTurn {
            _place: self.callers.place(caller).await?,
            // The permits are never withdrawn, so this only waits.
            _permit: Arc::clone(&self.reads).acquire_owned().await.ok(),
        })
    }

    /// The turn of a caller to compile expressions.
    ///
    /// # Errors
    /// As [`SlowWork::read_turn`].
    pub async fn expression_turn(&self, caller: String) -> Result<ExpressionTurn> {
        Ok(ExpressionTurn {
            _place: self.callers.place(caller).await?,
            _permit: Arc::clone(&self.expressions).acquire_owned().await.ok(),
        })
    }
}

/// The place of each caller, by the public id of its key, as long as somebody is there.
#[derive(Default)]
struct Callers(Mutex<HashMap<String, Line>>);

/// Requests of one caller: one works, the others wait.
#[derive(Default)]
struct Line {
    length: usize,
    place: Arc<AsyncMutex<()>>,
}

/// A caller's place, or a wait for it.
struct Place {
    callers: Arc<Callers>,
    caller: String,
    taken: Option<OwnedMutexGuard<()>>,
}

impl Callers {
    fn lines(&self) -> MutexGuard<'_, HashMap<String, Line>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn place(self: &Arc<Self>, caller: String) -> Result<Place> {
        let (place, mut waiting) = self.wait(caller)?;
        waiting.taken = Some(place.lock_owned().await);
        Ok(waiting)
    }

    fn wait(self: &Arc<Self>, caller: String) -> Result<(Arc<AsyncMutex<()>>, Place)> {
        let mut lines = self.lines();
        let line = lines.entry(caller.clone()).or_default();
        if line.length > MAX_WAITING {
            return Err(too_many());
        }
        line.length += 1;
        let waiting = Place {
            callers: Arc::clone(self),
            caller,
            taken: None,
        };
        Ok((Arc::clone(&line.place), waiting))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.taken = None;
        let mut lines = self.callers.lines();
        if let Some(line) = lines.get_mut(&self.caller) {
            line.length -= 1;
            if line.length == 0 {
                lines.remove(&self.caller);
            }
        }
    }
}

fn too_many() -> Error {
    Error::TooMany {
        code: "too_many_slow_requests",
        message: format!(
            "{MAX_WAITING} requests of this key wait already for one of its own that takes long; send them one after another"
        ),
        retry_after_seconds: RETRY_AFTER,
    }
}

/// The right to read for long.
pub struct ReadTurn {
    _place: Place,
    _permit: Option<OwnedSemaphorePermit>,
}

/// The right to compile expressions.
pub struct ExpressionTurn {
    _place: Place,
    _permit: Option<OwnedSemaphorePermit>,
}
