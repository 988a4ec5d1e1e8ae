//! The key that entries are written with. It lies in a file beside the database, and is another one when a chain is begun anew.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::notes;
use crate::domain::audit::{ChainKey, MAC_LENGTH};
use crate::error::{Error, Result};
use crate::store::directory::private::{self, Rule};
use crate::store::directory::{DataDirectory, MAX_KEY_FILE};
use crate::store::sql::Reading;

/// Whoever has the key of the chain.
pub struct ChainKeeper(Mutex<KeptKey>);

/// A key, and whether there is a file with it.
#[derive(Clone)]
pub(super) struct KeptKey {
    pub key: ChainKey,
    /// The file is gone. Entries are written with a key that nobody will ever know, until a chain is begun anew.
    pub is_lost: bool,
}

impl ChainKeeper {
    /// The keeper of a key that is stored.
    pub(crate) fn of(key: ChainKey) -> Self {
        Self(Mutex::new(KeptKey {
            key,
            is_lost: false,
        }))
    }

    /// The keeper of the key that was found in the directory. One that was put beside it, for a chain that was about to be begun, takes
    /// its place if the log has that chain.
    ///
    /// # Errors
    /// When a file can't be believed or moved.
    pub(crate) fn open(
        directory: &DataDirectory,
        found: Option<ChainKey>,
        reading: &Reading<'_>,
    ) -> Result<Self> {
        let next = read_key(directory, true)?;
        let begun = notes::last_renewal(reading)?;
        match next {
            Some(next) if begun.is_some_and(|begun| begun.key == next.name()) => {
                directory.put_next_audit_key()?;
                return Ok(Self::of(next));
            }
            Some(_) => directory.forget_next_audit_key(),
            None => {}
        }
        if let Some(key) = found {
            return Ok(Self::of(key));
        }
        let kept = KeptKey {
            key: random_key()?,
            is_lost: true,
        };
        Ok(Self(Mutex::new(kept)))
    }

    /// The key.
    pub(crate) fn key(&self) -> ChainKey {
        self.kept().key.clone()
    }

    /// Whether nobody can tell if the log is as it was written.
    pub(crate) fn is_lost(&self) -> bool {
        self.kept().is_lost
    }

    /// The key, and whether it is stored.
    pub(super) fn kept_now(&self) -> KeptKey {
        self.kept().clone()
    }

    /// Puts a key in place of the one before.
    pub(super) fn put(&self, kept: KeptKey) {
        *self.kept() = kept;
    }

    fn kept(&self) -> MutexGuard<'_, KeptKey> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The key in the directory, or the one beside it that is to come next.
///
/// # Errors
/// [`Error::Refused`] when what lies there is no key, or can't be believed.
pub(crate) fn read_key(directory: &DataDirectory, next: bool) -> Result<Option<ChainKey>> {
    let path = if next {
        directory.next_audit_key()
    } else {
        directory.audit_key()
    };
    let Some(found) = private::read(&path, Rule::Own, MAX_KEY_FILE)? else {
        return Ok(None);
    };
    found
        .try_into()
        .map(|key| Some(ChainKey(key)))
        .map_err(|_| {
            Error::refused(format!(
                "{} is not the audit key, which has {MAC_LENGTH} bytes: restore it from a backup",
                path.display()
            ))
        })
}

/// A key that nobody has.
///
/// # Errors
/// When the system gives no randomness.
pub(crate) fn random_key() -> Result<ChainKey> {
    let mut key = [0; MAC_LENGTH];
    getrandom::fill(&mut key).map_err(|error| Error::internal("reading randomness", error))?;
    Ok(ChainKey(key))
}
