//! The most tokens that the answers to a request can have.

use super::body_object::{BodyObject, object_at, read_count};
use super::dialect::Endpoint;
use super::fault::RequestFault;
use crate::domain::values::letter_case::fold;

impl BodyObject<'_, '_> {
    /// The bound of all answers together; `None` where there is none or the endpoint makes no text.
    pub fn max_output(&self, endpoint: Endpoint) -> Result<Option<i64>, RequestFault> {
        match endpoint {
            _ if endpoint.makes_text() => {}
            Endpoint::Embeddings
            | Endpoint::Rerank
            | Endpoint::EmbedContent
            | Endpoint::BatchEmbedContents => return Ok(Some(0)),
            _ if endpoint.is_free() => return Ok(Some(0)),
            _ => return Ok(None),
        }
        let mut bounds = Bounded::default();
        for name in ["max_tokens", "max_completion_tokens", "max_output_tokens"] {
            if let Some(member) = self.find(name) {
                bounds.add(read_count(name, member.value)?);
            }
        }
        for name in ["n", "best_of"] {
            if let Some(member) = self.find(name) {
                bounds.multiply(read_count(name, member.value)?);
            }
        }
        for name in ["generationConfig", "generation_config"] {
            if let Some(member) = self.find(name) {
                for inner in object_at(member)? {
                    let param = format!("{name}.{}", inner.name);
                    // Whatever stands there more than once, in either spelling: the most of it counts.
                    match fold(&inner.name).replace('_', "").as_str() {
                        "maxoutputtokens" if inner.value != "null" => {
                            bounds.add(read_count(&param, inner.value)?);
                        }
                        "candidatecount" if inner.value != "null" => {
                            bounds.multiply(read_count(&param, inner.value)?);
                        }
                        _ => {}
                    }
                }
            }
        }
        let prompts = match endpoint {
            Endpoint::Completions => self.prompts(),
            _ => 1,
        };
        Ok(bounds.most(prompts))
    }

    /// How many prompts a list of them is; each is answered by itself. A list of numbers is one prompt.
    fn prompts(&self) -> i64 {
        let Some(member) = self.find("prompt") else {
            return 1;
        };
        let list: Vec<&serde_json::value::RawValue> =
            serde_json::from_str(member.value).unwrap_or_default();
        let texts = list
            .iter()
            .filter(|item| item.get().starts_with(['"', '[']));
        i64::try_from(texts.count()).unwrap_or(i64::MAX).max(1)
    }
}

/// The most tokens of an answer, gathered from the members that bound them.
#[derive(Default)]
struct Bounded {
    most: Option<i64>,
    answers: i64,
    is_open: bool,
}

impl Bounded {
    /// The larger bound counts, because nobody knows which of two the provider goes by.
    fn add(&mut self, bound: Option<i64>) {
        self.is_open |= bound.is_none();
        self.most = self.most.max(bound);
    }

    fn multiply(&mut self, answers: Option<i64>) {
        self.answers = self.answers.max(answers.unwrap_or(1));
    }

    fn most(&self, prompts: i64) -> Option<i64> {
        let most = self.most.filter(|_| !self.is_open)?;
        Some(
            most.saturating_mul(self.answers.max(1))
                .saturating_mul(prompts),
        )
    }
}
