//! What happens again and again is told a few times, and then as a count once in a while.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

/// How long things are counted before the counts are told.
pub const PERIOD: Duration = Duration::from_mins(1);

/// Counts what is alike. Times are measured from any fixed moment on a clock that only goes forward.
#[derive(Debug)]
pub struct Repeats<K> {
    /// How often the same is told whole in a period.
    first: u32,
    /// Different things that are told apart; more of them are counted together.
    most: usize,
    began: Duration,
    seen: HashMap<K, u32>,
    others: u32,
}

/// What was left out in a period.
#[derive(Debug, PartialEq, Eq)]
pub struct LeftOut<K> {
    /// Of what; none for what was not told apart.
    pub what: Option<K>,
    /// How often.
    pub count: u32,
}

impl<K: Hash + Eq> Repeats<K> {
    /// Tells the same `first` times in a period, and tells `most` things apart.
    pub fn new(first: u32, most: usize) -> Self {
        Self {
            first,
            most,
            began: Duration::ZERO,
            seen: HashMap::new(),
            others: 0,
        }
    }

    /// Whether it happened in this period, and is told apart.
    pub fn knows(&self, what: &K) -> bool {
        self.seen.contains_key(what)
    }

    /// Notes that something happened; whether it is to be told whole. Ask [`Repeats::due`] before.
    pub fn note(&mut self, what: K, now: Duration) -> bool {
        if self.seen.is_empty() && self.others == 0 {
            self.began = now;
        }
        let is_known = self.seen.contains_key(&what);
        if !is_known && self.seen.len() >= self.most {
            self.others = self.others.saturating_add(1);
            return false;
        }
        let times = self.seen.entry(what).or_default();
        *times = times.saturating_add(1);
        *times <= self.first
    }

    /// What was left out, once the period is over.
    pub fn due(&mut self, now: Duration) -> Vec<LeftOut<K>> {
        if now.saturating_sub(self.began) < PERIOD {
            return Vec::new();
        }
        self.end()
    }

    /// What was left out until now; another period begins.
    pub fn end(&mut self) -> Vec<LeftOut<K>> {
        let first = self.first;
        let seen = std::mem::take(&mut self.seen).into_iter();
        let known = seen.map(|(what, times)| LeftOut {
            what: Some(what),
            count: times.saturating_sub(first),
        });
        let others = LeftOut {
            what: None,
            count: std::mem::take(&mut self.others),
        };
        let all = known.chain(std::iter::once(others));
        all.filter(|left_out| left_out.count > 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn the_first_of_a_kind_are_told_and_the_others_counted_until_the_period_is_over() {
        let mut repeats = Repeats::new(2, 2);
        let mut told = |what, at| repeats.note(what, seconds(at));
        let all = [told("a", 5), told("a", 6), told("a", 7), told("b", 8)];
        assert_eq!(all, [true, true, false, true]);
        // There is no place for more kinds than two.
        assert_eq!([told("c", 9), told("d", 9), told("a", 64)], [false; 3]);
        assert_eq!(repeats.due(seconds(64)), []);
        let mut due = repeats.due(seconds(65));
        due.sort_by_key(|left_out| left_out.what);
        let left_out = |what, count| LeftOut { what, count };
        assert_eq!(due, [left_out(None, 2), left_out(Some("a"), 2)]);
        assert_eq!(repeats.due(seconds(500)), []);
        assert!(repeats.note("a", seconds(500)));
        assert_eq!(repeats.end(), []);
    }
}
