//! What whoever owns a data directory restores there ([`super::restoring`] says how).

use std::path::PathBuf;

use jiff::Timestamp;

use super::files::{BEFORE_RESTORE, RESTORED};
use super::restoring;
use super::{DataDirectory, private};
use crate::domain::backup::name::moment;
use crate::domain::backup::restoration::Restoration;
use crate::error::{Error, Result};

impl DataDirectory {
    /// An empty folder for what is to be restored.
    ///
    /// # Errors
    /// [`Error::Refused`] with the path.
    pub fn stage_restore(&self) -> Result<PathBuf> {
        restoring::stage(self.root())
    }

    /// Removes what was staged and is not wanted.
    ///
    /// # Errors
    /// [`Error::Refused`] with the path.
    pub fn give_up_restore(&self) -> Result<()> {
        restoring::give_up(self.root())
    }

    /// A folder that is not there yet, in the data directory, for what is there before a restore of this time.
    pub fn kept_folder(&self, at: Timestamp) -> String {
        let first = format!("{BEFORE_RESTORE}/{}", moment(at));
        let further = (2..).map(|number| format!("{first}-{number}"));
        let mut all = std::iter::once(first.clone()).chain(further);
        let free = all.find(|name| !private::is_there(&self.root().join(name)));
        free.unwrap_or(first)
    }

    /// Swaps what is there for what is staged.
    ///
    /// # Errors
    /// [`Error::Refused`] with what is in the way. If it was decided on by then, the next start carries it to its end.
    pub fn restore(&self, restoration: &Restoration) -> Result<()> {
        restoring::decide(self.root(), restoration)
    }

    /// What the last restore did, until it is forgotten.
    ///
    /// # Errors
    /// [`Error::Refused`] when it can't be read.
    pub fn find_restoration(&self) -> Result<Option<Restoration>> {
        restoring::read(&self.root().join(RESTORED))
    }

    /// Forgets what the last restore did: the audit log has it.
    ///
    /// # Errors
    /// [`Error::Refused`] with the path.
    pub fn forget_restoration(&self) -> Result<()> {
        let path = self.root().join(RESTORED);
        std::fs::remove_file(&path)
            .map_err(|error| Error::refused(format!("can't use {}: {error}", path.display())))
    }
}
