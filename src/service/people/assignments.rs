//! Assigning access profiles to users, and taking them away again.

use std::collections::HashMap;

use jiff::Timestamp;

use super::copies::ReadCopies;
use super::holdings::{give, take_expired, take_one};
use crate::domain::audit::Actor;
use crate::domain::credential::revocation::Taken;
use crate::domain::event::Event;
use crate::domain::limits::budget_override::BudgetOverride;
use crate::domain::people::holding::{AssignmentInput, Source, UserAccessProfile};
use crate::domain::people::user_copy::UserCopy;
use crate::domain::validator::IfMatch;
use crate::error::{Error, Result};
use crate::service::once;
use crate::service::once::SealedOnce;
use crate::service::virtual_keys::IssuedKey;
use crate::service::{Services, revocations};
use crate::store::idempotency::StoredAnswer;
use crate::store::people::{budget_overrides, user_access_profiles, users};
use crate::store::{Reading, WorkInTurn, access_profiles};

/// A copy that was just given.
pub struct Assigned {
    /// As it is stored.
    pub row: UserAccessProfile,
    /// As it is shown.
    pub copy: UserCopy,
    /// The managed key that came with it.
    pub issued: IssuedKey,
}

/// Gives a user a copy of a profile. `render` writes the answer, which holds the secret of the key; with an idempotency key it is
/// stored under a seal.
///
/// # Errors
/// [`Error::NotFound`] when there is no such user or profile, [`Error::Invalid`] when the copy would be over already, and
/// [`Error::Conflict`] when the profile is inactive or the user holds it, unless the time of that copy is over; see also [`once::run_sealed`].
pub fn assign(
    services: &Services,
    actor: Actor,
    user_id: i64,
    input: AssignmentInput,
    sealed: Option<SealedOnce>,
    render: impl FnOnce(&Assigned) -> Result<StoredAnswer> + Send + 'static,
) -> Result<StoredAnswer> {
    let zone = services.time_zone.clone();
    services.change(actor, move |work| {
        once::run_sealed(work, sealed, |work| {
            let now = work.now();
            input.check_expiry(now)?;
            let user = users::get(work, user_id)?;
            let id = input.access_profile_id;
            let found = access_profiles::get_current(work, id);
            let profile = found
                .map_err(|error| error.named_at("access_profile_id"))?
                .profile()?;
            let replaced = take_expired(work, user_id, id)?;
            let (copy_id, issued) = give(work, &user, &profile, Source::Direct, input.expires_at)?;
            work.record(Event::CopyAssigned {
                user_id,
                access_profile_id: id,
                copy_id,
                template_version: profile.version,
                expires_at: input.expires_at,
                virtual_key: issued.key.public_id.clone(),
                replaced,
            });
            let row = user_access_profiles::get(work, user_id, id)?;
            // Nothing is used of a new copy.
            let read = ReadCopies::read(work, vec![row.clone()])?;
            let copy = one(read.shown(&HashMap::new(), &zone, now)?)?;
            render(&Assigned { row, copy, issued })
        })
    })
}

/// Takes a profile away from a user, with the keys that were issued under it; answers their names. They are refused from the moment
/// this returns, also when that can't be stored ([`revocations`]).
///
/// # Errors
/// [`Error::NotFound`] when the user does not hold it, [`Error::Stale`].
pub fn unassign(
    services: &Services,
    actor: Actor,
    user_id: i64,
    access_profile_id: i64,
    if_match: IfMatch,
) -> Result<Vec<String>> {
    let (who, known) = (actor.clone(), if_match.clone());
    let taken = Taken::Copy {
        user_id,
        access_profile_id,
    };
    let outcome = services.change(actor, move |work| {
        held_as(work, user_id, access_profile_id, &if_match)?;
        unassign_in(work, user_id, access_profile_id)
    });
    revocations::or_keep(services, outcome, who, |reading| {
        held_as(reading, user_id, access_profile_id, &known)?;
        Ok(Some(taken))
    })
}

/// The copy that a user holds, if it is as the caller knows it.
fn held_as(
    reading: &Reading<'_>,
    user_id: i64,
    access_profile_id: i64,
    if_match: &IfMatch,
) -> Result<()> {
    let copy = user_access_profiles::get(reading, user_id, access_profile_id)?;
    let overrides = budget_overrides::list_of_copy(reading, copy.id)?;
    if_match.check(&copy.entity_tag(&overrides, ""))
}

/// Takes a profile away from a user in a work of somebody else.
pub(in crate::service) fn unassign_in(
    work: &mut WorkInTurn<'_>,
    user_id: i64,
    access_profile_id: i64,
) -> Result<Vec<String>> {
    let copy_id = user_access_profiles::get(work, user_id, access_profile_id)?.id;
    let names = take_one(work, user_id, access_profile_id)?;
    work.record(Event::CopyUnassigned {
        user_id,
        access_profile_id,
        copy_id,
        virtual_keys: names.clone(),
    });
    Ok(names)
}

/// A copy that a user holds.
pub struct Held {
    /// As it is stored.
    pub row: UserAccessProfile,
    /// Its overrides.
    pub overrides: Vec<BudgetOverride>,
    /// As it is shown.
    pub copy: UserCopy,
}

impl Held {
    /// Its strong validator, when it is shown as this text.
    pub fn entity_tag(&self, shown: &str) -> String {
        self.row.entity_tag(&self.overrides, shown)
    }
}

/// A copy that a user holds, as it is stored and as it is shown.
///
/// # Errors
/// [`Error::NotFound`] when the user does not hold it.
pub fn show(
    services: &Services,
    user_id: i64,
    access_profile_id: i64,
    now: Timestamp,
) -> Result<Held> {
    let (row, read) = services.store.read(|reading| {
        let row = user_access_profiles::get(reading, user_id, access_profile_id)?;
        Ok((row.clone(), ReadCopies::read(reading, vec![row])?))
    })?;
    Ok(Held {
        overrides: read.overrides_of(row.id).to_vec(),
        copy: one(read.with_counters(services, now)?)?,
        row,
    })
}

fn one(copies: Vec<UserCopy>) -> Result<UserCopy> {
    let first = copies.into_iter().next();
    first.ok_or_else(|| Error::internal("showing a copy", "it was not read"))
}
