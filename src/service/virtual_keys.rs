//! Writes of virtual keys. Their secrets exist once: in the answer that makes them.

use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::once::{self, SealedOnce};
use super::tokens::{check_earlier, random_successor, random_token};
use super::{Services, revocations, rotated_keys};
use crate::domain::audit::{Actor, NewAuditEntry};
use crate::domain::credential::{Kind, Token};
use crate::domain::idempotency::StoredAnswer;
use crate::domain::revocation::Taken;
use crate::domain::validator::IfMatch;
use crate::domain::virtual_key::{
    HASH_LENGTH, MAX_OF_USER, NewVirtualKey, VirtualKey, VirtualKeyInput, default_name,
};
use crate::error::{Error, Result};
use crate::ledger::Changed;
use crate::store::{
    Writing, access_profiles, audit, former_secrets, user_access_profiles, users, virtual_keys,
};

/// A key that was just made, with its secret. Has no `Debug`.
#[derive(Clone)]
pub struct IssuedKey {
    /// The key as it is stored.
    pub key: VirtualKey,
    /// The key itself, which is shown once.
    pub token: Token,
}

/// Makes a key inside a write.
///
/// # Errors
/// When there is no randomness or the database can't be written.
pub fn issue(writing: &Writing<'_>, new: &NewVirtualKey, now: Timestamp) -> Result<IssuedKey> {
    let token = random_token(Kind::Virtual)?;
    let id = virtual_keys::insert(writing, new, token.id(), hash(&token), now)?;
    Ok(IssuedKey {
        key: virtual_keys::get(writing, id)?,
        token,
    })
}

/// Gives a key a new secret inside a write; the old one works until `previous_until`.
///
/// # Errors
/// [`Error::Conflict`] when as many old ones work already as may.
pub fn replace_secret(
    writing: &Writing<'_>,
    key: &VirtualKey,
    token: Token,
    previous_until: Option<Timestamp>,
    now: Timestamp,
) -> Result<IssuedKey> {
    if previous_until.is_some() {
        let ends = former_secrets::list_ends(writing, key.user_id, key.id, now)?;
        check_earlier(&ends)?;
    }
    virtual_keys::rotate(writing, key.id, hash(&token), previous_until, now)?;
    Ok(IssuedKey {
        key: virtual_keys::get(writing, key.id)?,
        token,
    })
}

/// What is stored of a secret.
pub(super) fn hash(token: &Token) -> [u8; HASH_LENGTH] {
    Sha256::digest(token.secret()).into()
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
/// user has [`MAX_OF_USER`]; [`Error::Invalid`] when it would have expired; see also [`once::run_sealed`].
pub fn create(
    services: &Services,
    actor: Actor,
    issuing: Issuing,
    sealed: Option<SealedOnce>,
    render: impl FnOnce(&IssuedKey) -> Result<StoredAnswer> + Send + 'static,
) -> Result<StoredAnswer> {
    let now = services.clock.now();
    services.ledger.change(move |writing, changed| {
        let work = || {
            let Issuing {
                user_id,
                access_profile_id,
                ref input,
            } = issuing;
            input.check_new(user_id, access_profile_id, now)?;
            changed.users.push(issuing.user_id);
            let issued = issue(writing, &worked_out(writing, issuing)?, now)?;
            let key = &issued.key;
            note(writing, now, actor, "virtual_key.create", None, Some(key))?;
            Ok((render(&issued)?, ()))
        };
        once::run_sealed(writing, sealed, now, work).map(|(answer, _)| answer)
    })
}

fn worked_out(writing: &Writing<'_>, issuing: Issuing) -> Result<NewVirtualKey> {
    let Issuing {
        user_id,
        access_profile_id,
        input,
    } = issuing;
    users::get(writing, user_id)?;
    let copy = match access_profile_id {
        Some(id) => {
            access_profiles::find_current_version(writing, id)?
                .ok_or_else(|| Error::not_found("access profile", id))?;
            user_access_profiles::find(writing, user_id, id)?
        }
        None => None,
    };
    // A key belongs to its user: who holds another profile gets one at large.
    let (copy_id, usual_name) = match copy {
        Some(copy) => {
            let profile = access_profiles::get_current(writing, copy.access_profile_id)?;
            let name = default_name(user_id, Some(&profile.profile()?.name));
            (Some(copy.id), name)
        }
        None if user_access_profiles::holds_any(writing, user_id)? => {
            (None, default_name(user_id, None))
        }
        None => {
            let sentence = format!("the user {user_id} holds no access profile; assign one first");
            return Err(Error::absent(sentence));
        }
    };
    let has = virtual_keys::count_of_user(writing, user_id)?;
    if has >= MAX_OF_USER {
        return Err(Error::conflict(
            "too_many_virtual_keys",
            "",
            format!(
                "the user {user_id} has {has} virtual keys, and more than {MAX_OF_USER} can't be made; delete some first"
            ),
        ));
    }
    Ok(NewVirtualKey {
        user_id,
        copy_id,
        name: input.name.unwrap_or(usual_name),
        description: input.description.unwrap_or_default(),
        is_managed: false,
        expires_at: input.expires_at.flatten(),
    })
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
    let now = services.clock.now();
    let (who, key_id, asked, known) = (
        actor.clone(),
        public_id.clone(),
        input.clone(),
        if_match.clone(),
    );
    let outcome = services.ledger.change(move |writing, changed| {
        let key = update_in(writing, changed, actor, &public_id, input, &if_match, now)?;
        Ok((key, now))
    });
    revocations::or_keep(services, outcome, who, |reading| {
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

pub(super) fn update_in(
    writing: &Writing<'_>,
    changed: &mut Changed,
    actor: Actor,
    public_id: &str,
    input: VirtualKeyInput,
    if_match: &IfMatch,
    now: Timestamp,
) -> Result<VirtualKey> {
    let before = virtual_keys::get_public(writing, public_id)?;
    if_match.check(&before.entity_tag(now))?;
    let Some(next) = before.change(input, now)? else {
        return Ok(before);
    };
    changed.users.push(before.user_id);
    virtual_keys::update(writing, &next)?;
    let (old, new) = (Some(&before), Some(&next));
    note(writing, now, actor, "virtual_key.update", old, new)?;
    virtual_keys::get(writing, before.id)
}

/// Which key is to be rotated, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// The key.
    pub public_id: String,
    /// How long the old secret still works.
    pub grace_seconds: i64,
    /// What the caller knows of it.
    pub if_match: IfMatch,
}

/// Gives a key a new secret; the old one works for the grace period, and each older one until its own ends.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Stale`], [`Error::Conflict`] when as many old ones work already as may; see also
/// [`once::run_sealed`].
pub fn rotate(
    services: &Services,
    actor: Actor,
    rotation: Rotation,
    sealed: Option<SealedOnce>,
    render: impl FnOnce(&IssuedKey, Timestamp) -> Result<StoredAnswer> + Send + 'static,
) -> Result<StoredAnswer> {
    let now = services.clock.now();
    let Rotation {
        public_id,
        grace_seconds,
        if_match,
    } = rotation;
    let shown_id = public_id.clone();
    let rotated = services.ledger.change(move |writing, changed| {
        let work = || {
            let before = virtual_keys::get_public(writing, &public_id)?;
            if_match.check(&before.entity_tag(now))?;
            changed.users.push(before.user_id);
            let token = random_successor(Kind::Virtual, &public_id)?;
            let until = grace_ends(now, grace_seconds);
            let issued = replace_secret(writing, &before, token, until, now)?;
            let (old, new) = (Some(&before), Some(&issued.key));
            note(writing, now, actor, "virtual_key.rotate", old, new)?;
            Ok((render(&issued, now)?, ()))
        };
        once::run_sealed(writing, sealed, now, work)
    });
    let (answer, rotated) = rotated?;
    if rotated.is_some() {
        rotated_keys::forget(services, &shown_id);
    }
    Ok(answer)
}

/// When the old secret of a key that is rotated stops working; none when it does at once.
pub fn grace_ends(now: Timestamp, grace_seconds: i64) -> Option<Timestamp> {
    (grace_seconds > 0).then(|| now.checked_add(grace_seconds.seconds()).unwrap_or(now))
}

/// A key for the audit log: no secret, no hash.
fn described(key: &VirtualKey) -> Value {
    json!({
        "id": key.public_id,
        "name": key.name,
        "description": key.description,
        "is_managed": key.is_managed,
        "user_id": key.user_id.to_string(),
        "access_profile_id": key.access_profile_id,
        "expires_at": key.expires_at,
        "previous_expires_at": key.previous_expires_at,
        "rotated_at": key.rotated_at,
    })
}

pub(super) fn note(
    writing: &Writing<'_>,
    now: Timestamp,
    actor: Actor,
    action: &'static str,
    previous: Option<&VirtualKey>,
    new: Option<&VirtualKey>,
) -> Result<()> {
    let Some(key) = new.or(previous) else {
        return Ok(());
    };
    let (old, new) = (previous.map(described), new.map(described));
    let entry = NewAuditEntry {
        access_profile_id: key.access_profile_id,
        user_id: Some(key.user_id),
        ..NewAuditEntry::about(actor, action, "virtual_key", &key.public_id, old, new)
    };
    audit::append(writing, now, &entry)
}
