//! What a gateway is answered: 200 with headers that it can pass on, or the refusal with its reason in headers too.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::domain::body::violation::Violation;
use crate::domain::credential::redacted;
use crate::domain::decision::{Admitted, Granted, LimitState};
use crate::domain::limits::limit::LimitKind;
use crate::error::Error;
use crate::gateway::meter::fault::{FaultKind, RequestFault};
use crate::gateway::refusal::CallFault;
use crate::http::core::problem::Problem;
use crate::http::core::request::Request;
use crate::http::decisions::limits;
use crate::http::decisions::refusal::{refuse, unpriced};

use crate::http::proxy::asked::Asked;
use crate::http::proxy::not_carried::NotCarried;

/// A call that was let in.
pub struct LetIn {
    user_id: i64,
    access_profile_id: i64,
    provider: std::sync::Arc<str>,
    limits: Vec<LimitState>,
    /// What holds for it, where something does.
    reservation: Option<String>,
}

impl From<Admitted> for LetIn {
    fn from(admitted: Admitted) -> Self {
        Self {
            user_id: admitted.user_id,
            access_profile_id: admitted.access_profile_id,
            provider: admitted.provider,
            limits: admitted.limits,
            reservation: None,
        }
    }
}

impl From<Granted> for LetIn {
    fn from(granted: Granted) -> Self {
        Self {
            user_id: granted.user_id,
            access_profile_id: granted.access_profile_id,
            provider: granted.provider,
            limits: granted.limits,
            reservation: Some(granted.reservation.to_string()),
        }
    }
}

/// 200 for what is no call that counts: it names whose key was sent.
pub fn passes(user_id: i64) -> HttpResponse {
    let mut response = HttpResponse::Ok().finish();
    put(&mut response, "x-tollkeeper-user", &user_id.to_string());
    response
}

impl LetIn {
    /// 200 with headers that a proxy can pass on: who calls, under which profile, and the least that is left of each kind of limit.
    pub fn answer(self, request: &Request) -> HttpResponse {
        let mut response = passes(self.user_id);
        put(
            &mut response,
            "x-tollkeeper-access-profile",
            &self.access_profile_id.to_string(),
        );
        put(&mut response, "x-tollkeeper-provider", &self.provider);
        if let Some(id) = &self.reservation {
            put(&mut response, "x-tollkeeper-reservation", id);
        }
        for (kind, name) in [
            (LimitKind::Budget, "x-tollkeeper-budget-remaining"),
            (LimitKind::Tokens, "x-tollkeeper-tokens-remaining"),
            (LimitKind::Requests, "x-tollkeeper-requests-remaining"),
        ] {
            let of_kind = self.limits.iter().filter(|limit| limit.kind == kind);
            if let Some(least) = of_kind.map(LimitState::remaining).min() {
                put(&mut response, name, &limits::amount(kind, least));
            }
        }
        if request.state().rate_limit_headers {
            let now = request.services().clock.now();
            limits::add_headers(&mut response, &self.limits, now.as_millisecond());
        }
        response
    }
}

fn put(response: &mut HttpResponse, name: &'static str, value: &str) {
    insert(response.headers_mut(), name, value);
}

fn insert(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// A refusal in our own shape.
pub fn refused(request: &Request, why: NotCarried, with: Option<StatusCode>) -> Problem {
    let problem = own_words(request, why);
    let status = problem.status();
    let problem = reasons(&problem, status)
        .into_iter()
        .fold(
            problem,
            |problem, (name, value)| match HeaderValue::from_str(&value) {
                Ok(value) => problem.with_header(HeaderName::from_static(name), value),
                Err(_) => problem,
            },
        );
    match with {
        Some(status) => problem.with_status(status),
        None => problem,
    }
}

/// A refusal in the dialect of the path that the gateway appends.
pub fn refused_in_dialect(request: &Request, asked: &Asked, why: NotCarried) -> HttpResponse {
    let problem = own_words(request, why.clone());
    let mut answer = why.answer(request, asked);
    for (name, value) in reasons(&problem, answer.status()) {
        insert(answer.headers_mut(), name, &value);
    }
    answer
}

/// The reason of a refusal as headers: a proxy may pass them on where it drops the body.
fn reasons(problem: &Problem, status: StatusCode) -> [(&'static str, String); 3] {
    let (code, message) = problem.reason();
    // Printable, and without what would end a JSON string that a proxy puts it into.
    let plain: String = message
        .chars()
        .map(|c| match c {
            '"' | '\\' => '\'',
            ' ' | '!'..='~' => c,
            _ => '?',
        })
        .collect();
    [
        ("x-tollkeeper-refusal", code.to_owned()),
        ("x-tollkeeper-message", plain),
        ("x-tollkeeper-status", status.as_u16().to_string()),
    ]
}

/// A refusal in our own words.
fn own_words(request: &Request, why: NotCarried) -> Problem {
    match why {
        NotCarried::Decision(refusal) => refuse(request, *refusal),
        NotCarried::Problem(problem) => problem,
        NotCarried::Fault(CallFault::Request(fault)) => of_request(fault),
        NotCarried::Fault(CallFault::NoPrice(sentence)) => unpriced(sentence),
        NotCarried::Fault(CallFault::Overloaded) => Error::Unavailable {
            code: "overloaded",
            reason: "too much is asked at the moment".to_owned(),
        }
        .into(),
        NotCarried::Fault(_) => {
            let cause = "it met a fault that only a call can meet that is carried";
            Error::internal("deciding on a call", cause).into()
        }
    }
}

fn of_request(fault: RequestFault) -> Problem {
    let RequestFault {
        kind,
        param,
        message,
    } = fault;
    let other = |status, code| Problem::new(status, code, code, message.clone());
    match kind {
        FaultKind::Invalid => Error::Invalid(vec![Violation {
            param: param.unwrap_or_default(),
            code: "invalid_call",
            message: redacted(&message).into_owned(),
        }])
        .into(),
        FaultKind::TooLarge => other(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large"),
        FaultKind::MediaType => other(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"),
    }
}
