//! The request as handlers see it: path, query and body turned into domain values.

mod body;
mod idempotency;

use std::cell::{Cell, RefCell};
use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::web;
use actix_web::{FromRequest, HttpRequest};

pub use body::MAX_BODY;

use super::State;
use super::context::Context;
use super::problem::Problem;
use super::route::RoutePath;
use crate::domain::decision_input::MAX_DECISION_BODY;
use crate::domain::input::{Fields, Node};
use crate::domain::json::{self, Json};
use crate::domain::list::{Query, parse_id};
use crate::domain::stored_texts::{self, StoredTexts};
use crate::domain::validator::IfMatch;
use crate::domain::violation::{Path, Violation, Violations};
use crate::error::{Error, Result};
use crate::service::Services;
use crate::store::Reading;

/// One request. Nothing is read before a handler asks for it, so authentication always comes first.
pub struct Call {
    request: HttpRequest,
    payload: RefCell<Payload>,
    /// SHA-256 of the body that was read, when an idempotency key asks for it.
    body_hash: Cell<[u8; 32]>,
}

impl FromRequest for Call {
    type Error = Problem;
    type Future = Ready<std::result::Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        ready(Ok(Self {
            request: request.clone(),
            payload: RefCell::new(payload.take()),
            body_hash: Cell::default(),
        }))
    }
}

impl Call {
    /// What is shared by all requests.
    pub fn state(&self) -> &State {
        state(&self.request)
    }

    /// What the functions of `service` work with.
    pub fn services(&self) -> Arc<Services> {
        Arc::clone(&self.state().services)
    }

    /// The request id.
    pub fn request_id(&self) -> String {
        let context = Context::of(&self.request);
        context.map_or_else(String::new, |context| context.request_id.clone())
    }

    /// The address of the client, if it came over the network.
    pub fn client(&self) -> Option<std::net::IpAddr> {
        self.state().proxies.client_of(&self.request)
    }

    /// The path without its query.
    pub fn path(&self) -> &str {
        self.request.path()
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
    pub fn query_string(&self) -> String {
        self.request.query_string().to_owned()
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

    /// One parameter of a query string whose others belong to somebody else.
    ///
    /// # Errors
    /// 400 when it is given twice or not valid.
    pub fn query_alone<T>(&self, name: &str, read: impl FnOnce(&Query) -> T) -> Result<T> {
        let mut pairs = self.query_pairs()?;
        pairs.retain(|(known, _)| known == name);
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

    /// The JSON body, turned into a value by `read`.
    ///
    /// # Errors
    /// 415, 413, 408, or 400 with every violation.
    pub async fn json<T>(
        &self,
        read: impl FnOnce(&Json<'_>) -> Result<T>,
    ) -> std::result::Result<T, Problem> {
        let bytes = self.json_bytes().await?;
        self.read_json(&bytes, read)
    }

    /// The JSON body of a change. Rules of texts judge what is sent, never what is stored: where they refuse a text, the body is read anew
    /// beside the texts in what `stored` answers, as JSON, of the thing that is changed.
    ///
    /// # Errors
    /// As [`Call::json`].
    pub async fn json_of_change<T>(
        &self,
        read: impl Fn(&Json<'_>, &StoredTexts) -> Result<T>,
        stored: impl FnOnce(&Reading<'_>) -> Result<String> + Send + 'static,
    ) -> std::result::Result<T, Problem> {
        let bytes = self.json_bytes().await?;
        let mut refuses_texts = false;
        let outcome = self.read_json(&bytes, |body| {
            let outcome = read(body, &StoredTexts::None);
            refuses_texts = matches!(&outcome, Err(error) if stored_texts::are_refused(error));
            outcome
        });
        if !refuses_texts {
            return outcome;
        }
        match self.read(stored).await {
            Ok(stored) => {
                let stored = StoredTexts::of(&stored)?;
                self.read_json(&bytes, |body| read(body, &stored))
            }
            // What is wrong with a change is said before there is nothing to change.
            Err(Error::NotFound { .. }) => outcome,
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn read_json<T>(
        &self,
        bytes: &[u8],
        read: impl FnOnce(&Json<'_>) -> Result<T>,
    ) -> std::result::Result<T, Problem> {
        let (value, hash) = self.body_reader().read(bytes, read)?;
        self.note_hash(hash);
        Ok(value)
    }

    /// The JSON body of a decision, which `read` takes from its bytes.
    ///
    /// # Errors
    /// As [`Call::json`].
    pub async fn decision<T>(
        &self,
        read: impl FnOnce(&[u8]) -> Result<T>,
    ) -> std::result::Result<T, Problem> {
        self.refuse_other_types()?;
        let bytes = self.bytes(MAX_DECISION_BODY).await?;
        let value = read(&bytes)?;
        if self.has_idempotency_key() {
            self.note_body(json::parse(&bytes)?.to_value());
        }
        Ok(value)
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

    /// Makes sure that the body, if there is one, is an object without fields.
    ///
    /// # Errors
    /// As [`Call::json`].
    pub async fn no_fields(&self) -> std::result::Result<(), Problem> {
        self.optional_json(|body| {
            let violations = Violations::default();
            let empty = Node::root(body, &violations).object().map(Fields::finish);
            violations.finish(empty)
        })
        .await
        .map(|_| ())
    }

    /// A piece of the path as text.
    pub fn segment(&self, name: &str) -> String {
        self.request
            .match_info()
            .get(name)
            .unwrap_or_default()
            .to_owned()
    }

    /// The JSON body, if there is one.
    ///
    /// # Errors
    /// As [`Call::json`].
    pub async fn optional_json<T>(
        &self,
        read: impl FnOnce(&Json<'_>) -> Result<T>,
    ) -> std::result::Result<Option<T>, Problem> {
        let announced = [header::CONTENT_TYPE, header::TRANSFER_ENCODING]
            .iter()
            .any(|name| self.header(name).is_some())
            || self
                .header(&header::CONTENT_LENGTH)
                .is_some_and(|length| length != "0");
        if !announced {
            self.note_no_body();
            return Ok(None);
        }
        // Some clients announce chunks or a type and then send nothing.
        let bytes = self.bytes(MAX_BODY).await?;
        if bytes.is_empty() {
            self.note_no_body();
            return Ok(None);
        }
        self.refuse_other_types()?;
        self.read_json(&bytes, read).map(Some)
    }

    /// A header's value, if it is there and text.
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    }

    /// Every value of a header.
    pub fn header_values(&self, name: &HeaderName) -> impl Iterator<Item = &HeaderValue> {
        self.request.headers().get_all(name)
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

/// The state of the server that serves a request.
pub fn web_state(request: &HttpRequest) -> web::Data<State> {
    state(request).clone()
}

/// The same, borrowed.
pub fn state(request: &HttpRequest) -> &web::Data<State> {
    request
        .app_data::<web::Data<State>>()
        .unwrap_or_else(|| unreachable!("the application is always built with its state"))
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
