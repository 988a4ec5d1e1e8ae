//! Taking access away while the disk refuses writes: it is denied from that moment in memory, kept in a file that has its space
//! already, and stored with its audit entry before anything else once that is possible ([`storing`]).

pub mod storing;
pub(super) mod waiting;

pub use self::waiting::Revocations;
use self::waiting::Waiting;
use super::Services;
use super::api_keys::keyring::memory::TakenAway;
use crate::domain::api_key::permission::PermissionSet;
use crate::domain::audit::Actor;
use crate::domain::credential::ID_LENGTH;
use crate::domain::credential::revocation::{Revocation, Taken};
use crate::domain::people::holding::{Source, UserAccessProfile};
use crate::error::{Error, Result};
use crate::ledger::Ended;
use crate::store::people::{user_access_profiles, users};
use crate::store::writer::write_gate::refuses_writes;
use crate::store::{Reading, virtual_keys};

/// The outcome of a write that takes access away. If it failed because no write succeeds, what `taken` finds to be taken away is
/// kept and denied from now on; `taken` makes sure that it may be, and answers none when nothing is.
///
/// # Errors
/// [`Error::Unavailable`] with the code `revoked_not_stored` when it is kept; otherwise what came of the write, or what `taken`
/// answers.
pub fn or_keep<T>(
    services: &Services,
    outcome: Result<T>,
    actor: Actor,
    taken: impl FnOnce(&Reading<'_>) -> Result<Option<Taken>>,
) -> Result<T> {
    match outcome {
        Err(error) if refuses_writes(&error) => {
            // Whether it may be taken away depends on what else was: nothing comes in between.
            let mut waiting = services.revocations.lock();
            let Some(taken) = services.store.read(taken)? else {
                return Err(error);
            };
            let at = services.clock.now();
            let revocation = Revocation { actor, at, taken };
            Err(keep(services, &mut waiting, &revocation)?)
        }
        other => other,
    }
}

/// Denies access and keeps it so over a restart; answers what is told to the caller.
fn keep(services: &Services, waiting: &mut Waiting, revocation: &Revocation) -> Result<Error> {
    let not_kept = waiting.add(revocation.clone())?;
    services.store.gate().close();
    // Whatever comes of this: it waits now, and is tried again with the others.
    deny(services, revocation).inspect_err(|_| waiting.is_denied = false)?;
    let meanwhile = match not_kept {
        None => "a restart does not forget it",
        Some(error) => {
            log::error!("access that was taken away is not kept over a restart: {error}");
            "don't restart the server before, it would forget it"
        }
    };
    Ok(Error::Unavailable {
        code: "revoked_not_stored",
        reason: format!(
            "access is denied from now on, but the disk refuses writes: make room on it. It is stored, with its audit entry, before \
             anything else is; {meanwhile}"
        ),
    })
}

/// Denies all that waits.
pub(super) fn deny_all(services: &Services, waiting: &mut Waiting) -> Result<()> {
    for revocation in waiting.iter() {
        deny(services, revocation)?;
    }
    waiting.is_denied = true;
    Ok(())
}

/// Denies in memory what was taken away.
pub(super) fn deny(services: &Services, revocation: &Revocation) -> Result<()> {
    let at = revocation.at;
    match &revocation.taken {
        Taken::ApiKey { public_id } => {
            let nothing = TakenAway {
                revoked_at: Some(at),
                permissions: PermissionSet::default(),
                expires_at: None,
            };
            services.keyring.take_away(public_id, nothing);
            Ok(())
        }
        Taken::ApiKeyRights {
            public_id,
            permissions,
            expires_at,
        } => {
            let left = TakenAway {
                revoked_at: None,
                permissions: *permissions,
                expires_at: *expires_at,
            };
            services.keyring.take_away(public_id, left);
            Ok(())
        }
        of_user => {
            let mut ended = match services.store.read(|reading| held(reading, of_user)) {
                // Nobody is left to be denied anything.
                Err(Error::NotFound { .. }) => return Ok(()),
                held => held?,
            };
            ended.at_ms = match of_user {
                Taken::VirtualKeyExpiry { expires_at, .. } => expires_at.as_millisecond(),
                _ => at.as_millisecond(),
            };
            services.ledger.end(ended)
        }
    }
}

/// The keys and copies that end with what is taken from a user.
fn held(reading: &Reading<'_>, taken: &Taken) -> Result<Ended> {
    let user_id = match taken {
        Taken::VirtualKey { public_id, .. } | Taken::VirtualKeyExpiry { public_id, .. } => {
            return Ok(Ended {
                keys: public_id_bytes(public_id).into_iter().collect(),
                ..Ended::default()
            });
        }
        Taken::ApiKey { .. } | Taken::ApiKeyRights { .. } => return Ok(Ended::default()),
        Taken::Copy { user_id, .. } | Taken::Role { user_id, .. } | Taken::User { user_id } => {
            *user_id
        }
    };
    let role = users::get(reading, user_id)?.role_id;
    let ends = |copy: &UserAccessProfile| match taken {
        Taken::Copy {
            access_profile_id, ..
        } => copy.access_profile_id == *access_profile_id,
        Taken::Role { .. } => role.is_some_and(|role| copy.source == Source::Role(role)),
        _ => true,
    };
    let copies = user_access_profiles::list_all_of_user(reading, user_id)?;
    let ending: Vec<i64> = copies
        .iter()
        .filter(|copy| ends(copy))
        .map(|copy| copy.id)
        .collect();
    // A key at large goes with the last copy.
    let is_last = ending.len() == copies.len();
    let keys = virtual_keys::list_of_user(reading, user_id)?.into_iter();
    let keys = keys.filter(|key| key.copy_id.map_or(is_last, |copy| ending.contains(&copy)));
    Ok(Ended {
        keys: keys
            .filter_map(|key| public_id_bytes(&key.public_id))
            .collect(),
        copies: ending.into_iter().map(|copy| (user_id, copy)).collect(),
        at_ms: 0,
    })
}

fn public_id_bytes(public_id: &str) -> Option<[u8; ID_LENGTH]> {
    public_id.as_bytes().try_into().ok()
}
