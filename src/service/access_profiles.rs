//! Writes of access profiles: each is one transaction with the row, the version's snapshot and the audit entry.

use jiff::Timestamp;

use super::{Services, once};
use crate::domain::access_profile::AccessProfile;
use crate::domain::access_profile_input::AccessProfileInput;
use crate::domain::access_profile_versions::{CloneInput, changed_fields};
use crate::domain::audit::{Actor, NewAuditEntry};
use crate::domain::idempotency::{Once, StoredAnswer};
use crate::domain::validator::IfMatch;
use crate::error::Result;
use crate::store::access_profiles::{self, Snapshot};
use crate::store::{Writing, access_profile_versions, audit, sequences};

/// Creates a profile. `render` puts the answer together inside the transaction, so that it can be stored with it.
///
/// # Errors
/// [`crate::error::Error::Conflict`] when the name is taken; see also [`once::run`].
pub fn create(
    services: &Services,
    actor: Actor,
    input: AccessProfileInput,
    once: Option<Once>,
    render: impl FnOnce(&Snapshot) -> StoredAnswer + Send + 'static,
) -> Result<StoredAnswer> {
    let now = services.clock.now();
    services.store.write(move |writing| {
        once::run(writing, once.as_ref(), now, || {
            Ok(render(&insert(
                writing,
                actor,
                input,
                "access_profile.create",
                now,
            )?))
        })
    })
}

/// Creates a profile with the policy of another one: fresh ids, no roles, no holders.
///
/// # Errors
/// [`crate::error::Error::NotFound`]; [`crate::error::Error::Conflict`] when the name is taken; see also [`once::run`].
pub fn clone(
    services: &Services,
    actor: Actor,
    id: i64,
    input: CloneInput,
    once: Option<Once>,
    render: impl FnOnce(&Snapshot) -> StoredAnswer + Send + 'static,
) -> Result<StoredAnswer> {
    let now = services.clock.now();
    services.store.write(move |writing| {
        once::run(writing, once.as_ref(), now, || {
            let original = access_profiles::get_current(writing, id)?.profile()?;
            let input = original.as_input(input.name, input.description);
            Ok(render(&insert(
                writing,
                actor,
                input,
                "access_profile.clone",
                now,
            )?))
        })
    })
}

fn insert(
    writing: &Writing<'_>,
    actor: Actor,
    input: AccessProfileInput,
    action: &'static str,
    now: Timestamp,
) -> Result<Snapshot> {
    let id = access_profiles::next_id(writing)?;
    let profile =
        sequences::with_policy_parts(writing, |next| AccessProfile::create(id, input, next, now))?;
    let json = access_profiles::insert(writing, &profile, &actor.name)?;
    let entry = entry(actor, action, id, None, Some(json.clone()));
    audit::append(writing, now, &entry)?;
    Ok(Snapshot {
        id,
        version: profile.version,
        json,
    })
}

/// Changes the sent fields of a profile.
///
/// # Errors
/// [`crate::error::Error::NotFound`], [`crate::error::Error::Stale`], [`crate::error::Error::Invalid`], and
/// [`crate::error::Error::Conflict`] when the name is taken.
pub fn update(
    services: &Services,
    actor: Actor,
    id: i64,
    input: AccessProfileInput,
    if_match: IfMatch,
) -> Result<Snapshot> {
    let now = services.clock.now();
    services.store.write(move |writing| {
        replace(
            writing,
            actor,
            id,
            &if_match,
            "access_profile.update",
            now,
            |profile| {
                sequences::with_policy_parts(writing, |next| profile.change(input, next, now))
            },
        )
    })
}

/// Activates or deactivates a profile; does nothing when it is so already.
///
/// # Errors
/// [`crate::error::Error::NotFound`], [`crate::error::Error::Stale`].
pub fn set_active(
    services: &Services,
    actor: Actor,
    id: i64,
    active: bool,
    if_match: IfMatch,
) -> Result<Snapshot> {
    let now = services.clock.now();
    let action = if active {
        "access_profile.activate"
    } else {
        "access_profile.deactivate"
    };
    services.store.write(move |writing| {
        replace(writing, actor, id, &if_match, action, now, |profile| {
            Ok(profile.activated(active, now))
        })
    })
}

/// Brings back the content of an earlier version as a new one.
///
/// # Errors
/// [`crate::error::Error::NotFound`], [`crate::error::Error::Stale`], [`crate::error::Error::ConflictingContent`], and
/// [`crate::error::Error::Conflict`] when the name is taken; see also [`once::run`].
pub fn restore(
    services: &Services,
    actor: Actor,
    place: (i64, i64),
    if_match: IfMatch,
    once: Option<Once>,
    render: impl FnOnce(&Snapshot) -> StoredAnswer + Send + 'static,
) -> Result<StoredAnswer> {
    let now = services.clock.now();
    let (id, number) = place;
    services.store.write(move |writing| {
        once::run(writing, once.as_ref(), now, || {
            let version = access_profile_versions::get(writing, id, number)?;
            let snapshot = replace(
                writing,
                actor,
                id,
                &if_match,
                "access_profile.restore",
                now,
                |profile| profile.restored(&version.snapshot, now),
            )?;
            Ok(render(&snapshot))
        })
    })
}

/// Puts the next version in place of the current one; a change that changes nothing writes nothing.
fn replace(
    writing: &Writing<'_>,
    actor: Actor,
    id: i64,
    if_match: &IfMatch,
    action: &'static str,
    now: Timestamp,
    change: impl FnOnce(&AccessProfile) -> Result<Option<AccessProfile>>,
) -> Result<Snapshot> {
    let current = access_profiles::get_current(writing, id)?;
    if_match.check(&current.entity_tag())?;
    let Some(next) = change(&current.profile()?)? else {
        return Ok(current);
    };
    let json = access_profiles::update(writing, &next, &actor.name)?;
    let (previous, new) = changed_fields(&current.json, &json)?;
    let entry = entry(
        actor,
        action,
        id,
        Some(previous.to_string()),
        Some(new.to_string()),
    );
    audit::append(writing, now, &entry)?;
    Ok(Snapshot {
        id,
        version: next.version,
        json,
    })
}

/// Deletes a profile with its versions; its audit entries stay. Answers its name.
///
/// # Errors
/// [`crate::error::Error::NotFound`], [`crate::error::Error::Stale`].
pub fn delete(services: &Services, actor: Actor, id: i64, if_match: IfMatch) -> Result<String> {
    let now = services.clock.now();
    services.store.write(move |writing| {
        let current = access_profiles::get_current(writing, id)?;
        if_match.check(&current.entity_tag())?;
        access_profiles::delete(writing, id)?;
        let name = current.profile()?.name;
        audit::append(
            writing,
            now,
            &entry(actor, "access_profile.delete", id, Some(current.json), None),
        )?;
        Ok(name)
    })
}

fn entry(
    actor: Actor,
    action: &'static str,
    id: i64,
    previous_value: Option<String>,
    new_value: Option<String>,
) -> NewAuditEntry {
    NewAuditEntry {
        actor,
        action: action.into(),
        subject_kind: "access_profile".into(),
        subject_id: id.to_string(),
        access_profile_id: Some(id),
        user_id: None,
        previous_value,
        new_value,
    }
}
