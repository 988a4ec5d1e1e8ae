//! What a model costs at one time.

use super::rates::Rates;

/// What a model costs: rates, and others in their place for calls of long input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelPrice {
    pub(super) base: Rates,
    pub(super) tiers: Vec<PriceTier>,
    /// Sound that lasts less is charged as if it lasted so long.
    pub(super) least_audio_milliseconds: i64,
}

/// What all tokens of a call cost that has more input than this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceTier {
    /// Input tokens above which it holds; at this count it does not yet.
    pub above: i64,
    /// Every rate, those that are as below it too.
    pub rates: Rates,
}

impl ModelPrice {
    /// A price of these rates, and above so many input tokens of those in place of the ones of the same kind.
    pub fn new(base: Rates, above: impl IntoIterator<Item = (i64, Rates)>) -> Self {
        let mut above: Vec<_> = above.into_iter().collect();
        above.sort_by_key(|(start, _)| *start);
        let mut rates = base;
        let mut tiers: Vec<PriceTier> = Vec::with_capacity(above.len());
        let base = rates.clone().completed();
        for (start, changed) in above {
            rates = changed.over(&rates);
            tiers.push(PriceTier {
                above: start,
                rates: rates.clone().completed(),
            });
        }
        Self {
            base,
            tiers,
            least_audio_milliseconds: 0,
        }
    }

    /// The same, where sound that lasts less is charged as if it lasted so many milliseconds.
    pub fn with_least_audio(self, milliseconds: i64) -> Self {
        Self {
            least_audio_milliseconds: milliseconds,
            ..self
        }
    }

    /// The rates of a call of so many input tokens.
    pub fn rates(&self, input_tokens: i64) -> &Rates {
        let tiers = self.tiers.iter().rev();
        let mut reached = tiers.filter(|tier| input_tokens > tier.above);
        reached.next().map_or(&self.base, |tier| &tier.rates)
    }

    /// The tiers, from the lowest on.
    pub fn tiers(&self) -> &[PriceTier] {
        &self.tiers
    }

    /// Whether no call costs anything.
    pub fn is_free(&self) -> bool {
        let tiers = self.tiers.iter().map(|tier| &tier.rates);
        let mut all = std::iter::once(&self.base).chain(tiers);
        all.all(|rates| rates.iter().all(|(_, rate)| rate == 0))
    }
}
