//! Exchanging the code of a sign-in link ([`codes`]) for a key.

pub mod codes;

use jiff::{SignedDuration, Timestamp};

pub use self::codes::{SignInCodes, SignsIn, refused};
use super::Services;
use super::virtual_keys::tokens::random_token;
use crate::domain::api_key::permission::PermissionSet;
use crate::domain::api_key::{ApiKey, ApiKeySettings};
use crate::domain::audit::Actor;
use crate::domain::credential::{Kind, Token};
use crate::error::Result;
use crate::store::api_keys;

/// How long the key works that the operator's code is exchanged for.
const KEY_LIFE: SignedDuration = SignedDuration::from_hours(12);

/// Exchanges a code for a key, this once; in the name of `operator` if one has to be made. Blocks for one argon2id run when the code is
/// right, and for none when it is not.
///
/// # Errors
/// [`crate::error::Error::UnknownCredential`] when there is no such code, [`crate::error::Error::Unauthenticated`] when its time is over or that of the key
/// behind it; when the key can't be made or looked up, the code goes on working.
pub fn redeem(services: &Services, code: &Token, operator: Actor) -> Result<(ApiKey, Token)> {
    let now = services.clock.now();
    let signs_in = services.sign_in_codes.take(code, now)?;
    let key = match &signs_in {
        SignsIn::Holder(token) => services
            .keyring
            .verify(&services.store, token, now)
            .map(|key| (ApiKey::clone(&key), token.clone())),
        SignsIn::Operator => make_key(services, operator, now),
    };
    if key.is_err() {
        services.sign_in_codes.put_back(code, signs_in);
    }
    key
}

/// A key for whoever came by the operator's link. Those of earlier links whose time is over go: they would only fill the list.
fn make_key(services: &Services, actor: Actor, now: Timestamp) -> Result<(ApiKey, Token)> {
    let token = random_token(Kind::Management)?;
    let settings = ApiKeySettings {
        // Two may be made at the same time.
        name: format!("{NAME}{now} {}", &token.id()[..4]),
        description: DESCRIPTION.to_owned(),
        permissions: PermissionSet::ALL,
        expires_at: Some(now.saturating_add(KEY_LIFE).unwrap_or(now)),
    };
    let new = services.keyring.prepare(&token, settings)?;
    let key = services.write_secret(actor, &token, move |work| {
        for over in api_keys::list_over(work, NAME, &work.actor().name, work.now())? {
            api_keys::revoke(work, over)?;
        }
        let key = api_keys::insert(work, &new)?;
        Ok((key.clone(), Some(key)))
    })?;
    Ok((key, token))
}

/// What the names of keys begin with that are made for a link.
const NAME: &str = "sign-in ";
const DESCRIPTION: &str = "Made when a link of `tollkeeper sign-in` was opened";
