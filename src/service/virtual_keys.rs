//! Writes of virtual keys. Their secrets exist once: in the answer that makes them.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::tokens::random_token;
use crate::domain::credential::{Kind, Token};
use crate::domain::virtual_key::{HASH_LENGTH, NewVirtualKey, VirtualKey};
use crate::error::Result;
use crate::store::{Writing, virtual_keys};

/// A key that was just made, with its secret. Has no `Debug`.
#[derive(Clone)]
pub struct IssuedKey {
    /// The key as it is stored.
    pub key: VirtualKey,
    /// The key itself, which is shown once.
    pub token: Token,
}

/// Makes a key inside a write.
///
/// # Errors
/// When there is no randomness or the database can't be written.
pub fn issue(writing: &Writing<'_>, new: &NewVirtualKey, now: Timestamp) -> Result<IssuedKey> {
    let token = random_token(Kind::Virtual)?;
    let id = virtual_keys::insert(writing, new, token.id(), hash(&token), now)?;
    Ok(IssuedKey {
        key: virtual_keys::get(writing, id)?,
        token,
    })
}

/// What is stored of a secret.
pub fn hash(token: &Token) -> [u8; HASH_LENGTH] {
    Sha256::digest(token.secret()).into()
}
