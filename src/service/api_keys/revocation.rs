//! Revoking a management API key, and keeping one that may do everything.

use crate::domain::api_key::ApiKey;
use crate::domain::api_key::permission::PermissionSet;
use crate::domain::api_key::rights::Rights;
use crate::domain::audit::Actor;
use crate::domain::credential::revocation::Taken;
use crate::domain::validator::IfMatch;
use crate::error::{Error, Result};
use crate::service::{Services, revocations};
use crate::store::{Reading, Work, api_keys};

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
    let (who, known) = (actor.clone(), if_match.clone());
    let outcome = services.write(actor, move |work| {
        let key = api_keys::get(work, id)?;
        if_match.check(&key.entity_tag())?;
        rights.may_act_on(&key)?;
        revoke_in(work, key)
    });
    revocations::or_keep(services, outcome, who, |reading| {
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
    })
}

/// Revokes a key in a work of somebody else.
pub(in crate::service) fn revoke_in(work: &mut Work<'_>, key: ApiKey) -> Result<ApiKey> {
    api_keys::revoke(work, key.clone())?;
    keep_one_all_powerful(work, &key)?;
    Ok(key)
}

/// After a change of `before`: there must still be a key that may do everything and never expires.
pub(in crate::service) fn keep_one_all_powerful(
    reading: &Reading<'_>,
    before: &ApiKey,
) -> Result<()> {
    if !before.is_all_powerful() || !api_keys::list_all_powerful(reading)?.is_empty() {
        return Ok(());
    }
    Err(last_all_powerful(before))
}

/// The same for a change that can't be stored yet, beside others that can't.
pub(in crate::service) fn refuse_last_all_powerful(
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
