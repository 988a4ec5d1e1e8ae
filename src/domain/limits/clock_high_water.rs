//! The latest times that the clock ever showed, and who was there to see them.
//!
//! What has expired stays expired when the clock goes back. But a clock that once showed a time far ahead says nothing about copies
//! and keys that were made after it was put right: one time for all that never goes back would end them at once, and would let every
//! window stand still until the clock has come there again.

use serde::{Deserialize, Serialize};

/// How many times are told apart; beyond that, more have seen the greater one than really did.
const MOST: usize = 16;

/// The highest ids that were given out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastIds {
    /// Of copies.
    pub copy_id: i64,
    /// Of virtual keys.
    pub key_id: i64,
}

/// A time that the clock showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HighWaterMark {
    /// The time, in milliseconds since 1970.
    at_ms: i64,
    /// Whoever was there. Ids ascend and are never used again.
    seen_by: LastIds,
}

/// The latest times that the clock showed, by who has seen them: the times descend, and ever more have seen them. One alone while the
/// clock only goes forward.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HighWater(Vec<HighWaterMark>);

impl HighWater {
    /// The clock shows `now_ms`, and these are there.
    pub fn see(&mut self, now_ms: i64, seen_by: LastIds) {
        while self.0.last().is_some_and(|peak| peak.at_ms <= now_ms) {
            self.0.pop();
        }
        // Whoever has seen a later time has no use for this one.
        if self.0.last().is_none_or(|peak| peak.seen_by != seen_by) {
            self.0.push(HighWaterMark {
                at_ms: now_ms,
                seen_by,
            });
        }
        if self.0.len() > MOST
            && let Some(last) = self.0.pop()
            && let Some(peak) = self.0.last_mut()
        {
            peak.seen_by = last.seen_by;
        }
    }

    /// The one time that all of these have seen.
    pub fn one(at_ms: i64, seen_by: LastIds) -> Self {
        Self(vec![HighWaterMark { at_ms, seen_by }])
    }

    /// Whether some have seen a time that others have not.
    pub fn differ(&self) -> bool {
        self.0.len() > 1
    }

    /// The latest time of all.
    pub fn latest(&self) -> i64 {
        self.0.first().map_or(0, |peak| peak.at_ms)
    }

    /// The time by which a copy expires at `now_ms`: the latest that it has seen.
    pub fn of_copy(&self, copy_id: i64, now_ms: i64) -> i64 {
        self.of(now_ms, |newest| copy_id <= newest.copy_id)
    }

    /// The time by which a virtual key expires at `now_ms`: the latest that it has seen.
    pub fn of_key(&self, key_id: i64, now_ms: i64) -> i64 {
        self.of(now_ms, |newest| key_id <= newest.key_id)
    }

    fn of(&self, now_ms: i64, has_seen: impl Fn(&LastIds) -> bool) -> i64 {
        let first = self.0.iter().find(|peak| has_seen(&peak.seen_by));
        first.map_or(now_ms, |peak| peak.at_ms.max(now_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::{HighWater, LastIds};

    fn newest(id: i64) -> LastIds {
        LastIds {
            copy_id: id,
            key_id: id,
        }
    }

    #[test]
    fn a_time_is_seen_by_who_was_there_and_by_nobody_after() {
        let mut peaks = HighWater::default();
        peaks.see(100, newest(1));
        peaks.see(900, newest(2));
        peaks.see(110, newest(2));
        // Made after the clock was put right.
        peaks.see(120, newest(3));
        let of = |peaks: &HighWater, now| [1, 2, 3, 4].map(|id| peaks.of_key(id, now));
        assert_eq!(of(&peaks, 120), [900, 900, 120, 120]);
        peaks.see(500, newest(3));
        peaks.see(130, newest(4));
        assert_eq!(of(&peaks, 130), [900, 900, 500, 130]);
        peaks.see(1_000, newest(4));
        assert_eq!(peaks.0.len(), 1);
        assert_eq!(of(&peaks, 140), [1_000; 4]);
    }

    #[test]
    fn a_clock_that_goes_back_again_and_again_is_remembered_in_little_room() {
        let mut peaks = HighWater::default();
        for id in 1..1_000 {
            peaks.see(10_000 - id, newest(id));
        }
        assert!(peaks.0.len() <= super::MOST);
        // Nobody lives longer for it.
        for id in 1..1_000 {
            assert!(peaks.of_copy(id, 0) >= 10_000 - id);
        }
    }
}
