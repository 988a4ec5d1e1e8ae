//! What a batch of decisions did to memory: what has to be written down for it, and how to undo it when that fails.

use std::collections;
use std::sync::Arc;

use foldhash::HashMap;
use jiff::Timestamp;

use super::counter::Counter;
use super::counters::Amounts;
use super::directory::State;
use super::reservation::Reservation;
use super::tail::{Planned, Tail};
use crate::domain::audit::NewAuditEntry;
use crate::domain::decision::RefusalKind;
use crate::store::journal::{
    End, Entry, Extended, FOLDED, Journal, Line, Named, ReservationRow, StoredAnswer, UsageKey,
    UsageSum,
};

/// Lines of refusals that may wait to be written down; those of further ones are lost.
const MAX_REFUSALS: usize = 20_000;

/// With so many, those of further models that stand in no policy wait together, so that one caller does not take the room of all.
const MANY_REFUSALS: usize = 2_000;

/// Refusals that are not written down yet. As everything else here that has texts of clients in its keys, they are hashed as the
/// standard library does, which nobody can make slow.
pub type Refusals = collections::HashMap<(UsageKey, RefusalKind), i64>;

/// What happened since the last commit.
#[derive(Default)]
pub struct Batch {
    entries: Vec<Entry>,
    touched: HashMap<(i64, i64), Touched>,
    undo: Vec<Undo>,
    /// Reservations that ended in this batch.
    pub finished: HashMap<i64, ReservationRow>,
    /// Answers to calls with a request id, by key and request id.
    pub answers: collections::HashMap<(i64, String), StoredAnswer>,
    usage: collections::HashMap<UsageKey, UsageSum>,
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
    Closed(Box<Reservation>),
    Extended(Box<Reservation>),
}

impl Batch {
    /// Whether nothing has to be written down.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.touched.is_empty() && self.usage.is_empty()
    }

    /// Notes what a counter was before it was touched for a reservation; `written` when the change has to be written down.
    pub fn touched(
        &mut self,
        reservation: &Reservation,
        place_id: i64,
        before: Option<Counter>,
        written: bool,
    ) {
        let place = (reservation.copy_id, place_id);
        let touched = self.touched.entry(place).or_insert(Touched {
            user_id: reservation.user_id,
            before,
            written,
        });
        touched.written |= written;
    }

    /// Notes a reservation that was made; it is open if it has no end.
    pub fn made(&mut self, row: ReservationRow) {
        if row.end.is_none() {
            self.undo.push(Undo::Opened(row.id));
        }
        self.entries.push(Entry::Made(Box::new(row)));
    }

    /// Notes the end of a reservation that was open.
    pub fn closed(&mut self, reservation: Reservation, end: End) {
        let id = reservation.id.number;
        let row = ReservationRow {
            end: Some(end),
            ..reservation.row()
        };
        self.finished.insert(id, row);
        self.undo.push(Undo::Closed(Box::new(reservation)));
        self.entries.push(Entry::Finished { id, end });
    }

    /// Notes that the end of a reservation was mended.
    pub fn mended(&mut self, row: ReservationRow, end: End) {
        let id = row.id;
        self.entries.push(Entry::Finished { id, end });
        let row = ReservationRow {
            end: Some(end),
            ..row
        };
        self.finished.insert(id, row);
    }

    /// Notes that a reservation was extended, which was `before`.
    pub fn extended(&mut self, before: Reservation, after: &Reservation) {
        self.undo.push(Undo::Extended(Box::new(before)));
        self.entries.push(Entry::Extended(Extended {
            id: after.id.number,
            estimated_tokens: after.estimated_tokens,
            estimated_cost: after.estimated_cost,
            held_tokens: after.hold.tokens,
            held_cost: after.hold.cost,
            expires_at: after.expires_at,
        }));
    }

    /// Adds to the history of use.
    pub fn used(&mut self, key: UsageKey, sum: UsageSum) {
        let line = self.usage.entry(key).or_default();
        *line = line.plus(sum);
    }

    /// What has to be written down. What becomes of counters and the history of use is the tail's to say.
    pub fn journal(
        &mut self,
        state: &State,
        refusals: &Refusals,
        tail: &Tail,
    ) -> (Journal, Planned) {
        let mut journal = Journal {
            entries: std::mem::take(&mut self.entries),
            answers: std::mem::take(&mut self.answers).into_values().collect(),
            audited: std::mem::take(&mut self.audited),
            refusals: lines_of(refusals, state),
            next_number: state.next_number,
            open_from: state.open_from(),
            peaks: state.peaks.clone(),
            ..Journal::default()
        };
        let counters = self
            .touched
            .iter()
            .filter(|(_, touched)| touched.written)
            .filter_map(|((copy_id, place_id), touched)| {
                let copy = state.copy(touched.user_id, *copy_id)?;
                let counter = copy.counter(*place_id)?;
                Some((touched.user_id, counter.row(*copy_id)))
            })
            .collect();
        let usage = std::mem::take(&mut self.usage);
        let planned = tail.plan(&mut journal, counters, usage, state);
        (journal, planned)
    }

    /// Undoes everything in memory. Numbers are not given back: whether a commit that failed left something is not ours to guess.
    pub fn undo(self, state: &mut State) {
        for ((copy_id, place_id), touched) in self.touched {
            if let Some(copy) = state.copy_mut(touched.user_id, copy_id) {
                copy.restore(place_id, touched.before);
            }
        }
        for undo in self.undo.into_iter().rev() {
            match undo {
                Undo::Opened(id) => drop(state.remove_open(id)),
                Undo::Closed(reservation) => state.put_open(*reservation),
                Undo::Extended(before) => {
                    drop(state.remove_open(before.id.number));
                    state.put_open(*before);
                }
            }
        }
    }
}

fn lines_of(refusals: &Refusals, state: &State) -> Vec<Line<(&'static str, i64)>> {
    let lines = refusals.iter();
    let mut lines: Vec<_> = lines
        .map(|((key, kind), calls)| state.line(key, (kind.code(), *calls)))
        .collect();
    lines.sort_unstable_by(|one, other| one.key.cmp(&other.key));
    lines
}

impl State {
    /// Adds an open reservation and what it holds.
    pub fn put_open(&mut self, reservation: Reservation) {
        let (user_id, copy_id) = (reservation.user_id, reservation.copy_id);
        if let Some(copy) = self.copy_mut(user_id, copy_id) {
            copy.hold(&reservation.provider_key, reservation.hold, 1);
        }
        let number = reservation.id.number;
        self.open_counts.add(&reservation);
        self.expiries.insert((reservation.expires_at, number));
        self.open.insert(number, reservation);
    }

    /// Takes an open reservation away, and what it holds.
    pub fn remove_open(&mut self, number: i64) -> Option<Reservation> {
        let reservation = self.open.remove(&number)?;
        self.expiries.remove(&(reservation.expires_at, number));
        self.open_counts.remove(&reservation);
        let freed = Amounts {
            tokens: -reservation.hold.tokens,
            cost: -reservation.hold.cost,
        };
        if let Some(copy) = self.copy_mut(reservation.user_id, reservation.copy_id) {
            copy.hold(&reservation.provider_key, freed, -1);
        }
        Some(reservation)
    }

    /// Notes a refusal, to be written down with what comes next.
    pub fn note_refusal(
        &mut self,
        refusals: &mut Refusals,
        model: &str,
        refused: &super::decide::Refused,
        now_ms: i64,
    ) {
        // Whoever has no key of ours leaves no trace: that would be a way to fill the disk.
        let Some(user_id) = refused.user_id else {
            return;
        };
        let known = refused.provider.is_some();
        let key = UsageKey {
            day: self.day(now_ms),
            user_id,
            access_profile_id: refused.refusal.access_profile_id.unwrap_or(0),
            provider: refused.provider.clone().unwrap_or_else(|| Arc::from("")),
            model: Arc::from(if known { model } else { "" }),
        };
        let mut line = (key, refused.refusal.kind);
        if refusals.len() >= MANY_REFUSALS && !refusals.contains_key(&line) {
            let (key, named) = self.named(&line.0);
            line.0 = key;
            if named != Named::Both {
                line.0.model = FOLDED.into();
            }
        }
        if refusals.len() < MAX_REFUSALS || refusals.contains_key(&line) {
            *refusals.entry(line).or_default() += 1;
            if refusals.len() == MAX_REFUSALS {
                log::warn!(
                    "{MAX_REFUSALS} lines of refusals wait to be written down; others are not counted until they are"
                );
            }
        }
    }
}
