//! The body of a call: taken while there is room for it, and read by the meter.

use actix_web::http::header;
use actix_web::web::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use super::not_carried::NotCarried;
use crate::domain::credential::bytes_hold_token;
use crate::error::Error;
use crate::gateway::meter::dialect::Endpoint;
use crate::gateway::meter::fault::RequestFault;
use crate::gateway::meter::metered_request::{
    KeptState, MeteredRequest, RequestHead, RequestLimits,
};
use crate::gateway::meter::request::read_request;
use crate::http::core::request::{Request, blocking};

/// Larger bodies are taken of whoever has a key that works, while there is room for them, and read on a thread of their own.
pub const SMALL_BODY: usize = 64 * 1024;

/// Whether the body is announced to be small.
pub fn is_small(request: &Request) -> bool {
    let announced = request.announced_length();
    announced.is_some_and(|length| length <= SMALL_BODY)
}

/// The body, while there is room for it; what is small takes none, also where nobody says so before.
///
/// # Errors
/// What the dialect says of a body that is too large, late or broken, or of no room.
pub async fn body_of(
    request: &Request,
) -> Result<(Bytes, Option<OwnedSemaphorePermit>), NotCarried> {
    let proxy = &request.state().proxy;
    let most = proxy.settings.max_body;
    let mut room = None;
    let mut take_room = |length: usize| -> Result<(), Error> {
        if room.is_none() {
            room = Some(proxy.room_for(length.min(most)).ok_or_else(too_busy)?);
        }
        Ok(())
    };
    let announced = request.announced_length();
    if let Some(length) = announced.filter(|length| *length > SMALL_BODY) {
        take_room(length)?;
    }
    let body = request.call_body(most, |length| match length {
        ..=SMALL_BODY => Ok(()),
        _ => take_room(announced.unwrap_or(most)).map_err(Into::into),
    });
    let body = body.await.map_err(NotCarried::Problem)?;
    Ok((body, room))
}

fn too_busy() -> Error {
    Error::Unavailable {
        code: "overloaded",
        reason: "there is no room for another large body at the moment".to_owned(),
    }
}

/// What a body asks for, as the meter reads it for an endpoint, whose path may name the model too.
///
/// # Errors
/// What the meter finds wrong with it, and what nobody could charge for.
pub async fn read_call(
    request: &Request,
    (endpoint, path_model): (Endpoint, Option<&str>),
    body: &Bytes,
) -> Result<MeteredRequest, NotCarried> {
    for name in [header::CONTENT_TYPE, header::CONTENT_ENCODING] {
        let count = request.header_values(&name).count();
        if count > 1 || (count == 1 && request.header(&name).is_none()) {
            let sentence =
                "must be sent once, as text: a provider may read another one than is read here";
            return Err(RequestFault::at(name.as_str(), sentence).into());
        }
    }
    let text = |name| request.header(&name).map(str::to_owned);
    let (content_type, content_encoding) =
        (text(header::CONTENT_TYPE), text(header::CONTENT_ENCODING));
    let (path_model, body) = (path_model.map(str::to_owned), body.clone());
    let max_body = request.state().proxy.settings.max_body;
    let length = body.len();
    let read = move || {
        let head = RequestHead {
            endpoint,
            path_model: path_model.as_deref(),
            content_type: content_type.as_deref(),
            content_encoding: content_encoding.as_deref(),
        };
        let limits = RequestLimits {
            max_body,
            ..RequestLimits::default()
        };
        if bytes_hold_token(&body) {
            let sentence = "holds a Tollkeeper key, which must not reach a provider";
            return Ok(Err(RequestFault::of_body(sentence)));
        }
        Ok(read_request(&head, &body, &limits))
    };
    let read = if length <= SMALL_BODY {
        read()
    } else {
        blocking(read).await
    };
    let read = read.map_err(NotCarried::from)?.map_err(NotCarried::from)?;
    refuse_unmetered(&read)?;
    Ok(read)
}

/// Refuses what would be answered when nobody meters it, or goes on with what no body shows.
fn refuse_unmetered(request: &MeteredRequest) -> Result<(), RequestFault> {
    for kept in &request.kept_states {
        let (param, what) = match kept {
            KeptState::Background => ("background", "is answered when nobody meters it"),
            KeptState::PreviousResponse => (
                "previous_response_id",
                "goes on with what the provider keeps, maybe of somebody else",
            ),
            KeptState::Conversation => (
                "conversation",
                "goes on with what the provider keeps, maybe of somebody else",
            ),
            KeptState::StoredPrompt => (
                "prompt",
                "names a text that the provider keeps, whose size nobody here knows",
            ),
            // Of files the upstream decides.
            KeptState::Stored | KeptState::NotStored | KeptState::File => continue,
        };
        return Err(RequestFault::at(
            param,
            format!("{what}, so it is not carried here; leave it out"),
        ));
    }
    Ok(())
}
