//! The body of a request as a value, and the hash by which a repetition of the request is known.

use actix_web::http::header;
use actix_web::web::Bytes;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::Request;
use super::payload::MAX_BODY;
use crate::domain::body::json;
use crate::domain::body::json::Json;
use crate::domain::body::stored_texts::StoredTexts;
use crate::domain::body::violation::Violation;
use crate::domain::body::{Body, NO_FIELDS};
use crate::domain::decision::input::MAX_DECISION_BODY;
use crate::domain::values::number;
use crate::error::{Error, Result};
use crate::http::core::problem::Problem;
use crate::store::Reading;

/// Largest body of a call that anybody may make, in bytes.
const MAX_SMALL_BODY: usize = 4 * 1024;

/// SHA-256 of the body that was read, where an idempotency key asks for it. Nothing else makes one, so that a key can't be taken before
/// the body was read.
#[derive(Clone, Copy)]
pub struct BodyHash(pub(super) Option<[u8; 32]>);

impl Request {
    /// The JSON body as a value.
    ///
    /// # Errors
    /// 415, 413, 408, or 400 with every violation.
    pub async fn json<T>(&self, body: &Body<T>) -> std::result::Result<(T, BodyHash), Problem> {
        let bytes = self.json_bytes().await?;
        Ok(self.body_reader().read(&bytes, |json| body.parse(json))?)
    }

    /// The JSON body of a change. Rules of texts judge what is sent, never what is stored: where they refuse a text, the body is read anew
    /// beside the texts in what `stored` answers, as JSON, of the thing that is changed.
    ///
    /// # Errors
    /// As [`Request::json`].
    pub async fn json_of_change<T>(
        &self,
        body: &Body<T>,
        stored: impl FnOnce(&Reading<'_>) -> Result<String> + Send + 'static,
    ) -> std::result::Result<T, Problem> {
        let bytes = self.json_bytes().await?;
        let parse = |stored: &StoredTexts| body.parse_beside(&json::parse(&bytes)?, stored);
        let refusal = match parse(&StoredTexts::None) {
            Err(Error::Invalid(all)) if all.iter().any(Violation::is_about_text) => {
                Error::Invalid(all)
            }
            outcome => return Ok(outcome?),
        };
        match self.read(stored).await {
            Ok(stored) => Ok(parse(&StoredTexts::of(&stored)?)?),
            // What is wrong with a change is said before there is nothing to change.
            Err(Error::NotFound { .. }) => Err(refusal.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// The JSON body, if there is one.
    ///
    /// # Errors
    /// As [`Request::json`].
    pub async fn optional_json<T>(
        &self,
        body: &Body<T>,
    ) -> std::result::Result<(Option<T>, BodyHash), Problem> {
        let announced = [header::CONTENT_TYPE, header::TRANSFER_ENCODING]
            .iter()
            .any(|name| self.header(name).is_some())
            || self
                .header(&header::CONTENT_LENGTH)
                .is_some_and(|length| length != "0");
        // Some clients announce chunks or a type and then send nothing.
        let bytes = if announced {
            self.bytes(MAX_BODY).await?
        } else {
            Bytes::new()
        };
        if bytes.is_empty() {
            // It is as one without fields.
            let hash = self.body_reader().hash(|| Value::Object(Map::new()));
            return Ok((None, hash));
        }
        self.refuse_other_types()?;
        let (value, hash) = self.body_reader().read(&bytes, |json| body.parse(json))?;
        Ok((Some(value), hash))
    }

    /// Makes sure that the body, if there is one, is an object without fields.
    ///
    /// # Errors
    /// As [`Request::json`].
    pub async fn no_fields(&self) -> std::result::Result<BodyHash, Problem> {
        Ok(self.optional_json(&NO_FIELDS).await?.1)
    }

    /// The JSON body of a call that anybody may make; it is small.
    ///
    /// # Errors
    /// As [`Request::json`].
    pub async fn small_json<T>(&self, body: &Body<T>) -> std::result::Result<T, Problem> {
        self.refuse_other_types()?;
        let bytes = self.bytes(MAX_SMALL_BODY).await?;
        Ok(body.parse(&json::parse(&bytes)?)?)
    }

    /// The JSON body of a decision.
    ///
    /// # Errors
    /// As [`Request::json`].
    pub async fn decision<T>(&self, body: &Body<T>) -> std::result::Result<(T, BodyHash), Problem> {
        self.refuse_other_types()?;
        let bytes = self.bytes(MAX_DECISION_BODY).await?;
        let value = body.parse_bytes(&bytes)?;
        let hash = if self.has_idempotency_key() {
            BodyHash(Some(hash_of(json::parse(&bytes)?.to_value())))
        } else {
            BodyHash(None)
        };
        Ok((value, hash))
    }

    /// The bytes of the JSON body.
    ///
    /// # Errors
    /// 415, 413 or 408.
    pub(in crate::http) async fn json_bytes(&self) -> std::result::Result<Bytes, Problem> {
        self.refuse_other_types()?;
        self.bytes(MAX_BODY).await
    }

    /// What reads the body, on whatever thread.
    pub(in crate::http) fn body_reader(&self) -> BodyReader {
        BodyReader {
            hashes: self.has_idempotency_key(),
        }
    }
}

/// Reads JSON bodies.
#[derive(Clone, Copy)]
pub(in crate::http) struct BodyReader {
    /// Whether an idempotency key asks for the hash.
    hashes: bool,
}

impl BodyReader {
    /// A body's value and its hash.
    pub(in crate::http) fn read<T>(
        self,
        bytes: &[u8],
        read: impl FnOnce(&Json<'_>) -> Result<T>,
    ) -> Result<(T, BodyHash)> {
        let body = json::parse(bytes)?;
        let value = read(&body)?;
        Ok((value, self.hash(|| body.to_value())))
    }

    fn hash(self, body: impl FnOnce() -> Value) -> BodyHash {
        BodyHash(self.hashes.then(|| hash_of(body())))
    }
}

/// SHA-256 of the values, not the bytes: a client may write the same object anew.
fn hash_of(mut body: Value) -> [u8; 32] {
    number::normalise(&mut body);
    Sha256::digest(body.to_string()).into()
}
