//! Writes of management API keys. Whatever takes rights away takes them before it answers.

pub mod first_start;
pub mod key_uses;
pub mod keyring;
pub mod revocation;

use jiff::Timestamp;

use self::revocation::{keep_one_all_powerful, refuse_last_all_powerful};
use super::once::SealedOnce;
use super::virtual_keys::tokens::{
    Rotation, check_earlier, grace_ends, random_successor, random_token,
};
use super::{Services, once, revocations};
use crate::domain::api_key::rights::Rights;
use crate::domain::api_key::{ApiKey, ApiKeyInput, ApiKeySettings};
use crate::domain::audit::Actor;
use crate::domain::credential::revocation::Taken;
use crate::domain::credential::{Kind, Token};
use crate::domain::validator::IfMatch;
use crate::error::{Error, Result};
use crate::store::api_keys::secrets;
use crate::store::idempotency::StoredAnswer;
use crate::store::{Reading, Work, api_keys};

/// Makes a key. `rights` are the caller's: nobody gives away more than that. `render` writes the answer, which holds
/// the secret; with an idempotency key it is stored under a seal.
///
/// # Errors
/// [`Error::Forbidden`] and [`Error::BeyondOwnExpiry`] when the request goes beyond `rights`, [`Error::Conflict`] when the name is taken; see also [`once::run`].
pub fn create(
    services: &Services,
    actor: Actor,
    rights: Rights,
    input: ApiKeyInput,
    sealed: Option<SealedOnce>,
    render: Render,
) -> Result<String> {
    // An answer that was given before is given again, whatever time it is now.
    let in_time = input.check_expiry(None, services.clock.now());
    let settings = ApiKeySettings {
        name: input.name.unwrap_or_default(),
        description: input.description.unwrap_or_default(),
        permissions: input.permissions.unwrap_or_default(),
        expires_at: input.expires_at.flatten(),
    };
    rights.may_grant(settings.permissions)?;
    rights.may_last(settings.expires_at)?;
    let token = random_token(Kind::Management)?;
    let new = services.keyring.prepare(&token, settings)?;
    let secret = token.clone();
    services.write_secret(actor, &token, move |work| {
        run_sealed(work, sealed, |work| {
            in_time?;
            let key = api_keys::insert(work, &new)?;
            Ok((render(&key, &secret)?, key))
        })
    })
}

/// How the answer that shows a key and its new secret is written.
pub type Render = fn(&ApiKey, &Token) -> Result<String>;

/// Like [`once::run_sealed`], for the body of an answer alone; answers also the key that was made, unless the answer is an earlier one.
fn run_sealed(
    work: &mut Work<'_>,
    sealed: Option<SealedOnce>,
    effect: impl FnOnce(&mut Work<'_>) -> Result<(String, ApiKey)>,
) -> Result<(String, Option<ApiKey>)> {
    let mut made = None;
    let answer = once::run_sealed(work, sealed, |work| {
        let (body, key) = effect(work)?;
        made = Some(key);
        Ok(StoredAnswer::ok(body))
    })?;
    Ok((answer.body, made))
}

/// Changes the sent settings of a key; a change that changes nothing writes nothing.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Stale`], [`Error::Invalid`], [`Error::Forbidden`] when the key holds more than the
/// caller, or would then, [`Error::BeyondOwnExpiry`] when its rights would outlive the caller's, and
/// [`Error::Conflict`] when the name is taken or nobody would be left who may do everything.
pub fn update(
    services: &Services,
    actor: Actor,
    rights: Rights,
    id: i64,
    input: ApiKeyInput,
    if_match: IfMatch,
) -> Result<ApiKey> {
    let (who, asked, known) = (actor.clone(), input.clone(), if_match.clone());
    let outcome = services.write(actor, move |work| {
        update_in(work, rights, id, input, &if_match)
    });
    revocations::or_keep(services, outcome, who, |reading| {
        let now = services.clock.now();
        let (before, changed) = changed(reading, rights, id, asked, &known, now)?;
        let left = before.narrowed(changed.permissions, changed.expires_at);
        refuse_last_all_powerful(services, reading, &before, &left)?;
        let takes = left.permissions != before.permissions || left.expires_at != before.expires_at;
        Ok(takes.then_some(Taken::ApiKeyRights {
            public_id: left.public_id,
            permissions: left.permissions,
            expires_at: left.expires_at,
        }))
    })
}

/// A key as it is, and as it is to be.
fn changed(
    reading: &Reading<'_>,
    rights: Rights,
    id: i64,
    input: ApiKeyInput,
    if_match: &IfMatch,
    now: Timestamp,
) -> Result<(ApiKey, ApiKey)> {
    let before = api_keys::get(reading, id)?;
    // First, for the answer shows the key: also to narrow or to rename it, as who could narrow a stronger key could then rotate it, and act
    // in its name.
    rights.may_act_on(&before)?;
    if_match.check(&before.entity_tag())?;
    input.check_expiry(before.expires_at, now)?;
    let changed = ApiKey {
        name: input.name.unwrap_or_else(|| before.name.clone()),
        description: input
            .description
            .unwrap_or_else(|| before.description.clone()),
        permissions: input.permissions.map_or(before.permissions, |sent| {
            sent.in_place_of(before.permissions)
        }),
        expires_at: input.expires_at.unwrap_or(before.expires_at),
        ..before.clone()
    };
    if changed == before {
        return Ok((before, changed));
    }
    rights.may_grant(changed.permissions)?;
    let gains = !before.permissions.includes(changed.permissions);
    if gains || outlives(&changed, &before) {
        rights.may_last(changed.expires_at)?;
    }
    Ok((before, changed))
}

/// Changes a key as [`update`] does, in a work of somebody else.
pub(in crate::service) fn update_in(
    work: &mut Work<'_>,
    rights: Rights,
    id: i64,
    input: ApiKeyInput,
    if_match: &IfMatch,
) -> Result<ApiKey> {
    let (before, changed) = changed(work, rights, id, input, if_match, work.now())?;
    if changed == before {
        return Ok(before);
    }
    let after = api_keys::update(work, before.clone(), &changed)?;
    keep_one_all_powerful(work, &before)?;
    Ok(after)
}

/// Whether a key would work longer than before: that gives its rights away anew.
fn outlives(changed: &ApiKey, before: &ApiKey) -> bool {
    match (changed.expires_at, before.expires_at) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(new), Some(old)) => new > old,
    }
}

/// Gives a key a new secret; the old one works for `grace_seconds` more, and each older one until its own end. `rights` are the caller's, who
/// gets hold of all that the key may do, for as long as it works.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Stale`], [`Error::Forbidden`] when the key holds more than the caller and
/// [`Error::BeyondOwnExpiry`] when it works longer; see also [`once::run`].
pub fn rotate(
    services: &Services,
    actor: Actor,
    rights: Rights,
    rotation: Rotation<i64>,
    sealed: Option<SealedOnce>,
    render: Render,
) -> Result<String> {
    let Rotation {
        key: id,
        grace_seconds,
        if_match,
    } = rotation;
    let (public_id, salt) = services.store.read(|reading| {
        let key = api_keys::get(reading, id)?;
        rights.may_rotate(&key)?;
        let secret = secrets::find_secret(reading, &key.public_id)?
            .ok_or_else(|| Error::not_found("API key", id))?;
        Ok((key.public_id, secret.salt))
    })?;
    let token = random_successor(Kind::Management, &public_id)?;
    let hash = services.keyring.hash(&token, salt)?;
    let secret = token.clone();
    let used = services.keyring.last_used(&public_id);
    services.write_secret(actor, &token, move |work| {
        run_sealed(work, sealed, |work| {
            let before = api_keys::get(work, id)?;
            if_match.check(&before.entity_tag())?;
            // It may have been given more since it was read.
            rights.may_rotate(&before)?;
            let until = grace_ends(work.now(), grace_seconds);
            if until.is_some() {
                let ends = secrets::list_ends(work, &before.public_id, work.now())?;
                check_earlier(&ends)?;
            }
            let after = secrets::rotate(work, before, hash, until)?;
            Ok((render(&after.used(used), &secret)?, after))
        })
    })
}
