//! Handlers that say how the server is.

use super::answer::{Answer, ok};
use super::call::{Call, blocking};
use super::guard::Anyone;
use super::schemas::StatusAnswer;
use crate::store::settings;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// `GET /health`: the process is alive.
///
/// # Errors
/// None.
pub async fn health(_: Anyone, _: Call) -> Answer {
    ok(&StatusAnswer {
        status: "ok",
        version: VERSION,
    })
}

/// `GET /ready`: the database answers, its file is still there, its integrity is known to be good,
/// and writes succeed.
///
/// # Errors
/// 503 with the reason.
pub async fn ready(_: Anyone, call: Call) -> Answer {
    let services = call.services();
    blocking(move || {
        services.store.ready()?;
        services
            .store
            .read(|reading| settings::is_noted(reading, "app_version"))
    })
    .await?;
    ok(&StatusAnswer {
        status: "ready",
        version: VERSION,
    })
}
