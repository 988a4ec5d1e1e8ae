//! What a gateway reports that a call used: numbers of its own, what its provider told it, or both.

use super::amounts::{Spent, TokenSplit};
use crate::domain::price::usage::Usage;
use crate::domain::values::money::Money;
use crate::domain::values::number::MAX_COUNT;

/// What a gateway reports that a call used. Where it has no usage, it has both numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Tokens, as the gateway counts them.
    pub tokens: Option<i64>,
    /// What it cost, as the gateway counts it.
    pub cost: Option<Money>,
    /// What the provider told.
    pub usage: Option<Box<Usage>>,
}

impl Report {
    /// The gateway's own numbers.
    pub fn of(tokens: i64, cost: Money) -> Self {
        Self {
            tokens: Some(tokens),
            cost: Some(cost),
            usage: None,
        }
    }

    /// What is charged for it, if it cost so much.
    pub fn spent(&self, cost: Money) -> Spent {
        let count = |tokens: i64| tokens.min(MAX_COUNT);
        let usage = self.usage.as_deref();
        Spent {
            tokens: self
                .tokens
                .or(usage.map(Usage::total_tokens))
                .map_or(0, count),
            cost,
            split: usage.map_or_else(TokenSplit::default, |usage| TokenSplit {
                input: count(usage.input_tokens),
                cached_input: count(usage.cached_input_tokens),
                output: count(usage.output_tokens),
            }),
        }
    }
}
