//! Answers that were written before, kept so that the profile every gateway asks for, and the page everybody looks at, is not read
//! and written anew each time.
//!
//! They are all of one generation of the store: the first answer of a newer one drops the rest. A write is acknowledged only
//! after the generation has changed, so nobody who knows of a write is shown what was before it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{PoisonError, RwLock};

use actix_web::web::Bytes;

/// Most bytes of bodies that are kept; past that all are dropped.
const MAX_BYTES: usize = 2 * 1024 * 1024;
/// What one entry takes beside its body, in bytes, roughly.
const OVERHEAD: usize = 512;

/// An answer that shows one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its validator.
    pub etag: String,
    /// Its JSON.
    pub body: Bytes,
}

/// Answers by what they show: an id, or a query.
pub struct Answers<K>(RwLock<Kept<K>>);

struct Kept<K> {
    generation: u64,
    bytes: usize,
    answers: HashMap<K, Shown>,
}

impl<K> Kept<K> {
    fn empty(generation: u64) -> Self {
        Self {
            generation,
            bytes: 0,
            answers: HashMap::new(),
        }
    }
}

impl<K> Default for Answers<K> {
    fn default() -> Self {
        Self(RwLock::new(Kept::empty(0)))
    }
}

impl<K: Eq + Hash> Answers<K> {
    /// The answer of this generation, if it is kept.
    pub fn find(&self, generation: u64, what: &K) -> Option<Shown> {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let answer = (kept.generation == generation).then(|| kept.answers.get(what));
        answer.flatten().cloned()
    }

    /// Keeps an answer. `generation` is the store's before the answer was read from it.
    pub fn keep(&self, generation: u64, what: K, shown: &Shown) {
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if generation < kept.generation {
            return;
        }
        let size = shown.body.len() + OVERHEAD;
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

    fn shown(text: &str) -> Shown {
        Shown {
            etag: "\"1\"".to_owned(),
            body: Bytes::from(text.to_owned()),
        }
    }

    #[test]
    fn answers_of_another_generation_are_never_shown() {
        let kept = Answers::default();
        kept.keep(4, 1, &shown("four"));
        assert_eq!(kept.find(4, &1), Some(shown("four")));
        assert_eq!((kept.find(5, &1), kept.find(3, &1)), (None, None));
        kept.keep(5, 2, &shown("five"));
        kept.keep(4, 1, &shown("late"));
        assert_eq!((kept.find(4, &1), kept.find(5, &1)), (None, None));
        assert_eq!(kept.find(5, &2), Some(shown("five")));
    }

    #[test]
    fn memory_is_bounded() {
        let kept = Answers::default();
        let large = shown(&"x".repeat(MAX_BYTES / 4 - OVERHEAD));
        for id in 0..100 {
            kept.keep(0, id, &large);
            assert!(kept.0.read().unwrap().answers.len() <= 4);
        }
        assert_eq!(kept.find(0, &99), Some(large));
        kept.keep(0, 100, &shown(&"x".repeat(MAX_BYTES)));
        assert_eq!(kept.find(0, &100), None);
    }
}
