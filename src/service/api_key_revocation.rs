//! Revoking a management API key, and keeping one that may do everything.

use jiff::Timestamp;

use super::api_keys::{end, update_in};
use super::{Services, revocations};
use crate::domain::api_key::{ApiKey, ApiKeyInput};
use crate::domain::audit::Actor;
use crate::domain::permission::PermissionSet;
use crate::domain::revocation::Taken;
use crate::domain::rights::Rights;
use crate::domain::validator::IfMatch;
use crate::error::{Error, Result};
use crate::store::{Needs, Reading, Writing, api_keys};

/// Revokes a key: it is refused from the moment this returns, also when that can't be stored ([`revocations`]).
///
/// # Errors
/// [`Error::NotFound`], [`Error::Stale`]; [`Error::Forbidden`] when the key holds more than the caller, [`Error::Conflict`] when
/// nobody would be left who may do everything.
pub fn revoke(
    services: &Services,
    actor: Actor,
    rights: Rights,
    id: i64,
    if_match: IfMatch,
) -> Result<ApiKey> {
    let now = services.clock.now();
    let (who, known) = (actor.clone(), if_match.clone());
    let outcome = services
        .store
        .write(move |writing| revoke_in(writing, actor, rights, id, &if_match, now));
    let key = revocations::or_keep(services, outcome, who, |reading| {
        let key = api_keys::get(reading, id)?;
        known.check(&key.entity_tag())?;
        rights.may_act_on(&key)?;
        let revoked = ApiKey {
            permissions: PermissionSet::default(),
            ..key.clone()
        };
        refuse_last_all_powerful(services, reading, &key, &revoked)?;
        let public_id = key.public_id;
        Ok(Some(Taken::ApiKey { public_id }))
    })?;
    services.keyring.forget(&key.public_id);
    Ok(key)
}

fn revoke_in(
    writing: &Writing<'_>,
    actor: Actor,
    rights: Rights,
    id: i64,
    if_match: &IfMatch,
    now: Timestamp,
) -> Result<ApiKey> {
    let key = api_keys::get(writing, id)?;
    if_match.check(&key.entity_tag())?;
    rights.may_act_on(&key)?;
    end(writing, actor, &key, now)?;
    keep_one_all_powerful(writing, &key)?;
    Ok(key)
}

/// Stores what was taken from a key at `at` and could not be stored then.
///
/// # Errors
/// As [`revoke`] and [`super::api_keys::update`].
pub(super) fn store_taken(
    services: &Services,
    actor: Actor,
    public_id: String,
    left: Option<(PermissionSet, Option<Timestamp>)>,
    at: Timestamp,
) -> Result<()> {
    services.store.write_with(Needs::FIRST, move |writing| {
        let key = api_keys::get_public(writing, &public_id)?;
        let unconditional = IfMatch::Unconditional;
        // Whether that was allowed was found out then.
        let rights = Rights {
            permissions: PermissionSet::ALL,
            expires_at: None,
        };
        let Some((permissions, expires_at)) = left else {
            return revoke_in(writing, actor, rights, key.id, &unconditional, at).map(drop);
        };
        let left = key.narrowed(permissions, expires_at);
        let input = ApiKeyInput {
            permissions: Some(left.permissions),
            expires_at: Some(left.expires_at),
            ..ApiKeyInput::default()
        };
        update_in(writing, actor, rights, key.id, input, &unconditional, at).map(drop)
    })
}

/// After a change of `before`: there must still be a key that may do everything and never expires.
pub(super) fn keep_one_all_powerful(writing: &Writing<'_>, before: &ApiKey) -> Result<()> {
    if !before.is_all_powerful() || !api_keys::list_all_powerful(writing)?.is_empty() {
        return Ok(());
    }
    Err(last_all_powerful(before))
}

/// The same for a change that can't be stored yet, beside others that can't.
pub(super) fn refuse_last_all_powerful(
    services: &Services,
    reading: &Reading<'_>,
    before: &ApiKey,
    after: &ApiKey,
) -> Result<()> {
    if !before.is_all_powerful() || after.is_all_powerful() {
        return Ok(());
    }
    let mut others = api_keys::list_all_powerful(reading)?;
    others.retain(|id| *id != before.public_id && !services.keyring.is_less_than_stored(id));
    if others.is_empty() {
        return Err(last_all_powerful(before));
    }
    Ok(())
}

fn last_all_powerful(key: &ApiKey) -> Error {
    Error::conflict(
        "last_all_powerful_key",
        "",
        format!(
            "{:?} is the last key that holds every permission and does not expire; make another such key first",
            key.name
        ),
    )
}
