//! The read cache: what was read before, each with the number of the change as of which it was read.
//!
//! Who looks for something knows which change it sees, and takes what is of that one or goes on from what is of an earlier one. So nobody
//! who knows of a write is shown what was before it, and nobody whose view is older is shown what came after it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What one entry takes beside what its value holds elsewhere, in bytes, roughly.
const OVERHEAD: usize = 300;

/// Values by what was asked for, `MAX` bytes of them at most; past that all are dropped.
pub struct ReadCache<K, V, const MAX: usize>(Mutex<Kept<K, V>>);

struct Kept<K, V> {
    bytes: usize,
    entries: HashMap<K, Entry<V>>,
    uses: CacheUses,
}

/// How often a read cache was asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheUses {
    /// What was asked for was there.
    pub hits: u64,
    /// It was not, or only as of another change.
    pub misses: u64,
}

struct Entry<V> {
    change: i64,
    bytes: usize,
    value: V,
}

impl<K, V> Kept<K, V> {
    fn nothing(uses: CacheUses) -> Self {
        Self {
            bytes: 0,
            entries: HashMap::new(),
            uses,
        }
    }
}

impl<K, V, const MAX: usize> Default for ReadCache<K, V, MAX> {
    fn default() -> Self {
        Self(Mutex::new(Kept::nothing(CacheUses::default())))
    }
}

impl<K: Eq + Hash, V: Clone, const MAX: usize> ReadCache<K, V, MAX> {
    /// What is kept, and the change as of which it was read.
    pub fn find(&self, what: &K) -> Option<(i64, V)> {
        self.find_if(what, |_| true)
    }

    /// What is kept as of this very change.
    pub fn find_as_of(&self, what: &K, change: i64) -> Option<V> {
        let found = self.find_if(what, |known| known == change);
        found.map(|(_, value)| value)
    }

    fn find_if(&self, what: &K, is_good: impl Fn(i64) -> bool) -> Option<(i64, V)> {
        let kept = &mut *self.kept();
        let entry = kept.entries.get(what);
        let found = entry.filter(|entry| is_good(entry.change));
        match found {
            Some(_) => kept.uses.hits += 1,
            None => kept.uses.misses += 1,
        }
        found.map(|entry| (entry.change, entry.value.clone()))
    }

    /// How often it was asked.
    pub fn uses(&self) -> CacheUses {
        self.kept().uses
    }

    /// Keeps something that was read as of a change and holds so many `bytes`, unless as much is known already. What is large is not worth
    /// all the others.
    pub fn keep(&self, what: K, change: i64, bytes: usize, value: V) {
        let bytes = bytes + OVERHEAD;
        let mut kept = self.kept();
        let before = kept.entries.get(&what);
        if bytes > MAX / 4 || before.is_some_and(|before| before.change >= change) {
            return;
        }
        let replaced = before.map_or(0, |before| before.bytes);
        if kept.bytes - replaced + bytes > MAX {
            *kept = Kept::nothing(kept.uses);
        } else {
            kept.bytes -= replaced;
        }
        kept.bytes += bytes;
        let entry = Entry {
            change,
            bytes,
            value,
        };
        kept.entries.insert(what, entry);
    }

    fn kept(&self) -> MutexGuard<'_, Kept<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: usize = 100_000;
    type Cache = ReadCache<&'static str, i64, MAX>;

    #[test]
    fn what_was_read_later_stays() {
        let cache = Cache::default();
        assert_eq!(cache.find(&"a"), None);
        cache.keep("a", 5, 1, 1);
        cache.keep("a", 4, 1, 2);
        assert_eq!(cache.find(&"a"), Some((5, 1)));
        cache.keep("a", 6, 1, 3);
        assert_eq!(cache.find(&"a"), Some((6, 3)));
        assert_eq!(cache.find(&"b"), None);
        let as_of = |change| cache.find_as_of(&"a", change);
        assert_eq!([as_of(5), as_of(6), as_of(7)], [None, Some(3), None]);
    }

    #[test]
    fn memory_is_bounded() {
        let cache = ReadCache::<i64, i64, MAX>::default();
        for number in 0..100 {
            let bytes = MAX / 4 - OVERHEAD;
            cache.keep(number % 7, number, bytes, number);
            let kept = cache.kept();
            let size: usize = kept.entries.values().map(|entry| entry.bytes).sum();
            assert!(kept.bytes <= MAX && kept.bytes == size && size > 0);
        }
        assert_eq!(cache.find(&(99 % 7)), Some((99, 99)));
        cache.keep(100, 100, MAX / 4, 100);
        assert_eq!(cache.find(&100), None);
    }
}
