//! Deleting a virtual key, and storing later what could not be stored when a key ended.

use jiff::Timestamp;

use super::virtual_keys::{note, update_in};
use super::{Services, revocations, rotated_keys};
use crate::domain::audit::Actor;
use crate::domain::revocation::Taken;
use crate::domain::validator::IfMatch;
use crate::domain::virtual_key::{VirtualKey, VirtualKeyInput};
use crate::error::{Error, Result};
use crate::ledger::Changed;
use crate::store::{Needs, Reading, Writing, users, virtual_keys};

/// Deletes a key of a user, managed or not: it is refused from the moment this returns, also when that can't be stored
/// ([`revocations`]).
///
/// # Errors
/// [`Error::NotFound`] when there is no such user or the user has no such key, [`Error::Stale`].
pub fn delete(
    services: &Services,
    actor: Actor,
    user_id: i64,
    public_id: String,
    if_match: IfMatch,
) -> Result<VirtualKey> {
    let now = services.clock.now();
    let (who, key_id, known) = (actor.clone(), public_id.clone(), if_match.clone());
    let outcome = services.ledger.change(move |writing, changed| {
        delete_in(writing, changed, actor, user_id, &public_id, &if_match, now)
    });
    let deleted = revocations::or_keep(services, outcome, who, |reading| {
        let key = of_user(reading, user_id, &key_id)?;
        known.check(&key.entity_tag(now))?;
        let public_id = key_id;
        Ok(Some(Taken::VirtualKey { user_id, public_id }))
    })?;
    rotated_keys::forget(services, &deleted.public_id);
    Ok(deleted)
}

fn delete_in(
    writing: &Writing<'_>,
    changed: &mut Changed,
    actor: Actor,
    user_id: i64,
    public_id: &str,
    if_match: &IfMatch,
    now: Timestamp,
) -> Result<VirtualKey> {
    let key = of_user(writing, user_id, public_id)?;
    if_match.check(&key.entity_tag(now))?;
    changed.users.push(user_id);
    virtual_keys::delete(writing, key.id)?;
    note(writing, now, actor, "virtual_key.delete", Some(&key), None)?;
    Ok(key)
}

/// A key of a user.
fn of_user(reading: &Reading<'_>, user_id: i64, public_id: &str) -> Result<VirtualKey> {
    users::get(reading, user_id)?;
    let key = virtual_keys::get_public(reading, public_id)?;
    if key.user_id == user_id {
        Ok(key)
    } else {
        Err(Error::not_found("virtual key", public_id))
    }
}

/// Stores that a key was deleted, which could not be stored at `at`.
///
/// # Errors
/// As [`delete`].
pub(super) fn store_deleted(
    services: &Services,
    actor: Actor,
    user_id: i64,
    public_id: String,
    at: Timestamp,
) -> Result<()> {
    let deleted = services
        .ledger
        .change_with(Needs::FIRST, move |writing, changed| {
            let any = IfMatch::Unconditional;
            delete_in(writing, changed, actor, user_id, &public_id, &any, at)
        })?;
    rotated_keys::forget(services, &deleted.public_id);
    Ok(())
}

/// Stores that a key ends sooner, which could not be stored at `at`.
///
/// # Errors
/// As [`super::virtual_keys::update`].
pub(super) fn store_expiry(
    services: &Services,
    actor: Actor,
    public_id: String,
    expires_at: Timestamp,
    at: Timestamp,
) -> Result<()> {
    services
        .ledger
        .change_with(Needs::FIRST, move |writing, changed| {
            let mut input = VirtualKeyInput::default();
            input.expires_at = Some(Some(expires_at));
            let any = IfMatch::Unconditional;
            update_in(writing, changed, actor, &public_id, input, &any, at).map(drop)
        })
}
