//! Virtual keys, and what has ended although the database does not say so yet.

use foldhash::HashMap;

use super::user_profile::UserProfile;
use crate::domain::credential::ID_LENGTH;

/// A virtual key.
pub struct Key {
    /// Its number (`virtual_keys.id`).
    pub id: i64,
    /// Whose it is.
    pub user_id: i64,
    /// When it expires; `i64::MAX` when it does not.
    pub expires_at: i64,
    /// SHA-256 of its secret.
    pub secret_hash: [u8; 32],
    /// A secret that it had before, while the grace period of that lasts; few keys have one.
    pub earlier: Option<Box<GraceSecret>>,
}

/// A secret of a virtual key before one of its rotations.
pub struct GraceSecret {
    /// SHA-256 of it.
    pub hash: [u8; 32],
    /// When it stops working.
    pub expires_at: i64,
    /// Another one.
    pub another: Option<Box<GraceSecret>>,
}

impl Key {
    /// Adds a secret that works beside the current one.
    pub fn add_earlier(&mut self, hash: [u8; 32], expires_at: i64) {
        let another = self.earlier.take();
        self.earlier = Some(Box::new(GraceSecret {
            hash,
            expires_at,
            another,
        }));
    }

    /// The secrets that work beside the current one, each until its time.
    pub fn earlier(&self) -> impl Iterator<Item = &GraceSecret> {
        std::iter::successors(self.earlier.as_deref(), |secret| secret.another.as_deref())
    }
}

/// What ends at a time, although the database does not say so yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ended {
    /// Virtual keys by public id.
    pub keys: Vec<[u8; ID_LENGTH]>,
    /// Copies by user and id.
    pub copies: Vec<(i64, i64)>,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
}

/// When keys, by public id, and copies, by id, have ended although the database does not say so yet.
#[derive(Default)]
pub struct NotStored {
    keys: HashMap<[u8; ID_LENGTH], i64>,
    copies: HashMap<i64, i64>,
}

impl NotStored {
    /// The database says all of it.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Remembers what has ended.
    pub fn add(&mut self, ended: &Ended) {
        for public_id in &ended.keys {
            let at = self.keys.entry(*public_id).or_insert(i64::MAX);
            *at = ended.at_ms.min(*at);
        }
        for (_, copy_id) in &ended.copies {
            let at = self.copies.entry(*copy_id).or_insert(i64::MAX);
            *at = ended.at_ms.min(*at);
        }
    }

    /// Ends what was loaded and has ended.
    pub fn apply(&self, copies: &mut [UserProfile], keys: &mut [([u8; ID_LENGTH], Key)]) {
        for copy in copies {
            if let Some(at) = self.copies.get(&copy.id) {
                copy.expires_at = copy.expires_at.min(*at);
            }
        }
        for (public_id, key) in keys {
            if let Some(at) = self.keys.get(public_id) {
                key.expires_at = key.expires_at.min(*at);
            }
        }
    }
}
