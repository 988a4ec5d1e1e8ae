//! Handlers that say how the server is.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::finding::Finding;
use crate::http::core::answer::{Answer, ok};
use crate::http::core::guard::Anyone;
use crate::http::core::request::{Request, blocking};
use crate::service::status;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// That the process is alive.
#[derive(Debug, Serialize, ToSchema)]
pub struct HealthAnswer {
    /// `ok`.
    pub status: &'static str,
    /// The version of Tollkeeper.
    pub version: &'static str,
}

/// That requests should be sent here.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReadyAnswer {
    /// `ready`.
    pub status: &'static str,
    /// The version of Tollkeeper.
    pub version: &'static str,
    /// What should be looked after although decisions are made.
    pub warnings: Vec<HouseWarning>,
}

/// One thing that is not as it should be.
#[derive(Debug, Serialize, ToSchema)]
pub struct HouseWarning {
    /// Its stable name.
    pub code: &'static str,
    /// What is wrong, and what to do.
    pub message: String,
}

impl From<&Finding> for HouseWarning {
    fn from(found: &Finding) -> Self {
        Self {
            code: found.code,
            message: found.message(),
        }
    }
}

/// `GET /health`: the process is alive.
pub async fn health(_: Anyone, _: Request) -> Answer {
    ok(&HealthAnswer {
        status: "ok",
        version: VERSION,
    })
}

/// `GET /ready`: decisions can be made, and what to look after before they can't be any more.
///
/// # Errors
/// 503 with the reason.
pub async fn ready(_: Anyone, request: Request) -> Answer {
    let services = request.services();
    let house = blocking(move || Ok(status::gather(&services))).await?;
    let warnings = house.warnings();
    if let Some(obstacle) = house.obstacle {
        return Err(obstacle.into());
    }
    ok(&ReadyAnswer {
        status: "ready",
        version: VERSION,
        warnings: warnings.iter().map(HouseWarning::from).collect(),
    })
}
