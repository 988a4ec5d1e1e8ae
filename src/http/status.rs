//! Handlers that say how the server is.

use serde::Serialize;
use utoipa::ToSchema;

use crate::http::core::answer::{Answer, ok};
use crate::http::core::guard::Anyone;
use crate::http::core::request::{Request, blocking};
use crate::store::database::settings;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How the server is.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusAnswer {
    /// `ok` or `ready`.
    pub status: &'static str,
    /// The version of Tollkeeper.
    pub version: &'static str,
}

/// `GET /health`: the process is alive.
pub async fn health(_: Anyone, _: Request) -> Answer {
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
pub async fn ready(_: Anyone, request: Request) -> Answer {
    let services = request.services();
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
