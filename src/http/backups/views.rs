//! Answers about backups.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::backup::name::BackupOrigin;
use crate::domain::backup::state::{BackupFailure, BackupState, Drill, GoodBackup};
use crate::service::Services;
use crate::service::backups::making::MadeBackup;
use crate::service::backups::schedule::next_backup;
use crate::store::backups::folder::FiledBackup;

/// The backups that there are, the newest first, and what became of the last ones.
#[derive(Debug, Serialize, ToSchema)]
pub struct BackupList {
    /// The backups, the newest first.
    pub backups: Vec<BackupView>,
    /// The folder that they lie in, on the machine of the server.
    pub directory: String,
    /// Whether they are encrypted there.
    pub encrypted: bool,
    /// When the next one is made by itself; left out when none is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_at: Option<Timestamp>,
    /// The newest whose checks found nothing. It stays here when its file goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_good: Option<GoodBackupView>,
    /// The last that could not be made, or is not sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<BackupFailureView>,
    /// The last restore that was tried out of what was the newest sound backup then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_drill: Option<DrillView>,
}

/// A backup.
#[derive(Debug, Serialize, ToSchema)]
pub struct BackupView {
    /// Its name, which is that of its file.
    pub name: String,
    /// When it was begun: it holds what was acknowledged before.
    #[schema(value_type = String, format = DateTime)]
    pub made_at: Timestamp,
    /// `asked` when somebody asked for it, `scheduled` when it was time.
    pub origin: &'static str,
    /// How large its file is.
    pub bytes: u64,
    /// Whether its checks found nothing.
    pub sound: bool,
    /// Whether its file is encrypted.
    pub encrypted: bool,
}

/// The newest backup whose checks found nothing.
#[derive(Debug, Serialize, ToSchema)]
pub struct GoodBackupView {
    /// Its name.
    pub name: String,
    /// When it was begun.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// How large its file is.
    pub bytes: u64,
    /// SHA-256 of its file, in hexadecimal.
    pub sha256: String,
}

/// A backup that came to nothing.
#[derive(Debug, Serialize, ToSchema)]
pub struct BackupFailureView {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Why.
    pub why: String,
}

/// A restore into a scratch folder.
#[derive(Debug, Serialize, ToSchema)]
pub struct DrillView {
    /// The backup.
    pub name: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Whether it can be restored, as far as that can be told.
    pub passed: bool,
    /// What is wrong, or what could not be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What came of trying one out.
#[derive(Debug, Serialize, ToSchema)]
pub struct DrillAnswer {
    /// What came of it.
    pub drill: DrillView,
}

/// A backup that was made, and what is in it.
#[derive(Debug, Serialize, ToSchema)]
pub struct BackupCreated {
    /// The backup.
    pub backup: BackupView,
    /// Where its file is, on the machine of the server.
    pub path: String,
    /// SHA-256 of its file, in hexadecimal.
    pub sha256: String,
    /// The version of the database's schema.
    pub schema: i64,
    /// How many of each kind are in it.
    pub counts: BTreeMap<String, i64>,
    /// How many entries its audit log has.
    pub audit_entries: i64,
    /// What is wrong with it; empty when it is sound.
    pub findings: Vec<String>,
}

impl BackupList {
    /// What is there, and what is known.
    pub fn of(services: &Services, filed: &[FiledBackup]) -> Self {
        let backups = &services.backups;
        let BackupState {
            last_good,
            last_failure,
            last_drill,
            ..
        } = backups.state();
        Self {
            backups: filed.iter().map(BackupView::from).collect(),
            directory: backups.folder().path().display().to_string(),
            encrypted: backups.are_encrypted(),
            next_at: next_backup(services),
            last_good: last_good.map(GoodBackupView::from),
            last_failure: last_failure.map(BackupFailureView::from),
            last_drill: last_drill.map(DrillView::from),
        }
    }
}

impl From<&FiledBackup> for BackupView {
    fn from(filed: &FiledBackup) -> Self {
        let name = filed.name;
        Self {
            name: name.to_string(),
            made_at: name.at,
            origin: match name.origin {
                BackupOrigin::Asked => "asked",
                BackupOrigin::Scheduled => "scheduled",
            },
            bytes: filed.bytes,
            sound: name.is_sound,
            encrypted: name.is_encrypted,
        }
    }
}

impl From<GoodBackup> for GoodBackupView {
    fn from(good: GoodBackup) -> Self {
        Self {
            name: good.name,
            at: good.at,
            bytes: good.bytes,
            sha256: good.sha256,
        }
    }
}

impl From<BackupFailure> for BackupFailureView {
    fn from(BackupFailure { at, why }: BackupFailure) -> Self {
        Self { at, why }
    }
}

impl From<Drill> for DrillView {
    fn from(drill: Drill) -> Self {
        Self {
            name: drill.name,
            at: drill.at,
            passed: drill.passed,
            why: drill.why,
        }
    }
}

impl BackupCreated {
    /// What was made.
    pub fn of(services: &Services, made: MadeBackup) -> Self {
        let folder = services.backups.folder();
        let content = made.manifest.content;
        Self {
            backup: BackupView::from(&made.filed),
            path: folder.file(&made.filed.name).display().to_string(),
            sha256: made.sha256,
            schema: content.schema,
            counts: content.counts,
            audit_entries: content.audit.entries,
            findings: made.manifest.findings,
        }
    }
}
