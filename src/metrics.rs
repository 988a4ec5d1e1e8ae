//! What is measured: counts and histograms that cost some nanoseconds to raise, and are read by whoever shows them. Knows nothing of ours.
//!
//! Two threads that raise the same number wait for each other's cache line. So whoever counts often has numbers of its own, and who shows
//! them adds them up.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// Nanoseconds in a second: durations are measured in them, and shown in seconds.
pub const SECOND: u64 = 1_000_000_000;

/// A time in nanoseconds, as it is counted.
pub fn nanoseconds(took: Duration) -> u64 {
    u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)
}

/// Bounds of durations of our own work, in nanoseconds.
pub const QUICK: &[u64] = &[
    SECOND / 10_000,
    SECOND / 4_000,
    SECOND / 2_000,
    SECOND / 1_000,
    SECOND / 400,
    SECOND / 200,
    SECOND / 100,
    SECOND / 40,
    SECOND / 20,
    SECOND / 10,
    SECOND / 4,
    SECOND / 2,
    SECOND,
    5 * SECOND / 2,
    10 * SECOND,
];

/// Bounds of durations of other programs' work, in nanoseconds.
pub const SLOW: &[u64] = &[
    SECOND / 20,
    SECOND / 10,
    SECOND / 4,
    SECOND / 2,
    SECOND,
    5 * SECOND / 2,
    5 * SECOND,
    10 * SECOND,
    30 * SECOND,
    60 * SECOND,
    120 * SECOND,
    300 * SECOND,
    600 * SECOND,
];

/// Bounds of how many things are done at once.
pub const SIZES: &[u64] = &[1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024];

/// A number that is raised, lowered and set without a lock.
#[derive(Debug, Default)]
pub struct Tally(AtomicU64);

impl Tally {
    /// Zero.
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Raises it.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// Lowers it.
    pub fn take(&self, less: u64) {
        self.0.fetch_sub(less, Ordering::Relaxed);
    }

    /// Has it be this.
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// What it is.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Places of a [`SharedTally`].
const PLACES: usize = 16;

/// The next place that a thread takes.
static NEXT_PLACE: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// The place of this thread in every shared count.
    static PLACE: usize = NEXT_PLACE.fetch_add(1, Ordering::Relaxed) % PLACES;
}

/// A count that many threads raise often: each has a place of its own.
#[derive(Debug, Default)]
pub struct SharedTally([Place; PLACES]);

/// A place with two cache lines to itself, because processors fetch them in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Place(Tally);

impl SharedTally {
    /// Raises it.
    pub fn add(&self, more: u64) {
        self.0[PLACE.with(|place| *place)].0.add(more);
    }

    /// What it is.
    pub fn get(&self) -> u64 {
        self.0.iter().map(|place| place.0.get()).sum()
    }
}

/// Most buckets of a [`Histogram`]: one for each bound, and one for what is beyond the last.
const MOST_BUCKETS: usize = 16;

/// How often values fell between bounds, counted without a lock. It lies where its owner does, and in no memory of its own.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [u64],
    counts: [Tally; MOST_BUCKETS],
    sum: Tally,
}

impl Histogram {
    /// Nothing yet.
    pub fn new(bounds: &'static [u64]) -> Self {
        debug_assert!(bounds.len() < MOST_BUCKETS);
        Self {
            bounds,
            counts: Default::default(),
            sum: Tally::new(),
        }
    }

    /// Counts a value.
    pub fn note(&self, value: u64) {
        self.counts[bucket(self.bounds, value)].add(1);
        self.sum.add(value);
    }

    /// What was counted. The parts may be of moments that differ by some values.
    pub fn read(&self) -> Distribution {
        Distribution {
            bounds: self.bounds,
            counts: self.counts[..=self.bounds.len()]
                .iter()
                .map(Tally::get)
                .collect(),
            sum: self.sum.get(),
        }
    }
}

/// How often values fell between bounds, for one who has it to itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distribution {
    /// The greatest value of each bucket but the last.
    pub bounds: &'static [u64],
    /// How many values fell into each bucket; the last is for what is beyond every bound.
    pub counts: Vec<u64>,
    /// All values together.
    pub sum: u64,
}

impl Distribution {
    /// Nothing yet.
    pub fn new(bounds: &'static [u64]) -> Self {
        Self {
            bounds,
            counts: vec![0; bounds.len() + 1],
            sum: 0,
        }
    }

    /// Counts a value.
    pub fn note(&mut self, value: u64) {
        self.counts[bucket(self.bounds, value)] += 1;
        self.sum = self.sum.wrapping_add(value);
    }

    /// Adds what another one counted between the same bounds.
    pub fn add(&mut self, other: &Self) {
        debug_assert_eq!(self.bounds, other.bounds);
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.sum = self.sum.wrapping_add(other.sum);
    }
}

fn bucket(bounds: &[u64], value: u64) -> usize {
    bounds.partition_point(|bound| *bound < value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_falls_below_the_first_bound_that_is_not_less() {
        let (shared, mut own) = (Histogram::new(&[1, 10]), Distribution::new(&[1, 10]));
        for value in [0, 1, 2, 10, 11, 1_000] {
            shared.note(value);
            own.note(value);
        }
        assert_eq!(shared.read(), own);
        assert_eq!((own.counts.as_slice(), own.sum), (&[2, 2, 2][..], 1_024));
        own.add(&shared.read());
        assert_eq!((own.counts.as_slice(), own.sum), (&[4, 4, 4][..], 2_048));
    }

    #[test]
    fn what_threads_count_beside_each_other_is_added_up() {
        let count = SharedTally::default();
        std::thread::scope(|scope| {
            for _ in 0..2 * PLACES {
                scope.spawn(|| (0..100).for_each(|_| count.add(1)));
            }
        });
        assert_eq!(count.get(), 200 * PLACES as u64);
    }

    #[test]
    fn bounds_rise() {
        for bounds in [QUICK, SLOW, SIZES] {
            assert!(bounds.is_sorted_by(|one, next| one < next));
        }
    }
}
