//! Backups: one at a time, on a thread of its own that gives way to all others. What is known of them is told to whoever watches.

pub mod drills;
pub mod known;
pub mod making;
pub mod restored;
pub mod schedule;

use std::fs::File;
use std::sync::Arc;

use rustix::process::setpriority_process;

use super::Services;
use crate::domain::audit::Actor;
use crate::domain::backup::name::BackupName;
use crate::domain::event::{Event, ToldBackup};
use crate::error::{Error, Result};
use crate::store::backups::encryption::Lock;

/// How far a backup gives way to decisions, of 19.
const NICE: i32 = 10;
/// A backup that leaves the house.
pub struct Download {
    /// Its file.
    pub file: File,
    /// What it is encrypted with on the way; none when it is already.
    pub lock: Option<Lock>,
    /// The name of what is sent.
    pub name: String,
}

/// Lets a backup out, encrypted: as it lies there, for the recipient whom the caller names, or as the settings say. The audit log has it
/// before a byte is sent.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] when it can't be encrypted; what writing the audit log answers.
pub fn download(
    services: &Services,
    actor: Actor,
    name: &str,
    recipient: Option<Lock>,
) -> Result<Download> {
    let backups = &services.backups;
    let name = backups.folder.get(name)?.name;
    let lock = match (name.is_encrypted, recipient) {
        (true, None) => None,
        (true, Some(_)) => {
            let sentence = "recipient: this backup is encrypted already; leave the recipient out";
            return Err(Error::conflict("backup_encrypted", "recipient", sentence));
        }
        (false, Some(recipient)) => Some(recipient),
        (false, None) => Some(backups.lock.clone().ok_or_else(|| {
            Error::conflict(
                "recipient_required",
                "recipient",
                "recipient: this backup lies there in plain and leaves encrypted only; name a recipient, which is a public key of age (age1…), \
                 or set [backup] recipient or passphrase_file",
            )
        })?),
    };
    let path = backups.folder.file(&name);
    let file = File::open(&path)
        .map_err(|error| Error::internal(&format!("opening {}", path.display()), error))?;
    let told = ToldBackup {
        name: name.to_string(),
        recipient: lock.as_ref().and_then(Lock::shown_recipient),
        findings: Vec::new(),
    };
    services.write(actor, move |work| {
        work.record(Event::BackupDownloaded(told));
        Ok(())
    })?;
    let sent = BackupName {
        is_encrypted: true,
        ..name
    };
    Ok(Download {
        file,
        lock,
        name: sent.to_string(),
    })
}

/// Does something on a thread of its own that gives way to all others, and waits for it.
fn aside<T: Send + 'static>(
    services: &Arc<Services>,
    work: impl FnOnce(&Services) -> Result<T> + Send + 'static,
) -> Result<T> {
    let services = Arc::clone(services);
    let thread = std::thread::Builder::new().name("backup".to_owned());
    let thread = thread.spawn(move || {
        // On Linux this is of the calling thread alone. Without it a backup only takes more from others.
        let _ = setpriority_process(None, NICE);
        work(&services)
    });
    let thread =
        thread.map_err(|error| Error::internal("starting the thread of a backup", error))?;
    let outcome = thread.join();
    outcome.unwrap_or_else(|_| Err(Error::internal("working on a backup", "it panicked")))
}

/// A failure as it is told to a caller: what is in the way is no secret to whoever may ask for backups.
fn told(error: Error) -> Error {
    match error {
        Error::Refused(reason) => Error::Unavailable {
            code: "backup_failed",
            reason,
        },
        other => other,
    }
}
