//! What holds for every request, known route or not: its id, the limits before any work, the error body, the security headers,
//! and one line in the access log.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode, Version};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage};
use log::kv::{self, Key, Source, Value, VisitSource};
use log::{Level, Record};

use super::authenticate::ControlSocket;
use super::client_address::Origin;
use super::context::{ACCESS_LOG, Context, REQUEST_ID};
use super::hosts::{Hosts, MetricsListener, is_address};
use super::log_lines;
use super::pieces;
use super::problem::Problem;
use super::request_figures::WorkerFigures;
use super::route_path::{RouteGroup, RoutePath};
use super::state::{state, web_state};
use super::user_agent::user_agent;
use crate::http::connection::{BodyLength, Connections, Progress};
use crate::http::forward_auth;

/// Largest sum of header names and values, in bytes.
pub const MAX_HEADERS: usize = 32 * 1024;
/// Longest path with its query, in bytes.
pub const MAX_URI: usize = 8 * 1024;

/// Wraps every request; see the module.
///
/// # Errors
/// None: every failure is answered.
pub async fn apply(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let began = Instant::now();
    let all = web_state(request.request());
    let redirect = all.base_path.enter(&mut request);
    let context = Context::arrived(request.headers(), &state(request.request()).request_ids);
    request.extensions_mut().insert(Rc::clone(&context));
    let progress = request.conn_data::<Rc<Progress>>().cloned();
    if let Some(progress) = &progress {
        progress.begin(body_length(&request));
    }
    let method = request.method().clone();
    let response = if let Some(problem) = refuse(&request) {
        // `into_response` would drop the problem, and with it the body.
        request.error_response(problem)
    } else if let Some(redirect) = redirect {
        request.into_response(redirect)
    } else {
        next.call(request).await?.map_into_boxed_body()
    };
    let mut response = with_error_body(response, &context);
    all.base_path.leave(&mut response);
    set_headers(&mut response, &context);
    note(&response, &context, shown(&method), began.elapsed());
    if response.response().body().size() == BodySize::Stream {
        // The server is waited for until the last piece came.
        return Ok(match progress {
            Some(progress) => response.map_body(|_, body| pieces::passed_on(body, progress)),
            None => response,
        });
    }
    let response = if pieces::is_large(response.response().body()) {
        let all = response.request().conn_data::<Rc<Connections>>().cloned();
        let connection = progress.as_ref().zip(all.as_deref());
        response.map_body(|_, body| pieces::split(body, connection))
    } else {
        response
    };
    if let Some(progress) = progress {
        progress.answered();
    }
    Ok(response)
}

/// What follows the head of a request, as far as its headers say.
fn body_length(request: &ServiceRequest) -> BodyLength {
    let (request, payload) = request.parts();
    if matches!(payload, Payload::None) {
        return BodyLength::None;
    }
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.trim().parse().ok());
    length.map_or(BodyLength::Unknown, BodyLength::Bytes)
}

fn is_forward_auth(path: &str) -> bool {
    let below = path.strip_prefix(forward_auth::PATH);
    below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Counts a request, and writes its line into the access log.
fn note(
    response: &ServiceResponse<BoxBody>,
    context: &Context,
    method: &'static str,
    took: Duration,
) {
    let request = response.request();
    let route = request.app_data::<RoutePath>();
    let group = route.map_or(RouteGroup::Other, |route| route.group);
    let route = route.map_or("-", |route| route.path.as_str());
    let (status, refused) = (response.status(), context.refused.get());
    if let Some(figures) = request.app_data::<Arc<WorkerFigures>>() {
        // An upstream may answer with any number; those that mean nothing are one.
        let known = status.canonical_reason().map_or(0, |_| status.as_u16());
        let code = refused.map(|refused| refused.code);
        figures.note((route, group), (method, known), took, code);
    }
    let shared = state(request);
    if refused.is_none_or(|refused| shared.refused_calls.is_told(refused)) {
        let line = AccessLine {
            context,
            method,
            route,
            status,
            took,
            from: Origin(shared.proxies.client_of(request)),
            agent: &user_agent(request.headers()),
        };
        log_lines::together(|| line.write());
    }
}

/// What the access log tells of a request.
struct AccessLine<'a> {
    context: &'a Context,
    method: &'static str,
    route: &'a str,
    status: StatusCode,
    took: Duration,
    from: Origin,
    agent: &'a str,
}

impl AccessLine<'_> {
    fn write(&self) {
        if log::log_enabled!(target: ACCESS_LOG, Level::Info) {
            let mut line = Record::builder();
            line.target(ACCESS_LOG).level(Level::Info).key_values(self);
            log::logger().log(&line.args(format_args!("request")).build());
        }
    }
}

impl Source for AccessLine<'_> {
    fn visit<'kvs>(&'kvs self, pairs: &mut dyn VisitSource<'kvs>) -> Result<(), kv::Error> {
        let mut pair = |name, value| pairs.visit_pair(Key::from_str(name), value);
        let context = self.context;
        let key_id = context.key_id.get().map_or("-", String::as_str);
        pair("request_id", Value::from(context.request_id.as_str()))?;
        pair("key_id", Value::from(key_id))?;
        pair("method", Value::from(self.method))?;
        pair("route", Value::from(self.route))?;
        pair("status", Value::from(self.status.as_u16()))?;
        let duration_us = u64::try_from(self.took.as_micros()).unwrap_or(u64::MAX);
        pair("duration_us", Value::from(duration_us))?;
        pair("from", Value::from_display(&self.from))?;
        let refused = context.refused.get();
        if let Some(refused) = refused {
            pair("tried_id", Value::from(refused.tried_id.as_str()))?;
        }
        if let Some(code) = refused.map(|refused| refused.code).or(context.code.get()) {
            pair("code", Value::from(code))?;
        }
        // What a client says of itself comes last.
        pair("agent", Value::from(self.agent))
    }
}

/// The method as the access log shows it. Any word may stand in its place, a credential included.
fn shown(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT",
    ];
    let mut known = KNOWN.into_iter();
    known.find(|known| *known == method.as_str()).unwrap_or("-")
}

/// What is refused before anything is looked up.
fn refuse(request: &ServiceRequest) -> Option<Problem> {
    let too_large = |code, message: String| {
        Some(Problem::new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "headers_too_large",
            code,
            message,
        ))
    };
    if request
        .uri()
        .path_and_query()
        .is_some_and(|path| path.as_str().len() > MAX_URI)
    {
        return too_large(
            "uri_too_long",
            format!("the path and query have more than {MAX_URI} bytes"),
        );
    }
    let size: usize = request
        .headers()
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if size > MAX_HEADERS {
        return too_large(
            "headers_too_large",
            format!("the headers have more than {MAX_HEADERS} bytes"),
        );
    }
    // A proxy that asks keeps the Host of the request it holds; a browser has no virtual key to bring there.
    if is_forward_auth(request.path()) || request.conn_data::<ControlSocket>().is_some() {
        return None;
    }
    refuse_host(request)
}

/// A page of a stranger can make a browser resolve its own name to this address (DNS rebinding); the Host header gives it away.
fn refuse_host(request: &ServiceRequest) -> Option<Problem> {
    let state = state(request.request());
    if let Some(authority) = request.uri().authority() {
        // A target in absolute form says itself whom it means, and Host is then ignored (RFC 9112 §3.2.2).
        return refuse_unless_allowed(&state.hosts, authority.as_str());
    }
    let mut given = request.headers().get_all(header::HOST);
    let host = match (given.next(), given.next()) {
        (Some(host), None) => host.to_str().unwrap_or_default(),
        (None, _) if request.version() < Version::HTTP_11 => return None,
        _ => {
            let message = "expected exactly one Host header";
            return Some(Problem::new(
                StatusCode::BAD_REQUEST,
                "validation_error",
                "host_missing",
                message,
            ));
        }
    };
    // Whatever scrapes knows a server by its address more often than by a name.
    if request.conn_data::<MetricsListener>().is_some() && is_address(host) {
        return None;
    }
    refuse_unless_allowed(&state.hosts, host)
}

fn refuse_unless_allowed(hosts: &Hosts, host: &str) -> Option<Problem> {
    if hosts.allows(host) {
        return None;
    }
    let shown: String = host.chars().take(100).collect();
    Some(Problem::new(
        StatusCode::MISDIRECTED_REQUEST,
        "misdirected_request",
        "host_not_allowed",
        format!(
            "the Host {shown:?} is not allowed here; add it to [server] allowed_hosts if it is a name of this server"
        ),
    ))
}

fn with_error_body(response: ServiceResponse, context: &Context) -> ServiceResponse {
    let Some(error) = response.response().error() else {
        return response;
    };
    let problem = error.as_error::<Problem>().cloned().unwrap_or_else(|| {
        log::error!("an error without a meaning: {error}");
        Problem::panicked()
    });
    context.code.set(Some(problem.reason().0));
    let body = problem.body(&context.request_id).to_string();
    response.map_body(|head, _| {
        head.headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        BoxBody::new(body)
    })
}

/// Headers of every answer. The page's own files bring a policy of their own.
const HEADERS: [(HeaderName, HeaderValue); 7] = [
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

fn set_headers(response: &mut ServiceResponse, context: &Context) {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        if !headers.contains_key(&name) {
            headers.insert(name, value);
        }
    }
    if let Ok(id) = HeaderValue::from_str(&context.request_id) {
        headers.insert(REQUEST_ID.clone(), id);
    }
}
