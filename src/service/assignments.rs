//! Assigning access profiles to users, and taking them away again.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::copies::ReadCopies;
use super::holdings::{give, take_expired, take_one};
use super::once::{self, SealedOnce};
use super::rotated_keys::{change_holdings, change_holdings_with};
use super::virtual_keys::IssuedKey;
use super::{Services, revocations};
use crate::domain::audit::{Actor, NewAuditEntry};
use crate::domain::budget_override::BudgetOverride;
use crate::domain::holding::{AssignmentInput, Source, UserAccessProfile};
use crate::domain::idempotency::StoredAnswer;
use crate::domain::revocation::Taken;
use crate::domain::user_copy::UserCopy;
use crate::domain::validator::IfMatch;
use crate::error::{Error, Result};
use crate::ledger::Changed;
use crate::store::{
    Needs, Reading, Writing, access_profiles, audit, budget_overrides, user_access_profiles, users,
};

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
    let now = services.clock.now();
    let zone = services.time_zone.clone();
    change_holdings(services, user_id, move |writing, changed| {
        let work = || {
            input.check_expiry(now)?;
            let user = users::get(writing, user_id)?;
            let id = input.access_profile_id;
            let found = access_profiles::get_current(writing, id);
            let profile = found
                .map_err(|error| error.named_at("access_profile_id"))?
                .profile()?;
            changed.users.push(user_id);
            let replaced = take_expired(writing, user_id, id, now)?;
            let (copy_id, issued) = give(
                writing,
                &user,
                &profile,
                Source::Direct,
                input.expires_at,
                now,
            )?;
            let given = json!({
                "user_access_profile_id": copy_id,
                "template_version": profile.version,
                "expires_at": input.expires_at,
                "virtual_key": issued.key.public_id,
            });
            let entry = entry(
                actor,
                "access_profile.assign",
                id,
                user_id,
                (!replaced.is_empty()).then(|| json!({ "virtual_keys": replaced })),
                Some(given),
            );
            audit::append(writing, now, &entry)?;
            let row = user_access_profiles::get(writing, user_id, id)?;
            // Nothing is used of a new copy.
            let read = ReadCopies::read(writing, vec![row.clone()])?;
            let copy = one(read.shown(&HashMap::new(), &zone, now)?)?;
            Ok((render(&Assigned { row, copy, issued })?, ()))
        };
        once::run_sealed(writing, sealed, now, work).map(|(answer, _)| answer)
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
    let now = services.clock.now();
    let (who, known) = (actor.clone(), if_match.clone());
    let taken = Taken::Copy {
        user_id,
        access_profile_id,
    };
    let outcome = change_holdings(services, user_id, move |writing, changed| {
        held_as(writing, user_id, access_profile_id, &if_match)?;
        unassign_in(writing, changed, actor, user_id, access_profile_id, now)
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

fn unassign_in(
    writing: &Writing<'_>,
    changed: &mut Changed,
    actor: Actor,
    user_id: i64,
    access_profile_id: i64,
    now: Timestamp,
) -> Result<Vec<String>> {
    let copy = user_access_profiles::get(writing, user_id, access_profile_id)?;
    changed.users.push(user_id);
    let names = take_one(writing, user_id, access_profile_id)?;
    let taken = json!({ "user_access_profile_id": copy.id, "virtual_keys": names });
    let action = "access_profile.unassign";
    let entry = entry(actor, action, access_profile_id, user_id, Some(taken), None);
    audit::append(writing, now, &entry)?;
    Ok(names)
}

/// Stores that a profile was taken from a user, which could not be stored at `at`.
///
/// # Errors
/// As [`unassign`].
pub(super) fn store_unassigned(
    services: &Services,
    actor: Actor,
    user_id: i64,
    access_profile_id: i64,
    at: Timestamp,
) -> Result<()> {
    let work = move |writing: &Writing<'_>, changed: &mut Changed| {
        unassign_in(writing, changed, actor, user_id, access_profile_id, at)
    };
    change_holdings_with(services, Needs::FIRST, user_id, work).map(drop)
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

/// The audit entry of what happens to the copy of a profile that a user holds.
pub(super) fn entry(
    actor: Actor,
    action: &'static str,
    access_profile_id: i64,
    user_id: i64,
    previous: Option<Value>,
    new: Option<Value>,
) -> NewAuditEntry {
    NewAuditEntry {
        user_id: Some(user_id),
        ..NewAuditEntry::about_profile(actor, action, access_profile_id, previous, new)
    }
}
