//! What a call is charged: what its provider says that it used, or else the larger of what was held for it and what was seen of it.

use super::quote::Quote;
use crate::domain::decision::amounts::{Spent, TokenSplit};
use crate::domain::price::usage::Usage;
use crate::domain::values::money::Money;
use crate::gateway::meter::dialect::Endpoint;
use crate::gateway::meter::stream::StreamOutcome;

/// How a call ended that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallEnd {
    /// The provider answered with an error of its own.
    Refused,
    /// Nobody knows what became of it.
    Lost,
    /// It was answered, and this was seen.
    Answered(StreamOutcome),
}

/// What a call is charged.
pub fn charge(endpoint: Endpoint, quote: &Quote, end: &CallEnd) -> Spent {
    let seen = match end {
        CallEnd::Refused => return Spent::default(),
        CallEnd::Lost => return at_most(quote),
        CallEnd::Answered(seen) => seen,
    };
    match seen.usage {
        Some(usage) if seen.ended => spent(quote, &usage),
        // An error before anything was made is the provider's own answer.
        None if seen.failed && seen.events <= 1 && seen.text_bytes == 0 => Spent::default(),
        None if is_told_by_request(endpoint, quote) => spent(quote, &quote.asked),
        usage => {
            let guessed = Usage {
                input_tokens: quote.most.0,
                output_tokens: seen.guessed_output_tokens(),
                ..quote.asked
            };
            let seen = [usage, Some(guessed)].into_iter().flatten();
            let seen = seen.map(|usage| spent(quote, &usage));
            seen.fold(at_most(quote), larger)
        }
    }
}

/// Whether all that it costs is counted in units that the request itself tells.
fn is_told_by_request(endpoint: Endpoint, quote: &Quote) -> bool {
    let counted = |price: &crate::domain::price::model_price::ModelPrice| {
        price.cost(&quote.asked) > Money::ZERO && price.estimate(1, 1) == price.estimate(0, 0)
    };
    !endpoint.makes_text() && quote.price.as_ref().is_some_and(counted)
}

fn spent(quote: &Quote, usage: &Usage) -> Spent {
    let usage = Usage {
        images: usage.images.max(quote.asked.images),
        input_characters: usage.input_characters.max(quote.asked.input_characters),
        ..*usage
    };
    Spent {
        tokens: usage.total_tokens(),
        cost: quote
            .price
            .as_ref()
            .map_or(Money::ZERO, |price| price.cost(&usage)),
        split: TokenSplit {
            input: usage.input_tokens,
            cached_input: usage.cached_input_tokens,
            output: usage.output_tokens,
        },
    }
}

/// All that was held for it.
fn at_most(quote: &Quote) -> Spent {
    Spent {
        tokens: quote.offer.estimated_tokens.unwrap_or(0),
        cost: quote.offer.estimated_cost.unwrap_or(Money::ZERO),
        split: TokenSplit {
            input: quote.most.0,
            cached_input: 0,
            output: quote.most.1,
        },
    }
}

fn larger(one: Spent, other: Spent) -> Spent {
    let (one_first, tokens) = (one.cost >= other.cost, one.tokens.max(other.tokens));
    Spent {
        tokens,
        ..if one_first { one } else { other }
    }
}
