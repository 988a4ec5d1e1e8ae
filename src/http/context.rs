//! What is known about a request while it is on its way: for the error body and the access log.

use std::cell::OnceCell;
use std::rc::Rc;

use actix_web::HttpMessage;
use actix_web::http::header::HeaderMap;

use crate::domain::credential::Kind;

/// Longest request id that is taken from a client.
const MAX_REQUEST_ID: usize = 128;
/// The header that carries a request id both ways.
pub const REQUEST_ID: &str = "x-request-id";

/// The facts of one request. Shared within one thread.
#[derive(Debug)]
pub struct Context {
    /// The client's `x-request-id` if it is well-formed, otherwise one of ours.
    pub request_id: String,
    /// The public id of the key that authenticated it.
    pub key_id: OnceCell<String>,
}

impl Context {
    /// The context of a request that has just arrived.
    pub fn arrived(headers: &HeaderMap) -> Rc<Self> {
        let given = headers
            .get(REQUEST_ID)
            .and_then(|value| value.to_str().ok())
            .filter(|id| is_well_formed(id));
        Rc::new(Self {
            request_id: given.map_or_else(make_request_id, str::to_owned),
            key_id: OnceCell::new(),
        })
    }

    /// The context that the outermost middleware gave a request.
    pub fn of(request: &impl HttpMessage) -> Option<Rc<Self>> {
        request.extensions().get::<Rc<Self>>().cloned()
    }
}

/// 1 to 128 letters, digits, `-`, `_` or `.`: nothing that could break a log line or a header. A token that somebody put in the
/// wrong header has these letters too, and must not reach the log.
fn is_well_formed(id: &str) -> bool {
    (1..=MAX_REQUEST_ID).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        && ![Kind::Management, Kind::Virtual]
            .iter()
            .any(|kind| id.contains(kind.prefix()))
}

fn make_request_id() -> String {
    // A request without randomness is still served; its id is then not unique.
    format!(
        "{:016x}{:016x}",
        getrandom::u64().unwrap_or(0),
        getrandom::u64().unwrap_or(0)
    )
}
