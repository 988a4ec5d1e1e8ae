//! Work that takes long: one at a time for each caller, few at a time for all, so that it never takes what others need.
//!
//! What is held moves to the thread that works: a client that goes away does not end the work, and makes no room for more of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

use super::call::{Call, blocking};
use super::problem::Problem;
use crate::domain::expressions::may_be_in;
use crate::domain::json::Json;
use crate::domain::list::Page;
use crate::error::{Error, Result};
use crate::ledger::ReadyExpressions;
use crate::service::Services;
use crate::service::expressions::{Given, find};
use crate::store::{READERS, Reading};

/// Slow reads at a time; the rest of the readers is for small ones.
const SLOW_READS: usize = READERS as usize / 2;
/// How many requests of one caller may wait for its place.
const MAX_WAITING: usize = 64;
/// The largest page that is a small read.
const SMALL_PAGE: i64 = 100;
/// How far in a small read begins at most.
const NEAR: i64 = 1_000;
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

/// The right to compile expressions.
pub struct ExpressionTurn {
    _place: Place,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Call {
    /// A read that grows with what is stored: one at a time for each caller. Small reads go on beside any number of them.
    ///
    /// # Errors
    /// What `work` answers; 429 when too many of the same caller wait.
    pub async fn slow_read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Reading<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.slow(move |services| services.store.read(work)).await
    }

    /// The same for what joins the ledger and the store.
    ///
    /// # Errors
    /// As [`Call::slow_read`].
    pub async fn slow<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Services) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let slow = &self.state().slow;
        let place = slow.callers.place(self.caller_id()).await?;
        let permit = Arc::clone(&slow.reads).acquire_owned().await;
        self.aside(move |services| {
            let _held = (place, permit);
            work(services)
        })
        .await
    }

    /// A page of a list: slow when a text is looked for in all of it, when it lies far in, and when it is large.
    ///
    /// # Errors
    /// As [`Call::slow_read`].
    pub async fn read_page<T: Send + 'static>(
        &self,
        page: Page,
        searches: bool,
        work: impl FnOnce(&Reading<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        if searches || page.offset > NEAR || page.limit > SMALL_PAGE {
            self.slow_read(work).await
        } else {
            self.read(work).await
        }
    }

    /// A turn to compile expressions.
    ///
    /// # Errors
    /// 429 when too many of the same caller wait.
    pub async fn expression_turn(&self) -> Result<ExpressionTurn> {
        let slow = &self.state().slow;
        Ok(ExpressionTurn {
            _place: slow.callers.place(self.caller_id()).await?,
            // The permits are never withdrawn, so this only waits.
            _permit: Arc::clone(&slow.expressions).acquire_owned().await.ok(),
        })
    }

    /// The JSON body of an access profile, turned into a value by `read`: off the async threads, because it may be large, and in turn where
    /// there are expressions in it.
    ///
    /// # Errors
    /// As [`Call::json`]; 429 when too many of the same caller wait.
    pub async fn profile_json<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Json<'_>) -> Result<T> + Send + 'static,
    ) -> std::result::Result<T, Problem> {
        let bytes = self.json_bytes().await?;
        let turn = if may_be_in(&bytes) {
            Some(self.expression_turn().await?)
        } else {
            None
        };
        let reader = self.body_reader();
        let read = blocking(move || {
            let _turn = turn;
            reader.read(&bytes, read)
        });
        let (value, hash) = read.await?;
        self.note_hash(hash);
        Ok(value)
    }

    /// Compiles the expressions of what a change is about to give to somebody, who must not wait for that.
    ///
    /// # Errors
    /// 409 when all expressions in force would take too much memory; 429 when too many of the same caller wait.
    pub async fn ready_expressions(&self, given: Given) -> Result<ReadyExpressions> {
        let ready = self.aside(move |services| find(services, given)).await?;
        if !ready.is_missing_any() {
            return Ok(ready);
        }
        let (services, turn) = (self.services(), self.expression_turn().await?);
        blocking(move || {
            let _turn = turn;
            services.ledger.expressions().complete(ready)
        })
        .await
    }
}
