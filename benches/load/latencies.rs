//! How long answers took.

use std::time::Duration;

/// Sorted times.
#[derive(Default)]
pub struct Latencies {
    sorted: Vec<Duration>,
}

impl Latencies {
    pub fn new(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self { sorted: times }
    }

    pub fn of_all<'l>(all: impl Iterator<Item = &'l Self>) -> Self {
        Self::new(all.flat_map(|one| &one.sorted).copied().collect())
    }

    /// A quantile in milliseconds; without any answer it is infinite, which meets no aim.
    pub fn at(&self, share: f64) -> f64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "the place of a quantile in a list"
        )]
        let place = ((self.sorted.len() as f64 * share).ceil() as usize).max(1) - 1;
        let found = self.sorted.get(place).or(self.sorted.last());
        found.map_or(f64::INFINITY, |time| time.as_secs_f64() * 1000.0)
    }

    pub fn count(&self) -> usize {
        self.sorted.len()
    }
}

/// A count as what it is divided by or into.
pub fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// The one in the middle; the upper one of an even number.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
