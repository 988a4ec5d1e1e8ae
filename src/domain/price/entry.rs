//! A price that an operator gives: for a model, or for all that a pattern covers.

use std::fmt;

use jiff::Timestamp;

use super::model_price::ModelPrice;
use super::rates::Rates;

/// Longest name or pattern of a provider or a model, in characters.
pub const MAX_PATTERN: usize = 1_000;
/// Most tiers of one price.
pub const MAX_TIERS: usize = 20;

/// A price that an operator gives. In JSON and in TOML its rates stand in dollars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceEntry {
    /// A provider, by a name or with `*` where anything may stand, without regard to case.
    pub provider: String,
    /// Its model, in the same way.
    pub model: String,
    /// What it costs; without any rates it is free.
    pub rates: Rates,
    /// Above so many input tokens, other rates in place of those of the same kinds; ascending.
    pub above: Vec<(i64, Rates)>,
    /// Most tokens that one answer may have.
    pub greatest_output: Option<i64>,
    /// From when on it holds; none: always.
    pub valid_from: Option<Timestamp>,
}

/// What stands with charges that follow it.
impl fmt::Display for PriceEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "overlay:{}/{}", self.provider, self.model)?;
        let from = self.valid_from;
        from.map_or(Ok(()), |from| write!(f, "@{from}"))
    }
}

/// What is wrong with a price as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryProblem {
    /// The field that it is about.
    pub field: &'static str,
    /// Stable machine-readable reason.
    pub code: &'static str,
    /// A sentence about it.
    pub sentence: String,
}

impl PriceEntry {
    /// What a model costs that it covers.
    pub fn price(&self) -> ModelPrice {
        ModelPrice::new(self.rates.clone(), self.above.iter().cloned())
    }

    /// Whether it says that calls cost nothing by having no rates.
    pub fn is_free(&self) -> bool {
        self.rates.is_empty() && self.above.is_empty()
    }
}

/// What is wrong with rates and tiers together, where `free` says that there are none on purpose.
pub fn problem(rates: &Rates, above: &[(i64, Rates)], free: bool) -> Option<EntryProblem> {
    let refuse = |field, code, sentence: String| {
        Some(EntryProblem {
            field,
            code,
            sentence,
        })
    };
    if rates.is_empty() && above.is_empty() && !free {
        let sentence = "must have a rate, or free must be true".to_owned();
        return refuse("rates", "required", sentence);
    }
    if free && !(rates.is_empty() && above.is_empty()) {
        let sentence = "must not be true beside rates".to_owned();
        return refuse("free", "free_with_rates", sentence);
    }
    let ascending = above.windows(2).all(|pair| pair[0].0 < pair[1].0);
    if !ascending || above.len() > MAX_TIERS {
        let sentence =
            format!("must have at most {MAX_TIERS} elements with ascending input_tokens");
        return refuse("above", "not_ascending", sentence);
    }
    let tiers = above.iter().scan(rates.clone(), |below, (_, changed)| {
        *below = changed.over(below);
        Some(below.clone())
    });
    let mut all = std::iter::once(rates.clone()).chain(tiers);
    let orphan = all.find_map(|rates| rates.orphan())?;
    let parent = orphan.parent()?.name();
    let sentence = format!(
        "has {} without {parent}, which it is some of",
        orphan.name()
    );
    refuse("rates", "no_parent_rate", sentence)
}
