//! The keyed lock: requests under one key come one after another, those under others beside them.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};

use tokio::sync::{Mutex, MutexGuard};

/// How many keys can be locked at a time.
const PLACES: usize = 64;

/// Locks by key. Keys that fall to the same place wait for each other, which does no harm.
pub struct KeyedLock {
    places: [Mutex<()>; PLACES],
    hasher: RandomState,
}

impl Default for KeyedLock {
    fn default() -> Self {
        Self {
            places: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::new(),
        }
    }
}

impl KeyedLock {
    /// Waits until nobody else has the key.
    pub async fn lock(&self, key: impl Hash) -> MutexGuard<'_, ()> {
        let places = u64::try_from(PLACES).unwrap_or(1);
        let place = usize::try_from(self.hasher.hash_one(key) % places).unwrap_or_default();
        self.places[place].lock().await
    }
}
