//! Taking access away while the disk refuses writes: it is denied from that moment in memory, kept in a file that has its space
//! already, and stored with its audit entry before anything else once that is possible.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::remembered::TakenAway;
use super::{Services, api_key_revocation, assignments, users, virtual_key_revocation};
use crate::domain::audit::Actor;
use crate::domain::credential::ID_LENGTH;
use crate::domain::holding::{Source, UserAccessProfile};
use crate::domain::permission::PermissionSet;
use crate::domain::revocation::{Revocation, Taken};
use crate::error::{Error, Result};
use crate::ledger::Ended;
use crate::store::directory::DataDirectory;
use crate::store::kept_revocations::KeptRevocations;
use crate::store::write_gate::refuses_writes;
use crate::store::{
    Reading, user_access_profiles, users as stored_users, virtual_keys as stored_keys,
};

/// What was taken away and is not stored yet.
pub struct Revocations(Mutex<Waiting>);

struct Waiting {
    file: KeptRevocations,
    /// The first one first.
    all: Vec<Revocation>,
}

impl Revocations {
    /// Reads what waited when the last process ended. [`resume`] lets it take effect.
    ///
    /// # Errors
    /// [`Error::Refused`] when the file can't be used.
    pub fn open(directory: &DataDirectory) -> Result<Self> {
        let (file, all) = KeptRevocations::open(directory)?;
        Ok(Self(Mutex::new(Waiting { file, all })))
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
            let Some(taken) = services.store.read(taken)? else {
                return Err(error);
            };
            let at = services.clock.now();
            Err(keep(services, Revocation { actor, at, taken })?)
        }
        other => other,
    }
}

/// Denies access and keeps it so over a restart; answers what is told to the caller.
fn keep(services: &Services, revocation: Revocation) -> Result<Error> {
    let mut waiting = services.revocations.lock();
    // First: a change that is stored after this would have the users loaded anew.
    services.store.gate().close();
    deny(services, &revocation)?;
    let known = waiting.all.iter().any(|one| one.taken == revocation.taken);
    let kept = if known {
        Ok(())
    } else {
        waiting.file.add(&revocation)
    };
    if !known {
        waiting.all.push(revocation);
    }
    let meanwhile = match kept {
        Ok(()) => "a restart does not forget it",
        Err(error) => {
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
///
/// # Errors
/// When the database can't be read.
pub fn resume(services: &Services) -> Result<()> {
    let waiting = services.revocations.lock().all.clone();
    if waiting.is_empty() {
        return Ok(());
    }
    services.store.gate().close();
    for revocation in &waiting {
        deny(services, revocation)?;
    }
    if let Err(error) = store_waiting(services) {
        log::error!(
            "{} revocations are in force and not stored yet, and nothing is written before they are: {error}",
            waiting.len()
        );
    }
    Ok(())
}

/// Stores what waits, and then lets other writes through. Nothing else is written meanwhile.
///
/// # Errors
/// [`Error::Unavailable`] when the disk still refuses writes.
pub fn store_waiting(services: &Services) -> Result<()> {
    let mut waiting = services.revocations.lock();
    if waiting.all.is_empty() {
        return Ok(());
    }
    let mut impossible = Vec::new();
    while let Some(first) = waiting.all.first().cloned() {
        match carry_out(services, &first) {
            // It was stored, and a crash came before that was noted.
            Ok(()) | Err(Error::NotFound { .. }) => {
                if let Taken::ApiKey { public_id } | Taken::ApiKeyRights { public_id, .. } =
                    &first.taken
                {
                    services.keyring.trust_store(public_id);
                }
            }
            Err(error @ Error::Unavailable { .. }) => return Err(error),
            Err(error) => {
                log::error!(
                    "what was taken away at {} is denied, but can't be stored before the next start: {:?}: {error}",
                    first.at,
                    first.taken
                );
                impossible.push(first);
            }
        }
        waiting.all.remove(0);
    }
    let cleared = waiting.file.clear();
    let left = impossible.iter().try_for_each(|one| waiting.file.add(one));
    if let Err(error) = cleared.and(left) {
        log::error!("the next start will store again what is stored: {error}");
    }
    services.store.gate().open();
    log::info!("what was taken away while the disk refused writes is stored");
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
    match taken {
        Taken::ApiKey { public_id } => {
            api_key_revocation::store_taken(services, actor, public_id, None, at)
        }
        Taken::ApiKeyRights {
            public_id,
            permissions,
            expires_at,
        } => {
            let left = Some((permissions, expires_at));
            api_key_revocation::store_taken(services, actor, public_id, left, at)
        }
        Taken::VirtualKey { user_id, public_id } => {
            virtual_key_revocation::store_deleted(services, actor, user_id, public_id, at)
        }
        Taken::VirtualKeyExpiry {
            public_id,
            expires_at,
        } => virtual_key_revocation::store_expiry(services, actor, public_id, expires_at, at),
        Taken::Copy {
            user_id,
            access_profile_id,
        } => assignments::store_unassigned(services, actor, user_id, access_profile_id, at),
        Taken::Role { user_id, role_id } => {
            users::store_role(services, actor, user_id, role_id, at)
        }
        Taken::User { user_id } => users::store_deleted(services, actor, user_id, at),
    }
}
