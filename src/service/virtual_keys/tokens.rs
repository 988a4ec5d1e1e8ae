//! Making tokens, in place of earlier ones too: the letters of a new one come from the system's randomness.

use jiff::{Timestamp, ToSpan};

use crate::domain::credential::{ID_LENGTH, Kind, MAX_EARLIER, SECRET_LENGTH, Token};
use crate::domain::validator::IfMatch;
use crate::error::{Error, Result};

/// Which key is to be rotated, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation<K> {
    /// What the key is known by.
    pub key: K,
    /// How long the old secret still works.
    pub grace_seconds: i64,
    /// What the caller knows of it.
    pub if_match: IfMatch,
}

/// Makes sure that a secret which is replaced may work on beside those that do so until `ends`, the first one first.
///
/// # Errors
/// [`Error::Conflict`] when [`MAX_EARLIER`] do: none is ended before the time that was promised.
pub fn check_earlier(ends: &[Timestamp]) -> Result<()> {
    match ends {
        [first, ..] if ends.len() >= MAX_EARLIER => Err(Error::conflict(
            "too_many_secrets",
            "grace",
            format!(
                "{} earlier secrets of this key still work, the first until {first}, and each keeps its time; rotate it after that, or \
                 without a grace period, which ends the current secret at once",
                ends.len()
            ),
        )),
        _ => Ok(()),
    }
}

/// When the old secret of a key that is rotated stops working; none when it does at once.
pub fn grace_ends(now: Timestamp, grace_seconds: i64) -> Option<Timestamp> {
    (grace_seconds > 0).then(|| now.checked_add(grace_seconds.seconds()).unwrap_or(now))
}

/// A new token of any kind.
///
/// # Errors
/// [`Error::Internal`] when the system gives no randomness.
pub fn random_token(kind: Kind) -> Result<Token> {
    random_letters().map(|mut letters| Token::from_random(kind, &mut letters))
}

/// A new secret for a key that keeps its public id.
///
/// # Errors
/// [`Error::Internal`] when the system gives no randomness.
pub fn random_successor(kind: Kind, public_id: &str) -> Result<Token> {
    random_letters().map(|mut letters| Token::with_id(kind, public_id, &mut letters))
}

fn random_letters() -> Result<[u8; ID_LENGTH + SECRET_LENGTH]> {
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
    Ok(letters)
}

/// Random bytes from the system.
///
/// # Errors
/// [`Error::Internal`] when there are none.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Error::internal("reading randomness", error))?;
    Ok(bytes)
}
