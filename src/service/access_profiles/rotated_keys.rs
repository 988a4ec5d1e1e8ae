//! What becomes of the files with rotated secrets: a file holds the secret that its key has now, or it goes.
//!
//! Whether a rotation happened is read from the database, so it does not matter where a crash came.

use crate::error::Result;
use crate::service::Services;
use crate::store::directory::rotated_keys::RotatedKey;
use crate::store::{Reading, virtual_keys};

/// Gives secrets that were put beside the files of their keys the place of those files when they are valid, and removes the others.
///
/// # Errors
/// When the files or the database can't be read.
pub fn settle(services: &Services) -> Result<()> {
    each(services, |file| file.is_staged)
}

/// The same, and removes the files of keys that are gone or were rotated since.
///
/// # Errors
/// As [`settle`].
pub fn tidy(services: &Services) -> Result<()> {
    settle(services)?;
    each(services, |file| !file.is_staged)
}

/// Removes the file of a key that is gone or has another secret now.
pub(in crate::service) fn forget(services: &Services, public_id: &str) {
    let directory = services.store.directory();
    let _turn = directory.rotated_keys_turn();
    let Some(file) = directory.find_rotated_key(public_id) else {
        return;
    };
    let work = |reading: &Reading<'_>| put_right(reading, &file);
    if let Err(error) = services.store.read(work) {
        log::warn!("removing the file of a virtual key: {error}");
    }
}

fn each(services: &Services, concerns: impl Fn(&RotatedKey) -> bool) -> Result<()> {
    let directory = services.store.directory();
    let _turn = directory.rotated_keys_turn();
    let mut files = directory.list_rotated_keys()?;
    files.retain(concerns);
    if files.is_empty() {
        return Ok(());
    }
    services
        .store
        .read(|reading| files.iter().try_for_each(|file| put_right(reading, file)))
}

fn put_right(reading: &Reading<'_>, file: &RotatedKey) -> Result<()> {
    let live = virtual_keys::find_hash(reading, file.token.id())? == Some(file.token.secret_hash());
    match (live, file.is_staged) {
        (true, true) => file.publish(),
        (true, false) => Ok(()),
        (false, _) => file.remove(),
    }
}
