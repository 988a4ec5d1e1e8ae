//! A set of ids: a bit each, from 0 to the largest.

/// Ids that something is true of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdSet(Vec<u8>);

impl IdSet {
    /// Sets which of the eight ids from `8 * pack` on are in it.
    pub fn set_pack(&mut self, pack: i64, bits: u8) {
        let at = usize::try_from(pack).unwrap_or(0);
        if at >= self.0.len() {
            self.0.resize(at + 1, 0);
        }
        self.0[at] = bits;
    }

    /// Puts an id into it.
    pub fn insert(&mut self, id: i64) {
        let at = usize::try_from(id / 8).unwrap_or(0);
        let bits = self.0.get(at).copied().unwrap_or(0);
        self.set_pack(id / 8, bits | 1 << (id % 8));
    }

    /// Whether an id is in it.
    pub fn contains(&self, id: i64) -> bool {
        let bits = usize::try_from(id / 8).ok().and_then(|at| self.0.get(at));
        bits.is_some_and(|bits| bits >> (id % 8) & 1 == 1)
    }

    /// Takes out what is not in `other` too.
    pub fn intersect(&mut self, other: &Self) {
        self.0.truncate(other.0.len());
        for (bits, other) in self.0.iter_mut().zip(&other.0) {
            *bits &= other;
        }
    }

    /// How many ids are in it.
    pub fn len(&self) -> i64 {
        self.0.iter().map(|bits| i64::from(bits.count_ones())).sum()
    }

    /// The ids, ascending.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = i64> {
        let packs = self.0.iter().enumerate().filter(|(_, bits)| **bits != 0);
        packs.flat_map(|(pack, bits)| {
            let first = i64::try_from(pack * 8).unwrap_or(i64::MAX);
            let found = (0..8).filter(move |place| bits >> place & 1 == 1);
            found.map(move |place| first + place)
        })
    }

    /// Roughly what it takes, in bytes.
    pub fn size(&self) -> usize {
        self.0.len()
    }
}

impl FromIterator<i64> for IdSet {
    fn from_iter<I: IntoIterator<Item = i64>>(ids: I) -> Self {
        let mut set = Self::default();
        for id in ids {
            set.insert(id);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::collection::btree_set;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set(some in btree_set(0..70_i64, 0..30), others in btree_set(0..70_i64, 0..30)) {
            let mut set: IdSet = some.iter().copied().collect();
            prop_assert!(set.iter().eq(some.iter().copied()));
            prop_assert!(set.iter().rev().eq(some.iter().rev().copied()));
            prop_assert!((0..80).all(|id| set.contains(id) == some.contains(&id)));
            set.intersect(&others.iter().copied().collect());
            let both: BTreeSet<i64> = some.intersection(&others).copied().collect();
            prop_assert!(set.iter().eq(both.iter().copied()));
            prop_assert_eq!(set.len(), i64::try_from(both.len()).unwrap());
        }
    }
}
