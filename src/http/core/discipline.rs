//! What holds for every request, known route or not: its id, the limits before any work, the error body, the security headers,
//! and one line in the access log.

use std::rc::Rc;
use std::time::Instant;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode, Version};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage};

use super::authenticate::ControlSocket;
use super::context::{ACCESS_LOG, Context, REQUEST_ID};
use super::hosts::Hosts;
use super::log_lines;
use super::pieces;
use super::problem::Problem;
use super::route_path::RoutePath;
use super::state::{state, web_state};
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
    let route = response.request().app_data::<RoutePath>();
    let route = route.map_or("-", |route| route.path.as_str());
    let status = response.status();
    let shared = state(response.request());
    let refused = context.refused.get();
    if refused.is_none_or(|refused| shared.refused_calls.is_told(refused)) {
        log_lines::together(|| log_access(&context, shown(&method), route, status, began));
    }
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

fn log_access(context: &Context, method: &str, route: &str, status: StatusCode, began: Instant) {
    let duration_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    if let Some(refused) = context.refused.get() {
        log::info!(
            target: ACCESS_LOG,
            request_id = context.request_id.as_str(),
            key_id = context.key_id.get().map_or("-", String::as_str),
            method = method,
            route = route,
            status = status.as_u16(),
            duration_us = duration_us,
            from:% = refused.from,
            tried_id = refused.tried_id.as_str(),
            code = refused.code;
            "request"
        );
        return;
    }
    log::info!(
        target: ACCESS_LOG,
        request_id = context.request_id.as_str(),
        key_id = context.key_id.get().map_or("-", String::as_str),
        method = method,
        route = route,
        status = status.as_u16(),
        duration_us = duration_us;
        "request"
    );
}

/// The method as the access log shows it. Any word may stand in its place, a credential included.
fn shown(method: &Method) -> &str {
    match *method {
        Method::GET
        | Method::HEAD
        | Method::POST
        | Method::PUT
        | Method::PATCH
        | Method::DELETE
        | Method::OPTIONS
        | Method::TRACE
        | Method::CONNECT => method.as_str(),
        _ => "-",
    }
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
