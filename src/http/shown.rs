//! Answers that were written before, kept so that the profile every gateway asks for is not read and written anew each time.
//!
//! They are all of one generation of the store: the first answer of a newer one drops the rest. A write is acknowledged only
//! after the generation has changed, so nobody who knows of a write is shown what was before it.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use actix_web::web::Bytes;

/// Most bytes of bodies that are kept; past that all are dropped.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// What one entry takes beside its body, in bytes, roughly.
const OVERHEAD: usize = 256;

/// An answer that shows one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its validator.
    pub etag: String,
    /// Its JSON.
    pub body: Bytes,
}

/// Answers by the id of what they show.
#[derive(Default)]
pub struct ShownById(RwLock<Kept>);

#[derive(Default)]
struct Kept {
    generation: u64,
    bytes: usize,
    answers: HashMap<i64, Shown>,
}

impl ShownById {
    /// The answer of this generation, if it is kept.
    pub fn find(&self, generation: u64, id: i64) -> Option<Shown> {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let answer = (kept.generation == generation).then(|| kept.answers.get(&id));
        answer.flatten().cloned()
    }

    /// Keeps an answer. `generation` is the store's before the answer was read from it.
    pub fn keep(&self, generation: u64, id: i64, shown: &Shown) {
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if generation < kept.generation {
            return;
        }
        let size = shown.body.len() + OVERHEAD;
        if generation > kept.generation || kept.bytes + size > MAX_BYTES {
            *kept = Kept {
                generation,
                ..Kept::default()
            };
        }
        if kept.answers.insert(id, shown.clone()).is_none() {
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
        let kept = ShownById::default();
        kept.keep(4, 1, &shown("four"));
        assert_eq!(kept.find(4, 1), Some(shown("four")));
        assert_eq!((kept.find(5, 1), kept.find(3, 1)), (None, None));
        kept.keep(5, 2, &shown("five"));
        kept.keep(4, 1, &shown("late"));
        assert_eq!((kept.find(4, 1), kept.find(5, 1)), (None, None));
        assert_eq!(kept.find(5, 2), Some(shown("five")));
    }

    #[test]
    fn memory_is_bounded() {
        let kept = ShownById::default();
        let large = shown(&"x".repeat(MAX_BYTES / 4));
        for id in 0..100 {
            kept.keep(0, id, &large);
            assert!(kept.0.read().unwrap().answers.len() < 4);
        }
        assert_eq!(kept.find(0, 99), Some(large));
    }
}
