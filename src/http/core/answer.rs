//! Answers that succeed: JSON, with a validator where one thing is shown.

use actix_web::HttpResponse;
use actix_web::body::MessageBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::problem::Problem;
use super::read_answers::ReadAnswer;
use super::request::Request;
use crate::domain::validator::is_known;
use crate::error::Error;
use crate::store::idempotency::StoredAnswer;

const JSON: &str = "application/json";

/// What every handler answers.
pub type Answer = Result<HttpResponse, Problem>;

/// What was done.
#[derive(Debug, Serialize, ToSchema)]
pub struct Message {
    /// A sentence.
    pub message: String,
}

/// 200 with a JSON body.
///
/// # Errors
/// 500 when the value can't be written as JSON.
pub fn ok(body: &impl Serialize) -> Answer {
    Ok(json(HttpResponse::Ok(), to_json(body)?))
}

/// 200 with a body that is JSON already.
pub fn ok_json(body: String) -> HttpResponse {
    json(HttpResponse::Ok(), body)
}

/// The same for a body that is kept.
pub fn ok_bytes(body: Bytes) -> HttpResponse {
    json(HttpResponse::Ok(), body)
}

/// 200 with a validator, or 304 when the client has this very answer (RFC 9110 §13.1.2).
pub fn ok_unless_known(
    request: &Request,
    etag: &str,
    body: impl MessageBody + 'static,
) -> HttpResponse {
    typed_unless_known(request, etag, JSON, body)
}

/// The same for an answer of another media type.
pub fn typed_unless_known(
    request: &Request,
    etag: &str,
    media_type: &'static str,
    body: impl MessageBody + 'static,
) -> HttpResponse {
    let known = request
        .header_list(&header::IF_NONE_MATCH)
        .is_some_and(|tags| is_known(&tags, etag));
    let mut builder = if known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    builder.insert_header((header::ETAG, etag));
    if known {
        builder.finish()
    } else {
        typed(builder, media_type, body)
    }
}

/// 200 with the validator of what is stored now.
pub fn ok_tagged(etag: &str, body: String) -> HttpResponse {
    let mut builder = HttpResponse::Ok();
    builder.insert_header((header::ETAG, etag));
    json(builder, body)
}

/// The answer to a request as it was given before, or what `read` answers, which is kept.
///
/// # Errors
/// What `read` answers.
pub async fn kept(
    request: &Request,
    read: impl AsyncFnOnce() -> Result<ReadAnswer, Problem>,
) -> Answer {
    let cache = &request.state().read_answers;
    let question = format!("{}?{}", request.path(), request.query_string());
    let generation = request.services().store.generation().cast_signed();
    let kept = cache.find_as_of(&question, generation);
    let answer = if let Some(answer) = kept {
        answer
    } else {
        let answer = read().await?;
        let bytes = question.len() + answer.body.len();
        cache.keep(question, generation, bytes, answer.clone());
        answer
    };
    Ok(match answer.etag {
        Some(etag) => ok_unless_known(request, &etag, answer.body),
        None => ok_bytes(answer.body),
    })
}

/// An answer that was put together, and perhaps stored, with its effect.
///
/// # Errors
/// 500 when the stored status is none.
pub fn stored(answer: StoredAnswer) -> Answer {
    let status = StatusCode::from_u16(answer.status)
        .map_err(|error| Error::internal("giving a stored answer", error))?;
    let mut builder = HttpResponse::build(status);
    if let Some(location) = answer.location {
        builder.insert_header((header::LOCATION, location));
    }
    if let Some(etag) = answer.etag {
        builder.insert_header((header::ETAG, etag));
    }
    Ok(json(builder, answer.body))
}

/// A value as JSON.
///
/// # Errors
/// 500 when it can't be written as JSON.
pub fn to_json(body: &impl Serialize) -> Result<String, Problem> {
    serde_json::to_string(body).map_err(|error| Error::internal("writing an answer", error).into())
}

/// JSON that is stored, as a part of an answer.
///
/// # Errors
/// [`Error::Internal`] when it is none.
pub fn raw(json: String) -> Result<Box<RawValue>, Error> {
    RawValue::from_string(json).map_err(|error| Error::internal("reading what is stored", error))
}

fn json(builder: actix_web::HttpResponseBuilder, body: impl MessageBody + 'static) -> HttpResponse {
    typed(builder, JSON, body)
}

fn typed(
    mut builder: actix_web::HttpResponseBuilder,
    media_type: &'static str,
    body: impl MessageBody + 'static,
) -> HttpResponse {
    builder
        .insert_header((header::CONTENT_TYPE, HeaderValue::from_static(media_type)))
        .body(body)
}
