//! Numbers that were read before: how many rows a filter lets through, and the ids of long lists in order, so that who turns the pages
//! of a hundred thousand rows does not have them counted and sorted anew for each.
//!
//! They are all of one generation of the store ([`super::Store::generation`]): the first of a newer one drops the rest, so nobody who
//! knows of a write is shown what was before it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::params_from_iter;
use rusqlite::types::Value;

use super::Reading;
use super::fault::Doing;
use crate::error::Result;

/// Most numbers that are kept, over all statements; past that all are dropped.
const MAX_KEPT: usize = 1_000_000;
/// What one statement takes beside its numbers, roughly, in numbers.
const OVERHEAD: usize = 100;

/// Numbers by the statement that answered them.
#[derive(Default)]
pub struct Remembered(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    generation: u64,
    size: usize,
    numbers: HashMap<String, Arc<[i64]>>,
}

impl Remembered {
    fn find(&self, generation: u64, what: &str) -> Option<Arc<[i64]>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let numbers = (kept.generation == generation).then(|| kept.numbers.get(what));
        numbers.flatten().cloned()
    }

    fn keep(&self, generation: u64, what: String, numbers: &Arc<[i64]>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let size = numbers.len() + OVERHEAD;
        if generation < kept.generation || size > MAX_KEPT / 2 {
            return;
        }
        if generation > kept.generation || kept.size + size > MAX_KEPT {
            *kept = Kept {
                generation,
                ..Kept::default()
            };
        }
        if kept.numbers.insert(what, Arc::clone(numbers)).is_none() {
            kept.size += size;
        }
    }
}

impl Reading<'_> {
    /// The numbers that a statement answers, row by row; `doing` says what for.
    pub(super) fn numbers(
        &self,
        sql: &str,
        values: &[Value],
        doing: &'static str,
    ) -> Result<Arc<[i64]>> {
        let what = format!("{sql} {values:?}");
        if let Some((remembered, generation)) = self.remembered
            && let Some(numbers) = remembered.find(generation, &what)
        {
            return Ok(numbers);
        }
        let numbers: Arc<[i64]> = self
            .connection
            .prepare_cached(sql)
            .and_then(|mut statement| {
                let rows = statement.query_map(params_from_iter(values), |row| row.get(0))?;
                rows.collect()
            })
            .doing(doing)?;
        if let Some((remembered, generation)) = self.remembered {
            remembered.keep(generation, what, &numbers);
        }
        Ok(numbers)
    }

    /// The one number that a statement answers.
    pub(super) fn number(&self, sql: &str, values: &[Value], doing: &'static str) -> Result<i64> {
        let numbers = self.numbers(sql, values, doing)?;
        Ok(numbers.first().copied().unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(many: usize) -> Arc<[i64]> {
        vec![7; many].into()
    }

    #[test]
    fn numbers_of_another_generation_are_never_shown() {
        let kept = Remembered::default();
        kept.keep(4, "a".to_owned(), &numbers(1));
        assert_eq!(kept.find(4, "a"), Some(numbers(1)));
        assert_eq!((kept.find(5, "a"), kept.find(3, "a")), (None, None));
        kept.keep(5, "b".to_owned(), &numbers(2));
        kept.keep(4, "a".to_owned(), &numbers(1));
        assert_eq!((kept.find(4, "a"), kept.find(5, "a")), (None, None));
        assert_eq!(kept.find(5, "b"), Some(numbers(2)));
    }

    #[test]
    fn memory_is_bounded() {
        let kept = Remembered::default();
        for name in 0..10 {
            kept.keep(0, name.to_string(), &numbers(MAX_KEPT / 3));
            assert!(kept.0.lock().unwrap().size <= MAX_KEPT);
        }
        assert!(kept.find(0, "9").is_some());
        kept.keep(0, "large".to_owned(), &numbers(MAX_KEPT));
        assert_eq!(kept.find(0, "large"), None);
    }
}
