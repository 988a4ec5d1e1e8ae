//! Who calls with a virtual key: the end user's own credential, in the headers that clients of AI providers use (API.md §4).
//!
//! Only its shape is tested here. Whether it is known is decided by the ledger, together with everything else.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap};
use actix_web::{FromRequest, HttpRequest};

use super::context::Context;
use super::guard::{Access, Guard};
use super::problem::Problem;
use super::refusal::no_key;
use crate::domain::decision::Presented;
use crate::domain::decision_input::{NoKey, presented};

/// Where a virtual key may stand beside `Authorization: Bearer`.
const HEADERS: [&str; 4] = ["x-api-key", "x-goog-api-key", "api-key", "x-bf-vk"];
/// The same for people.
pub const PLACES: &str = "Authorization: Bearer, x-api-key, x-goog-api-key, api-key or x-bf-vk";

/// Who calls with a well-formed virtual key.
pub struct Holder(pub Presented);

/// Who calls, perhaps without a well-formed virtual key; for a route that says so in its own way.
pub struct MaybeHolder(pub Result<Presented, NoKey>);

impl Guard for Holder {
    fn access() -> Access {
        Access::VirtualKey
    }
}

impl Guard for MaybeHolder {
    fn access() -> Access {
        Access::VirtualKey
    }
}

impl FromRequest for Holder {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let key = find(request);
        ready(key.map(Self).map_err(|why| no_key(why, PLACES).into()))
    }
}

impl FromRequest for MaybeHolder {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(find(request))))
    }
}

/// The first virtual key in a known place, or why there is none.
fn find(request: &HttpRequest) -> Result<Presented, NoKey> {
    let headers = request.headers();
    let others = HEADERS
        .iter()
        .flat_map(|name| headers.get_all(*name))
        .filter_map(|value| value.to_str().ok());
    let mut first = NoKey::Missing;
    for text in bearer(headers).chain(others) {
        match presented(text.trim()) {
            Ok(key) => {
                name_key(request, &key);
                return Ok(key);
            }
            Err(why) if first == NoKey::Missing => first = why,
            Err(_) => {}
        }
    }
    Err(first)
}

/// What stands behind `Bearer`; another scheme is no key of ours.
fn bearer(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers.get_all(header::AUTHORIZATION).map(|value| {
        let text = value.to_str().unwrap_or_default();
        let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
        if scheme.eq_ignore_ascii_case("bearer") {
            token
        } else {
            "?"
        }
    })
}

fn name_key(request: &HttpRequest, key: &Presented) {
    if let (Some(context), Ok(id)) = (Context::of(request), std::str::from_utf8(&key.public_id)) {
        // Set once a request, by its one guard.
        let _ = context.key_id.set(id.to_owned());
    }
}
