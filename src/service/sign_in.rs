//! Sign-in codes: what the link carries that opens the page signed in, in place of a key, because browsers write the addresses that they
//! visit to the disk.
//!
//! A code works once and for half an hour, and is known to this process alone, by its SHA-256.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Services;
use super::keyring::ApiKeySettings;
use super::tokens::random_token;
use crate::domain::api_key::{ApiKey, KeyState};
use crate::domain::audit::Actor;
use crate::domain::credential::{Kind, Token};
use crate::domain::list::{Page, Sort};
use crate::domain::permission::PermissionSet;
use crate::error::{Error, Result};
use crate::store::api_keys::Filter;
use crate::store::{Reading, api_keys};

/// How long a code works.
const LIFE: SignedDuration = SignedDuration::from_mins(30);
/// How long the key works that the operator's code is exchanged for.
const KEY_LIFE: SignedDuration = SignedDuration::from_hours(12);
/// Most codes that are kept, those included that say only that they were used; past that the oldest goes.
const MAX_CODES: usize = 32;

/// Whom a code signs in.
pub enum SignsIn {
    /// The holder of this key: it is what the code is exchanged for.
    Holder(Token),
    /// The operator: the code is exchanged for a key that may do everything for half a day, made when the code is used.
    Operator,
}

/// The codes that were made lately.
#[derive(Default)]
pub struct SignInCodes(Mutex<Codes>);

#[derive(Default)]
struct Codes {
    made: VecDeque<Code>,
    /// The latest time that was seen: a clock that is set back prolongs nothing.
    latest: Timestamp,
}

struct Code {
    id: String,
    hash: [u8; 32],
    expires_at: Timestamp,
    /// Nothing once the code was used or its time is over.
    signs_in: Option<SignsIn>,
}

impl SignInCodes {
    /// Makes a code; answers it, and from when on it is refused.
    ///
    /// # Errors
    /// [`Error::Internal`] when the system gives no randomness.
    pub fn make(&self, signs_in: SignsIn, now: Timestamp) -> Result<(Token, Timestamp)> {
        let token = random_token(Kind::SignIn)?;
        let mut codes = self.at(now);
        let expires_at = codes.latest.saturating_add(LIFE).unwrap_or(codes.latest);
        if codes.made.len() >= MAX_CODES {
            codes.made.pop_front();
        }
        codes.made.push_back(Code {
            id: token.id().to_owned(),
            hash: hash(&token),
            expires_at,
            signs_in: Some(signs_in),
        });
        Ok((token, expires_at))
    }

    /// Wipes the keys behind codes whose time is over.
    pub fn sweep(&self, now: Timestamp) {
        drop(self.at(now));
    }

    fn take(&self, token: &Token, now: Timestamp) -> Result<SignsIn> {
        let given = hash(token);
        let mut codes = self.at(now);
        let latest = codes.latest;
        let code = codes
            .made
            .iter_mut()
            .find(|code| code.id == token.id() && bool::from(code.hash.ct_eq(&given)))
            .ok_or(Error::UnknownCredential)?;
        let over = if code.expires_at <= latest {
            (
                "sign_in_code_expired",
                "has expired: it works for half an hour",
            )
        } else {
            ("sign_in_code_used", "was used already: it works once")
        };
        code.signs_in.take().ok_or_else(|| refused(over.0, over.1))
    }

    /// Makes a code work again that could not be exchanged.
    fn put_back(&self, token: &Token, signs_in: SignsIn) {
        let mut codes = self.lock();
        if let Some(code) = codes.made.iter_mut().find(|code| code.id == token.id()) {
            code.signs_in = Some(signs_in);
        }
    }

    /// The codes as they are at a time: what is behind those whose time is over is wiped.
    fn at(&self, now: Timestamp) -> MutexGuard<'_, Codes> {
        let mut codes = self.lock();
        codes.latest = codes.latest.max(now);
        let latest = codes.latest;
        for code in codes.made.iter_mut().filter(|it| it.expires_at <= latest) {
            code.signs_in = None;
        }
        codes
    }

    fn lock(&self) -> MutexGuard<'_, Codes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash(token: &Token) -> [u8; 32] {
    Sha256::digest(token.secret()).into()
}

/// The refusal of a code, with what to do.
///
/// `what` follows "this sign-in link".
pub fn refused(code: &'static str, what: &str) -> Error {
    Error::Unauthenticated {
        code,
        message: format!(
            "this sign-in link {what}; `tollkeeper sign-in` on the machine of the server prints a new one, or sign in with a key"
        ),
    }
}

/// Exchanges a code for a key, this once; in the name of `operator` if one has to be made. Blocks for one argon2id run when the code is
/// right, and for none when it is not.
///
/// # Errors
/// [`Error::UnknownCredential`] when there is no such code, [`Error::Unauthenticated`] when its time is over or that of the key
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
    let new = services.keyring.prepare(&token, &settings)?;
    let key = services.write_secret(actor, &token, move |work| {
        for over in list_over(work, work.actor(), work.now())? {
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

/// The keys of earlier links whose time is over.
fn list_over(reading: &Reading<'_>, maker: &Actor, now: Timestamp) -> Result<Vec<ApiKey>> {
    let filter = Filter {
        search: Some(NAME.to_owned()),
        state: Some(KeyState::Expired),
    };
    let (sort, page) = (
        Sort {
            field: "id",
            descending: false,
        },
        Page {
            limit: 100,
            offset: 0,
            ends_early: false,
        },
    );
    let mut keys = api_keys::list(reading, &filter, sort, page, now)?.items;
    keys.retain(|key| key.name.starts_with(NAME) && key.created_by == maker.name);
    Ok(keys)
}
