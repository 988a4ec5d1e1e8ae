//! Working out the next version of an access profile before the writer thread is asked for it.
//!
//! Reading, checking and writing a large policy takes milliseconds, and the writer thread is the one place where everybody waits.
//! So a change is worked out on a reader's view first, and the transaction only makes sure that it still stands on what is
//! current; if not, it is worked out again there.

use crate::domain::access_profile::AccessProfile;
use crate::domain::access_profile_change::NextId;
use crate::domain::audit::NamedVersions;
use crate::error::Result;
use crate::store::access_profile_versions::NewVersion;
use crate::store::access_profiles::{self, Snapshot};
use crate::store::{Reading, Writing, sequences};

/// What makes the next version of a profile out of the current one; nothing when it changes nothing. May be asked twice.
pub trait Change:
    Fn(&Reading<'_>, &AccessProfile, NextId<'_>) -> Result<Option<AccessProfile>>
    + Send
    + Sync
    + 'static
{
}

impl<F> Change for F where
    F: Fn(&Reading<'_>, &AccessProfile, NextId<'_>) -> Result<Option<AccessProfile>>
        + Send
        + Sync
        + 'static
{
}

/// The next version of a profile, and what it stands on.
pub struct Draft {
    base: Snapshot,
    first_part: i64,
    next_part: i64,
    next: Option<Next>,
}

/// A new version, ready to be stored.
pub struct Next {
    /// What is stored of it.
    pub version: NewVersion,
    /// What the audit log calls it, and the version before it, by.
    pub named: NamedVersions,
}

impl Draft {
    /// Works a change out on what `reading` sees.
    ///
    /// # Errors
    /// [`crate::error::Error::NotFound`], or what `change` answers.
    pub fn work_out(reading: &Reading<'_>, id: i64, change: &impl Change) -> Result<Self> {
        let base = access_profiles::get_current(reading, id)?;
        let first_part = sequences::next_policy_part(reading)?;
        let mut next_part = first_part;
        let mut next_id = || {
            next_part += 1;
            next_part - 1
        };
        let next = match change(reading, &base.profile()?, &mut next_id)? {
            None => None,
            Some(profile) => {
                let version = NewVersion::of(&profile)?;
                let named = NamedVersions {
                    previous: Some(base.named()),
                    new: Some(version.named),
                };
                Some(Next { version, named })
            }
        };
        Ok(Self {
            base,
            first_part,
            next_part,
            next,
        })
    }

    /// Whether it stands on what is current in the transaction, and the numbers it uses are free.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn stands(&self, writing: &Writing<'_>) -> Result<bool> {
        if self.next_part > self.first_part
            && sequences::next_policy_part(writing)? != self.first_part
        {
            return Ok(false);
        }
        access_profiles::is_current(writing, &self.base)
    }

    /// What it stands on.
    pub fn base(&self) -> &Snapshot {
        &self.base
    }

    /// What it stands on, and the next version unless the change changes nothing.
    pub fn into_parts(self) -> (Snapshot, Option<Next>) {
        (self.base, self.next)
    }

    /// Takes the numbers that it uses.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn take_parts(&self, writing: &Writing<'_>) -> Result<()> {
        if self.next_part > self.first_part {
            sequences::take_policy_parts(writing, self.next_part)?;
        }
        Ok(())
    }
}
