//! Working out the next version of an access profile before the writer thread is asked for it.
//!
//! Reading, checking and writing a large policy takes milliseconds, and the writer thread is the one place where everybody waits.
//! So a change is worked out on a reader's view first, and the transaction only makes sure that it still stands on what is
//! current; if not, it is worked out again there.

use std::sync::{Arc, OnceLock};

use super::Services;
use super::recent_profiles::RecentProfiles;
use crate::domain::access_profile::AccessProfile;
use crate::domain::access_profile_change::NextId;
use crate::error::Result;
use crate::store::access_profile_versions::WholeVersion;
use crate::store::packed_versions::Packed;
use crate::store::{Occasion, Reading, Work, access_profiles, sequences};

/// What makes the next version of a profile out of the current one; nothing when it changes nothing. May be asked twice.
pub trait ProfileChange:
    Fn(&Reading<'_>, &AccessProfile, NextId<'_>) -> Result<Option<AccessProfile>>
    + Send
    + Sync
    + 'static
{
}

impl<F> ProfileChange for F where
    F: Fn(&Reading<'_>, &AccessProfile, NextId<'_>) -> Result<Option<AccessProfile>>
        + Send
        + Sync
        + 'static
{
}

/// The next version of a profile, and what it stands on.
pub struct Draft {
    /// What it stands on.
    pub base: Arc<WholeVersion>,
    /// The next version, unless the change changes nothing.
    pub next: Option<Arc<WholeVersion>>,
    /// What it stands on as it is kept when there is a next one.
    pub packed: Option<Packed>,
    first_part: i64,
    next_part: i64,
}

impl Draft {
    /// Works a change out on what `reading` sees.
    ///
    /// # Errors
    /// [`crate::error::Error::NotFound`], or what `change` answers.
    pub fn work_out(
        reading: &Reading<'_>,
        recent: &RecentProfiles,
        id: i64,
        change: &impl ProfileChange,
    ) -> Result<Self> {
        let base = match recent.find(id) {
            Some(known) if access_profiles::is_current(reading, &known.snapshot)? => known,
            _ => {
                let current = access_profiles::get_current(reading, id)?;
                Arc::new(WholeVersion::read(current)?)
            }
        };
        let first_part = sequences::next_policy_part(reading)?;
        let mut next_part = first_part;
        let mut next_id = || {
            next_part += 1;
            next_part - 1
        };
        let next = change(reading, &base.profile, &mut next_id)?;
        let next = next.map(WholeVersion::of).transpose()?.map(Arc::new);
        let packed = match &next {
            Some(_) => base.snapshot.packed(reading)?,
            None => None,
        };
        Ok(Self {
            base,
            next,
            packed,
            first_part,
            next_part,
        })
    }

    /// Whether it stands on what is current in the transaction, and the numbers it uses are free.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn stands(&self, reading: &Reading<'_>) -> Result<bool> {
        if self.next_part > self.first_part
            && sequences::next_policy_part(reading)? != self.first_part
        {
            return Ok(false);
        }
        access_profiles::is_current(reading, &self.base.snapshot)
    }

    /// Takes the numbers that it uses.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn take_parts(&self, work: &Work<'_>) -> Result<()> {
        if self.next_part > self.first_part {
            sequences::take_policy_parts(work, self.next_part)?;
        }
        Ok(())
    }
}

/// How the next version of a profile comes about: what was worked out ahead, if anything, and how to work it out again.
pub(super) struct Drafting<C> {
    pub(super) ahead: Option<Draft>,
    pub(super) change: C,
    pub(super) recent: Arc<RecentProfiles>,
    /// What the profile is after the write.
    pub(super) outcome: OnceLock<Arc<WholeVersion>>,
}

/// Works a change out before the writer thread is asked, when it is this profile's turn. What stands against it now may be gone in
/// the transaction, or the answer may be an earlier one: so nothing is refused here, but worked out again there.
pub(super) fn in_turn<C: ProfileChange, T: Send + 'static>(
    services: &Services,
    occasion: Occasion,
    id: i64,
    change: C,
    write: impl FnOnce(&mut Work<'_>, &Drafting<C>) -> Result<T> + Send + 'static,
) -> Result<T> {
    let _turn = services.profile_turns.wait(id);
    let recent = &services.recent_profiles;
    let work_out = |reading: &Reading<'_>| Draft::work_out(reading, recent, id, &change);
    // It holds whole policies: they are freed here, where they were made, and not by the writer thread.
    let drafting = Arc::new(Drafting {
        ahead: services.store.read(work_out).ok(),
        change,
        recent: Arc::clone(recent),
        outcome: OnceLock::new(),
    });
    let lent = Arc::clone(&drafting);
    let answer = services.write_on(occasion, move |work| write(work, &lent))?;
    if let Some(version) = drafting.outcome.get() {
        recent.keep(Arc::clone(version));
    }
    Ok(answer)
}
