//! Drills: restoring a backup into a scratch folder, to see whether it would work.

use std::sync::Arc;

use jiff::Timestamp;

use super::known::Backups;
use super::{aside, told};
use crate::domain::audit::Actor;
use crate::domain::backup::name::BackupName;
use crate::domain::backup::state::Drill;
use crate::domain::event::Event;
use crate::error::{Error, Result};
use crate::service::Services;
use crate::store::backups::encryption::Lock;
use crate::store::backups::folder::ScratchFolder;
use crate::store::backups::opening::open;
use crate::store::backups::writing::sum_of_backup;

/// Tries out whether a backup can be restored, for somebody.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] while another is made or tried out, and when this server can't tell. That it can't be restored
/// is no error.
pub fn drill(services: &Arc<Services>, actor: Actor, name: &str) -> Result<Drill> {
    let name = services.backups.folder.get(name)?.name;
    aside(services, move |services| {
        let drill = drill_here(services, name)?;
        let done = drill.clone();
        services.write(actor, move |work| {
            work.record(Event::BackupDrilled(done));
            Ok(())
        })?;
        Ok(drill)
    })
}

/// Tries out the newest one that is sound, because it is time.
///
/// # Errors
/// As [`drill`].
pub(super) fn drill_newest(services: &Arc<Services>) -> Result<()> {
    aside(services, |services| {
        match newest(&services.backups, services.clock.now())? {
            Some(newest) => drill_here(services, newest).map(drop),
            None => Ok(()),
        }
    })
}

/// The newest one that is sound.
fn newest(backups: &Backups, now: Timestamp) -> Result<Option<BackupName>> {
    let all = backups.folder.list()?;
    let sound = all.iter().map(|one| one.name).filter(|name| name.is_sound);
    Ok(sound.max_by_key(|name| name.age_order(now)))
}

fn drill_here(services: &Services, name: BackupName) -> Result<Drill> {
    let backups = &services.backups;
    let _turn = backups.turn()?;
    let tried = if let (true, Some(Lock::Recipient(_))) = (name.is_encrypted, &backups.lock) {
        compare_sum(backups, name)?
    } else {
        restore_for_a_try(services, name)?
    };
    let is_proven = tried.is_ok_and_proven();
    let (passed, why) = match tried {
        Tried::Restored => (true, None),
        Tried::Unread(why) => (true, Some(why)),
        Tried::Failed(why) => (false, Some(why)),
    };
    let now = services.clock.now();
    let drill = Drill {
        at: now,
        name: name.to_string(),
        passed,
        why,
    };
    match &drill.why {
        None => log::info!("the backup {name} was restored for a try, and is whole"),
        Some(why) if drill.passed => log::info!("the backup {name}: {why}"),
        Some(why) => log::error!("the backup {name} could not be restored: {why}"),
    }
    // Whether an older one can be restored says nothing of the newest, which is what everybody who watches is told of.
    let last = (newest(backups, now)? == Some(name)).then(|| drill.clone());
    backups.note(services.store.directory(), |state| {
        let proven = state.last_proven.as_deref();
        if is_proven && is_newer(backups, name, proven, now) {
            state.last_proven = Some(name.to_string());
        } else if !drill.passed && proven == Some(drill.name.as_str()) {
            // It holds the place of none that is whole.
            state.last_proven = None;
        }
        if last.is_some() {
            state.last_drill = last;
        }
    });
    Ok(drill)
}

/// Whether a backup takes the place of the one that was proven last: an older one does where that is not there any more.
fn is_newer(backups: &Backups, name: BackupName, proven: Option<&str>, now: Timestamp) -> bool {
    let there = proven.and_then(|proven| backups.folder.get(proven).ok());
    there.is_none_or(|proven| name.age_order(now) > proven.name.age_order(now))
}

/// What came of a try.
enum Tried {
    Restored,
    /// Only its checksum could be compared.
    Unread(String),
    Failed(String),
}

impl Tried {
    fn is_ok_and_proven(&self) -> bool {
        matches!(self, Self::Restored)
    }
}

fn restore_for_a_try(services: &Services, name: BackupName) -> Result<Tried> {
    let backups = &services.backups;
    let scratch = ScratchFolder::make(services.store.directory().backup_work()).map_err(told)?;
    let key = backups.lock.as_ref().and_then(Lock::opener);
    let file = backups.folder.file(&name);
    let opened = open(&file, key.as_ref(), scratch.path(), &backups.halt);
    if let (true, Err(ended)) = (backups.halt.is_called(), &opened) {
        return Err(ended.clone());
    }
    Ok(match opened {
        Ok(opened) if opened.findings.is_empty() => Tried::Restored,
        Ok(opened) => Tried::Failed(opened.findings.join("; ")),
        Err(error) => Tried::Failed(error.to_string()),
    })
}

/// One that is encrypted for somebody else can't be opened here.
fn compare_sum(backups: &Backups, name: BackupName) -> Result<Tried> {
    let known = backups.state().last_good;
    let Some(known) = known.filter(|known| known.name == name.to_string()) else {
        return Err(Error::conflict(
            "backup_unreadable",
            "",
            "this backup is encrypted for a recipient, and only of the newest one this server knows more than its name; try it out where the \
             private key is: `tollkeeper verify FILE --identity-file KEY`",
        ));
    };
    let sum = sum_of_backup(&backups.folder.file(&name), &backups.halt).map_err(told)?;
    Ok(if sum.sha256 == known.sha256 {
        Tried::Unread(
            "its file is as it was written; it is encrypted for a recipient, so try it out where the private key is, by `tollkeeper verify`"
                .to_owned(),
        )
    } else {
        Tried::Failed("its file is not as it was written".to_owned())
    })
}
