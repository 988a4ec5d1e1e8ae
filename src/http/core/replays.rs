//! What requests under idempotency keys share.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::keyed_lock::KeyedLock;

/// Whose turn it is among requests under the same idempotency key, and whose answers are kept no more.
#[derive(Default)]
pub struct Replays {
    keys: KeyedLock,
    /// The callers for whom no more answers may be kept, and until when, in Unix milliseconds: who is refused takes no turn of a write.
    full: Mutex<HashMap<String, i64>>,
}

impl Replays {
    /// The turn of a key, once it comes.
    pub async fn turn(&self, key: impl Hash) -> tokio::sync::MutexGuard<'_, ()> {
        self.keys.lock(key).await
    }

    /// The callers for whom no more answers may be kept, and until when.
    pub fn full(&self) -> MutexGuard<'_, HashMap<String, i64>> {
        self.full.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
