//! Where backups go, what they are encrypted with, and what is known of the last ones.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use crate::domain::backup::state::BackupState;
use crate::domain::settings::BackupSettings;
use crate::error::{Error, Result};
use crate::store::backups::encryption::Lock;
use crate::store::backups::folder::BackupFolder;
use crate::store::backups::halt::Halt;
use crate::store::directory::DataDirectory;
use crate::store::directory::files::BACKUP_STATE;
use crate::store::directory::private::{self, Rule};

/// Largest file with what is known, in bytes.
const MAX_STATE: u64 = 64 * 1024;

/// Where backups go, and what is known of them.
pub struct Backups {
    pub(super) folder: BackupFolder,
    pub(super) lock: Option<Lock>,
    every: Option<Duration>,
    pub(super) keep: usize,
    /// Who works on one.
    turn: Mutex<()>,
    state: Mutex<BackupState>,
    pub(super) halt: Halt,
}

impl Backups {
    /// Backups as the settings have them.
    ///
    /// # Errors
    /// [`Error::Refused`] when the settings are wrong.
    pub fn open(directory: &DataDirectory, settings: &BackupSettings) -> Result<Self> {
        let state = known_backups(directory.root());
        Ok(Self {
            folder: BackupFolder::find(directory, settings.directory.as_deref())?,
            lock: Lock::of(settings)?,
            every: settings.interval(),
            keep: settings.keep,
            turn: Mutex::default(),
            state: Mutex::new(state),
            halt: Halt::default(),
        })
    }

    /// What became of the last ones.
    pub fn state(&self) -> BackupState {
        self.known().clone()
    }

    /// Where they are.
    pub fn folder(&self) -> &BackupFolder {
        &self.folder
    }

    /// Whether they are encrypted here.
    pub fn are_encrypted(&self) -> bool {
        self.lock.is_some()
    }

    /// How often one is made; never when there is none.
    pub fn every(&self) -> Option<Duration> {
        self.every
    }

    /// Has what is under way end soon.
    pub fn end(&self) {
        self.halt.call();
    }

    /// The same, and waits for it.
    pub fn stop(&self) {
        self.end();
        drop(self.turn.lock());
    }

    fn known(&self) -> MutexGuard<'_, BackupState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The turn to work on one.
    pub(super) fn turn(&self) -> Result<MutexGuard<'_, ()>> {
        match self.turn.try_lock() {
            Ok(turn) => Ok(turn),
            Err(TryLockError::Poisoned(turn)) => Ok(turn.into_inner()),
            Err(TryLockError::WouldBlock) => Err(Error::conflict(
                "backup_under_way",
                "",
                "another backup is made or tried out right now; wait for it",
            )),
        }
    }

    /// Notes what became of one, also for after a restart.
    pub(super) fn note(&self, directory: &DataDirectory, change: impl FnOnce(&mut BackupState)) {
        let mut state = self.known();
        change(&mut state);
        let written = serde_json::to_vec_pretty(&*state)
            .map_err(|error| Error::internal("writing down what became of a backup", error))
            .and_then(|text| directory.write_private(&directory.backup_state(), &text));
        if let Err(error) = written {
            log::warn!("what became of a backup is forgotten by a restart: {error}");
        }
    }
}

/// What is known of the backups of a folder. What can't be read is worth no start that is refused.
pub fn known_backups(root: &Path) -> BackupState {
    let path = root.join(BACKUP_STATE);
    let why = match private::read(&path, Rule::Own, MAX_STATE) {
        Ok(None) => return BackupState::default(),
        Ok(Some(bytes)) => match serde_json::from_slice(&bytes) {
            Ok(state) => return state,
            Err(error) => format!("{} is not as it was written: {error}", path.display()),
        },
        Err(error) => error.to_string(),
    };
    log::warn!(
        "nothing is known of earlier backups: {why}; remove {}, and the next backup writes it anew",
        path.display()
    );
    BackupState::default()
}
