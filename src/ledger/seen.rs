//! What those who show copies and keys know of the times that the clock showed.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::Ledger;
use crate::domain::clock_peaks::Peaks;

/// What the ledger's thread has seen, for others to look at.
#[derive(Debug, Clone, Default)]
pub struct Seen(Arc<Mutex<Peaks>>);

impl Seen {
    /// Notes what was seen.
    pub fn set(&self, peaks: &Peaks) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone_from(peaks);
    }

    fn look(&self) -> Peaks {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Ledger {
    /// The time by which a copy expires: the latest that the clock showed since it was made.
    pub fn time_of_copy(&self, copy_id: i64, now: Timestamp) -> Timestamp {
        let latest = self.seen.look().of_copy(copy_id, now.as_millisecond());
        Timestamp::from_millisecond(latest).map_or(now, |latest| latest.max(now))
    }

    /// The time by which a virtual key expires: the latest that the clock showed since it was made.
    pub fn time_of_key(&self, key_id: i64, now: Timestamp) -> Timestamp {
        let latest = self.seen.look().of_key(key_id, now.as_millisecond());
        Timestamp::from_millisecond(latest).map_or(now, |latest| latest.max(now))
    }
}
