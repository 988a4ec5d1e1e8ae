//! Writes of virtual keys. Their secrets exist once: in the answer that makes them.

pub mod pages;
pub mod tokens;

use std::collections::HashSet;

use jiff::Timestamp;

use self::tokens::{Rotation, check_earlier, grace_ends, random_successor, random_token};
use super::once::{self, SealedOnce};
use super::{Services, revocations};
use crate::domain::audit::Actor;
use crate::domain::credential::revocation::Taken;
use crate::domain::credential::{Kind, Token};
use crate::domain::event::{Change, Event};
use crate::domain::validator::IfMatch;
use crate::domain::values::letter_case::name_key;
use crate::domain::virtual_key::{
    MAX_OF_USER, NewVirtualKey, VirtualKey, VirtualKeyInput, default_name, free_name,
};
use crate::error::{Error, Result};
use crate::store::idempotency::StoredAnswer;
use crate::store::people::{user_access_profiles, users};
use crate::store::virtual_keys::former_secrets;
use crate::store::{Reading, WorkInTurn, access_profiles, virtual_keys};

/// A key that was just made, with its secret. Has no `Debug`.
#[derive(Clone)]
pub struct IssuedKey {
    /// The key as it is stored.
    pub key: VirtualKey,
    /// The key itself, which is shown once.
    pub token: Token,
}

/// Makes a key inside a work.
///
/// # Errors
/// When there is no randomness.
pub fn issue(work: &mut WorkInTurn<'_>, new: &NewVirtualKey) -> Result<IssuedKey> {
    let token = random_token(Kind::Virtual)?;
    let key = virtual_keys::insert(work, new, token.id(), token.secret_hash())?;
    Ok(IssuedKey { key, token })
}

/// Gives a key a new secret inside a work, which records why; the old one works until `previous_until`.
///
/// # Errors
/// [`Error::Conflict`] when as many old ones work already as may.
pub fn replace_secret(
    work: &mut WorkInTurn<'_>,
    key: &VirtualKey,
    token: Token,
    previous_until: Option<Timestamp>,
) -> Result<IssuedKey> {
    if previous_until.is_some() {
        let ends = former_secrets::list_ends(work, key.user_id, key.id, work.now())?;
        check_earlier(&ends)?;
    }
    let key = virtual_keys::rotate(work, key.id, token.secret_hash(), previous_until)?;
    Ok(IssuedKey { key, token })
}

/// Whose key is to be made, and under which profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuing {
    /// The user.
    pub user_id: i64,
    /// The profile under whose copy it is issued; none for a key of the user at large.
    pub access_profile_id: Option<i64>,
    /// What was asked for.
    pub input: VirtualKeyInput,
}

/// Makes a key for a user who holds something. `render` writes the answer, which holds the secret; with an idempotency key it is
/// stored under a seal.
///
/// # Errors
/// [`Error::NotFound`] when there is no such user, or the user holds no profile; [`Error::Conflict`] when the
/// user has [`MAX_OF_USER`], or one of that name; [`Error::Invalid`] when it would have expired; see also [`once::run_sealed`].
pub fn create(
    services: &Services,
    actor: Actor,
    issuing: Issuing,
    sealed: Option<SealedOnce>,
    render: impl FnOnce(&IssuedKey) -> Result<StoredAnswer> + Send + 'static,
) -> Result<StoredAnswer> {
    services.change(actor, move |work| {
        once::run_sealed(work, sealed, |work| {
            let (user_id, profile_id) = (issuing.user_id, issuing.access_profile_id);
            issuing.input.check_new(user_id, profile_id, work.now())?;
            let new = worked_out(work, issuing)?;
            render(&issue(work, &new)?)
        })
    })
}

fn worked_out(reading: &Reading<'_>, issuing: Issuing) -> Result<NewVirtualKey> {
    let Issuing {
        user_id,
        access_profile_id,
        input,
    } = issuing;
    users::get(reading, user_id)?;
    let copy = match access_profile_id {
        Some(id) => user_access_profiles::find(reading, user_id, id)?,
        None => None,
    };
    // A key belongs to its user: who holds another profile gets one at large.
    let (copy_id, usual_name) = match copy {
        Some(copy) => {
            let profile = access_profiles::get_current(reading, copy.access_profile_id)?;
            let name = default_name(user_id, Some(&profile.profile()?.name));
            (Some(copy.id), name)
        }
        None if user_access_profiles::holds_any(reading, user_id)? => {
            (None, default_name(user_id, None))
        }
        None => {
            let sentence = format!("the user {user_id} holds no access profile; assign one first");
            return Err(Error::absent(sentence));
        }
    };
    let has = virtual_keys::count_of_user(reading, user_id)?;
    if has >= MAX_OF_USER {
        return Err(Error::conflict(
            "too_many_virtual_keys",
            "",
            format!(
                "the user {user_id} has {has} virtual keys, and more than {MAX_OF_USER} can't be made; delete some first"
            ),
        ));
    }
    let taken = virtual_keys::list_name_keys(reading, user_id, None)?;
    let name = match input.name {
        Some(name) => check_name(user_id, name, &taken)?,
        None => free_name(usual_name, &taken),
    };
    Ok(NewVirtualKey {
        user_id,
        copy_id,
        name,
        description: input.description.unwrap_or_default(),
        is_managed: false,
        expires_at: input.expires_at.flatten(),
    })
}

/// A name that no other key of a user has.
fn check_name(user_id: i64, name: String, taken: &HashSet<String>) -> Result<String> {
    if taken.contains(&name_key(&name)) {
        return Err(Error::conflict(
            "duplicate_name",
            "name",
            format!("name: the user {user_id} has a virtual key named {name:?} already"),
        ));
    }
    Ok(name)
}

/// Changes the sent settings of a key; a change that changes nothing writes nothing.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Stale`], [`Error::Invalid`], and [`Error::Conflict`] when a managed key is given another expiry.
pub fn update(
    services: &Services,
    actor: Actor,
    public_id: String,
    input: VirtualKeyInput,
    if_match: IfMatch,
) -> Result<(VirtualKey, Timestamp)> {
    let (who, key_id, asked, known) = (
        actor.clone(),
        public_id.clone(),
        input.clone(),
        if_match.clone(),
    );
    let outcome = services.change(actor, move |work| {
        Ok((update_in(work, &public_id, input, &if_match)?, work.now()))
    });
    revocations::or_keep(services, outcome, who, |reading| {
        let now = services.clock.now();
        let before = virtual_keys::get_public(reading, &key_id)?;
        known.check(&before.entity_tag(now))?;
        let next = before.change(asked, now)?;
        let expires_at = next.and_then(|next| next.expires_at);
        let is_sooner = |at: &Timestamp| before.expires_at.is_none_or(|before| *at < before);
        Ok(expires_at
            .filter(is_sooner)
            .map(|expires_at| Taken::VirtualKeyExpiry {
                public_id: key_id,
                expires_at,
            }))
    })
}

/// Changes a key as [`update`] does, in a work of somebody else.
pub(in crate::service) fn update_in(
    work: &mut WorkInTurn<'_>,
    public_id: &str,
    input: VirtualKeyInput,
    if_match: &IfMatch,
) -> Result<VirtualKey> {
    let before = virtual_keys::get_public(work, public_id)?;
    if_match.check(&before.entity_tag(work.now()))?;
    let Some(next) = before.change(input, work.now())? else {
        return Ok(before);
    };
    let id = before.id;
    if name_key(&next.name) != name_key(&before.name) {
        let taken = virtual_keys::list_name_keys(work, before.user_id, Some(id))?;
        check_name(before.user_id, next.name.clone(), &taken)?;
    }
    virtual_keys::update(work, before, next)?;
    virtual_keys::get(work, id)
}

/// Gives a key a new secret; the old one works for the grace period, and each older one until its own ends.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Stale`], [`Error::Conflict`] when as many old ones work already as may; see also
/// [`once::run_sealed`].
pub fn rotate(
    services: &Services,
    actor: Actor,
    rotation: Rotation<String>,
    sealed: Option<SealedOnce>,
    render: impl FnOnce(&IssuedKey, Timestamp) -> Result<StoredAnswer> + Send + 'static,
) -> Result<StoredAnswer> {
    let Rotation {
        key: public_id,
        grace_seconds,
        if_match,
    } = rotation;
    services.change(actor, move |work| {
        once::run_sealed(work, sealed, |work| {
            let (before, now) = (virtual_keys::get_public(work, &public_id)?, work.now());
            if_match.check(&before.entity_tag(now))?;
            let token = random_successor(Kind::Virtual, &public_id)?;
            let issued = replace_secret(work, &before, token, grace_ends(now, grace_seconds))?;
            let after = issued.key.clone();
            work.record(Event::VirtualKeyRotated(Change { before, after }));
            render(&issued, now)
        })
    })
}

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
    let (who, key_id, known) = (actor.clone(), public_id.clone(), if_match.clone());
    let outcome = services.change(actor, move |work| {
        delete_in(work, user_id, &public_id, &if_match)
    });
    revocations::or_keep(services, outcome, who, |reading| {
        let key = of_user(reading, user_id, &key_id)?;
        known.check(&key.entity_tag(services.clock.now()))?;
        let public_id = key_id;
        Ok(Some(Taken::VirtualKey { user_id, public_id }))
    })
}

/// Deletes a key as [`delete`] does, in a work of somebody else.
pub(in crate::service) fn delete_in(
    work: &mut WorkInTurn<'_>,
    user_id: i64,
    public_id: &str,
    if_match: &IfMatch,
) -> Result<VirtualKey> {
    let key = of_user(work, user_id, public_id)?;
    if_match.check(&key.entity_tag(work.now()))?;
    virtual_keys::delete(work, key.clone())?;
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
