//! What is wrong with the server by its facts, each with what to do. Names no path and no key: everybody may ask whether the server is ready.

use jiff::{SignedDuration, Timestamp};

use super::{ClockFacts, DiskRoom, FileFacts, ServerStatus};
use crate::domain::audit::state::AuditFault;
use crate::domain::finding::Finding;

/// Free bytes below which the disk is low, whatever its size: the write-ahead log alone may take 64 MiB.
const LEAST_FREE: u64 = 256 * 1024 * 1024;
/// Free bytes that are enough on the largest disk.
const ENOUGH_FREE: u64 = 1024 * 1024 * 1024;
/// The part of a disk below which it is low while less than that is free: one in so many.
const LEAST_PART: u64 = 20;
/// Bytes of a write-ahead log that is not copied as it should be: the writer copies it at 64 MiB at the latest.
const LARGE_LOG: u64 = 256 * 1024 * 1024;
/// How far the clock may be behind the latest time that it showed.
const BEHIND: SignedDuration = SignedDuration::from_mins(1);
/// How long nothing may have been decided before a start without the clock being doubted.
const AHEAD: SignedDuration = SignedDuration::from_hours(180 * 24);
/// 2026-01-01T00:00:00Z: no clock that is right shows a time before this program was written.
const WRITTEN: Timestamp = Timestamp::constant(1_767_225_600, 0);
/// How long the key of the first start may lie there.
const STALE: SignedDuration = SignedDuration::from_hours(24);
/// The share of the open files from which on they are nearly all, in percent.
const NEARLY_ALL: u64 = 90;

impl ServerStatus {
    /// Whether decisions can be made.
    pub fn is_ready(&self) -> bool {
        self.obstacle.is_none()
    }

    /// What should be looked after although decisions can be made.
    pub fn warnings(&self) -> Vec<Finding> {
        let audit = self.audit.fault.as_ref().map(AuditFault::finding);
        let unchecked = (!self.is_checked).then(|| {
            Finding::new(
                "integrity_unknown",
                "the last stop was not clean, and the check of the database file has not ended",
                "wait for it; the log says how it ends",
            )
        });
        let disk = self.storage.disk.and_then(disk);
        let certificate = self.certificate.iter();
        let certificate = certificate.flat_map(|it| it.findings(self.now));
        [audit, unchecked, disk, log(self.storage.log_bytes)]
            .into_iter()
            .chain([self.clock.finding(self.now), self.files.connections()])
            .chain([
                self.files.nearly_all(),
                initial_key(self.now, self.initial_key_at),
            ])
            .flatten()
            .chain(self.backups.findings(self.now, self.started_at))
            .chain(certificate)
            .collect()
    }
}

fn disk(room: DiskRoom) -> Option<Finding> {
    let DiskRoom {
        free_bytes,
        total_bytes,
    } = room;
    let is_low = free_bytes < LEAST_FREE
        || (free_bytes < ENOUGH_FREE && free_bytes < total_bytes / LEAST_PART);
    is_low.then(|| {
        Finding::new(
            "disk_low",
            format!("the disk has {} MiB left", free_bytes / (1024 * 1024)),
            "make room, or move the data directory to a larger disk: when it is full, nothing is decided any more",
        )
    })
}

fn log(bytes: u64) -> Option<Finding> {
    (bytes > LARGE_LOG).then(|| {
        Finding::new(
            "log_large",
            format!("the write-ahead log has {} MiB and is not copied into the database", bytes / (1024 * 1024)),
            "end whatever else has the database open, such as a `sqlite3` shell or a backup tool that hangs; a stop of the server copies it too",
        )
    })
}

impl ClockFacts {
    fn finding(&self, now: Timestamp) -> Option<Finding> {
        if now < WRITTEN {
            return Some(Finding::new(
                "clock_behind",
                format!("the clock shows {now}, which is before this program was written"),
                "set the clock of this machine, and see that it is kept by NTP",
            ));
        }
        if let Some(latest) = self.latest.filter(|latest| now + BEHIND < *latest) {
            return Some(Finding::new(
                "clock_behind",
                format!(
                    "the clock shows {now}, but it showed {latest} before; what had expired by then stays expired"
                ),
                "set the clock of this machine, and see that it is kept by NTP",
            ));
        }
        let last = self.before_start?;
        (now.duration_since(last) > AHEAD).then(|| {
            Finding::new(
                "clock_ahead",
                format!("the clock shows {now}, and the last decision before this start was made at {last}"),
                "if that is not so, stop the server before windows and keys end that should not, and set the clock; if nothing was decided for so long, the next start says nothing more",
            )
        })
    }
}

impl FileFacts {
    fn connections(&self) -> Option<Finding> {
        (self.connection_room < self.max_connections).then(|| {
            Finding::new(
                "open_files_limit",
                format!(
                    "the limit of open files ({}) leaves room for {} connections instead of the {} of server.max_connections",
                    self.limit.unwrap_or_default(),
                    self.connection_room,
                    self.max_connections
                ),
                "raise it with `ulimit -n`, or LimitNOFILE= in a systemd unit, or lower server.max_connections",
            )
        })
    }

    fn nearly_all(&self) -> Option<Finding> {
        let (open, limit) = self.open.zip(self.limit)?;
        (open * 100 >= limit * NEARLY_ALL).then(|| {
            Finding::new(
                "open_files_low",
                format!("{open} of {limit} files are open"),
                "raise the limit with `ulimit -n`, or LimitNOFILE= in a systemd unit, or lower server.max_connections",
            )
        })
    }
}

fn initial_key(now: Timestamp, since: Option<Timestamp>) -> Option<Finding> {
    let is_stale = since.is_some_and(|since| now.duration_since(since) > STALE);
    is_stale.then(|| {
        Finding::new(
            "initial_key_stale",
            "the first key, which may do everything, has been lying for more than a day in the data directory",
            "store it somewhere safe and remove the file `initial-key`",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit::state::AuditState;
    use std::time::Duration;

    use crate::domain::backup::state::{BackupFailure, BackupState, Drill, GoodBackup};
    use crate::domain::server_status::{BackupFacts, CertificateFacts, StorageFacts};

    const GIB: u64 = 1024 * 1024 * 1024;

    type Spoil = fn(&mut ServerStatus);

    fn sound() -> ServerStatus {
        let now = "2026-06-01T12:00:00Z".parse().unwrap();
        ServerStatus {
            now,
            started_at: now,
            obstacle: None,
            audit: AuditState::default(),
            storage: StorageFacts {
                database_bytes: GIB,
                log_bytes: 64 * 1024 * 1024,
                disk: Some(DiskRoom {
                    free_bytes: 10 * GIB,
                    total_bytes: 1_000 * GIB,
                }),
            },
            files: FileFacts {
                open: Some(100),
                limit: Some(20_000),
                max_connections: 10_000,
                connection_room: 10_000,
            },
            clock: ClockFacts {
                latest: Some(now),
                before_start: Some("2026-05-01T12:00:00Z".parse().unwrap()),
            },
            is_checked: true,
            initial_key_at: Some(now),
            backups: BackupFacts {
                state: BackupState {
                    last_good: Some(GoodBackup {
                        at: "2026-06-01T00:00:00Z".parse().unwrap(),
                        name: "a.tar.zst".to_owned(),
                        bytes: 1,
                        sha256: String::new(),
                    }),
                    ..BackupState::default()
                },
                every: Some(Duration::from_hours(24)),
                database_made_at: None,
            },
            certificate: Some(CertificateFacts {
                file: "tls.crt".into(),
                expires_at: Some("2026-06-15T12:00:00Z".parse().unwrap()),
                fault: None,
            }),
        }
    }

    fn certificate(it: &mut ServerStatus) -> &mut CertificateFacts {
        it.certificate.as_mut().unwrap()
    }

    #[test]
    fn each_fact_that_is_bad_is_found_and_nothing_else() {
        assert_eq!(sound().warnings(), []);
        let spoilt: [(&str, Spoil); 22] = [
            ("audit_key_gone", |it| {
                it.audit.fault = Some(AuditFault::KeyGone);
            }),
            ("audit_anchor_gone", |it| {
                it.audit.fault = Some(AuditFault::AnchorGone);
            }),
            ("audit_tampered", |it| {
                let finding = "the entry is missing".to_owned();
                it.audit.fault = Some(AuditFault::Tampered { entry: 3, finding });
            }),
            ("integrity_unknown", |it| it.is_checked = false),
            ("disk_low", |it| {
                it.storage.disk = Some(DiskRoom {
                    free_bytes: GIB / 5,
                    total_bytes: GIB,
                });
            }),
            ("disk_low", |it| {
                it.storage.disk = Some(DiskRoom {
                    free_bytes: GIB / 2,
                    total_bytes: 1_000 * GIB,
                });
            }),
            ("log_large", |it| it.storage.log_bytes = GIB),
            ("clock_behind", |it| {
                it.now = "2020-01-01T00:00:00Z".parse().unwrap();
            }),
            ("clock_behind", |it| {
                it.clock.latest = Some("2026-06-01T12:02:00Z".parse().unwrap());
            }),
            ("clock_ahead", |it| {
                it.clock.before_start = Some("2025-06-01T12:00:00Z".parse().unwrap());
            }),
            ("open_files_limit", |it| it.files.connection_room = 400),
            ("open_files_low", |it| it.files.open = Some(18_000)),
            ("backup_old", |it| {
                it.backups.every = Some(Duration::from_hours(1));
            }),
            ("backup_old", |it| {
                it.backups.state.last_good = None;
                it.backups.database_made_at = Some("2026-05-01T12:00:00Z".parse().unwrap());
            }),
            ("backup_old", |it| {
                it.started_at = "2026-05-01T12:00:00Z".parse().unwrap();
                it.backups.state.last_good = None;
                it.backups.database_made_at = Some("2027-05-01T12:00:00Z".parse().unwrap());
            }),
            ("backup_old", |it| {
                it.started_at = "2026-05-01T12:00:00Z".parse().unwrap();
                it.backups.state.last_good.as_mut().unwrap().at =
                    "2027-05-01T12:00:00Z".parse().unwrap();
            }),
            ("backup_failed", |it| {
                it.backups.state.last_failure = Some(BackupFailure {
                    at: "2026-06-01T11:00:00Z".parse().unwrap(),
                    why: "the disk is full".to_owned(),
                });
            }),
            ("backup_drill_failed", |it| {
                it.backups.state.last_drill = Some(Drill {
                    at: "2026-06-01T11:00:00Z".parse().unwrap(),
                    name: "a.tar.zst".to_owned(),
                    passed: false,
                    why: None,
                });
            }),
            ("certificate_unusable", |it| {
                certificate(it).fault = Some("no such file".to_owned());
            }),
            ("certificate_expires_soon", |it| {
                certificate(it).expires_at = Some("2026-06-15T11:59:59Z".parse().unwrap());
            }),
            ("certificate_expired", |it| {
                certificate(it).expires_at = Some(it.now);
            }),
            ("initial_key_stale", |it| {
                it.initial_key_at = Some("2026-05-31T11:00:00Z".parse().unwrap());
            }),
        ];
        for (code, spoil) in spoilt {
            let mut server = sound();
            spoil(&mut server);
            let codes: Vec<_> = server.warnings().iter().map(|found| found.code).collect();
            assert_eq!(codes, [code]);
        }
    }
}
