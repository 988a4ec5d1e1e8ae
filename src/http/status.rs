//! Handlers that say how the server is.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::backup::state::BackupState;
use crate::domain::finding::Finding;
use crate::domain::server_status::ServerStatus;
use crate::error::Error;
use crate::http::core::answer::{Answer, ok};
use crate::http::core::guard::{Anyone, Caller, Settings, View};
use crate::http::core::request::{Request, blocking};
use crate::service::status;
use crate::store::database::migrate;

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
    pub warnings: Vec<ServerWarning>,
}

/// One thing that is not as it should be.
#[derive(Debug, Serialize, ToSchema)]
pub struct ServerWarning {
    /// Its stable name.
    pub code: &'static str,
    /// What is wrong, and what to do.
    pub message: String,
}

impl From<&Finding> for ServerWarning {
    fn from(found: &Finding) -> Self {
        Self {
            code: found.code,
            message: found.message(),
        }
    }
}

/// How the server is, for whoever runs it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ServerView {
    /// The version of Tollkeeper.
    pub version: &'static str,
    /// The schema of the database.
    pub schema: i64,
    /// When this was gathered.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// When the server was started.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// Whether decisions can be made.
    pub ready: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub obstacle: Option<ServerWarning>,
    /// What should be looked after although decisions are made.
    pub warnings: Vec<ServerWarning>,
    /// The audit log, as far as that is known without a walk.
    pub audit: AuditStateView,
    /// Bytes of the database file.
    pub database_bytes: u64,
    /// Bytes that are committed and not yet in that file.
    pub log_bytes: u64,
    /// Bytes that may still be written to the disk, where the system tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_free_bytes: Option<u64>,
    /// Bytes of the whole disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_total_bytes: Option<u64>,
    /// Files that are open, where the system tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_files: Option<u64>,
    /// Most that may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_files_limit: Option<u64>,
    /// Connections at a time that there is room for.
    pub max_connections: usize,
    /// Reservations that are open, while decisions can be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_reservations: Option<usize>,
    /// What became of the last backups.
    pub backups: BackupStateView,
    /// The zone in which days and months begin.
    pub time_zone: String,
}

/// What became of the last backups.
#[derive(Debug, Serialize, ToSchema)]
pub struct BackupStateView {
    /// When the newest was begun whose checks found nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_good_at: Option<Timestamp>,
    /// When the newest was restored last for a try.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_drill_at: Option<Timestamp>,
    /// Whether that one can be restored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_drill_passed: Option<bool>,
}

impl From<&BackupState> for BackupStateView {
    fn from(state: &BackupState) -> Self {
        let drill = state.last_drill.as_ref();
        Self {
            last_good_at: state.last_good.as_ref().map(|good| good.at),
            last_drill_at: drill.map(|drill| drill.at),
            last_drill_passed: drill.map(|drill| drill.passed),
        }
    }
}

/// What is known of the audit log without a walk.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditStateView {
    /// `intact` as far as that is known, or the code of what is wrong: `audit_tampered`, `audit_key_gone`, `audit_anchor_gone` or
    /// `audit_anchor_unreadable`.
    pub state: &'static str,
    /// When the whole log was last walked along since the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub walked_at: Option<Timestamp>,
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
    let state = request.shared_state();
    let gather = move || Ok(status::gather(&state.services, state.certificate()));
    let server = blocking(gather).await?;
    let warnings = warnings(&server);
    if let Some(obstacle) = server.obstacle {
        return Err(obstacle.into());
    }
    ok(&ReadyAnswer {
        status: "ready",
        version: VERSION,
        warnings,
    })
}

/// `GET /api/status`
pub async fn status(_: Caller<View, Settings>, request: Request) -> Answer {
    let state = request.shared_state();
    let gather = move || {
        Ok((
            status::gather(&state.services, state.certificate()),
            status::open_reservations(&state.services),
        ))
    };
    let (server, open_reservations) = blocking(gather).await?;
    let zone = &request.services().time_zone;
    let disk = server.storage.disk;
    ok(&ServerView {
        version: VERSION,
        schema: migrate::newest(),
        at: server.now,
        started_at: server.started_at,
        ready: server.is_ready(),
        warnings: warnings(&server),
        audit: AuditStateView {
            state: server.audit.fault.map_or("intact", |fault| fault.code()),
            walked_at: server.audit.walked_at,
        },
        obstacle: server.obstacle.as_ref().map(obstacle),
        database_bytes: server.storage.database_bytes,
        log_bytes: server.storage.log_bytes,
        disk_free_bytes: disk.map(|disk| disk.free_bytes),
        disk_total_bytes: disk.map(|disk| disk.total_bytes),
        open_files: server.files.open,
        open_files_limit: server.files.limit,
        max_connections: server.files.connection_room,
        open_reservations,
        backups: BackupStateView::from(&server.backups.state),
        time_zone: zone.iana_name().unwrap_or("UTC").to_owned(),
    })
}

fn warnings(server: &ServerStatus) -> Vec<ServerWarning> {
    server.warnings().iter().map(ServerWarning::from).collect()
}

fn obstacle(error: &Error) -> ServerWarning {
    let code = match error {
        Error::Unavailable { code, .. } => code,
        _ => "internal_error",
    };
    ServerWarning {
        code,
        message: error.to_string(),
    }
}
