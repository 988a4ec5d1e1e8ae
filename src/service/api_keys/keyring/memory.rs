//! What the keyring remembers of keys, and when they were used. Holds no secret: tokens are known by their tags.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

use super::hints::Hints;
use crate::domain::api_key::ApiKey;
use crate::domain::api_key::permission::PermissionSet;
use crate::domain::credential::MAX_EARLIER;
use crate::error::Error;

/// Most tokens that are remembered; past that one of them is verified anew.
const MAX_REMEMBERED: usize = 10_000;

/// What a keyring remembers.
#[derive(Default)]
pub struct KeyMemory {
    /// Tokens that were verified, by their tags.
    pub tokens: HashMap<[u8; 32], VerifiedKey>,
    /// Counts the calls of `Keyring::forget`, so that a verification that began before one is not remembered after it.
    pub changes: u64,
    /// Keys that were met after their time: a clock that is set back does not bring them to life again.
    pub expired: HashSet<String>,
    /// Secrets that were right once, with the public id and why they are refused.
    pub dead: HashMap<[u8; 32], (String, Error)>,
    /// Ends of grace periods that were met to be over, by public id; likewise. The last of them, as many as a key may have.
    pub ended: HashMap<String, Vec<Timestamp>>,
    /// Uses of keys that have since been forgotten: public id and milliseconds.
    pub uses: HashMap<String, i64>,
    /// By what tokens that were right are told from guesses.
    pub hints: Hints,
    /// What was taken from keys and is not stored yet, by public id.
    pub taken: HashMap<String, TakenAway>,
}

/// What was taken from a key and is not stored yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakenAway {
    /// Since when it is revoked.
    pub revoked_at: Option<Timestamp>,
    /// What is left of its permissions.
    pub permissions: PermissionSet,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

impl TakenAway {
    /// What is left of a key.
    pub fn leave_of(&self, key: &ApiKey) -> ApiKey {
        ApiKey {
            revoked_at: key.revoked_at.or(self.revoked_at),
            ..key.narrowed(self.permissions, self.expires_at)
        }
    }

    /// Both.
    fn and(self, other: Self) -> Self {
        Self {
            revoked_at: self.revoked_at.or(other.revoked_at),
            permissions: self.permissions.and(other.permissions),
            expires_at: [self.expires_at, other.expires_at]
                .into_iter()
                .flatten()
                .min(),
        }
    }
}

/// A token that was verified.
#[derive(Clone)]
pub struct VerifiedKey {
    /// The key it belongs to.
    pub key: Arc<ApiKey>,
    /// Until when this token works, if it is an earlier one.
    pub until: Option<Timestamp>,
    /// Milliseconds; shared with the copies that requests hold.
    pub last_used: Arc<AtomicI64>,
}

impl KeyMemory {
    /// Forgets what was verified for a key.
    pub fn forget(&mut self, public_id: &str) {
        self.changes += 1;
        self.expired.remove(public_id);
        self.dead.retain(|_, (id, _)| id != public_id);
        self.take_out(public_id);
    }

    /// Forgets the tokens of a key, but not when they were used.
    pub fn take_out(&mut self, public_id: &str) {
        let of_key = |verified: &VerifiedKey| verified.key.public_id == public_id;
        let gone = self.tokens.extract_if(|_, verified| of_key(verified));
        for (_, verified) in gone.collect::<Vec<_>>() {
            self.note_use(&verified);
        }
    }

    /// Keeps that a grace period was met to be over.
    pub fn note_end(&mut self, public_id: &str, until: Timestamp) {
        let ended = self.ended.entry(public_id.to_owned()).or_default();
        if !ended.contains(&until) {
            ended.truncate(MAX_EARLIER - 1);
            ended.insert(0, until);
        }
    }

    /// Takes something from a key beside what was taken before.
    pub fn take_away(&mut self, public_id: &str, taken: TakenAway) {
        let before = self.taken.get(public_id).copied();
        let both = before.map_or(taken, |before| before.and(taken));
        self.taken.insert(public_id.to_owned(), both);
    }

    /// What is left of a stored key.
    pub fn left_of(&self, key: ApiKey) -> ApiKey {
        match self.taken.get(&key.public_id) {
            Some(taken) => taken.leave_of(&key),
            None => key,
        }
    }

    /// Keeps when a token was used, although the token is forgotten.
    pub fn note_use(&mut self, verified: &VerifiedKey) {
        add_use(&mut self.uses, verified);
    }

    /// When keys were last used, by public id, in milliseconds.
    pub fn last_uses(&self) -> HashMap<String, i64> {
        let mut uses = self.uses.clone();
        for verified in self.tokens.values() {
            add_use(&mut uses, verified);
        }
        uses.retain(|_, at| *at > 0);
        uses
    }
}

fn add_use(uses: &mut HashMap<String, i64>, verified: &VerifiedKey) {
    let at = verified.last_used.load(Ordering::Relaxed);
    let known = uses.entry(verified.key.public_id.clone()).or_default();
    *known = at.max(*known);
}

/// Makes room for one more among what is known by tags; answers what goes for it.
pub(super) fn make_room<V>(known: &mut HashMap<[u8; 32], V>) -> Option<V> {
    let any = *known
        .keys()
        .next()
        .filter(|_| known.len() >= MAX_REMEMBERED)?;
    known.remove(&any)
}
