//! Answers on the paths of the proxy: a provider's own, or refusals that look as if they were.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{HttpResponse, HttpResponseBuilder};
use tokio::sync::mpsc;

use super::asked::Asked;
use crate::domain::decision::{Refusal, RefusalKind, ReservationId};
use crate::domain::values::money::Money;
use crate::gateway::meter::fault::{FaultKind, RequestFault};
use crate::gateway::no_answer::NoAnswer;
use crate::gateway::proxy::carry::Begun;
use crate::gateway::proxy::headers::to_caller;
use crate::gateway::proxy::passing::BrokenAnswer;
use crate::gateway::refusal::{
    CallFault, DialectAnswer, RefusedRequest, fault_in_dialect, refuse_in_dialect,
};
use crate::http::core::problem::Problem;
use crate::http::core::request::Request;

/// The header that names the reservation of a call.
static RESERVATION: HeaderName = HeaderName::from_static("x-tollkeeper-reservation");
/// The header that says what a call cost, in dollars, where that is known before its answer goes out.
static COST: HeaderName = HeaderName::from_static("x-tollkeeper-cost");

/// An answer that has begun.
pub fn begun(answer: Begun, reservation: Option<ReservationId>) -> HttpResponse {
    match answer {
        Begun::Whole {
            status,
            headers,
            body,
            cost,
        } => {
            let mut builder = head(status, &headers, reservation, cost);
            builder.body(body)
        }
        Begun::Pieces {
            status,
            headers,
            body,
        } => {
            let mut builder = head(status, &headers, reservation, None);
            builder.body(PassedOn(body))
        }
    }
}

fn head(
    status: hyper::StatusCode,
    headers: &hyper::HeaderMap,
    reservation: Option<ReservationId>,
    cost: Option<Money>,
) -> HttpResponseBuilder {
    let status = StatusCode::from_u16(status.as_u16()).unwrap_or(StatusCode::BAD_GATEWAY);
    let mut builder = HttpResponse::build(status);
    for (name, value) in to_caller(headers) {
        // Its id of the request stands beside ours.
        let name = match name.as_str() {
            "x-request-id" => "x-upstream-request-id",
            name => name,
        };
        let pair = HeaderName::from_bytes(name.as_bytes())
            .ok()
            .zip(HeaderValue::from_bytes(value.as_bytes()).ok());
        if let Some(pair) = pair {
            builder.append_header(pair);
        }
    }
    if let Some(id) = reservation {
        builder.insert_header((RESERVATION.clone(), id.to_string()));
    }
    if let Some(cost) = cost {
        builder.insert_header((COST.clone(), cost.to_string()));
    }
    builder
}

/// The body of an answer that comes piece by piece.
struct PassedOn(mpsc::Receiver<Result<Bytes, BrokenAnswer>>);

impl MessageBody for PassedOn {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.0.poll_recv(context).map(|piece| {
            // An error ends the connection before the body is whole, so that the caller sees that something is missing.
            piece.map(|piece| piece.map_err(|BrokenAnswer| "the upstream broke off".into()))
        })
    }
}

/// The refusal of a decision.
pub fn refused(request: &Request, asked: &Asked, refusal: &Refusal) -> HttpResponse {
    with_request(request, asked, |about| {
        refuse_in_dialect(refusal, about, &request.state().refusals)
    })
}

/// What is wrong with a call, or with us.
pub fn fault(request: &Request, asked: &Asked, why: &CallFault) -> HttpResponse {
    with_request(request, asked, |about| fault_in_dialect(why, about))
}

/// A refusal in our own words, as one of the dialect.
pub fn problem(request: &Request, asked: &Asked, problem: &Problem) -> HttpResponse {
    let (code, message) = problem.reason();
    let kind = [RefusalKind::VirtualKeyRequired, RefusalKind::AccessNotFound];
    if let Some(kind) = kind.into_iter().find(|kind| kind.code() == code) {
        return refused(request, asked, &Refusal::new(kind, message));
    }
    let request_fault = |kind| {
        CallFault::Request(RequestFault {
            kind,
            param: None,
            message: message.clone(),
        })
    };
    let why = match problem.status().as_u16() {
        413 => request_fault(FaultKind::TooLarge),
        415 => request_fault(FaultKind::MediaType),
        429 => {
            let mut refusal = Refusal::new(RefusalKind::RequestLimited, message.clone());
            refusal.retry_after_ms = problem.retry_after_seconds().map(|seconds| seconds * 1_000);
            return refused(request, asked, &refusal);
        }
        400..500 => request_fault(FaultKind::Invalid),
        503 => CallFault::Overloaded,
        _ => CallFault::Internal,
    };
    let mut answer = fault(request, asked, &why);
    if problem.is_closing() {
        answer
            .head_mut()
            .set_connection_type(actix_web::http::ConnectionType::Close);
    }
    answer
}

/// Why an upstream gave no answer.
pub fn no_answer(why: NoAnswer, upstream: &str) -> CallFault {
    let (_, sentence) = why.about();
    log::warn!("the upstream {upstream:?} gave no answer: {sentence}");
    match why {
        NoAnswer::NotConnected => CallFault::Unreachable,
        NoAnswer::BrokenOff | NoAnswer::CallerGone => CallFault::BrokenOff,
        NoAnswer::Redirects => CallFault::SetUp(
            "the address of the AI provider sends callers elsewhere; whoever runs this gateway sets base_url to where it sends them",
        ),
        NoAnswer::KeyRefused => CallFault::SetUp(
            "the AI provider does not take this gateway's own key for it; whoever runs this gateway replaces it",
        ),
        NoAnswer::TimedOut => CallFault::TimedOut,
    }
}

fn with_request(
    request: &Request,
    asked: &Asked,
    answer: impl FnOnce(&RefusedRequest<'_>) -> DialectAnswer,
) -> HttpResponse {
    let services = request.services();
    let (request_id, model) = (request.request_id(), asked.model.borrow());
    let about = RefusedRequest {
        dialect: asked.dialect,
        endpoint: asked.endpoint,
        model: model.as_deref(),
        request_id: &request_id,
        now_ms: services.clock.now().as_millisecond(),
        zone: &services.time_zone,
    };
    let DialectAnswer {
        status,
        headers,
        body,
    } = answer(&about);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut builder = HttpResponse::build(status);
    for header in headers {
        builder.insert_header(header);
    }
    builder.body(body)
}
