//! Verifying management API keys, and remembering those that were verified.
//!
//! A verified key is remembered as an HMAC of its whole token under a key that this process alone has, so hashing happens once
//! per key and process. Only successes are remembered. Whoever changes a key calls [`Keyring::forget`] after the commit and
//! before answering, so the old rights end with that answer.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::hasher::Hasher;
use crate::domain::api_key::{ApiKey, HASH_LENGTH, NewApiKey, SALT_LENGTH};
use crate::domain::credential::{ID_LENGTH, Kind, SECRET_LENGTH, Token};
use crate::domain::permission::PermissionSet;
use crate::error::{Error, Result};
use crate::store::{Store, api_keys};

/// Most keys that are remembered; past that one of them is verified anew.
const MAX_REMEMBERED: usize = 10_000;

/// Verifies and remembers keys.
pub struct Keyring {
    hasher: Hasher,
    /// Under which tokens are remembered; differs in every process.
    secret: [u8; 32],
    remembered: RwLock<Remembered>,
}

#[derive(Default)]
struct Remembered {
    keys: HashMap<[u8; 32], Arc<ApiKey>>,
    /// Counts the calls of [`Keyring::forget`], so that a verification that began before one is not remembered after it.
    changes: u64,
}

impl Keyring {
    /// An empty keyring with its hashing threads.
    ///
    /// # Errors
    /// [`Error::Internal`] when the system gives no threads or randomness.
    pub fn start() -> Result<Self> {
        Ok(Self {
            hasher: Hasher::start()?,
            secret: random()?,
            remembered: RwLock::default(),
        })
    }

    /// The key of a token that was verified before; costs one HMAC.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] when it has expired since.
    pub fn recall(&self, token: &Token, now: Timestamp) -> Result<Option<Arc<ApiKey>>> {
        let tag = self.tag(token);
        let key = self
            .remembered
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .keys
            .get(&tag)
            .cloned();
        match key {
            Some(key) => usable(&key, now).map(|()| Some(key)),
            None => Ok(None),
        }
    }

    /// Verifies a token. Blocks for one argon2id run, the same for an unknown id as for a wrong secret.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], or [`Error::Unavailable`] when too many keys are being verified.
    pub fn verify(&self, store: &Store, token: &Token, now: Timestamp) -> Result<Arc<ApiKey>> {
        let changes = self.changes();
        let stored = store.read(|reading| api_keys::find_secret(reading, token.id()))?;
        let (salt, expected) = stored
            .as_ref()
            .map_or(([0; SALT_LENGTH], [0; HASH_LENGTH]), |it| {
                (it.salt, it.hash)
            });
        let hash = self.hasher.hash(token.secret(), salt)?;
        let same = bool::from(hash.ct_eq(&expected));
        let Some(stored) = stored.filter(|_| same) else {
            return Err(Error::Unauthenticated {
                code: "api_key_unknown",
                message: "this management API key is not known here; check that it is complete and meant for this server"
                    .to_owned(),
            });
        };
        usable(&stored.key, now)?;
        let key = Arc::new(stored.key);
        let mut remembered = self
            .remembered
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        // A key may have changed while it was being hashed: then this answer still stands, as one that began before.
        if remembered.changes == changes {
            if remembered.keys.len() >= MAX_REMEMBERED
                && let Some(any) = remembered.keys.keys().next().copied()
            {
                remembered.keys.remove(&any);
            }
            remembered.keys.insert(self.tag(token), Arc::clone(&key));
        }
        Ok(key)
    }

    /// Forgets what was verified for a key. Call it after the commit of a change and before answering.
    pub fn forget(&self, public_id: &str) {
        let mut remembered = self
            .remembered
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        remembered.changes += 1;
        remembered.keys.retain(|_, key| key.public_id != public_id);
    }

    /// A new token and what is stored of it.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when too many keys are being verified.
    pub fn make(
        &self,
        name: String,
        description: String,
        permissions: PermissionSet,
        expires_at: Option<Timestamp>,
    ) -> Result<(Token, NewApiKey)> {
        let token = random_token(Kind::Management)?;
        let key = self.prepare(&token, name, description, permissions, expires_at)?;
        Ok((token, key))
    }

    /// What is stored of a given token.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when too many keys are being verified.
    pub fn prepare(
        &self,
        token: &Token,
        name: String,
        description: String,
        permissions: PermissionSet,
        expires_at: Option<Timestamp>,
    ) -> Result<NewApiKey> {
        let salt = random()?;
        let hash = self.hasher.hash(token.secret(), salt)?;
        Ok(NewApiKey {
            public_id: token.id().to_owned(),
            name,
            description,
            permissions,
            expires_at,
            salt,
            hash,
        })
    }

    /// How many argon2id hashes were computed since the start.
    pub fn hashes(&self) -> u64 {
        self.hasher.runs()
    }

    fn changes(&self) -> u64 {
        self.remembered
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .changes
    }

    fn tag(&self, token: &Token) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret)
            .unwrap_or_else(|_| unreachable!("HMAC takes any key length"));
        mac.update(token.reveal().as_bytes());
        mac.finalize().into_bytes().into()
    }
}

/// A key that is neither revoked nor expired.
fn usable(key: &ApiKey, now: Timestamp) -> Result<()> {
    if key.revoked_at.is_some() {
        return Err(Error::Unauthenticated {
            code: "api_key_revoked",
            message: format!("the API key {:?} was revoked; ask for a new one", key.name),
        });
    }
    match key.expires_at {
        Some(at) if at <= now => Err(Error::Unauthenticated {
            code: "api_key_expired",
            message: format!(
                "the API key {:?} expired at {at}; ask for a new one",
                key.name
            ),
        }),
        _ => Ok(()),
    }
}

/// A new token of any kind.
///
/// # Errors
/// [`Error::Internal`] when the system gives no randomness.
pub fn random_token(kind: Kind) -> Result<Token> {
    let mut letters = [0_u8; ID_LENGTH + SECRET_LENGTH];
    let mut filled = 0;
    while filled < letters.len() {
        let bytes: [u8; 64] = random()?;
        for byte in bytes
            .into_iter()
            .filter(|byte| Token::usable(*byte))
            .take(letters.len() - filled)
        {
            letters[filled] = byte;
            filled += 1;
        }
    }
    Ok(Token::from_random(kind, &mut letters))
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Error::internal("reading randomness", error))?;
    Ok(bytes)
}
