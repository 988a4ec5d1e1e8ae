//! Making a backup, and removing those that it supersedes.

use std::cmp::Reverse;
use std::sync::Arc;

use jiff::Timestamp;

use super::known::Backups;
use super::{aside, told};
use crate::domain::audit::Actor;
use crate::domain::backup::manifest::Manifest;
use crate::domain::backup::name::{BackupName, BackupOrigin};
use crate::domain::backup::retention::superseded;
use crate::domain::backup::state::{BackupFailure, BackupState, GoodBackup};
use crate::domain::event::{Event, ToldBackup};
use crate::error::Result;
use crate::service::Services;
use crate::store::backups::folder::{FiledBackup, ScratchFolder};
use crate::store::backups::writing::{WrittenBackup, write};

/// A backup that was made.
pub struct MadeBackup {
    /// Its file.
    pub filed: FiledBackup,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// What it says of itself.
    pub manifest: Manifest,
}

/// Makes a backup for somebody: it holds everything that was acknowledged before.
///
/// # Errors
/// [`crate::error::Error::Conflict`] while another is made; [`crate::error::Error::Unavailable`] with what is in the way.
pub fn make(services: &Arc<Services>, actor: Actor) -> Result<MadeBackup> {
    aside(services, move |services| {
        let made = make_here(services, BackupOrigin::Asked)?;
        let told = ToldBackup {
            name: made.filed.name.to_string(),
            recipient: None,
            findings: made.manifest.findings.clone(),
        };
        let noted = services.write(actor, move |work| {
            work.record(Event::BackupMade(told));
            Ok(())
        });
        // It is there, whatever becomes of the entry about it.
        if let Err(error) = noted {
            log::error!("the audit log does not tell of a backup that was made: {error}");
        }
        Ok(made)
    })
}

/// Makes a backup because it is time.
///
/// # Errors
/// As [`make`].
pub(super) fn make_scheduled(services: &Arc<Services>) -> Result<MadeBackup> {
    aside(services, |services| {
        make_here(services, BackupOrigin::Scheduled)
    })
}

fn make_here(services: &Services, origin: BackupOrigin) -> Result<MadeBackup> {
    let backups = &services.backups;
    let _turn = backups.turn()?;
    let now = services.clock.now();
    let scheduled_at = (origin == BackupOrigin::Scheduled).then_some(now);
    let directory = services.store.directory();
    match write_and_file(services, origin, now) {
        Ok(made) => {
            let name = made.filed.name.to_string();
            if made.manifest.findings.is_empty() {
                log::info!("made the backup {name}, {} bytes", made.filed.bytes);
                let good = GoodBackup {
                    at: now,
                    name,
                    bytes: made.filed.bytes,
                    sha256: made.sha256.clone(),
                };
                backups.note(directory, |state| {
                    state.last_good = Some(good);
                    state.last_scheduled = scheduled_at.or(state.last_scheduled);
                });
            } else {
                let why = format!("{name} is not sound: {}", made.manifest.said_findings());
                log::error!("the backup {why}");
                fail(services, now, scheduled_at, why);
            }
            let name = made.filed.name.to_string();
            if let Err(error) = remove_superseded(backups, &name, now) {
                log::warn!("removing backups that were superseded: {error}");
            }
            Ok(made)
        }
        Err(error) if backups.halt.is_called() => Err(told(error)),
        Err(error) => {
            log::error!("no backup could be made: {error}");
            fail(services, now, scheduled_at, error.to_string());
            Err(told(error))
        }
    }
}

fn fail(services: &Services, at: Timestamp, scheduled_at: Option<Timestamp>, why: String) {
    let failure = BackupFailure { at, why };
    let directory = services.store.directory();
    services.backups.note(directory, |state| {
        state.last_failure = Some(failure);
        state.last_scheduled_failure = scheduled_at.or(state.last_scheduled_failure);
    });
}

fn write_and_file(services: &Services, origin: BackupOrigin, now: Timestamp) -> Result<MadeBackup> {
    let backups = &services.backups;
    // Refusals are counted in memory for a moment; all else that was acknowledged is in the database.
    services.ledger.flush().wait()?;
    backups.folder.make()?;
    let directory = services.store.directory();
    let scratch = ScratchFolder::make(directory.backup_work())?;
    let unfiled = backups.folder.unfiled();
    let WrittenBackup { manifest, sum } = write(
        directory,
        scratch.path(),
        unfiled.path(),
        backups.lock.as_ref(),
        now,
        &backups.halt,
    )?;
    let name = BackupName {
        is_sound: manifest.findings.is_empty(),
        ..BackupName::new(now, origin, backups.lock.is_some())
    };
    let name = backups.folder.file_as(&unfiled, name)?;
    let bytes = sum.bytes;
    Ok(MadeBackup {
        filed: FiledBackup { name, bytes },
        sha256: sum.sha256,
        manifest,
    })
}

/// `made` was made now, and stays, whatever other names say.
fn remove_superseded(backups: &Backups, made: &str, now: Timestamp) -> Result<()> {
    let mut all: Vec<BackupName> = backups.folder.list()?.iter().map(|one| one.name).collect();
    all.sort_by_key(|name| Reverse(name.age_order(now)));
    let BackupState {
        last_good,
        last_proven,
        ..
    } = backups.state();
    let good = last_good.map(|good| good.name);
    let stays: Vec<String> = [good, last_proven, Some(made.to_owned())]
        .into_iter()
        .flatten()
        .collect();
    for name in superseded(&all, backups.keep, &stays) {
        backups.folder.remove(&name)?;
        log::info!("removed the backup {name}, of which there are enough newer ones");
    }
    Ok(())
}
