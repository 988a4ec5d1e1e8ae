//! What a call will take at most, from how large its gateway says that it is.

use std::sync::Arc;

use jiff::Timestamp;

use super::call_size::CallSize;
use super::particulars::Particulars;
use crate::domain::price::prices::{PriceFound, Prices, unknown_model};
use crate::domain::values::money::Money;
use crate::domain::values::number::MAX_COUNT;

/// What a call will take at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Estimate {
    /// Input tokens.
    pub input_tokens: i64,
    /// Output tokens.
    pub output_tokens: i64,
    /// Why it is no more output than this.
    pub bound: OutputBound,
    /// What that may cost.
    pub cost: EstimatedCost,
}

/// What bounds the output of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputBound {
    /// `max_tokens`, as sent.
    Sent,
    /// The greatest output of the model.
    Model,
    /// The setting, because nobody knows the greatest output of the model.
    Assumed,
}

/// What a call may cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EstimatedCost {
    /// The gateway says so itself.
    Sent,
    /// At most this, by our own price.
    Priced {
        /// US dollars.
        most: Money,
        /// Who says what the model costs.
        priced_by: Arc<str>,
    },
    /// Nobody says which provider carries it.
    NoProvider,
    /// Nobody knows, and calls of such models count in tokens alone.
    TokensOnly,
    /// Nobody knows, and calls of such models are refused; the sentence says why.
    Refused(String),
}

impl Estimate {
    /// What a call of this size will take. Without a provider, that is asked which the name of the model begins with.
    pub fn new(
        size: CallSize,
        (provider, model): (Option<&str>, &str),
        said: &Particulars,
        prices: &Prices,
        (assumed_output, now): (u32, Timestamp),
    ) -> Self {
        let asked = match provider {
            Some(provider) => Some((provider, model)),
            None => model.split_once('/').filter(|(_, rest)| !rest.is_empty()),
        };
        let found = asked.map(|(provider, model)| prices.price(provider, model, now));
        let known = match found {
            Some(PriceFound::Known(known)) => Some(known),
            _ => None,
        };
        let greatest = known.and_then(|known| known.greatest_output);
        let (output_tokens, bound) = match (size.max_tokens, greatest) {
            (Some(most), _) => (most, OutputBound::Sent),
            (None, Some(most)) => (most, OutputBound::Model),
            (None, None) => (i64::from(assumed_output), OutputBound::Assumed),
        };
        let input_tokens = size.prompt_tokens.unwrap_or(0);
        let cost = if said.estimated_cost.is_some() {
            EstimatedCost::Sent
        } else {
            match (found, provider) {
                (Some(PriceFound::Known(known)), _) => EstimatedCost::Priced {
                    most: known.price.estimate(input_tokens, output_tokens),
                    priced_by: known.origin.name(),
                },
                (Some(PriceFound::TokensOnly), _) => EstimatedCost::TokensOnly,
                (Some(PriceFound::Unknown), Some(provider)) => {
                    EstimatedCost::Refused(unknown_model(provider, model))
                }
                (None | Some(PriceFound::Unknown), _) => EstimatedCost::NoProvider,
            }
        };
        Self {
            input_tokens,
            output_tokens,
            bound,
            cost,
        }
    }

    /// Says of a call what its gateway left out.
    pub fn fill_in(&self, said: &mut Particulars) {
        let both = self.input_tokens.saturating_add(self.output_tokens);
        said.estimated_tokens.get_or_insert(both.min(MAX_COUNT));
        if let EstimatedCost::Priced { most, priced_by } = &self.cost {
            said.estimated_cost.get_or_insert(*most);
            said.set_priced_by(Some(Arc::clone(priced_by)));
        }
    }
}
