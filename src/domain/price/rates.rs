//! What the units cost: a rate a kind.

use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::dollars::MAX_RATE;
use super::unit_kind::UnitKind;

/// Rates by kind: nanodollars per million units, of an hour of sound nanodollars an hour. A kind that is not among them costs what its
/// parent costs, and nothing without one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rates(Vec<(UnitKind, i64)>);

impl Rates {
    /// The rate of a kind, from 0 to [`MAX_RATE`].
    pub fn get(&self, kind: UnitKind) -> Option<i64> {
        let found = self.0.iter().find(|(known, _)| *known == kind);
        found.map(|(_, rate)| *rate)
    }

    /// Sets the rate of a kind, which is brought within bounds.
    pub fn set(&mut self, kind: UnitKind, rate: i64) {
        let rate = rate.clamp(0, MAX_RATE);
        match self.0.binary_search_by_key(&kind, |(known, _)| *known) {
            Ok(at) => self.0[at].1 = rate,
            Err(at) => self.0.insert(at, (kind, rate)),
        }
    }

    /// These, and those of `below` where there is none.
    pub fn over(&self, below: &Self) -> Self {
        let mut all = below.clone();
        for (kind, rate) in self.iter() {
            all.set(kind, rate);
        }
        all
    }

    /// Each kind that has one, in the order of [`UnitKind::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (UnitKind, i64)> + '_ {
        self.0.iter().copied()
    }

    /// Whether there is none, so that all is free.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A kind that has a rate although what it is some of has none.
    pub fn orphan(&self) -> Option<UnitKind> {
        let mut kinds = self.iter().map(|(kind, _)| kind);
        kinds.find(|kind| {
            let parent = kind.parent();
            parent.is_some_and(|parent| self.get(parent).is_none())
        })
    }

    /// With a rate for what is cached of sound and pictures where both have one: the dearer, since nobody says that it is cheaper.
    pub fn completed(mut self) -> Self {
        for (kind, cached) in [
            (UnitKind::AudioInput, UnitKind::CachedAudioInput),
            (UnitKind::ImageInput, UnitKind::CachedImageInput),
        ] {
            let both = self.get(kind).zip(self.get(UnitKind::CachedInput));
            if let (Some((one, other)), None) = (both, self.get(cached)) {
                self.set(cached, one.max(other));
            }
        }
        self
    }
}

impl FromIterator<(UnitKind, i64)> for Rates {
    fn from_iter<I: IntoIterator<Item = (UnitKind, i64)>>(rates: I) -> Self {
        let mut all = Self::default();
        for (kind, rate) in rates {
            all.set(kind, rate);
        }
        all
    }
}

impl<'de> Deserialize<'de> for Rates {
    /// As the list has them: an object with whole numbers.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RatesVisitor;
        impl<'de> Visitor<'de> for RatesVisitor {
            type Value = Rates;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("rates by kind")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Rates, A::Error> {
                let mut rates = Rates::default();
                while let Some((kind, rate)) = map.next_entry()? {
                    if !(0..=MAX_RATE).contains(&rate) {
                        return Err(A::Error::custom(format_args!("{rate} is no rate")));
                    }
                    rates.set(kind, rate);
                }
                rates.0.shrink_to_fit();
                Ok(rates)
            }
        }
        deserializer.deserialize_map(RatesVisitor)
    }
}
