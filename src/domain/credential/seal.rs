//! Sealing an answer that holds a new secret, so that it can be given again to the same caller and to nobody else.
//!
//! The key is made from the caller's own token, which is not stored anywhere: the database alone can't open the seal.

use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::Token;
use crate::domain::idempotency::Once;
use crate::error::{Error, Result};

/// Length of the random value that makes two seals of one text differ, in bytes.
pub const NONCE_LENGTH: usize = 24;

/// Seals the answer to one request of one caller. Has no `Debug`.
pub struct Seal {
    cipher: XChaCha20Poly1305,
    nonce: [u8; NONCE_LENGTH],
}

impl Seal {
    /// The seal for a request; `nonce` is random.
    pub fn new(token: &Token, once: &Once, nonce: [u8; NONCE_LENGTH]) -> Self {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(token.reveal().as_bytes())
            .unwrap_or_else(|_| unreachable!("HMAC takes any key length"));
        mac.update(b"tollkeeper idempotency seal\0");
        mac.update(once.route.as_bytes());
        mac.update(b"\0");
        mac.update(once.key.as_bytes());
        Self {
            cipher: XChaCha20Poly1305::new(&mac.finalize().into_bytes()),
            nonce,
        }
    }

    /// A text that only [`Seal::open`] under the same token and request can read.
    ///
    /// # Errors
    /// [`Error::Internal`] when the text is too long for the cipher.
    pub fn close(&self, text: &str) -> Result<String> {
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(self.nonce), text.as_bytes())
            .map_err(|_| Error::internal("sealing an answer", "the cipher refused"))?;
        Ok(self
            .nonce
            .iter()
            .chain(&sealed)
            .map(|byte| char::from(*byte))
            .collect())
    }

    /// The text under a seal.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it was sealed for another secret, such as the caller's before a rotation.
    pub fn open(&self, sealed: &str) -> Result<String> {
        let broken = || {
            let message = "this Idempotency-Key was used under another secret of this API key, which alone can read that answer; \
                           use a new Idempotency-Key";
            Error::conflict("sealed_for_another_secret", "", message)
        };
        let bytes: Vec<u8> = sealed
            .chars()
            .map(u8::try_from)
            .collect::<std::result::Result<_, _>>()
            .map_err(|_| broken())?;
        let (nonce, sealed) = bytes
            .split_first_chunk::<NONCE_LENGTH>()
            .ok_or_else(broken)?;
        let text = self
            .cipher
            .decrypt(&XNonce::from(*nonce), sealed)
            .map_err(|_| broken())?;
        String::from_utf8(text).map_err(|_| broken())
    }
}
