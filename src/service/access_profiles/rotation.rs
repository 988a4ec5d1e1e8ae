//! Scheduled rotation: when the date of an access profile has come, every managed key under its copies gets a new secret.
//!
//! Nobody waits for the answer, so the new secrets are put into files that only the operator can read, before the commit that makes
//! them valid, beside the files that may hold the secrets of today, and get their places after it: a crash at any moment leaves
//! every secret that works in a file. The upkeep thread alone calls this; two at once would write over each other's files.

use std::time::Duration;

use jiff::Timestamp;

use super::rotated_keys;
use crate::domain::access_profile::AccessProfile;
use crate::domain::audit::Actor;
use crate::domain::credential::{Kind, Token};
use crate::domain::event::RotationDates;
use crate::domain::values::duration::RotationInterval;
use crate::error::{Error, Result};
use crate::service::Services;
use crate::service::virtual_keys::replace_secret;
use crate::service::virtual_keys::tokens::{grace_ends, random_successor};
use crate::store::virtual_keys::rotations;
use crate::store::{Occasion, WorkInTurn, access_profiles, virtual_keys};

/// Rotates the keys under every profile whose date has come, each key once however many dates were missed. Their old secrets work
/// for `grace` more; a key of which as many work already as may waits for the next date. A profile that fails is tried again the
/// next time.
pub fn rotate_due(services: &Services, grace: Duration) -> Result<()> {
    let now = services.clock.now();
    let grace_seconds = i64::try_from(grace.as_secs()).unwrap_or(i64::MAX);
    let due = services
        .store
        .read(|reading| rotations::list_due(reading, now))?;
    if !due.is_empty() {
        // What a crash left may hold secrets that work.
        rotated_keys::settle(services)?;
    }
    for id in due {
        match rotate_profile(services, id, grace_ends(now, grace_seconds), now) {
            Ok(keys) => log::info!("rotated {keys} virtual keys of the access profile {id}"),
            Err(error) => {
                log::error!("rotating the virtual keys of the access profile {id}: {error}");
            }
        }
    }
    Ok(())
}

/// A key with the secret that it is to have.
type Prepared = (i64, Token);

fn rotate_profile(
    services: &Services,
    id: i64,
    grace_until: Option<Timestamp>,
    now: Timestamp,
) -> Result<usize> {
    let keys = services
        .store
        .read(|reading| virtual_keys::list_managed_of_profile(reading, id))?;
    let prepared = keys
        .iter()
        .map(|key| Ok((key.id, random_successor(Kind::Virtual, &key.public_id)?)))
        .collect::<Result<Vec<Prepared>>>()?;
    let tokens: Vec<&Token> = prepared.iter().map(|(_, token)| token).collect();
    if !tokens.is_empty() {
        services.store.directory().stage_rotated_keys(&tokens)?;
    }
    let occasion = Occasion::new(Actor::server("scheduled-rotation"), now);
    let rotated = services.change_on(occasion, move |work| {
        let profile = access_profiles::get_current(work, id)?.profile()?;
        let Some(after) = dates(&profile, now)? else {
            return Ok(0);
        };
        let before = RotationDates {
            next: profile.next_rotation_at,
            last: profile.last_rotation_at,
        };
        let rotated = replace_secrets(work, id, prepared, grace_until)?;
        let count = rotated.len();
        rotations::note(work, id, before, after, rotated)?;
        Ok(count)
    });
    rotated_keys::settle(services)?;
    rotated
}

/// The date that has come and the next one; none when somebody moved it away or deactivated the profile in the meantime.
fn dates(profile: &AccessProfile, now: Timestamp) -> Result<Option<RotationDates>> {
    let date = profile.next_rotation_at.filter(|_| profile.is_active);
    let Some(due) = date.filter(|due| *due <= now) else {
        return Ok(None);
    };
    RotationInterval::from_nanoseconds(profile.auto_rotation_interval)
        .and_then(|interval| interval.around(due, now))
        .map(|(last, next)| RotationDates {
            next: Some(next),
            last: Some(last),
        })
        .map(Some)
        .ok_or_else(|| Error::internal("rotating virtual keys", "the profile has no interval"))
}

/// Answers the public ids of the keys that were rotated.
fn replace_secrets(
    work: &mut WorkInTurn<'_>,
    profile_id: i64,
    prepared: Vec<Prepared>,
    grace_until: Option<Timestamp>,
) -> Result<Vec<String>> {
    let mut rotated = Vec::with_capacity(prepared.len());
    for (key_id, token) in prepared {
        let found = virtual_keys::find(work, key_id)?;
        let Some(key) = found.filter(|key| key.access_profile_id == Some(profile_id)) else {
            continue;
        };
        match replace_secret(work, &key, token, grace_until) {
            // Nobody is there to be told; what was promised holds, and the next date comes.
            Err(Error::Conflict { message, .. }) => {
                log::warn!(
                    "the virtual key {} is not rotated this time: {message}",
                    key.public_id
                );
                continue;
            }
            replaced => replaced?,
        };
        rotated.push(key.public_id);
    }
    Ok(rotated)
}
