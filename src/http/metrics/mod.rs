//! `GET /metrics`: what is measured, as Prometheus reads it (API.md §7).
//!
//! Whatever happens is counted where it happens, in numbers of its own thread (`crate::metrics`); here they are added up and written.
//! Values of labels come from tables of ours and from the settings: no caller can invent one.

mod calls;
mod decisions;
mod exposition;
mod process;
mod requests;
mod server;

use std::net::{SocketAddr, TcpListener};

use actix_web::HttpResponse;
use actix_web::http::header;

use self::exposition::Exposition;
pub use self::exposition::MEDIA_TYPE;
use crate::error::{Error, Result};
use crate::http::core::answer::Answer;
use crate::http::core::guard::{Anyone, Caller, Metrics, View};
use crate::http::core::request::{Request, blocking};
use crate::http::core::state::State;
use crate::service::status;

/// Binds the address that shows metrics and nothing else, if there is one.
///
/// # Errors
/// [`Error::Refused`] when it can't be listened on.
pub fn listen(address: Option<SocketAddr>) -> Result<Option<TcpListener>> {
    let Some(address) = address else {
        return Ok(None);
    };
    TcpListener::bind(address).map(Some).map_err(|error| {
        Error::refused(format!(
            "can't listen on {address} for those who read metrics: {error}; choose another address in [metrics] listen"
        ))
    })
}

/// `GET /metrics`
pub async fn show(_: Caller<View, Metrics>, request: Request) -> Answer {
    shown(&request).await
}

/// The same on the listener that shows nothing else.
pub async fn show_to_anyone(_: Anyone, request: Request) -> Answer {
    shown(&request).await
}

async fn shown(request: &Request) -> Answer {
    let state = request.shared_state();
    let text = blocking(move || Ok(written(&state))).await?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, MEDIA_TYPE))
        .body(text))
}

fn written(state: &State) -> String {
    let mut out = Exposition::default();
    requests::write(&mut out, state);
    decisions::write(&mut out, &state.services);
    calls::write(&mut out, &state.proxy);
    let server = status::gather(&state.services, state.certificate());
    server::write(&mut out, &server, near_limits(state));
    process::write(&mut out, &server);
    out.finish()
}

/// How many limits are almost used up; none when nobody can tell now.
fn near_limits(state: &State) -> Option<u64> {
    match state.near_limits.read(&state.services) {
        Ok(count) => Some(count as u64),
        Err(error) => {
            log::warn!("counting limits that are almost used up: {error}");
            None
        }
    }
}
