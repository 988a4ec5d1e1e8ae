//! What the ledger counts of itself: raised by its thread, read by whoever shows it. Only what waits is counted by those who ask.

use super::engine::Reservations;
use crate::domain::decision::RefusalKind;
use crate::metrics::{Distribution, Histogram, SIZES, SharedTally, Tally};

/// What is decided on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecidedOn {
    /// A call that holds its estimate.
    Reservation,
    /// A call that is let in as one request.
    Admission,
    /// A call that was made without asking.
    Charge,
    /// More for a call that is under way.
    Extension,
    /// A call that costs nothing.
    FreeCall,
}

/// Everything that is decided on, with its name.
const ALL: [(DecidedOn, &str); 5] = [
    (DecidedOn::Reservation, "reservation"),
    (DecidedOn::Admission, "admission"),
    (DecidedOn::Charge, "charge"),
    (DecidedOn::Extension, "extension"),
    (DecidedOn::FreeCall, "free_call"),
];
/// A grant, or one of the reasons to refuse.
const OUTCOMES: usize = RefusalKind::ALL.len() + 1;

/// How often each outcome came of each thing that is decided on. The grants come first.
type Outcomes<T> = [[T; OUTCOMES]; ALL.len()];

/// The outcomes of a batch. They count once it is written down.
#[derive(Debug, Default)]
pub struct BatchOutcomes(Outcomes<u32>);

impl BatchOutcomes {
    /// Notes what was decided.
    pub fn note(&mut self, what: DecidedOn, refusal: Option<RefusalKind>) {
        self.0[what as usize][refusal.map_or(0, |kind| kind as usize + 1)] += 1;
    }
}

/// What the ledger counts of itself. Nothing of another thread lies beside it.
#[derive(Debug)]
#[repr(align(128))]
pub struct LedgerFigures {
    decided: Outcomes<Tally>,
    batches: Histogram,
    taken: Tally,
    open_holds: Tally,
    held_nanodollars: Tally,
    spent_nanodollars: Tally,
    spent_tokens: Tally,
    lost_batches: Tally,
    entered: SharedTally,
}

impl Default for LedgerFigures {
    fn default() -> Self {
        Self {
            decided: Default::default(),
            batches: Histogram::new(SIZES),
            taken: Tally::new(),
            open_holds: Tally::new(),
            held_nanodollars: Tally::new(),
            spent_nanodollars: Tally::new(),
            spent_tokens: Tally::new(),
            lost_batches: Tally::new(),
            entered: SharedTally::default(),
        }
    }
}

impl LedgerFigures {
    /// Something came into the queue.
    pub(super) fn enter(&self) {
        self.entered.add(1);
    }

    /// Its thread took so many out of the queue, to decide on them together.
    pub(super) fn take(&self, messages: usize) {
        self.taken.add(messages as u64);
        self.batches.note(messages as u64);
    }

    /// Decisions were written down and told.
    pub(super) fn told(&self, outcomes: &BatchOutcomes, spent: (u64, u64)) {
        for (counts, more) in self.decided.iter().zip(&outcomes.0) {
            for (count, more) in counts.iter().zip(more) {
                if *more > 0 {
                    count.add(u64::from(*more));
                }
            }
        }
        // No other thread raises them. What has grown beyond every number stays there: a counter never falls.
        for (count, more) in [
            (&self.spent_nanodollars, spent.0),
            (&self.spent_tokens, spent.1),
        ] {
            count.set(count.get().saturating_add(more));
        }
    }

    /// A batch could not be written down.
    pub(super) fn lose_batch(&self) {
        self.lost_batches.add(1);
    }

    /// What is open now.
    pub(super) fn see(&self, reservations: &Reservations) {
        let (open, held) = reservations.holds();
        self.open_holds.set(open as u64);
        // What is beyond every number is not nothing.
        self.held_nanodollars
            .set(u64::try_from(held.max(0)).unwrap_or(u64::MAX));
    }

    /// What was decided on, why it was refused if it was, and how often.
    pub fn decided(&self) -> impl Iterator<Item = (&'static str, Option<RefusalKind>, u64)> {
        ALL.into_iter().flat_map(|(what, name)| {
            let refusals = RefusalKind::ALL.into_iter().map(Some);
            let outcomes = std::iter::once(None).chain(refusals);
            let counts = self.decided[what as usize].iter();
            outcomes
                .zip(counts)
                .map(move |(refusal, count)| (name, refusal, count.get()))
        })
    }

    /// How many questions were decided on together.
    pub fn batches(&self) -> Distribution {
        self.batches.read()
    }

    /// How many questions wait.
    pub fn waiting(&self) -> u64 {
        // What left is read first: nothing leaves before it came.
        let taken = self.taken.get();
        self.entered.get().saturating_sub(taken)
    }

    /// How many reservations are open.
    pub fn open_holds(&self) -> u64 {
        self.open_holds.get()
    }

    /// What they hold, in nanodollars.
    pub fn held_nanodollars(&self) -> u64 {
        self.held_nanodollars.get()
    }

    /// What was charged, in nanodollars.
    pub fn spent_nanodollars(&self) -> u64 {
        self.spent_nanodollars.get()
    }

    /// Tokens that were charged.
    pub fn spent_tokens(&self) -> u64 {
        self.spent_tokens.get()
    }

    /// Batches that could not be written down.
    pub fn lost_batches(&self) -> u64 {
        self.lost_batches.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_stand_at_the_places_of_their_kinds() {
        for (at, kind) in RefusalKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, at);
        }
        for (at, (what, _)) in ALL.into_iter().enumerate() {
            assert_eq!(what as usize, at);
        }
        let (figures, mut batch) = (LedgerFigures::default(), BatchOutcomes::default());
        batch.note(DecidedOn::Charge, None);
        batch.note(DecidedOn::Charge, Some(RefusalKind::RateLimited));
        batch.note(DecidedOn::Charge, Some(RefusalKind::RateLimited));
        figures.told(&batch, (7, 0));
        figures.told(&BatchOutcomes::default(), (u64::MAX, 1));
        let counted: Vec<_> = figures.decided().filter(|(.., count)| *count > 0).collect();
        let expected = [
            ("charge", None, 1),
            ("charge", Some(RefusalKind::RateLimited), 2),
        ];
        assert_eq!(counted, expected);
        assert_eq!(
            (figures.spent_nanodollars(), figures.spent_tokens()),
            (u64::MAX, 1)
        );
    }
}
