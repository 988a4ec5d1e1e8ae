//! The process, by the names that Prometheus gives to what every process has. What the system does not tell is left out.

use std::fs;

use rustix::time::{ClockId, clock_gettime};

use super::exposition::Exposition;
use crate::domain::server_status::ServerStatus;
use crate::metrics::SECOND;

/// Writes what is measured of the process.
pub fn write(out: &mut Exposition, server: &ServerStatus) {
    let labels = [("version", env!("CARGO_PKG_VERSION"))];
    out.gauge("tollkeeper_build_info", "Always 1; the version is a label.")
        .sample(&labels, 1);
    let used = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(used.tv_sec).unwrap_or_default();
    let nanoseconds = u64::try_from(used.tv_nsec).unwrap_or_default();
    out.counter(
        "process_cpu_seconds_total",
        "Seconds of processor time that were used, of the process and of the system for it.",
    )
    .seconds()
    .is(seconds * SECOND + nanoseconds);
    out.gauge(
        "process_start_time_seconds",
        "When the process began, in seconds since 1970.",
    )
    .per(1_000)
    .is(server.started_at.as_millisecond().max(0).unsigned_abs());
    if let Some(bytes) = resident_bytes() {
        out.gauge("process_resident_memory_bytes", "Memory that is resident.")
            .is(bytes);
    }
    if let Some(open) = server.files.open {
        out.gauge("process_open_fds", "Files that are open.")
            .is(open);
    }
    if let Some(most) = server.files.limit {
        out.gauge("process_max_fds", "Files that may be open.")
            .is(most);
    }
}

fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1_024)
}
