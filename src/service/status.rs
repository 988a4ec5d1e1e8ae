//! Gathers the facts of the server, in one place for all who show them.

use rustix::process::{Resource, getrlimit};

use super::Services;
use crate::domain::server_status::{
    BackupFacts, CertificateFacts, ClockFacts, FileFacts, ServerStatus,
};
use crate::error::{Error, Result};
use crate::ledger::OpenQuery;
use crate::store::database::settings;
use crate::store::directory::{initial_key_at, made_at, room};

/// Whether decisions can be made: the database answers, its file is in its place and not damaged, and writes succeed.
///
/// # Errors
/// [`Error::Unavailable`] with the reason.
pub fn ready(services: &Services) -> Result<()> {
    services.store.ready()?;
    services.ledger.ready()?;
    let answered = services
        .store
        .read(|reading| settings::is_noted(reading, "app_version"));
    match answered {
        // Reads that wait stand in no decision's way.
        Err(Error::Unavailable {
            code: "overloaded", ..
        }) => Ok(()),
        answered => answered.map(|_| ()),
    }
}

/// Whether the threads that decide and write down are there. It does not come back while the one that decides hangs. That writes fail
/// is none of it.
pub fn can_decide(services: &Services) -> bool {
    services.store.has_writer() && services.ledger.counts_of(Vec::new(), 0).is_ok()
}

/// The facts now, with those of the certificate. Takes a few calls of the system, and reads no rows.
pub fn gather(services: &Services, certificate: Option<CertificateFacts>) -> ServerStatus {
    let (store, start) = (&services.store, &services.start);
    ServerStatus {
        now: services.clock.now(),
        started_at: start.at,
        obstacle: ready(services).err().map(obstacle),
        audit: store.audit_state(),
        storage: room::storage(store.directory().root()),
        files: FileFacts {
            open: open_files(),
            limit: getrlimit(Resource::Nofile).current,
            max_connections: start.max_connections,
            connection_room: start.connection_room,
        },
        clock: ClockFacts {
            latest: services.ledger.latest_time(),
            before_start: start.clock_before,
        },
        is_checked: store.health().integrity_is_good(),
        initial_key_at: initial_key_at(store.directory().root()),
        backups: BackupFacts {
            state: services.backups.state(),
            every: services.backups.every(),
            database_made_at: made_at(store.directory().root()),
        },
        certificate,
    }
}

/// How many reservations are open; none while nobody can say.
pub fn open_reservations(services: &Services) -> Option<usize> {
    services.ledger.ready().ok()?;
    // A page of none: how many there are is known without counting.
    let page = services.ledger.open_reservations(OpenQuery::default());
    page.ok().map(|page| page.total)
}

fn obstacle(error: Error) -> Error {
    if matches!(error, Error::Unavailable { .. }) {
        return error;
    }
    log::error!("whether the server is ready: {error}");
    Error::Unavailable {
        code: "database_unreadable",
        reason: "the database does not answer; the log says why".to_owned(),
    }
}

/// How many files this process has open. Newer systems tell without a list of them.
fn open_files() -> Option<u64> {
    const OURS: &str = "/proc/self/fd";
    let counted = std::fs::metadata(OURS).ok()?.len();
    if counted > 0 {
        return Some(counted);
    }
    u64::try_from(std::fs::read_dir(OURS).ok()?.count()).ok()
}
