//! By what a right token is told from a guess without hashing it, so that it is not slowed down with the guesses of others at the
//! same address.
//!
//! A hint is 32 bits of a digest of the token, whose secret is 256 random bits: it helps nobody to find that, and who guesses meets one
//! hint in four thousand million. It verifies nothing; the token is still hashed. Hints outlive the process.

use std::collections::{HashMap, HashSet};

use sha2::{Digest, Sha256};

use crate::domain::credential::Token;
use crate::store::api_keys::hints;

/// The hints of tokens that were right.
#[derive(Default)]
pub struct Hints {
    /// By public id.
    known: HashMap<String, HashSet<i64>>,
    /// Those that are not stored yet, each with its public id.
    pub new: Vec<(String, i64)>,
}

impl Hints {
    /// Learns those that earlier processes left.
    pub fn learn(&mut self, stored: Vec<(String, i64)>) {
        for (public_id, hint) in stored {
            self.known.entry(public_id).or_default().insert(hint);
        }
    }

    /// Whether there is one of a token. As much work for an id that is unknown as for a wrong secret.
    pub fn contain(&self, token: &Token) -> bool {
        let hint = hint(token);
        let known = self.known.get(token.id());
        known.is_some_and(|hints| hints.contains(&hint))
    }

    /// Keeps that of a token that is right.
    pub fn note(&mut self, token: &Token) {
        let (public_id, hint) = (token.id().to_owned(), hint(token));
        let known = self.known.entry(public_id.clone()).or_default();
        if known.insert(hint) {
            if known.len() > hints::MOST
                && let Some(other) = known.iter().copied().find(|other| *other != hint)
            {
                known.remove(&other);
            }
            self.new.push((public_id, hint));
        }
    }
}

fn hint(token: &Token) -> i64 {
    let digest = Sha256::new()
        .chain_update(b"hint of ")
        .chain_update(token.reveal())
        .finalize();
    i64::from(u32::from_be_bytes([
        digest[0], digest[1], digest[2], digest[3],
    ]))
}
