//! Turns: changes of one thing are worked out one after another, so that each stands on the one before it.
//!
//! What was worked out on a version that is not current any more has to be worked out again on the writer thread, where everybody
//! waits. Correctness does not depend on turns: who waits too long goes on without one.

use std::collections::HashSet;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How long a change waits for its turn. Longer than a change takes on a slow disk, shorter than a client minds.
const WAIT: Duration = Duration::from_millis(50);

/// The things that are being changed, by their ids; at most one for each thread that works on a change.
#[derive(Debug, Default)]
pub struct Turns {
    taken: Mutex<HashSet<i64>>,
    given_back: Condvar,
}

/// The right to change a thing; given back when it is dropped.
#[derive(Debug)]
pub struct Turn<'t> {
    turns: &'t Turns,
    id: i64,
}

impl Turns {
    /// Waits until nobody else changes this thing; `None` when that took too long.
    pub fn wait(&self, id: i64) -> Option<Turn<'_>> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut taken, _) = self
            .given_back
            .wait_timeout_while(taken, WAIT, |taken| taken.contains(&id))
            .unwrap_or_else(PoisonError::into_inner);
        taken.insert(id).then(|| Turn { turns: self, id })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut taken = self
            .turns
            .taken
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        taken.remove(&self.id);
        drop(taken);
        self.turns.given_back.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_has_one_turn_and_another_thing_its_own() {
        let turns = Turns::default();
        let first = turns.wait(1);
        assert!(first.is_some() && turns.wait(2).is_some());
        assert!(turns.wait(1).is_none(), "two had the turn");
        drop(first);
        assert!(turns.wait(1).is_some());
    }
}
