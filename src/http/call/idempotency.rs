//! What a request with an `Idempotency-Key` is known by: the key and the hash of its body.

use actix_web::http::header::HeaderName;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::Call;
use crate::domain::audit::Actor;
use crate::domain::idempotency::{Once, read_key};
use crate::domain::json::{self, Json};
use crate::domain::number;
use crate::error::Result;
use crate::http::route::canonical;

/// The header that makes a POST have its effect at most once.
static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

impl Call {
    /// What reads the body, on whatever thread.
    pub(in crate::http) fn body_reader(&self) -> BodyReader {
        BodyReader {
            hashes: self.has_idempotency_key(),
        }
    }

    /// Notes the hash of the body that was read, if there is one.
    pub(in crate::http) fn note_hash(&self, hash: Option<[u8; 32]>) {
        if let Some(hash) = hash {
            self.body_hash.set(hash);
        }
    }

    /// Whether the request asks to have its effect at most once.
    pub fn has_idempotency_key(&self) -> bool {
        self.request.headers().contains_key(&IDEMPOTENCY_KEY)
    }

    pub(super) fn note_body(&self, body: Value) {
        self.body_hash.set(hash_of(body));
    }

    /// A body that is left out is one without fields.
    pub(super) fn note_no_body(&self) {
        if self.has_idempotency_key() {
            self.note_body(Value::Object(Map::new()));
        }
    }

    /// What the `Idempotency-Key` header asks for, on behalf of a key. Call it after the body was read.
    ///
    /// # Errors
    /// 400 when it is malformed.
    pub fn once(&self, actor: &Actor) -> Result<Option<Once>> {
        let Some(value) = self.request.headers().get(&IDEMPOTENCY_KEY) else {
            return Ok(None);
        };
        Ok(Some(Once {
            owner: actor.id.clone(),
            route: format!(
                "{} {}",
                self.request.method(),
                canonical(self.request.path())
            ),
            key: read_key(value.to_str().unwrap_or_default())?,
            request_hash: self.body_hash.get(),
        }))
    }
}

/// Reads JSON bodies.
pub(in crate::http) struct BodyReader {
    /// Whether an idempotency key asks for the hash.
    hashes: bool,
}

impl BodyReader {
    /// A body's value, and its hash if that is asked for.
    pub(in crate::http) fn read<T>(
        &self,
        bytes: &[u8],
        read: impl FnOnce(&Json<'_>) -> Result<T>,
    ) -> Result<(T, Option<[u8; 32]>)> {
        let body = json::parse(bytes)?;
        let value = read(&body)?;
        Ok((value, self.hashes.then(|| hash_of(body.to_value()))))
    }
}

/// SHA-256 of the values, not the bytes: a client may write the same object anew.
fn hash_of(mut body: Value) -> [u8; 32] {
    number::normalise(&mut body);
    Sha256::digest(body.to_string()).into()
}
