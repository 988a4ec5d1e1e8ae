//! Taking access away while the disk refuses writes: it is denied from that moment in memory, kept in a file that has its space
//! already, and stored with its audit entry before anything else once that is possible.

mod waiting;

use std::sync::{Mutex, MutexGuard, PoisonError};

use self::waiting::Waiting;
use super::remembered::TakenAway;
use super::{Services, api_key_revocation, assignments, users};
use crate::domain::api_key::ApiKeyInput;
use crate::domain::audit::Actor;
use crate::domain::credential::ID_LENGTH;
use crate::domain::holding::{Source, UserAccessProfile};
use crate::domain::permission::PermissionSet;
use crate::domain::revocation::{Revocation, Taken};
use crate::domain::rights::Rights;
use crate::domain::validator::IfMatch;
use crate::domain::virtual_key::VirtualKeyInput;
use crate::error::{Error, Result};
use crate::ledger::Ended;
use crate::store::directory::DataDirectory;
use crate::store::writer::write_gate::refuses_writes;
use crate::store::{
    Occasion, Reading, api_keys, user_access_profiles, users as stored_users,
    virtual_keys as stored_keys,
};

/// What was taken away and is not stored yet.
pub struct Revocations(Mutex<Waiting>);

impl Revocations {
    /// Reads what waited when the last process ended. [`resume`] lets it take effect.
    ///
    /// # Errors
    /// [`Error::Refused`] when the file can't be used.
    pub fn open(directory: &DataDirectory) -> Result<Self> {
        Waiting::open(directory).map(|waiting| Self(Mutex::new(waiting)))
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

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
                    "what was taken away at {} is denied, but can't be stored before the next start: {:?}: {error}",
                    first.at,
                    first.taken
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

/// Denies all that waits.
fn deny_all(services: &Services, waiting: &mut Waiting) -> Result<()> {
    for revocation in waiting.iter() {
        deny(services, revocation)?;
    }
    waiting.is_denied = true;
    Ok(())
}

/// Denies in memory what was taken away.
fn deny(services: &Services, revocation: &Revocation) -> Result<()> {
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
    let role = stored_users::get(reading, user_id)?.role_id;
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
    let keys = stored_keys::list_of_user(reading, user_id)?.into_iter();
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

fn carry_out(services: &Services, revocation: &Revocation) -> Result<()> {
    let Revocation { actor, at, taken } = revocation.clone();
    let (occasion, any) = (Occasion::first(actor, at), IfMatch::Unconditional);
    match taken {
        Taken::ApiKey { public_id } => services.write_on(occasion, move |work| {
            let key = api_keys::get_public(work, &public_id)?;
            api_key_revocation::revoke_in(work, key).map(drop)
        }),
        Taken::ApiKeyRights {
            public_id,
            permissions,
            expires_at,
        } => services.write_on(occasion, move |work| {
            let key = api_keys::get_public(work, &public_id)?;
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
            super::api_keys::update_in(work, rights, key.id, input, &any).map(drop)
        }),
        Taken::VirtualKey { user_id, public_id } => services.change_on(occasion, move |work| {
            super::virtual_keys::delete_in(work, user_id, &public_id, &any).map(drop)
        }),
        Taken::VirtualKeyExpiry {
            public_id,
            expires_at,
        } => services.change_on(occasion, move |work| {
            let mut input = VirtualKeyInput::default();
            input.expires_at = Some(Some(expires_at));
            super::virtual_keys::update_in(work, &public_id, input, &any).map(drop)
        }),
        Taken::Copy {
            user_id,
            access_profile_id,
        } => services.change_on(occasion, move |work| {
            assignments::unassign_in(work, user_id, access_profile_id).map(drop)
        }),
        Taken::Role { user_id, role_id } => services.change_on(occasion, move |work| {
            let before = stored_users::get_detail(work, user_id)?;
            users::change_role_in(work, before, role_id).map(drop)
        }),
        Taken::User { user_id } => services.change_on(occasion, move |work| {
            let before = stored_users::get_detail(work, user_id)?;
            users::delete_in(work, before).map(drop)
        }),
    }
}
