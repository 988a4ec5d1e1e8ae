//! Idempotency keys: the same request sent twice has one effect and one answer (API.md §1).

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

use super::body::violation::{Path, Violation};
use super::values::number::hex;

/// Longest idempotency key, in characters.
const MAX_KEY: usize = 255;

/// A request that must have its effect at most once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    /// The public id of the management API key that sent it: keys don't see each other's answers.
    pub owner: String,
    /// Its method and path; the same for all the paths of a route.
    pub route: String,
    /// What the client calls it, hashed; see [`read_key`].
    pub key: String,
    /// SHA-256 of its body.
    pub request_hash: [u8; 32],
}

/// Reads an `Idempotency-Key` header, 1 to 255 visible ASCII characters. What is kept of it is its SHA-256 in hexadecimal: some
/// clients put there what should be kept secret.
///
/// # Errors
/// [`Error::Invalid`].
pub fn read_key(text: &str) -> Result<String> {
    if (1..=MAX_KEY).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(hex(&Sha256::digest(text)));
    }
    Err(Violation::alone(
        &Path::root().field("Idempotency-Key"),
        "malformed_idempotency_key",
        "must have 1 to 255 visible ASCII characters",
    ))
}

impl Once {
    /// Whether an earlier request under this key was the same.
    ///
    /// # Errors
    /// [`Error::IdempotencyKeyReused`] when it was another.
    pub fn check_same(&self, earlier: &[u8; 32]) -> Result<()> {
        if *earlier == self.request_hash {
            Ok(())
        } else {
            Err(Error::IdempotencyKeyReused)
        }
    }
}
