//! Idempotency keys: the same request sent twice has one effect and one answer (API.md §1).

use crate::error::{Error, Result};

use super::violation::{Path, Violation};

/// Longest idempotency key, in characters.
const MAX_KEY: usize = 255;

/// A request that must have its effect at most once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    /// The public id of the management API key that sent it: keys don't see each other's answers.
    pub owner: String,
    /// Its method and path.
    pub route: String,
    /// What the client calls it.
    pub key: String,
    /// SHA-256 of its body.
    pub request_hash: [u8; 32],
}

/// An answer that can be given again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Where the new thing is.
    pub location: Option<String>,
    /// Its validator.
    pub etag: Option<String>,
    /// The JSON body.
    pub body: String,
}

/// Checks the value of an `Idempotency-Key` header: 1 to 255 visible ASCII characters.
///
/// # Errors
/// [`Error::Invalid`].
pub fn check_key(text: &str) -> Result<&str> {
    if (1..=MAX_KEY).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(text);
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
