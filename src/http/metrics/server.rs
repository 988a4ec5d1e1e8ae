//! How the server stands: whether it is ready, what should be looked after, the database and its disk.

use jiff::Timestamp;

use super::exposition::Exposition;
use crate::domain::backup::state::BackupState;
use crate::domain::server_status::{CertificateFacts, ServerStatus};

/// Writes the facts of the server. `near_limits` is how many limits are almost used up, where that is known.
pub fn write(out: &mut Exposition, server: &ServerStatus, near_limits: Option<u64>) {
    out.gauge(
        "tollkeeper_ready",
        "Whether decisions can be made: 1, or 0 when /ready says why not.",
    )
    .is(server.is_ready().into());
    let mut family = out.gauge(
        "tollkeeper_warning",
        "Always 1, for each thing that should be looked after, by code; /ready says what to do.",
    );
    for warning in server.warnings() {
        family.sample(&[("code", warning.code)], 1);
    }
    out.gauge(
        "tollkeeper_audit_intact",
        "Whether nothing is known to be wrong with the audit log: 1 or 0.",
    )
    .is(server.audit.fault.is_none().into());
    out.gauge(
        "tollkeeper_database_checked",
        "Whether the whole database file is known to be sound: 1 or 0.",
    )
    .is(server.is_checked.into());
    out.gauge("tollkeeper_database_bytes", "Size of the database file.")
        .is(server.storage.database_bytes);
    out.gauge(
        "tollkeeper_wal_bytes",
        "Size of the write-ahead log beside it.",
    )
    .is(server.storage.log_bytes);
    if let Some(disk) = server.storage.disk {
        out.gauge(
            "tollkeeper_disk_free_bytes",
            "What may still be written to the disk of the data directory.",
        )
        .is(disk.free_bytes);
        out.gauge(
            "tollkeeper_disk_size_bytes",
            "Size of the disk of the data directory.",
        )
        .is(disk.total_bytes);
    }
    write_backups(out, &server.backups.state);
    write_certificate(out, server.certificate.as_ref());
    out.gauge(
        "tollkeeper_connections_limit",
        "Connections that may be open at a time.",
    )
    .is(server.files.connection_room as u64);
    if let Some(count) = near_limits {
        out.gauge(
            "tollkeeper_limits_near_full",
            "Limits of copies that are almost used up, counted once a minute at most.",
        )
        .is(count);
    }
}

/// Where no TLS is served, there is nothing to say.
fn write_certificate(out: &mut Exposition, certificate: Option<&CertificateFacts>) {
    let file = certificate.map(|known| known.file.to_string_lossy().into_owned());
    let labels = [("file", file.as_deref().unwrap_or_default())];
    let mut family = out.gauge(
        "tollkeeper_certificate_expiry_timestamp_seconds",
        "When the certificate expires that is served, in seconds since 1970, by its file.",
    );
    if let Some(at) = certificate.and_then(|known| known.expires_at) {
        family.sample(&labels, seconds(at));
    }
    let mut family = out.gauge(
        "tollkeeper_certificate_fault",
        "Whether the files that are there now can't be served, and the certificate from before is: 1 or 0.",
    );
    if let Some(known) = certificate {
        family.sample(&labels, known.fault.is_some().into());
    }
}

/// A moment in seconds since 1970.
fn seconds(at: Timestamp) -> u64 {
    at.as_second().max(0).unsigned_abs()
}

/// What became of the last backups. A moment that has not come has no sample, so that nobody takes it for 1970.
fn write_backups(out: &mut Exposition, backup: &BackupState) {
    let mut family = out.gauge(
        "tollkeeper_backup_last_success_timestamp_seconds",
        "When the newest backup was begun that is sound, in seconds since 1970.",
    );
    if let Some(good) = &backup.last_good {
        family.sample(&[], seconds(good.at));
    }
    let mut family = out.gauge(
        "tollkeeper_backup_last_failure_timestamp_seconds",
        "When a backup last came to nothing or was not sound, in seconds since 1970.",
    );
    if let Some(failed) = &backup.last_failure {
        family.sample(&[], seconds(failed.at));
    }
    let mut family = out.gauge(
        "tollkeeper_backup_size_bytes",
        "Size of the newest backup that is sound.",
    );
    if let Some(good) = &backup.last_good {
        family.sample(&[], good.bytes);
    }
    let mut family = out.gauge(
        "tollkeeper_backup_drill_timestamp_seconds",
        "When the newest backup was last restored for a try, in seconds since 1970.",
    );
    if let Some(drill) = &backup.last_drill {
        family.sample(&[], seconds(drill.at));
    }
    let mut family = out.gauge(
        "tollkeeper_backup_drill_passed",
        "Whether the newest backup could be restored then: 1 or 0.",
    );
    if let Some(drill) = &backup.last_drill {
        family.sample(&[], drill.passed.into());
    }
}
