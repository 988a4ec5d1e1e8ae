//! One route: where it is, who may call it, what it takes and answers. The handler's signature says who may call.

use std::future::{Future, ready};
use std::panic::AssertUnwindSafe;

use actix_web::http::Method;
use actix_web::web;
use futures_util::FutureExt;
use futures_util::future::Either;
use serde_json::Value;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::answer::Answer;
use super::guard::{Access, Guard};
use super::named_schema::NamedSchema;
use super::problem::Problem;
use super::request::Request;
use super::route_path::FAMILIES;
use crate::domain::body::Body;

/// The methods that the document shows for a route that serves any.
const ANY_METHOD: [Method; 8] = [
    Method::GET,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::HEAD,
    Method::OPTIONS,
    Method::TRACE,
];

/// A route of the table.
pub struct Route {
    /// Its method.
    pub method: Method,
    /// Its path; a leading `P` stands for both families, `{…}` for a parameter.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// What the OpenAPI document says about it.
    pub description: Description,
    mount: Box<dyn Fn(Query) -> actix_web::Route>,
    /// Whether it serves every method.
    pub any_method: bool,
    /// Whether its query belongs to somebody else, who reads it.
    passes_query: bool,
}

/// What becomes of a query string.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Query {
    /// The handler reads it, or nobody minds it.
    Passed,
    /// The route takes no parameters, and nothing is silently ignored.
    Refused,
}

/// What the OpenAPI document says about a route.
#[derive(Default)]
pub struct Description {
    /// The name of the operation.
    pub operation: &'static str,
    /// One line.
    pub summary: &'static str,
    /// Choices that the contract leaves open.
    pub details: &'static str,
    /// Query parameters.
    pub query: &'static [Parameter],
    /// Headers that say what is asked, beside those that every such route reads.
    pub headers: &'static [Parameter],
    /// The names of the parameters and headers that must be there.
    pub required: &'static [&'static str],
    /// The schema of the request body.
    pub body: Option<NamedSchema>,
    /// Whether the request body may be left out.
    pub body_optional: bool,
    /// A request body that is accepted.
    pub example: Option<Value>,
    /// The status of success.
    pub status: u16,
    /// The schema of the answer; none when it is not JSON.
    pub answer: Option<NamedSchema>,
    /// The media type of an answer with a schema, when it is not `application/json`; or those of an answer without one.
    pub media: &'static [&'static str],
    /// Statuses of refusals beside those that every such route shares.
    pub refusals: &'static [u16],
    /// Whether a 201 has neither `Location` nor `ETag`.
    pub placeless: bool,
    /// Whether refusals look as those of the provider whose path it is.
    pub refuses_in_dialect: bool,
}

/// A query parameter or header.
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub description: &'static str,
    /// The schema of its value.
    pub schema: fn() -> RefOr<Schema>,
}

impl Route {
    /// A route served by `handler`; its first argument says who may call.
    pub fn new<G, F, Fut>(
        method: Method,
        path: &'static str,
        operation: &'static str,
        handler: F,
    ) -> Self
    where
        G: Guard,
        F: Fn(G, Request) -> Fut + Clone + 'static,
        Fut: Future<Output = Answer> + 'static,
    {
        let mount = move |query| {
            let handler = handler.clone();
            web::to(move |guard: G, request: Request| {
                let refusal = match query {
                    Query::Refused => request.query(|_| ()).err(),
                    Query::Passed => None,
                };
                let answer = match refusal {
                    Some(error) => Either::Left(ready(Err(error.into()))),
                    None => Either::Right(handler(guard, request)),
                };
                // Not an async block, which would hold the handler's future twice: it is moved and kept for every request.
                let answer = AssertUnwindSafe(answer).catch_unwind();
                answer.map(|answer| answer.unwrap_or_else(|_| Err(Problem::panicked())))
            })
        };
        let description = Description {
            operation,
            status: 200,
            ..Description::default()
        };
        Self {
            method,
            path,
            access: G::access(),
            description,
            mount: Box::new(mount),
            any_method: false,
            passes_query: false,
        }
    }

    /// It as the router of actix-web takes it.
    pub fn mounted(&self) -> actix_web::Route {
        // Whatever stands in the address of a page is its own.
        let is_page = self.access == Access::Public && self.method == Method::GET;
        let is_ours = !is_page && !self.any_method && !self.passes_query;
        let takes_none = self.description.query.is_empty() && is_ours;
        (self.mount)(if takes_none {
            Query::Refused
        } else {
            Query::Passed
        })
    }

    /// The paths it stands for.
    pub fn paths(&self) -> Vec<String> {
        match self.path.strip_prefix('P') {
            Some(rest) => FAMILIES
                .iter()
                .map(|family| format!("{family}{rest}"))
                .collect(),
            None => vec![self.path.to_owned()],
        }
    }

    /// What it does, in a line, and the choices the contract leaves open.
    pub fn says(mut self, summary: &'static str, details: &'static str) -> Self {
        self.description.summary = summary;
        self.description.details = details;
        self
    }

    /// Its query parameters.
    pub fn query(mut self, parameters: &'static [Parameter]) -> Self {
        self.description.query = parameters;
        self
    }

    /// Its own headers.
    pub fn headers(mut self, headers: &'static [Parameter]) -> Self {
        self.description.headers = headers;
        self
    }

    /// The query parameters and headers that must be there.
    pub fn requires(mut self, names: &'static [&'static str]) -> Self {
        self.description.required = names;
        self
    }

    /// Its request body, and one that is accepted.
    pub fn takes<T>(mut self, body: &Body<T>, example: Value) -> Self {
        self.description.body = Some(NamedSchema::of_body(body));
        self.description.example = Some(example);
        self
    }

    /// A request body that may be left out, and one that is accepted.
    pub fn may_take<T>(mut self, body: &Body<T>, example: Value) -> Self {
        self.description.body_optional = true;
        self.takes(body, example)
    }

    /// Its status and body of success.
    pub fn answers<T: ToSchema + PartialSchema>(mut self, status: u16) -> Self {
        self.description.status = status;
        self.description.answer = Some(NamedSchema::of::<T>());
        self
    }

    /// The media type of an answer with a schema, when it is not `application/json`; or those of an answer without one.
    pub fn serves(mut self, media: &'static [&'static str]) -> Self {
        self.description.media = media;
        self
    }

    /// Refuses as the provider would whose path it is.
    pub fn refuses_in_dialect(mut self) -> Self {
        self.description.refuses_in_dialect = true;
        self
    }

    /// Serves every method, and as its last parameter the rest of the path with its slashes. The handler reads the query.
    pub fn any_method(mut self) -> Self {
        self.any_method = true;
        self
    }

    /// Passes on whatever query it comes with.
    pub fn passes_query(mut self) -> Self {
        self.passes_query = true;
        self
    }

    /// The methods it serves, as the document shows them.
    pub fn methods(&self) -> Vec<Method> {
        if self.any_method {
            ANY_METHOD.to_vec()
        } else {
            vec![self.method.clone()]
        }
    }

    /// A 201 that made nothing with a path and a validator of its own.
    pub fn without_place(mut self) -> Self {
        self.description.placeless = true;
        self
    }

    /// Statuses of refusals beside those that every such route shares.
    pub fn refuses(mut self, statuses: &'static [u16]) -> Self {
        self.description.refusals = statuses;
        self
    }
}
