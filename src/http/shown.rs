//! What was read before, kept so that the profile every gateway asks for, and the page everybody looks at, is not read and written
//! anew each time.
//!
//! It is all of one generation of the store: the first of a newer one drops the rest. A write is acknowledged only
//! after the generation has changed, so nobody who knows of a write is shown what was before it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{PoisonError, RwLock};

use actix_web::web::Bytes;

/// Most bytes that are kept; past that all are dropped.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// What one entry takes beside what it holds elsewhere, in bytes, roughly.
const OVERHEAD: usize = 128;

/// An answer that shows one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its validator.
    pub etag: String,
    /// Its JSON.
    pub body: Bytes,
}

/// Answers, or what they are made of, by what they show: an id, or a query.
pub struct Answers<K, V = Shown>(RwLock<Kept<K, V>>);

struct Kept<K, V> {
    generation: u64,
    bytes: usize,
    answers: HashMap<K, V>,
}

impl<K, V> Kept<K, V> {
    fn empty(generation: u64) -> Self {
        Self {
            generation,
            bytes: 0,
            answers: HashMap::new(),
        }
    }
}

impl<K, V> Default for Answers<K, V> {
    fn default() -> Self {
        Self(RwLock::new(Kept::empty(0)))
    }
}

impl<K: Eq + Hash, V: Clone> Answers<K, V> {
    /// What is kept of this generation.
    pub fn find(&self, generation: u64, what: &K) -> Option<V> {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let answer = (kept.generation == generation).then(|| kept.answers.get(what));
        answer.flatten().cloned()
    }

    /// Keeps something that holds so many `bytes` elsewhere. `generation` is the store's before it was read.
    pub fn keep(&self, generation: u64, what: K, bytes: usize, shown: &V) {
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if generation < kept.generation {
            return;
        }
        let size = bytes + OVERHEAD;
        if size > MAX_BYTES / 4 {
            // One large answer is not worth all the others.
            return;
        }
        if generation > kept.generation || kept.bytes + size > MAX_BYTES {
            *kept = Kept::empty(generation);
        }
        if kept.answers.insert(what, shown.clone()).is_none() {
            kept.bytes += size;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(kept: &Answers<i32, String>, generation: u64, what: i32, shown: &str) {
        kept.keep(generation, what, shown.len(), &shown.to_owned());
    }

    #[test]
    fn answers_of_another_generation_are_never_shown() {
        let kept = Answers::default();
        keep(&kept, 4, 1, "four");
        assert_eq!(kept.find(4, &1).as_deref(), Some("four"));
        assert_eq!((kept.find(5, &1), kept.find(3, &1)), (None, None));
        keep(&kept, 5, 2, "five");
        keep(&kept, 4, 1, "late");
        assert_eq!((kept.find(4, &1), kept.find(5, &1)), (None, None));
        assert_eq!(kept.find(5, &2).as_deref(), Some("five"));
    }

    #[test]
    fn memory_is_bounded() {
        let kept = Answers::default();
        let large = "x".repeat(MAX_BYTES / 4 - OVERHEAD);
        for id in 0..100 {
            keep(&kept, 0, id, &large);
            assert!(kept.0.read().unwrap().answers.len() <= 4);
        }
        assert_eq!(kept.find(0, &99), Some(large));
        keep(&kept, 0, 100, &"x".repeat(MAX_BYTES));
        assert_eq!(kept.find(0, &100), None);
    }
}
