//! Who calls with a virtual key: the end user's own credential, in the headers that clients of AI providers use (API.md §4).
//!
//! Only its shape is tested here. Whether it is known is decided by the ledger, together with everything else.

use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv4Addr};

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::{FromRequest, HttpRequest};

use super::refusal::no_key;
use crate::domain::decision::input::{NoKey, presented};
use crate::domain::decision::{Presented, Refusal, RefusalKind};
use crate::http::core::context::Context;
use crate::http::core::guard::{Access, Guard};
use crate::http::core::problem::Problem;
use crate::http::core::refused_calls::{NO_ID, note, note_code};
use crate::http::core::state::state;

/// Where a virtual key may stand beside `Authorization: Bearer`.
static HEADERS: [HeaderName; 4] = [
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("x-goog-api-key"),
    HeaderName::from_static("api-key"),
    HeaderName::from_static("x-bf-vk"),
];
/// The same for people.
pub const PLACES: &str = "Authorization: Bearer, x-api-key, x-goog-api-key, api-key or x-bf-vk";

/// The same for people who set up a provider's client, which knows one place. No header is named: Claude Code takes what names
/// `x-api-key` for an error of its own, and shows `Please run /login` instead.
const KEY_OF_CLIENTS: &str = "the place of the API key";

/// Who calls with a well-formed virtual key.
pub struct KeyHolder {
    /// What the key presents.
    pub key: Presented,
    request: HttpRequest,
}

/// Who calls, or why nobody who may; for a route that says so in its own way, or does not ask.
pub struct MaybeHolder(HttpRequest);

impl MaybeHolder {
    /// Who calls.
    ///
    /// # Errors
    /// Why nobody who may.
    pub fn known(&self) -> Result<KeyHolder, Problem> {
        admitted(&self.0, PLACES)
    }
}

/// The same on a path of a provider's own API.
pub struct CallHolder(pub Result<KeyHolder, Problem>);

impl Guard for CallHolder {
    fn access() -> Access {
        Access::Call
    }
}

impl FromRequest for CallHolder {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(admitted(request, KEY_OF_CLIENTS))))
    }
}

impl Guard for KeyHolder {
    fn access() -> Access {
        Access::VirtualKey
    }
}

impl Guard for MaybeHolder {
    fn access() -> Access {
        Access::VirtualKey
    }
}

impl FromRequest for KeyHolder {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(admitted(request, PLACES))
    }
}

impl FromRequest for MaybeHolder {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(request.clone())))
    }
}

/// The virtual key of a request, unless it fails again and again. `places` says where one belongs.
fn admitted(request: &HttpRequest, places: &str) -> Result<KeyHolder, Problem> {
    let key = match find(request) {
        Ok(key) => key,
        Err(why) => {
            let refusal = no_key(why, places);
            note_code(request, client_of(request), NO_ID, refusal.kind.code());
            return Err(refusal.into());
        }
    };
    let bad = &state(request).bad_holders;
    if !bad.is_empty()
        && let Err(error) = bad.check(client_of(request), &key)
    {
        note(request, client_of(request), id_of(&key), &error);
        return Err(error.into());
    }
    Ok(KeyHolder {
        key,
        request: request.clone(),
    })
}

impl KeyHolder {
    /// What is told instead of a refusal when a key that does not work comes again and again from there.
    pub fn slowed_down(&self, refusal: &Refusal) -> Option<Problem> {
        if !matches!(
            refusal.kind,
            RefusalKind::AccessNotFound | RefusalKind::AccessBlocked
        ) {
            return None;
        }
        let (from, id) = (client_of(&self.request), id_of(&self.key));
        if let Err(error) = state(&self.request).bad_holders.failed(from, &self.key) {
            note(&self.request, from, id, &error);
            return Some(error.into());
        }
        note_code(&self.request, from, id, refusal.kind.code());
        None
    }

    /// The refusal of the call. A key that does not work has to wait when it comes again and again from there.
    pub fn refuse(&self, refusal: Refusal) -> Problem {
        let instead = self.slowed_down(&refusal);
        instead.unwrap_or_else(|| refusal.into())
    }
}

fn client_of(request: &HttpRequest) -> IpAddr {
    let known = state(request).proxies.client_of(request);
    known.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

fn id_of(key: &Presented) -> &str {
    std::str::from_utf8(&key.public_id).unwrap_or(NO_ID)
}

/// The virtual key in a known place, or why there is none. What has not the shape of one may be there for somebody else; of two
/// that have it nobody can tell which is meant, whether or not they are known.
fn find(request: &HttpRequest) -> Result<Presented, NoKey> {
    let headers = request.headers();
    let others = HEADERS.iter().flat_map(|name| {
        let values = headers.get_all(name);
        let texts = values.filter_map(|value| value.to_str().ok());
        texts.map(move |text| (name.as_str(), text))
    });
    let mut found: Option<(&'static str, &str, Presented)> = None;
    let mut first = NoKey::Missing;
    let bearer = bearer(headers).map(|text| ("Authorization: Bearer", text));
    for (place, text) in bearer.chain(others) {
        let text = text.trim();
        if found.is_some_and(|(_, same, _)| same == text) {
            continue;
        }
        match (presented(text), found) {
            (Ok(_), Some((before, ..))) => return Err(NoKey::Several(before, place)),
            (Ok(key), None) => found = Some((place, text, key)),
            (Err(why), _) if first == NoKey::Missing => first = why,
            (Err(_), _) => {}
        }
    }
    let (.., key) = found.ok_or(first)?;
    name_key(request, &key);
    Ok(key)
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
