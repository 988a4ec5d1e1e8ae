//! The body of the original request, where the gateway sends it along.
//!
//! What is read here goes on from the gateway as it is, so whatever the proxy would change in it before it sends it on is refused.

use actix_web::http::header::{self, HeaderName};

use super::faults::fault;
use super::original_request::OriginalRequest;
use crate::gateway::meter::dialect::Endpoint;
use crate::gateway::meter::fault::{FaultKind, KEPT_FILE, RequestFault};
use crate::gateway::meter::metered_request::{KeptState, MeteredRequest};
use crate::gateway::proxy::call_measure::CallMeasure;
use crate::http::core::request::Request;
use crate::http::decisions::holder::KeyHolder;
use crate::http::proxy::call_body::{body_of, is_small, read_call};
use crate::http::proxy::not_carried::{NotCarried, decided};

/// How Envoy says that it sends the beginning of a body alone.
static PARTIAL: HeaderName = HeaderName::from_static("x-envoy-auth-partial-body");

/// What a body says.
pub struct ShownBody {
    /// The model; empty where the endpoint needs none and it names none.
    pub model: String,
    /// How large the call is.
    pub measure: CallMeasure,
}

/// What the body says, if there is one. Where nobody certain tells what its path asks for, it is read as a chat.
///
/// # Errors
/// As the proxy refuses bodies; and those that it would change.
pub async fn read(
    request: &Request,
    holder: &KeyHolder,
    original: Option<&OriginalRequest<'_>>,
) -> Result<Option<ShownBody>, NotCarried> {
    if !request.has_body() {
        return Ok(None);
    }
    refuse_partial(request)?;
    if !is_small(request) {
        let known = request.state().services.ledger.who(holder.key).await?;
        known.map_err(|refusal| decided(holder, refusal))?;
    }
    let (body, _room) = body_of(request).await?;
    if body.is_empty() {
        return Ok(None);
    }
    if !request.all_headers().contains_key(header::CONTENT_TYPE) {
        let sentence = "is required beside a body, which nobody can read for sure without it; the gateway has to send the header along";
        return Err(fault("content-type", "required", sentence).into());
    }
    let known = original.filter(|original| original.is_certain);
    let known = known.and_then(OriginalRequest::endpoint);
    let (endpoint, path_model) = known.map_or((Endpoint::ChatCompletions, None), |known| {
        (known.endpoint, known.model)
    });
    let metered = read_call(request, (endpoint, path_model), &body).await?;
    metered.refuse_as_it_is()?;
    if metered.kept_states.contains(&KeptState::File) {
        return Err(RequestFault::at("file_id", KEPT_FILE).into());
    }
    let bytes = i64::try_from(body.len()).unwrap_or(i64::MAX);
    Ok(Some(shown(endpoint, metered, bytes)))
}

fn shown(endpoint: Endpoint, metered: MeteredRequest, bytes: i64) -> ShownBody {
    ShownBody {
        measure: CallMeasure::of(endpoint, &metered, bytes),
        model: metered.model,
    }
}

fn refuse_partial(request: &Request) -> Result<(), RequestFault> {
    let mut said = request.header_values(&PARTIAL);
    if said.all(|value| value == "false") {
        return Ok(());
    }
    let sentence = "the gateway shows the beginning of the body alone; whoever runs it raises max_request_bytes in with_request_body of ext_authz, \
                    and per_connection_buffer_limit_bytes of its listener";
    Err(RequestFault::at(PARTIAL.as_str(), sentence).with_kind(FaultKind::TooLarge))
}
