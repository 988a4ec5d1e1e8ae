//! What those who show copies and keys know of the times that the clock showed.

use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::limits::clock_high_water::HighWater;

/// What the ledger's thread has seen, for others to look at.
#[derive(Debug, Clone, Default)]
pub struct SharedHighWater(Arc<Mutex<HighWater>>);

impl SharedHighWater {
    /// Notes what was seen.
    pub fn set(&self, high_water: &HighWater) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone_from(high_water);
    }

    /// What was seen.
    pub fn look(&self) -> HighWater {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
