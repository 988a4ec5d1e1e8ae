//! The counters of a copy: one for each limit that was used, and those of closed windows while reservations of them are open.
//!
//! A call belongs to the windows in which it was let in. Its number says which they are: calls with a number from where a counter begins
//! up to where the next one at its place begins are its own.

use std::collections::BTreeMap;

use super::counter::Counter;
use super::rules::Rules;
use crate::domain::decision::journal::NOT_CLOSED;

/// Where a counter ends: the number up to which calls belong to its window, or [`NOT_CLOSED`].
type CountedUntil = i64;

/// The counters of a copy. Its lists have no spare room.
#[derive(Default)]
pub struct Counters {
    /// Those of the windows that were used last, each place once.
    last: Vec<Counter>,
    /// Those that are closed, by place and where they end, while reservations of them are open.
    closed: BTreeMap<(i64, CountedUntil), Counter>,
}

impl From<Vec<Counter>> for Counters {
    fn from(last: Vec<Counter>) -> Self {
        let closed = BTreeMap::new();
        Self { last, closed }
    }
}

impl Counters {
    /// The counter at a place that is not closed, if it was ever used.
    pub fn last(&self, place_id: i64) -> Option<&Counter> {
        self.last
            .iter()
            .find(|counter| counter.place_id == place_id)
    }

    fn last_mut(&mut self, place_id: i64) -> Option<&mut Counter> {
        self.last
            .iter_mut()
            .find(|counter| counter.place_id == place_id)
    }

    /// A counter at a place, if it is still there.
    pub fn get(&self, place_id: i64, until: CountedUntil) -> Option<&Counter> {
        if until == NOT_CLOSED {
            self.last(place_id)
        } else {
            self.closed.get(&(place_id, until))
        }
    }

    /// Puts a counter at a place, or takes it away.
    pub fn put(&mut self, place_id: i64, until: CountedUntil, counter: Option<Counter>) {
        match counter {
            Some(counter) if until == NOT_CLOSED => self.put_last(counter),
            None if until == NOT_CLOSED => self.last.retain(|last| last.place_id != place_id),
            Some(counter) => drop(self.closed.insert((place_id, until), counter)),
            None => drop(self.closed.remove(&(place_id, until))),
        }
    }

    fn put_last(&mut self, counter: Counter) {
        if let Some(last) = self.last_mut(counter.place_id) {
            *last = counter;
        } else {
            self.last.reserve_exact(1);
            self.last.push(counter);
        }
    }

    /// The counter at a place to whose window the call with a number belongs, if it is still there.
    pub fn of(&self, place_id: i64, number: i64) -> Option<(CountedUntil, &Counter)> {
        let last = self.last(place_id);
        if let Some(last) = last.filter(|last| last.let_in_from <= number) {
            return Some((NOT_CLOSED, last));
        }
        let later = self.closed.range((place_id, number + 1)..);
        let ((place, until), counter) = later.into_iter().next()?;
        (*place == place_id && counter.let_in_from <= number).then_some((*until, counter))
    }

    /// Forgets closed counters that no limit counts in any more, or of which nothing is open. Answers which.
    pub fn forget_ended(&mut self, rules: &Rules) -> Vec<(i64, CountedUntil)> {
        let counts = |place_id| rules.limit_at(place_id).is_some();
        let ended = |name: &(i64, CountedUntil), counter: &mut Counter| {
            counter.open == 0 || !counts(name.0)
        };
        let ended = self.closed.extract_if(.., ended);
        ended.map(|(name, _)| name).collect()
    }

    /// Takes over what was open of `before`, which these follow under `rules`. Of one that is not here any more `missing` says what
    /// becomes of it, if its limit is still there. Answers which are not stored as they are.
    pub fn follow(
        &mut self,
        before: Self,
        rules: &Rules,
        missing: impl Fn(Counter) -> Option<(CountedUntil, Counter)>,
    ) -> Vec<(i64, CountedUntil)> {
        self.closed = before.closed;
        let mut changed = self.forget_ended(rules);
        for old in before.last.into_iter().filter(|counter| counter.open > 0) {
            let place_id = old.place_id;
            if let Some(same) = self.last_mut(place_id) {
                (same.held, same.open) = (old.held, old.open);
            } else if let Some((until, counter)) = missing(old) {
                self.put(place_id, until, Some(counter));
                changed.push((place_id, until));
            }
        }
        changed
    }
}
