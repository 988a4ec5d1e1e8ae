//! Storing what was taken away while the disk refused writes, before anything else is written.

use super::waiting::Waiting;
use super::{deny, deny_all};
use crate::domain::api_key::ApiKeyInput;
use crate::domain::api_key::permission::PermissionSet;
use crate::domain::api_key::rights::Rights;
use crate::domain::credential::revocation::{Revocation, Taken};
use crate::domain::validator::IfMatch;
use crate::domain::virtual_key::VirtualKeyInput;
use crate::error::{Error, Result};
use crate::service::api_keys::revocation;
use crate::service::people::{assignments, users};
use crate::service::{Services, api_keys, virtual_keys};
use crate::store::{self, Occasion};

/// Lets what waited when the last process ended take effect, and stores it if that is possible now.
pub fn resume(services: &Services) -> Result<()> {
    let mut waiting = services.revocations.lock();
    let count = waiting.iter().count();
    if count == 0 {
        return Ok(());
    }
    services.store.gate().close();
    deny_all(services, &mut waiting)?;
    if let Err(error) = store_all(services, &mut waiting) {
        log::error!(
            "{count} revocations are in force and not stored yet, and nothing is written before they are: {error}"
        );
    }
    Ok(())
}

/// Stores what waits, and then lets other writes through. Nothing else is written meanwhile.
///
/// # Errors
/// [`Error::Unavailable`] when the disk still refuses writes.
pub fn store_waiting(services: &Services) -> Result<()> {
    store_all(services, &mut services.revocations.lock())
}

fn store_all(services: &Services, waiting: &mut Waiting) -> Result<()> {
    if services.store.gate().is_open().is_ok() {
        return Ok(());
    }
    if !waiting.is_denied {
        deny_all(services, waiting)?;
    }
    while let Some(first) = waiting.first().cloned() {
        match carry_out(services, &first) {
            // It was stored, and a crash came before that was noted.
            Ok(()) | Err(Error::NotFound { .. }) => {
                // What waits still goes on being denied.
                if let Some(public_id) = first.taken.api_key()
                    && !waiting.takes_more_from(public_id)
                {
                    services.keyring.trust_store(public_id);
                }
                // Who joined a role holds what was not there to be denied.
                if matches!(first.taken, Taken::Role { .. }) {
                    waiting.is_denied = false;
                }
            }
            Err(error @ Error::Unavailable { .. }) => return Err(error),
            Err(error) => {
                log::error!(
                    "what was taken away at {} is denied, but can't be stored before the next start: {}: {error}",
                    first.at,
                    serde_json::to_string(&first.taken).unwrap_or_default()
                );
                waiting.impossible.push(first);
            }
        }
        waiting.remove_first();
    }
    // The next start would do it all again, over what has changed meanwhile.
    waiting.file.clear()?;
    let mut impossible = waiting.impossible.iter();
    if let Err(error) = impossible.try_for_each(|one| waiting.file.add(one)) {
        log::error!("the next start gives back what can't be stored: {error}");
    }
    services.ledger.ends_are_stored()?;
    for one in &waiting.impossible {
        deny(services, one)?;
    }
    services.store.gate().open();
    log::info!("what was taken away while the disk refused writes is stored");
    Ok(())
}

fn carry_out(services: &Services, revocation: &Revocation) -> Result<()> {
    let Revocation { actor, at, taken } = revocation.clone();
    let (occasion, any) = (Occasion::first(actor, at), IfMatch::Unconditional);
    match taken {
        Taken::ApiKey { public_id } => services.write_on(occasion, move |work| {
            let key = store::api_keys::get_public(work, &public_id)?;
            revocation::revoke_in(work, key).map(drop)
        }),
        Taken::ApiKeyRights {
            public_id,
            permissions,
            expires_at,
        } => services.write_on(occasion, move |work| {
            let key = store::api_keys::get_public(work, &public_id)?;
            let left = key.narrowed(permissions, expires_at);
            let input = ApiKeyInput {
                permissions: Some(left.permissions),
                expires_at: Some(left.expires_at),
                ..ApiKeyInput::default()
            };
            // Whether that was allowed was found out then.
            let rights = Rights {
                permissions: PermissionSet::ALL,
                expires_at: None,
            };
            api_keys::update_in(work, rights, key.id, input, &any).map(drop)
        }),
        Taken::VirtualKey { user_id, public_id } => services.change_on(occasion, move |work| {
            virtual_keys::delete_in(work, user_id, &public_id, &any).map(drop)
        }),
        Taken::VirtualKeyExpiry {
            public_id,
            expires_at,
        } => services.change_on(occasion, move |work| {
            let mut input = VirtualKeyInput::default();
            input.expires_at = Some(Some(expires_at));
            virtual_keys::update_in(work, &public_id, input, &any).map(drop)
        }),
        Taken::Copy {
            user_id,
            access_profile_id,
        } => services.change_on(occasion, move |work| {
            assignments::unassign_in(work, user_id, access_profile_id).map(drop)
        }),
        Taken::Role { user_id, role_id } => services.change_on(occasion, move |work| {
            let before = store::people::users::get_detail(work, user_id)?;
            users::change_role_in(work, before, role_id).map(drop)
        }),
        Taken::User { user_id } => services.change_on(occasion, move |work| {
            let before = store::people::users::get_detail(work, user_id)?;
            users::delete_in(work, before).map(drop)
        }),
    }
}
