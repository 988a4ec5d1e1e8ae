//! Whose turn it is among decisions under the same idempotency key.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::PoisonError;

use tokio::sync::{Mutex, MutexGuard};

use crate::domain::idempotency::Once;

/// How many keys can have a turn at a time.
const TURNS: usize = 64;
/// Whose turn it is. Keys that fall to the same place wait for each other, which does no harm.
pub struct KeyTurns {
    places: [Mutex<()>; TURNS],
    hasher: RandomState,
    /// The callers for whom no more answers may be kept, and until when, in Unix milliseconds: who is refused takes no turn of a write.
    full: std::sync::Mutex<HashMap<String, i64>>,
}

impl Default for KeyTurns {
    fn default() -> Self {
        Self {
            places: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::new(),
            full: std::sync::Mutex::default(),
        }
    }
}

impl KeyTurns {
    /// The turn of a key, once it comes.
    pub async fn of(&self, once: &Once) -> MutexGuard<'_, ()> {
        let place = self.hasher.hash_one((&once.owner, &once.route, &once.key));
        let places = u64::try_from(TURNS).unwrap_or(1);
        self.places[usize::try_from(place % places).unwrap_or_default()]
            .lock()
            .await
    }

    /// The callers for whom no more answers may be kept, and until when.
    pub fn full(&self) -> std::sync::MutexGuard<'_, HashMap<String, i64>> {
        self.full.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
