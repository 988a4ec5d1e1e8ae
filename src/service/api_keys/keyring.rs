//! Verifying management API keys, and remembering those that were verified.
//!
//! A verified token is remembered as an HMAC of itself under a key that this process alone has, so hashing happens once per
//! token and process. Secrets that were right once and whose time is over are remembered too, so that a gateway that keeps
//! sending one costs no hash each time; guesses are not. A key that changed is forgotten after the commit and before the answer
//! (`unit_of_work.rs`), so the old rights end with that answer.

mod flights;
mod hasher;
mod hints;
pub mod memory;

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use self::flights::Flights;
use self::hasher::{Hasher, HasherFigures};
use self::memory::{KeyMemory, TakenAway, VerifiedKey, make_room};
use crate::domain::api_key::{ApiKey, ApiKeySettings, HASH_LENGTH, NewApiKey, SALT_LENGTH};
use crate::domain::credential::{MAX_EARLIER, Token};
use crate::error::{Error, Result};
use crate::service::virtual_keys::tokens::random;
use crate::store::Store;
use crate::store::api_keys::{hints as stored_hints, secrets};

/// Verifies and remembers keys.
pub struct Keyring {
    hasher: Hasher,
    flights: Flights,
    /// Makes what tokens are remembered under; differs in every process.
    mac: Hmac<Sha256>,
    remembered: RwLock<KeyMemory>,
}

impl Keyring {
    /// An empty keyring with its hashing threads.
    ///
    /// # Errors
    /// [`Error::Internal`] when the system gives no threads or randomness.
    pub fn start() -> Result<Self> {
        Ok(Self {
            hasher: Hasher::start()?,
            flights: Flights::default(),
            mac: Hmac::new_from_slice(&random::<32>()?)
                .unwrap_or_else(|_| unreachable!("HMAC takes any key length")),
            remembered: RwLock::default(),
        })
    }

    /// The key of a token that was verified before; costs one HMAC.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] when it has expired since.
    pub fn recall(&self, token: &Token, now: Timestamp) -> Result<Option<Arc<ApiKey>>> {
        let tag = self.tag(token);
        let (known, changes) = {
            let remembered = self.look();
            if let Some((_, refusal)) = remembered.dead.get(&tag) {
                return Err(refusal.clone());
            }
            (remembered.tokens.get(&tag).cloned(), remembered.changes)
        };
        let Some(verified) = known else {
            return Ok(None);
        };
        if let Some(until) = verified.until.filter(|until| *until <= now) {
            let mut remembered = self.change();
            if remembered.changes == changes {
                remembered.tokens.remove(&tag);
                remembered.note_use(&verified);
                remembered.note_end(&verified.key.public_id, until);
            }
            return Ok(None);
        }
        if let Err(error) = verified.key.check_usable(now) {
            self.bury(&verified.key, changes);
            return Err(error);
        }
        verified
            .last_used
            .store(now.as_millisecond(), Ordering::Relaxed);
        Ok(Some(verified.key))
    }

    /// Verifies a token. Blocks for one argon2id run, the same for an unknown id as for a wrong secret; who brings a token that is
    /// being verified already waits for that outcome.
    ///
    /// # Errors
    /// [`Error::UnknownCredential`] for an unknown id or a wrong secret, [`Error::Unauthenticated`] for a key whose time is
    /// over, or [`Error::Unavailable`] when too many keys are being verified.
    pub fn verify(&self, store: &Store, token: &Token, now: Timestamp) -> Result<Arc<ApiKey>> {
        let flight = (self.tag(token), self.changes());
        let key = self
            .flights
            .join(flight, || self.verify_alone(store, token, now))?;
        // Who joined late may have come after its time.
        key.check_usable(now)?;
        Ok(key)
    }

    fn verify_alone(&self, store: &Store, token: &Token, now: Timestamp) -> Result<Arc<ApiKey>> {
        let changes = self.changes();
        let stored = store.read(|reading| secrets::find_secret(reading, token.id()))?;
        let hash = self.hash(
            token,
            stored
                .as_ref()
                .map_or([0; SALT_LENGTH], |stored| stored.salt),
        )?;
        // As many comparisons happen for every token, known or not.
        let nothing = [0; HASH_LENGTH];
        let current = stored.as_ref().map_or(nothing, |stored| stored.hash);
        let earlier = stored
            .as_ref()
            .map_or(&[][..], |stored| &stored.earlier[..]);
        let is_current = bool::from(hash.ct_eq(&current));
        let mut works_until = None;
        for at in 0..MAX_EARLIER {
            let (before, until) = earlier.get(at).map_or((nothing, now), |one| *one);
            if bool::from(hash.ct_eq(&before)) {
                works_until = Some(until);
            }
        }
        let Some(key) = stored
            .map(|stored| self.look().left_of(stored.key))
            .filter(|_| is_current || works_until.is_some())
        else {
            return Err(Error::UnknownCredential);
        };
        let until = works_until.filter(|_| !is_current);
        if until.is_some_and(|until| self.has_ended(&key.public_id, until, now)) {
            let message = format!(
                "the API key {:?} was rotated and this secret's grace period is over",
                key.name
            );
            let refusal = Error::Unauthenticated {
                code: "api_key_rotated",
                message,
            };
            return Err(self.refuse(token, &key, changes, refusal));
        }
        if self.look().expired.contains(&key.public_id) {
            return Err(self.refuse(token, &key, changes, key.expired()));
        }
        if let Err(refusal) = key.check_usable(now) {
            self.bury(&key, changes);
            return Err(self.refuse(token, &key, changes, refusal));
        }
        let key = Arc::new(key);
        self.remember(token, &key, until, changes, Some(now));
        Ok(key)
    }

    /// The refusal of a secret that was right once, remembered like a success.
    fn refuse(&self, token: &Token, key: &ApiKey, changes: u64, refusal: Error) -> Error {
        let tag = self.tag(token);
        let mut remembered = self.change();
        if remembered.changes == changes {
            make_room(&mut remembered.dead);
            let dead = (key.public_id.clone(), refusal.clone());
            remembered.dead.insert(tag, dead);
        }
        refusal
    }

    /// Remembers a token that this process has just made, so that its first use needs no hashing. `changes` is what
    /// [`Keyring::changes`] was before its key was stored, and what that made of it.
    pub(in crate::service) fn remember_new(&self, token: &Token, key: &ApiKey, changes: u64) {
        self.remember(token, &Arc::new(key.clone()), None, changes, None);
    }

    /// How often `forget` was called.
    pub fn changes(&self) -> u64 {
        self.look().changes
    }

    fn remember(
        &self,
        token: &Token,
        key: &Arc<ApiKey>,
        until: Option<Timestamp>,
        changes: u64,
        used: Option<Timestamp>,
    ) {
        let tag = self.tag(token);
        let mut remembered = self.change();
        remembered.hints.note(token);
        // A key may have changed while it was being hashed: then this answer still stands, as one that began before, but it is
        // not remembered.
        if remembered.changes != changes {
            return;
        }
        if let Some(gone) = make_room(&mut remembered.tokens) {
            remembered.note_use(&gone);
        }
        let stored = key.last_used_at.map_or(0, Timestamp::as_millisecond);
        let last_used = Arc::new(AtomicI64::new(
            used.map_or(stored, Timestamp::as_millisecond),
        ));
        remembered.tokens.insert(
            tag,
            VerifiedKey {
                key: Arc::clone(key),
                until,
                last_used,
            },
        );
    }

    /// Forgets what was verified for a key, after the commit of a change and before the answer.
    pub(in crate::service) fn forget(&self, public_id: &str) {
        self.change().forget(public_id);
    }

    /// Keys whose time was met to be over stay dead until they are changed; one that was changed since it was looked up is not
    /// touched.
    fn bury(&self, key: &ApiKey, changes: u64) {
        let mut remembered = self.change();
        if remembered.changes != changes {
            return;
        }
        remembered.take_out(&key.public_id);
        if key.expires_at.is_some() {
            remembered.expired.insert(key.public_id.clone());
        }
    }

    /// Whether a grace period is over; once it was, it stays so although the clock is set back.
    fn has_ended(&self, public_id: &str, until: Timestamp, now: Timestamp) -> bool {
        let mut remembered = self.change();
        if until <= now {
            remembered.note_end(public_id, until);
        }
        let ended = remembered.ended.get(public_id);
        ended.is_some_and(|ended| ended.contains(&until))
    }

    /// When keys were last used in this process, by public id.
    pub fn last_uses(&self) -> HashMap<String, Timestamp> {
        let uses = self.look().last_uses().into_iter();
        uses.filter_map(|(id, at)| Some((id, Timestamp::from_millisecond(at).ok()?)))
            .collect()
    }

    /// When a key was last used in this process, if it is known.
    pub fn last_used(&self, public_id: &str) -> Option<Timestamp> {
        self.last_uses().remove(public_id)
    }

    /// argon2id of a token's secret.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when too many keys are being verified.
    pub fn hash(&self, token: &Token, salt: [u8; SALT_LENGTH]) -> Result<[u8; HASH_LENGTH]> {
        self.hasher.hash(token.secret(), salt)
    }

    /// What is stored of a new key with this token.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when too many keys are being verified.
    pub fn prepare(&self, token: &Token, settings: ApiKeySettings) -> Result<NewApiKey> {
        let salt = random()?;
        Ok(NewApiKey {
            public_id: token.id().to_owned(),
            settings,
            salt,
            hash: self.hash(token, salt)?,
        })
    }

    /// Learns the hints that earlier processes left.
    pub fn learn_hints(&self, store: &Store) -> Result<()> {
        let stored = store.read(stored_hints::list)?;
        self.change().hints.learn(stored);
        Ok(())
    }

    /// Whether a token is most probably one that was right lately.
    pub fn is_probably_right(&self, token: &Token) -> bool {
        self.look().hints.contain(token)
    }

    /// Takes from a key what can't be stored; that lasts until [`Keyring::trust_store`].
    pub fn take_away(&self, public_id: &str, taken: TakenAway) {
        let mut remembered = self.change();
        remembered.take_away(public_id, taken);
        remembered.forget(public_id);
    }

    /// What was taken from a key is stored.
    pub fn trust_store(&self, public_id: &str) {
        let mut remembered = self.change();
        remembered.taken.remove(public_id);
        remembered.forget(public_id);
    }

    /// Whether something was taken from a key that is not stored yet.
    pub fn is_less_than_stored(&self, public_id: &str) -> bool {
        self.look().taken.contains_key(public_id)
    }

    /// How many argon2id hashes were computed since the start.
    pub fn hashes(&self) -> u64 {
        self.hasher.figures().runs()
    }

    /// What is counted of hashes.
    pub fn hasher_figures(&self) -> &HasherFigures {
        self.hasher.figures()
    }

    fn look(&self) -> RwLockReadGuard<'_, KeyMemory> {
        self.remembered
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::service) fn change(&self) -> RwLockWriteGuard<'_, KeyMemory> {
        self.remembered
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn tag(&self, token: &Token) -> [u8; 32] {
        let mut mac = self.mac.clone();
        mac.update(token.reveal().as_bytes());
        mac.finalize().into_bytes().into()
    }
}
