//! The request as handlers see it: path, query and body turned into domain values.

pub mod body;
mod idempotency;
pub mod payload;

use std::cell::RefCell;
use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::Version;
use actix_web::http::header::{
    self, AcceptEncoding, Encoding, Header, HeaderMap, HeaderName, HeaderValue,
};
use actix_web::web;
use actix_web::{FromRequest, HttpRequest};

use super::context::Context;
use super::problem::Problem;
use super::refused_calls::{NO_ID, note_code};
use super::route_path::RoutePath;
use super::state::{State, state};
use crate::domain::body::violation::{Path, Violation};
use crate::domain::list::{Query, parse_id};
use crate::domain::validator::IfMatch;
use crate::error::{Error, Result};
use crate::gateway::client::{UpstreamClient, UpstreamClients};
use crate::gateway::upstream::Upstream;
use crate::service::Services;
use crate::store::Reading;

/// One request. Nothing is read before a handler asks for it, so authentication always comes first.
pub struct Request {
    request: HttpRequest,
    payload: RefCell<Payload>,
}

impl FromRequest for Request {
    type Error = Problem;
    type Future = Ready<std::result::Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        ready(Ok(Self {
            request: request.clone(),
            payload: RefCell::new(payload.take()),
        }))
    }
}

impl Request {
    /// What is shared by all requests.
    pub fn state(&self) -> &State {
        state(&self.request)
    }

    /// What the functions of `service` work with.
    pub fn services(&self) -> Arc<Services> {
        Arc::clone(&self.state().services)
    }

    /// The same, to be kept.
    pub fn shared_state(&self) -> web::Data<State> {
        state(&self.request).clone()
    }

    /// The request id.
    pub fn request_id(&self) -> String {
        let context = Context::of(&self.request);
        context.map_or_else(String::new, |context| context.request_id.clone())
    }

    /// Notes why it is refused, for the log.
    pub fn note_refusal(&self, code: &'static str) {
        if let Some(context) = Context::of(&self.request) {
            context.code.set(Some(code));
        }
    }

    /// Notes that the virtual key does not work that it asks about.
    pub fn note_refused_key(&self, public_id: &[u8], code: &'static str) {
        let from = self.client().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let tried_id = std::str::from_utf8(public_id).unwrap_or(NO_ID);
        note_code(&self.request, from, tried_id, code);
    }

    /// The address of the client, if it came over the network.
    pub fn client(&self) -> Option<IpAddr> {
        self.state().proxies.client_of(&self.request)
    }

    /// The path without its query.
    pub fn path(&self) -> &str {
        self.request.path()
    }

    /// Whether the client speaks a version of HTTP that knows no chunks.
    pub fn is_before_http_1_1(&self) -> bool {
        self.request.version() < Version::HTTP_11
    }

    /// The method, as it was sent.
    pub fn method(&self) -> &str {
        self.request.method().as_str()
    }

    /// The headers as they came.
    pub fn all_headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    /// The client of an upstream that this worker has.
    ///
    /// # Errors
    /// When the application has none.
    pub fn upstream_client(&self, upstream: &Arc<Upstream>) -> Result<UpstreamClient> {
        let clients = self.request.app_data::<UpstreamClients>();
        let client = clients.map(|clients| clients.client(upstream));
        client.ok_or_else(|| Error::internal("calling an upstream", "there are no clients"))
    }

    /// What the family of paths begins with that was called.
    pub fn family(&self) -> &'static str {
        self.request
            .app_data::<RoutePath>()
            .map_or("", |route| route.family)
    }

    /// An id in the path.
    ///
    /// # Errors
    /// 400 when it is no whole number of 1 or more.
    pub fn id(&self, name: &str) -> Result<i64> {
        parse_id(
            name,
            self.request.match_info().get(name).unwrap_or_default(),
        )
    }

    /// The query string as it was sent.
    pub fn query_string(&self) -> &str {
        self.request.query_string()
    }

    /// The query string, read by `read`, which asks for every parameter it knows.
    ///
    /// # Errors
    /// 400 with every parameter that is unknown, given twice or not valid.
    pub fn query<T>(&self, read: impl FnOnce(&Query) -> T) -> Result<T> {
        let query = Query::new(self.query_pairs()?);
        let value = read(&query);
        query.finish(value)
    }

    /// Some parameters of a query string whose others belong to somebody else.
    ///
    /// # Errors
    /// 400 when one of them is given twice or not valid.
    pub fn query_among<T>(&self, names: &[&str], read: impl FnOnce(&Query) -> T) -> Result<T> {
        let mut pairs = self.query_pairs()?;
        pairs.retain(|(known, _)| names.contains(&known.as_str()));
        let query = Query::new(pairs);
        let value = read(&query);
        query.finish(value)
    }

    fn query_pairs(&self) -> Result<Vec<(String, String)>> {
        let pairs = web::Query::<Vec<(String, String)>>::from_query(self.request.query_string())
            .map_err(|error| {
                Violation::alone(
                    &Path::root(),
                    "malformed_query",
                    format!("the query is malformed: {error}"),
                )
            })?;
        Ok(pairs.into_inner())
    }

    /// Reads from the database, off the async threads. Who waits is served in order of arrival.
    ///
    /// # Errors
    /// What `work` answers, or when the database can't be read.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Reading<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.aside(move |services| services.store.read(work)).await
    }

    /// The same for what joins the ledger and the store.
    ///
    /// # Errors
    /// What `work` answers.
    pub async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Services) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let services = self.services();
        // The permits are never withdrawn, so this only waits. One is held until the work is done, whether or not its caller is there.
        let permit = Arc::clone(&self.state().read_permits).acquire_owned().await;
        blocking(move || {
            let _permit = permit;
            work(&services)
        })
        .await
    }

    /// The public id of the key that calls.
    pub fn caller_id(&self) -> String {
        Context::of(&self.request)
            .and_then(|context| context.key_id.get().cloned())
            .unwrap_or_default()
    }

    /// A piece of the path as text.
    pub fn segment(&self, name: &str) -> String {
        self.request
            .match_info()
            .get(name)
            .unwrap_or_default()
            .to_owned()
    }

    /// A header's value, if it is there and text.
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    }

    /// The same of a header that is there once.
    pub fn header_alone(&self, name: &HeaderName) -> Option<&str> {
        let mut values = self.header_values(name);
        let value = values.next()?.to_str().ok();
        value.filter(|_| values.next().is_none())
    }

    /// Every value of a header.
    pub fn header_values(&self, name: &HeaderName) -> impl Iterator<Item = &HeaderValue> {
        self.request.headers().get_all(name)
    }

    /// Whether the client wants to go on with WebSocket.
    pub fn wants_websocket(&self) -> bool {
        let wanted = self.header(&header::UPGRADE);
        wanted.is_some_and(|protocol| protocol.eq_ignore_ascii_case("websocket"))
    }

    /// Whether the client asks for an answer packed with gzip.
    pub fn accepts_gzip(&self) -> bool {
        let forms = [Encoding::gzip(), Encoding::identity()];
        AcceptEncoding::parse(&self.request)
            .is_ok_and(|accepted| accepted.negotiate(forms.iter()) == Some(Encoding::gzip()))
    }

    /// What the `If-Match` header asks for.
    ///
    /// # Errors
    /// 400 when it is malformed.
    pub fn if_match(&self) -> Result<IfMatch> {
        match self.header_list(&header::IF_MATCH) {
            Some(list) => IfMatch::parse(&list),
            None => Ok(IfMatch::Unconditional),
        }
    }

    /// A header that is a list: its lines are one (RFC 9110 §5.3). A byte that is no ASCII becomes the character with its number.
    pub fn header_list(&self, name: &HeaderName) -> Option<String> {
        let lines: Vec<String> = self
            .header_values(name)
            .map(|line| line.as_bytes().iter().copied().map(char::from).collect())
            .collect();
        (!lines.is_empty()).then(|| lines.join(", "))
    }
}

/// Runs ordinary blocking code off the async threads.
///
/// # Errors
/// What `work` answers; a panic of it is [`crate::error::Error::Internal`].
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    web::block(work)
        .await
        .unwrap_or_else(|error| Err(crate::error::Error::internal("running a request", error)))
}
