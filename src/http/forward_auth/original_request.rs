//! The request that a gateway holds while it asks us: its method and path, as far as the gateway tells them.

use actix_web::http::header::HeaderName;

use super::faults::fault;
use crate::domain::credential::may_hold_token;
use crate::error::Result;
use crate::gateway::meter::endpoint_path::{EndpointPath, is_plain, recognise};
use crate::http::core::request::Request;

/// Where gateways put the path and query of the original request, and its method.
static URI: HeaderName = HeaderName::from_static("x-forwarded-uri");
static METHOD: HeaderName = HeaderName::from_static("x-forwarded-method");

/// The request that a gateway holds.
#[derive(Debug, Clone, Copy)]
pub struct OriginalRequest<'r> {
    method: &'r str,
    path: &'r str,
    query: &'r str,
    /// Whether it is the gateway that says so. Otherwise it may be its client, and then it is believed only against the client.
    pub is_certain: bool,
    is_appended: bool,
}

impl<'r> OriginalRequest<'r> {
    /// That of which the gateway appends path and query; `prefix` is what it appends them to.
    pub fn appended(request: &'r Request, prefix: &str) -> Self {
        Self {
            method: request.method(),
            path: request.path().strip_prefix(prefix).unwrap_or_default(),
            query: request.query_string(),
            is_certain: true,
            is_appended: true,
        }
    }

    /// That which headers tell of.
    ///
    /// # Errors
    /// 400 when they don't, although the gateway says that it sets them.
    pub fn of_headers(request: &'r Request, is_certain: bool) -> Result<Option<Self>> {
        let uri = request.header_alone(&URI);
        let method = request.header_alone(&METHOD);
        if !is_certain {
            return Ok(uri.map(|uri| Self::new(method.unwrap_or(request.method()), uri, false)));
        }
        match (uri, method) {
            (Some(uri), Some(method)) => Ok(Some(Self::new(method, uri, true))),
            (uri, _) => {
                let missing = if uri.is_none() { &URI } else { &METHOD };
                let sentence = "is required once: trust=x-forwarded-uri says that the gateway sets it and x-forwarded-method for every request";
                Err(fault(missing.as_str(), "required", sentence))
            }
        }
    }

    fn new(method: &'r str, uri: &'r str, is_certain: bool) -> Self {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        Self {
            method,
            path,
            query,
            is_certain,
            is_appended: false,
        }
    }

    /// What it asks for, if its path is exactly one that is known. Some gateways that append paths ask with GET whatever is asked of them, and a method
    /// that may be the client's makes nothing free: so there a path of calls is one with any method.
    pub fn endpoint(&self) -> Option<EndpointPath<'r>> {
        let method = match self.method {
            "HEAD" => "GET",
            method => method,
        };
        let is_any = self.is_appended || !self.is_certain;
        let as_call = recognise("POST", self.path).filter(|_| is_any);
        as_call.or_else(|| recognise(method, self.path))
    }

    /// Whether its path is none that is known, but may be one to a server that decodes it or cleans it up.
    pub fn is_ambiguous(&self) -> bool {
        !matches!(self.path, "" | "/") && !is_plain(self.path)
    }

    /// The same of a path that is told for sure, a slash at its end aside: what is decided on would not be what is served.
    pub fn is_misleading(&self) -> bool {
        let path = self.path.trim_end_matches('/');
        self.is_certain && !path.is_empty() && !is_plain(path)
    }

    /// The path without its query.
    pub fn path(&self) -> &'r str {
        self.path
    }

    /// A key of ours in the address would go on to the provider with it.
    ///
    /// # Errors
    /// 400 where there is one.
    pub fn refuse_keys(&self) -> Result<()> {
        if may_hold_token(self.path) || may_hold_token(self.query) {
            let sentence = "must not hold a Tollkeeper key, which would reach the provider; send it in a header";
            return Err(fault("the path or query", "credential_here", sentence));
        }
        Ok(())
    }
}
