//! Pending rows: counters and lines of the history that stand in the tail of the journal alone, and when their own rows follow; and
//! counters that a change of who holds what has reset or closed, which the next batch writes down.
//!
//! While calls come, rows follow round by round: a round goes through what is behind in the order of the keys, a slice with each
//! batch, so that no batch waits long and a page is written for many rows. What the tail said before a round began is then forgotten.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound::{Excluded, Unbounded};

use crate::domain::decision::journal::{
    CatchUp, CounterName, CounterRow, Journal, NOT_CLOSED, TailCounter, UsageKey, UsageSum,
};
use crate::ledger::engine::state::LedgerState;

/// How much is appended before a round begins. So much is read at most twice over at a start.
const MOST_APPENDED: usize = 32_768;
/// How many rows are behind before a round begins. So many are brought up to date at most twice over at once, before a change.
const MOST_BEHIND: usize = 16_384;
/// The least that follows with a batch of a round. It is twice what the batch appends if that is more, so that rounds end.
const SLICE: usize = 128;

/// What stands in the tail alone.
#[derive(Default)]
pub struct PendingRows {
    /// Whose they are, by copy and place.
    counters: BTreeMap<(i64, i64), i64>,
    /// What lines of the history lack.
    usage: BTreeMap<UsageKey, UsageSum>,
    /// Counters that a change has reset, closed or forgotten, and whose they are.
    changed: BTreeMap<CounterName, i64>,
    /// The id of the last row.
    last: i64,
    /// How much was appended since the last round began.
    appended: usize,
    round: Option<Round>,
}

/// How far a round has come.
#[derive(Clone)]
struct Round {
    /// The last row when it began.
    until: i64,
    counters_to: (i64, i64),
    usage_to: Option<UsageKey>,
}

impl Round {
    fn after(until: i64) -> Self {
        Self {
            until,
            counters_to: (i64::MIN, i64::MIN),
            usage_to: None,
        }
    }
}

impl PendingRows {
    /// Whether the tables lack nothing.
    pub fn is_empty(&self) -> bool {
        self.counters.is_empty() && self.usage.is_empty()
    }

    /// Notes counters of a user that a change has reset, closed or forgotten.
    pub fn note_changed(&mut self, user_id: i64, names: Vec<CounterName>) {
        self.changed
            .extend(names.into_iter().map(|name| (name, user_id)));
    }

    /// Whether such counters wait for a batch.
    pub fn has_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// Everything that the tables lack of what the tail says.
    pub fn all(&self, state: &LedgerState) -> CatchUp {
        let counters = self.counters.iter();
        CatchUp {
            counters: counters
                .filter_map(|(place, user_id)| row_of(state, *user_id, *place))
                .collect(),
            usage: self
                .usage
                .iter()
                .map(|(key, sum)| state.directory.line(key, *sum))
                .collect(),
        }
    }

    /// Fills in what a batch appends beside its counters, which are these sums, and which rows follow with it.
    pub fn plan(
        &self,
        journal: &mut Journal,
        usage: HashMap<UsageKey, UsageSum>,
        state: &LedgerState,
    ) -> Planned {
        for (name, user_id) in &self.changed {
            let row = state.directory.counter_row(*user_id, *name);
            journal.add_counter(*name, row.map(|row| (*user_id, row)));
        }
        let mut lacking = usage;
        for (key, sum) in &mut lacking {
            *sum = self.lacks(key).plus(*sum);
        }
        let begins = self.round.is_none() && self.is_due();
        let slice = SLICE.max(2 * (journal.tail_counters.len() + lacking.len()));
        let round = self.round.clone();
        let round = round.or_else(|| begins.then(|| Round::after(self.last)));
        let round = round.and_then(|round| self.follow(journal, round, slice, &mut lacking, state));
        journal.tail_id = self.last + 1;
        journal.tail_usage = lacking.into_iter().collect();
        Planned { begins, round }
    }

    /// Whether a round should begin.
    fn is_due(&self) -> bool {
        self.appended >= MOST_APPENDED || self.counters.len() + self.usage.len() >= MOST_BEHIND
    }

    fn lacks(&self, key: &UsageKey) -> UsageSum {
        self.usage.get(key).copied().unwrap_or_default()
    }

    /// Adds the next slice of a round. Answers how far it came, or nothing when it is over.
    fn follow(
        &self,
        journal: &mut Journal,
        mut round: Round,
        slice: usize,
        lacking: &mut HashMap<UsageKey, UsageSum>,
        state: &LedgerState,
    ) -> Option<Round> {
        let mut left = slice;
        let behind = (Excluded(round.counters_to), Unbounded);
        for (place, user_id) in self.counters.range(behind).take(slice) {
            journal.counters.extend(row_of(state, *user_id, *place));
            round.counters_to = *place;
            left -= 1;
        }
        let from = round.usage_to.as_ref().map_or(Unbounded, Excluded);
        let mut last = None;
        for (key, before) in self.usage.range((from, Unbounded)).take(left) {
            let nothing = UsageSum::default();
            let sum = lacking.insert(key.clone(), nothing).unwrap_or(*before);
            journal.usage.push(state.directory.line(key, sum));
            last = Some(key);
            left -= 1;
        }
        if left > 0 {
            journal.tail_over = round.until;
            return None;
        }
        let to = last.cloned();
        Some(Round {
            usage_to: to.or(round.usage_to),
            ..round
        })
    }

    /// Notes that a batch was written down.
    pub fn written(&mut self, journal: &Journal, planned: Planned) {
        self.changed.clear();
        if planned.begins {
            self.appended = 0;
        }
        self.round = planned.round;
        if !journal.tail_counters.is_empty() || !journal.tail_usage.is_empty() {
            self.note(
                journal.tail_id,
                journal.tail_counters.iter().copied(),
                journal.tail_usage.iter().cloned(),
            );
        }
        for CounterRow {
            copy_id, place_id, ..
        } in &journal.counters
        {
            self.counters.remove(&(*copy_id, *place_id));
        }
    }

    /// Notes that the tables were brought up to date.
    pub fn caught_up(&mut self) {
        *self = Self {
            last: self.last,
            changed: std::mem::take(&mut self.changed),
            ..Self::default()
        };
    }

    /// Notes what a row of the tail says.
    pub fn note(
        &mut self,
        id: i64,
        counters: impl IntoIterator<Item = TailCounter>,
        usage: impl IntoIterator<Item = (UsageKey, UsageSum)>,
    ) {
        self.last = id;
        for (user_id, row) in counters {
            self.counters.insert((row.copy_id, row.place_id), user_id);
            self.appended += 1;
        }
        for (key, lacking) in usage {
            if lacking == UsageSum::default() {
                self.usage.remove(&key);
            } else {
                self.usage.insert(key, lacking);
            }
            self.appended += 1;
        }
    }
}

/// What becomes of the rounds once a batch is written down.
pub struct Planned {
    begins: bool,
    round: Option<Round>,
}

fn row_of(
    state: &LedgerState,
    user_id: i64,
    (copy_id, place_id): (i64, i64),
) -> Option<CounterRow> {
    let name = CounterName {
        copy_id,
        place_id,
        until: NOT_CLOSED,
    };
    state.directory.counter_row(user_id, name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::settings::DecisionSettings;

    /// How many counters are appended, one with each batch, before a round begins.
    fn appended_before_a_round(copies: i64) -> i64 {
        let state = LedgerState::empty(DecisionSettings::default(), jiff::tz::TimeZone::UTC);
        let mut pending = PendingRows::default();
        for appended in 0.. {
            let counter = CounterRow {
                copy_id: appended % copies,
                place_id: 1,
                settled: 1,
                starts_at: 0,
                resets_at: 1,
                window_rule: 0,
                let_in_from: 0,
                counted_from: 0,
            };
            let mut journal = Journal {
                tail_counters: vec![(1, counter)],
                ..Journal::default()
            };
            let planned = pending.plan(&mut journal, HashMap::new(), &state);
            if planned.begins {
                return appended;
            }
            pending.written(&journal, planned);
        }
        unreachable!("the numbers never end")
    }

    #[test]
    fn a_round_begins_when_much_is_behind_or_much_was_appended() {
        assert_eq!(appended_before_a_round(i64::MAX), 16_384);
        assert_eq!(appended_before_a_round(10), 32_768);
    }
}
