//! What a batch of decisions did to memory: what has to be written down for it, and how to undo it when that fails.

pub(super) mod counting;
pub(super) mod history;
pub(super) mod pending_rows;

use std::collections;
use std::sync::Arc;

use foldhash::HashMap;
use jiff::Timestamp;

use self::history::Refusals;
use self::pending_rows::{PendingRows, Planned};
use super::directory::counter::Counter;
use super::reservations::counted_reservation::CountedReservation;
use super::state::LedgerState;
use crate::domain::audit::NewAuditEntry;
use crate::domain::decision::journal::{
    CallAnswer, CounterName, Entry, Journal, ReservationEnd, ReservationRow, UsageKey, UsageSum,
};
use crate::domain::decision::reservation::Reservation;

/// What happened since the last commit.
#[derive(Default)]
pub struct Effects {
    entries: Vec<Entry>,
    touched: HashMap<CounterName, Touched>,
    undo: Vec<Undo>,
    finished: HashMap<i64, ReservationRow>,
    /// Answers to calls with a request id, by key and request id. As everything here that has texts of clients in its keys, they are hashed
    /// as the standard library does, which nobody can make slow.
    pub answers: collections::HashMap<(i64, String), CallAnswer>,
    usage: collections::HashMap<UsageKey, UsageSum>,
    /// Nanodollars and tokens that were charged, in all. What is taken back is not subtracted: it was shown as spent.
    spent: (u64, u64),
    /// What the audit log tells of it.
    pub audited: Vec<(Timestamp, NewAuditEntry)>,
}

struct Touched {
    user_id: i64,
    before: Option<Counter>,
    written: bool,
}

enum Undo {
    Opened(i64),
    Closed(CountedReservation),
    Extended(CountedReservation),
}

impl Effects {
    /// Whether nothing has to be written down.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.touched.is_empty() && self.usage.is_empty()
    }

    /// Notes what a counter of a user's copy was before it was touched; `written` when the change has to be written down.
    pub fn touched(
        &mut self,
        user_id: i64,
        name: CounterName,
        before: Option<Counter>,
        written: bool,
    ) {
        let touched = self.touched.entry(name).or_insert(Touched {
            user_id,
            before,
            written,
        });
        touched.written |= written;
    }

    /// Notes a reservation that was made; it is open if it has no end.
    pub fn made(&mut self, record: &Arc<Reservation>, end: Option<ReservationEnd>) {
        if end.is_none() {
            self.undo.push(Undo::Opened(record.id.number));
        }
        let record = Arc::clone(record);
        self.entries
            .push(Entry::Made(ReservationRow { record, end }));
    }

    /// Notes the end of a reservation that was open.
    pub fn closed(&mut self, reservation: CountedReservation, end: ReservationEnd) {
        self.mended(&reservation.record, end);
        self.undo.push(Undo::Closed(reservation));
    }

    /// Notes that the end of a reservation was mended.
    pub fn mended(&mut self, record: &Arc<Reservation>, end: ReservationEnd) {
        self.finished(record, end);
        self.entries.push(Entry::Finished(Arc::clone(record), end));
    }

    /// Notes how a reservation ended, for who asks before that is written down.
    pub fn finished(&mut self, record: &Arc<Reservation>, end: ReservationEnd) {
        let row = ReservationRow {
            record: Arc::clone(record),
            end: Some(end),
        };
        self.finished.insert(record.id.number, row);
    }

    /// A reservation that ended in this batch.
    pub fn find_finished(&self, number: i64) -> Option<&ReservationRow> {
        self.finished.get(&number)
    }

    /// Notes that a reservation was extended, which was `before`.
    pub fn extended(&mut self, before: CountedReservation, after: &Arc<Reservation>) {
        self.undo.push(Undo::Extended(before));
        self.entries.push(Entry::Extended(Arc::clone(after)));
    }

    /// Adds to the history of use.
    pub fn used(&mut self, key: UsageKey, sum: UsageSum) {
        let (cost, tokens) = self.spent;
        let charged = |amount: i64| amount.max(0).unsigned_abs();
        self.spent = (
            cost.saturating_add(charged(sum.cost)),
            tokens.saturating_add(charged(sum.tokens)),
        );
        let line = self.usage.entry(key).or_default();
        *line = line.plus(sum);
    }

    /// Nanodollars and tokens that were charged.
    pub fn spent(&self) -> (u64, u64) {
        self.spent
    }

    /// What has to be written down. What becomes of counters and the history of use is for the pending rows to say.
    pub fn journal(
        &mut self,
        state: &LedgerState,
        refusals: &Refusals,
        pending: &PendingRows,
    ) -> (Journal, Planned) {
        let mut journal = Journal {
            entries: std::mem::take(&mut self.entries),
            answers: std::mem::take(&mut self.answers).into_values().collect(),
            audited: std::mem::take(&mut self.audited),
            refusals: refusals.lines(&state.directory),
            next_number: state.next_number,
            open_from: state.open_from(),
            high_water: state.directory.high_water.clone(),
            ..Journal::default()
        };
        for (name, touched) in self.touched.iter().filter(|(_, touched)| touched.written) {
            let row = state.directory.counter_row(touched.user_id, *name);
            journal.add_counter(*name, row.map(|row| (touched.user_id, row)));
        }
        let usage = std::mem::take(&mut self.usage);
        let planned = pending.plan(&mut journal, usage, state);
        (journal, planned)
    }

    /// Undoes everything in memory. Numbers are not given back: whether a commit that failed left something is not ours to guess.
    pub fn undo(self, state: &mut LedgerState) {
        for (name, touched) in self.touched {
            if let Some(copy) = state.directory.copy_mut(touched.user_id, name.copy_id) {
                copy.counters.put(name.place_id, name.until, touched.before);
            }
        }
        let open = &mut state.reservations;
        for undo in self.undo.into_iter().rev() {
            match undo {
                Undo::Opened(id) => drop(open.remove(id)),
                Undo::Closed(reservation) => open.insert(reservation),
                Undo::Extended(before) => {
                    drop(open.remove(before.number()));
                    open.insert(before);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_back_hides_nothing_that_was_charged_beside_it() {
        let key = UsageKey {
            day: 0,
            user_id: 1,
            access_profile_id: 1,
            provider: Arc::from("openai"),
            model: Arc::from("gpt"),
        };
        let mut effects = Effects::default();
        for (cost, tokens) in [(700, 70), (-300, -30), (-900, -90), (5, 1)] {
            let sum = UsageSum {
                tokens,
                cost,
                ..UsageSum::default()
            };
            effects.used(key.clone(), sum);
        }
        assert_eq!(effects.spent(), (705, 71));
    }
}
