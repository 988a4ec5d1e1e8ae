//! How large a call is at most, whoever carries it, and what that costs.

use crate::domain::price::model_price::ModelPrice;
use crate::domain::price::usage::Usage;
use crate::domain::values::money::Money;
use crate::gateway::meter::dialect::Endpoint;
use crate::gateway::meter::metered_request::MeteredRequest;

/// Output tokens of one picture, where a model counts them and nobody says how many there will be.
const TOKENS_OF_AN_IMAGE: i64 = 8_192;

/// Output tokens of a character that is read aloud, where a model counts them.
const TOKENS_OF_A_SPOKEN_CHARACTER: i64 = 3;

/// How large a call is, as far as it says so itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallMeasure {
    endpoint: Endpoint,
    /// None where nobody shows the prompt.
    prompt_tokens: Option<i64>,
    max_output: Option<i64>,
    /// What is counted in units that the request itself tells.
    pub asked: Usage,
}

impl CallMeasure {
    /// What a request says, whose body has so many bytes.
    pub fn of(endpoint: Endpoint, request: &MeteredRequest, body_bytes: i64) -> Self {
        let is_heard = matches!(endpoint, Endpoint::Transcriptions | Endpoint::Translations);
        Self {
            endpoint,
            prompt_tokens: Some(request.prompt_tokens),
            max_output: request.max_output,
            asked: Usage {
                images: request.images,
                input_characters: request.input_characters,
                // No sound takes less than a kilobyte a second.
                audio_milliseconds: if is_heard { body_bytes } else { 0 },
                ..Usage::default()
            },
        }
    }

    /// What is known of a call whose body nobody shows.
    pub fn unseen(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            prompt_tokens: None,
            max_output: None,
            asked: Usage {
                images: i64::from(endpoint.makes_images()),
                ..Usage::default()
            },
        }
    }

    /// The same where its model takes so many tokens of input at most; none where what is not shown has no bound that is known.
    pub fn within(self, context_window: Option<i64>) -> Option<Self> {
        if self.prompt_tokens.is_some() {
            return Some(self);
        }
        let takes_tokens = self.endpoint.makes_text() || self.endpoint == Endpoint::Embeddings;
        let prompt_tokens = context_window.filter(|_| takes_tokens);
        prompt_tokens.is_some().then_some(Self {
            prompt_tokens,
            ..self
        })
    }

    /// Tokens of input and output that it takes at most. Where it bounds its output not itself, its model may have a greatest one.
    pub fn most(&self, greatest_output: Option<i64>, assumed_output: u32) -> (i64, i64) {
        let output = if self.endpoint.makes_text() {
            let assumed = i64::from(assumed_output);
            self.max_output.or(greatest_output).unwrap_or(assumed)
        } else if self.endpoint == Endpoint::Speech {
            self.asked
                .input_characters
                .saturating_mul(TOKENS_OF_A_SPOKEN_CHARACTER)
        } else if self.endpoint.makes_images() {
            self.asked.images.max(1).saturating_mul(TOKENS_OF_AN_IMAGE)
        } else {
            0
        };
        (self.prompt_tokens.unwrap_or(0), output)
    }

    /// What these tokens, and what the request itself tells, cost at most.
    pub fn cost(&self, (input, output): (i64, i64), price: &ModelPrice) -> Money {
        let tokens = price.estimate(input, output).nanodollars();
        Money::nearest(tokens.saturating_add(price.cost(&self.asked).nanodollars()))
    }
}
