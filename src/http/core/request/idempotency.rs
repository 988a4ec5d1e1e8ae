//! What a request with an `Idempotency-Key` is known by: the key and the hash of its body.

use actix_web::http::header::HeaderName;

use super::Request;
use super::body::BodyHash;
use crate::domain::audit::Actor;
use crate::domain::idempotency::{Once, read_key};
use crate::error::Result;
use crate::http::core::route_path::canonical;

/// The header that makes a POST have its effect at most once.
static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

impl Request {
    /// Whether the request asks to have its effect at most once.
    pub fn has_idempotency_key(&self) -> bool {
        self.request.headers().contains_key(&IDEMPOTENCY_KEY)
    }

    /// What the `Idempotency-Key` header asks for, on behalf of a key.
    ///
    /// # Errors
    /// 400 when it is malformed.
    pub fn once(&self, actor: &Actor, body: BodyHash) -> Result<Option<Once>> {
        let header = self.request.headers().get(&IDEMPOTENCY_KEY);
        let (Some(value), Some(request_hash)) = (header, body.0) else {
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
            request_hash,
        }))
    }
}
