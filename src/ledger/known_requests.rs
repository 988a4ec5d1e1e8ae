//! Which request ids may have been answered: one that was never seen needs no look into the database.
//!
//! A Bloom filter in two generations. It never denies what is stored; now and then it takes a new id for a known one, which then
//! costs that look. A generation is dropped when the last row that it may hold was pruned, whatever the clock did in between.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use crate::error::Result;
use crate::store::{Reading, journal};

/// Bits of a generation, 2 MiB: of 1.6 million ids, one in a hundred new ones costs a look.
const BITS: u64 = 1 << 24;
/// Bits that stand for an id.
const PROBES: u64 = 4;
/// Ids that are read at the start. If more are stored, every id costs a look until those before are pruned.
const MAX_LOADED: usize = 300_000;

/// See the module.
pub struct KnownRequests {
    hasher: RandomState,
    young: Generation,
    old: Generation,
    /// The last row that `old` may hold.
    old_to: i64,
    /// Rows up to this one were never read; 0 when there are none.
    unread_to: i64,
}

struct Generation(Vec<u64>);

impl Generation {
    fn new() -> Self {
        Self(vec![0; usize::try_from(BITS / 64).unwrap_or(1)])
    }

    /// The word and the bit in it of each probe.
    fn places(&self, hash: u64) -> impl Iterator<Item = (usize, u64)> + use<> {
        let (start, step) = (hash >> 32, (hash & 0xffff_ffff) | 1);
        let words = u64::try_from(self.0.len()).unwrap_or(1);
        (0..PROBES).map(move |probe| {
            let bit = start.wrapping_add(probe.wrapping_mul(step));
            let word = usize::try_from((bit / 64) % words).unwrap_or(0);
            (word, 1 << (bit % 64))
        })
    }

    fn add(&mut self, hash: u64) {
        for (word, bit) in self.places(hash) {
            self.0[word] |= bit;
        }
    }

    fn may_hold(&self, hash: u64) -> bool {
        self.places(hash).all(|(word, bit)| self.0[word] & bit != 0)
    }
}

impl KnownRequests {
    /// Reads the ids that are stored.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn load(reading: &Reading<'_>) -> Result<Self> {
        let mut known = Self {
            hasher: RandomState::new(),
            young: Generation::new(),
            old: Generation::new(),
            old_to: 0,
            unread_to: 0,
        };
        let mut read = 0;
        journal::for_each_request(reading, MAX_LOADED + 1, |row, key_id, id| {
            read += 1;
            if read > MAX_LOADED {
                known.unread_to = row;
            } else {
                known.add(key_id, id);
            }
        })?;
        Ok(known)
    }

    /// Whether a key's request id may have been answered.
    pub fn may_hold(&self, key_id: i64, id: &str) -> bool {
        let hash = self.hasher.hash_one((key_id, id));
        self.unread_to > 0 || self.young.may_hold(hash) || self.old.may_hold(hash)
    }

    /// Notes that a key's request id is answered.
    pub fn add(&mut self, key_id: i64, id: &str) {
        let hash = self.hasher.hash_one((key_id, id));
        self.young.add(hash);
    }

    /// Notes that rows were pruned; these are the first and the last that are left, if any are. Nothing may be on its way to the
    /// disk.
    pub fn pruned(&mut self, left: Option<(i64, i64)>) {
        let (first, last) = left.unwrap_or((i64::MAX, 0));
        if first > self.unread_to {
            self.unread_to = 0;
        }
        if first > self.old_to {
            self.old = std::mem::replace(&mut self.young, Generation::new());
            self.old_to = last;
        }
    }
}
