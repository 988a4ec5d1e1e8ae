//! What a gateway asks for in the address at which it asks us, beside the decision.
//!
//! On the exact path the query is the gateway's own. Where a gateway appends the path and query of its client instead, the query is the
//! client's and says nothing to us; there headers say that a call is to be held, or its path to be known, which the gateway sets.

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderName;

use super::faults::fault;
use crate::error::Result;
use crate::http::core::request::Request;

/// The query parameter that makes every refusal a 403.
const REFUSE_WITH: &str = "refuse_with";
/// The query parameter by which nothing is let in that names no model, or whose path nobody knows.
const REQUIRE: &str = "require";
/// The query parameter by which what a call may cost is held.
const HOLD: &str = "hold";
/// The query parameter that names the headers which the gateway sets itself.
const TRUST: &str = "trust";
/// The header that says the same as `hold=1`.
pub static HOLD_HEADER: HeaderName = HeaderName::from_static("x-tollkeeper-hold");
/// The header that says the same as `require=path`.
static REQUIRE_HEADER: HeaderName = HeaderName::from_static("x-tollkeeper-require");

/// What a gateway asks for beside the decision.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Instructions {
    /// The status of every refusal.
    pub refuse_with: Option<StatusCode>,
    /// What the gateway lets nothing in without.
    pub requires: Option<Required>,
    /// What the call may cost is to be held.
    pub holds: bool,
    /// The path and method of the original request stand in headers that the gateway sets, whatever its client sent.
    pub tells_path: bool,
}

/// What a gateway lets nothing in without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Required {
    /// A model: the gateway never shows the body, so that what names none may be any call.
    Model,
    /// A path whose cost is known, whatever the body says: what serves it may go by the path. Where no path is told for sure, a model.
    KnownPath,
}

impl Instructions {
    /// Those of the query; what else is in it may be the client's.
    ///
    /// # Errors
    /// 400 for a value that is none, or stands there twice.
    pub fn of_query(request: &Request) -> Result<Self> {
        if request.query_string().is_empty() {
            return Ok(Self::default());
        }
        request.query_among(&[REFUSE_WITH, REQUIRE, HOLD, TRUST], |query| {
            let refuse_with = query.one_of(REFUSE_WITH, &["403"]);
            let refuse_with = refuse_with.map(|_| StatusCode::FORBIDDEN);
            let requires = match query.one_of(REQUIRE, &["model", "path"]) {
                Some("path") => Some(Required::KnownPath),
                Some(_) => Some(Required::Model),
                // What understands nothing but 403 is nginx, which never shows a body.
                None => refuse_with.map(|_| Required::Model),
            };
            Self {
                refuse_with,
                requires,
                holds: query.one_of(HOLD, &["1"]).is_some(),
                tells_path: query.one_of(TRUST, &["x-forwarded-uri"]).is_some(),
            }
        })
    }

    /// Those where the path and query are the client's.
    ///
    /// # Errors
    /// 400 for a value that is none: what a gateway asks for in vain would let in what it must not.
    pub fn of_headers(request: &Request) -> Result<Self> {
        let says = |name: &'static HeaderName, wanted: &str| {
            let mut values = request.header_values(name);
            let found = values.next();
            if found.is_none_or(|value| value == wanted) && values.all(|value| value == wanted) {
                return Ok(found.is_some());
            }
            let sentence = format_args!("must be {wanted:?} if it is sent");
            Err(fault(name.as_str(), "invalid_value", sentence))
        };
        Ok(Self {
            holds: says(&HOLD_HEADER, "1")?,
            requires: says(&REQUIRE_HEADER, "path")?.then_some(Required::KnownPath),
            ..Self::default()
        })
    }
}
