//! By what a right token is told from a guess without hashing it, so that it is not slowed down with the guesses of others at the
//! same address.
//!
//! A hint is 32 bits of a digest of the token, whose secret is 256 random bits: it helps nobody to find that, and who guesses meets one
//! hint in four thousand million. It verifies nothing; the token is still hashed. Hints outlive the process.

use sha2::{Digest, Sha256};

use super::keyring::Keyring;
use crate::domain::credential::Token;
use crate::error::Result;
use crate::store::{Store, api_key_hints};

impl Keyring {
    /// Learns the hints that earlier processes left.
    pub fn learn_hints(&self, store: &Store) -> Result<()> {
        let hints = store.read(api_key_hints::list)?;
        let mut remembered = self.change();
        for (public_id, hint) in hints {
            remembered.hints.entry(public_id).or_default().insert(hint);
        }
        Ok(())
    }

    /// Whether a token is most probably one that was right lately. As much work for an id that is unknown as for a wrong secret.
    pub fn is_probably_right(&self, token: &Token) -> bool {
        let hint = hint(token);
        let remembered = self.look();
        let known = remembered.hints.get(token.id());
        known.is_some_and(|hints| hints.contains(&hint))
    }

    /// Keeps the hint of a token that is right.
    pub(super) fn note_hint(&self, token: &Token) {
        let (public_id, hint) = (token.id().to_owned(), hint(token));
        let mut remembered = self.change();
        let known = remembered.hints.entry(public_id.clone()).or_default();
        if known.insert(hint) {
            if known.len() > api_key_hints::MOST
                && let Some(other) = known.iter().copied().find(|other| *other != hint)
            {
                known.remove(&other);
            }
            remembered.new_hints.push((public_id, hint));
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
