//! How the house stands: whether it is ready, what should be looked after, the database and its disk.

use super::exposition::Exposition;
use crate::domain::house::HouseStatus;

/// Writes the facts of the house. `near_limits` is how many limits are almost used up, where that is known.
pub fn write(out: &mut Exposition, house: &HouseStatus, near_limits: Option<u64>) {
    out.gauge(
        "tollkeeper_ready",
        "Whether decisions can be made: 1, or 0 when /ready says why not.",
    )
    .is(house.is_ready().into());
    let mut family = out.gauge(
        "tollkeeper_warning",
        "Always 1, for each thing that should be looked after, by code; /ready says what to do.",
    );
    for warning in house.warnings() {
        family.sample(&[("code", warning.code)], 1);
    }
    out.gauge(
        "tollkeeper_audit_intact",
        "Whether nothing is known to be wrong with the audit log: 1 or 0.",
    )
    .is(house.audit.fault.is_none().into());
    out.gauge(
        "tollkeeper_database_checked",
        "Whether the whole database file is known to be sound: 1 or 0.",
    )
    .is(house.is_checked.into());
    out.gauge("tollkeeper_database_bytes", "Size of the database file.")
        .is(house.storage.database_bytes);
    out.gauge(
        "tollkeeper_wal_bytes",
        "Size of the write-ahead log beside it.",
    )
    .is(house.storage.log_bytes);
    if let Some(disk) = house.storage.disk {
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
    out.gauge(
        "tollkeeper_connections_limit",
        "Connections that may be open at a time.",
    )
    .is(house.files.connection_room as u64);
    if let Some(count) = near_limits {
        out.gauge(
            "tollkeeper_limits_near_full",
            "Limits of copies that are almost used up, counted once a minute at most.",
        )
        .is(count);
    }
}
