//! What is known about a request while it is on its way: for the error body and the access log.

use std::cell::{Cell, OnceCell};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::HttpMessage;
use actix_web::http::header::{HeaderMap, HeaderName};

use crate::domain::credential::may_hold_token;
use crate::domain::credential::token_like::looks_like_token;

/// The target under which the access log is written.
pub const ACCESS_LOG: &str = "tollkeeper::access";
/// Longest request id that is taken from a client.
const MAX_REQUEST_ID: usize = 128;
/// The header that carries a request id both ways.
pub static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The facts of one request. Shared within one thread.
#[derive(Debug)]
pub struct Context {
    /// The client's `x-request-id` if it is well-formed, otherwise one of ours.
    pub request_id: String,
    /// The public id of the key that authenticated it.
    pub key_id: OnceCell<String>,
    /// Its own credential, or the virtual key that it asks about, if that was refused.
    pub refused: OnceCell<Refused>,
    /// Why it was refused, if it was.
    pub code: Cell<Option<&'static str>>,
}

impl Context {
    /// The context of a request that has just arrived.
    pub fn arrived(headers: &HeaderMap, ids: &RequestIds) -> Rc<Self> {
        let given = headers
            .get(&REQUEST_ID)
            .and_then(|value| value.to_str().ok())
            .filter(|id| is_well_formed(id));
        Rc::new(Self {
            request_id: given.map_or_else(|| ids.next(), str::to_owned),
            key_id: OnceCell::new(),
            refused: OnceCell::new(),
            code: Cell::new(None),
        })
    }

    /// The context that the outermost middleware gave a request.
    pub fn of(request: &impl HttpMessage) -> Option<Rc<Self>> {
        request.extensions().get::<Rc<Self>>().cloned()
    }
}

/// A credential that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Refused {
    /// Where it came from.
    pub from: IpAddr,
    /// The id of the key that was tried.
    pub tried_id: String,
    /// Why.
    pub code: &'static str,
}

/// Makes request ids: random for the process, then counted, so that none costs a call to the system.
pub struct RequestIds {
    process: u64,
    next: AtomicU64,
}

impl RequestIds {
    /// A source of its own for each process.
    pub fn new() -> Self {
        Self {
            // A process without randomness still serves; its ids then come again after a restart.
            process: getrandom::u64().unwrap_or(0),
            next: AtomicU64::new(1),
        }
    }

    fn next(&self) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let both = u128::from(self.process) << u64::BITS | u128::from(number);
        format!("{both:032x}")
    }
}

impl Default for RequestIds {
    fn default() -> Self {
        Self::new()
    }
}

/// 1 to 128 letters, digits, `-`, `_` or `.`: nothing that could break a log line or a header. A token that somebody put in the
/// wrong header has these letters too, and must not reach the log.
fn is_well_formed(id: &str) -> bool {
    (1..=MAX_REQUEST_ID).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        && !may_hold_token(id)
        && !looks_like_token(id)
}
