//! What was found before: who asks for the same again, after any number of writes, has only the packs searched that changed since.
//!
//! What is kept is as of a change of the index ([`super::lists::search::Index`]), and whoever reads sees the changes up to one: so nobody
//! who knows of a write is shown what was before it, and nobody whose view is older is shown what came after it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::lists::id_set::IdSet;

/// Most bytes that are kept, over all searches; past that all are dropped.
const MAX_KEPT: usize = 16 * 1024 * 1024;
/// What one search takes beside its set, roughly, in bytes.
const OVERHEAD: usize = 300;

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Wanted {
    /// A part of a text, without regard to case.
    Text(String),
    /// A whole label.
    Label(String),
}

/// Sets of ids by what was looked for.
#[derive(Default)]
pub struct Remembered(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    size: usize,
    found: HashMap<(&'static str, Wanted), Found>,
}

/// What was found as of a change.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The number of the change.
    pub change: i64,
    /// The rows.
    pub ids: Arc<IdSet>,
}

impl Remembered {
    /// What was found; nothing as of the change 0, if it was not looked for.
    pub fn find(&self, what: &(&'static str, Wanted)) -> Found {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.found.get(what).cloned().unwrap_or_default()
    }

    /// Keeps what was found, unless something later is kept.
    pub fn keep(&self, what: (&'static str, Wanted), found: Found) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let size = found.ids.size() + OVERHEAD;
        let before = kept.found.get(&what);
        if size > MAX_KEPT / 4 || before.is_some_and(|before| before.change >= found.change) {
            return;
        }
        kept.size += size;
        kept.size -= before_size(kept.found.remove(&what).as_ref());
        if kept.size > MAX_KEPT {
            *kept = Kept {
                size,
                ..Kept::default()
            };
        }
        kept.found.insert(what, found);
    }
}

fn before_size(before: Option<&Found>) -> usize {
    before.map_or(0, |found| found.ids.size() + OVERHEAD)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(text: &str) -> (&'static str, Wanted) {
        ("users", Wanted::Text(text.to_owned()))
    }

    fn found(change: i64, largest: i64) -> Found {
        let ids = Arc::new(IdSet::from_iter([largest]));
        Found { change, ids }
    }

    #[test]
    fn what_was_found_later_stays() {
        let kept = Remembered::default();
        assert_eq!(kept.find(&what("a")).change, 0);
        kept.keep(what("a"), found(5, 1));
        kept.keep(what("a"), found(4, 2));
        assert!(kept.find(&what("a")).ids.contains(1));
        kept.keep(what("a"), found(6, 3));
        assert!(kept.find(&what("a")).ids.contains(3));
        assert_eq!(kept.find(&what("b")).change, 0);
    }

    #[test]
    fn memory_is_bounded() {
        let kept = Remembered::default();
        let largest = i64::try_from(MAX_KEPT).unwrap();
        for name in 0..20 {
            kept.keep(what(&name.to_string()), found(1, largest));
            let inner = kept.0.lock().unwrap();
            let size: usize = inner
                .found
                .values()
                .map(|found| before_size(Some(found)))
                .sum();
            assert!(inner.size <= MAX_KEPT && inner.size == size);
        }
        assert_eq!(kept.find(&what("19")).change, 1);
        kept.keep(what("large"), found(1, 3 * largest));
        assert_eq!(kept.find(&what("large")).change, 0);
    }
}
