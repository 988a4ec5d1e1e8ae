//! Sign-in codes: what the link carries that opens the page signed in, in place of a key, because browsers write the addresses that they
//! visit to the disk.
//!
//! A code works once and for half an hour, and is known to this process alone, by its SHA-256.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use subtle::ConstantTimeEq;

use crate::domain::credential::{Kind, Token};
use crate::error::{Error, Result};
use crate::service::virtual_keys::tokens::random_token;

/// How long a code works.
const LIFE: SignedDuration = SignedDuration::from_mins(30);
/// Most codes that are kept, those included that say only that they were used; past that the oldest goes.
const MAX_CODES: usize = 32;

/// Whom a code signs in.
pub enum SignsIn {
    /// The holder of this key: it is what the code is exchanged for.
    Holder(Token),
    /// The operator: the code is exchanged for a key that may do everything for half a day, made when the code is used.
    Operator,
}

/// The codes that were made lately.
#[derive(Default)]
pub struct SignInCodes(Mutex<Codes>);

#[derive(Default)]
struct Codes {
    made: VecDeque<Code>,
    /// The latest time that was seen: a clock that is set back prolongs nothing.
    latest: Timestamp,
}

struct Code {
    id: String,
    hash: [u8; 32],
    expires_at: Timestamp,
    /// Nothing once the code was used or its time is over.
    signs_in: Option<SignsIn>,
}

impl SignInCodes {
    /// Makes a code; answers it, and from when on it is refused.
    ///
    /// # Errors
    /// [`Error::Internal`] when the system gives no randomness.
    pub fn make(&self, signs_in: SignsIn, now: Timestamp) -> Result<(Token, Timestamp)> {
        let token = random_token(Kind::SignIn)?;
        let mut codes = self.at(now);
        let expires_at = codes.latest.saturating_add(LIFE).unwrap_or(codes.latest);
        if codes.made.len() >= MAX_CODES {
            codes.made.pop_front();
        }
        codes.made.push_back(Code {
            id: token.id().to_owned(),
            hash: token.secret_hash(),
            expires_at,
            signs_in: Some(signs_in),
        });
        Ok((token, expires_at))
    }

    /// Wipes the keys behind codes whose time is over.
    pub fn sweep(&self, now: Timestamp) {
        drop(self.at(now));
    }

    /// Whom a code signs in, this once.
    ///
    /// # Errors
    /// [`Error::UnknownCredential`] when there is no such code, [`Error::Unauthenticated`] when its time is over or it was used.
    pub(super) fn take(&self, token: &Token, now: Timestamp) -> Result<SignsIn> {
        let given = token.secret_hash();
        let mut codes = self.at(now);
        let latest = codes.latest;
        let code = codes
            .made
            .iter_mut()
            .find(|code| code.id == token.id() && bool::from(code.hash.ct_eq(&given)))
            .ok_or(Error::UnknownCredential)?;
        let over = if code.expires_at <= latest {
            (
                "sign_in_code_expired",
                "has expired: it works for half an hour",
            )
        } else {
            ("sign_in_code_used", "was used already: it works once")
        };
        code.signs_in.take().ok_or_else(|| refused(over.0, over.1))
    }

    /// Makes a code work again that could not be exchanged.
    pub(super) fn put_back(&self, token: &Token, signs_in: SignsIn) {
        let mut codes = self.lock();
        if let Some(code) = codes.made.iter_mut().find(|code| code.id == token.id()) {
            code.signs_in = Some(signs_in);
        }
    }

    /// The codes as they are at a time: what is behind those whose time is over is wiped.
    fn at(&self, now: Timestamp) -> MutexGuard<'_, Codes> {
        let mut codes = self.lock();
        codes.latest = codes.latest.max(now);
        let latest = codes.latest;
        for code in codes.made.iter_mut().filter(|it| it.expires_at <= latest) {
            code.signs_in = None;
        }
        codes
    }

    fn lock(&self) -> MutexGuard<'_, Codes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The refusal of a code, with what to do.
///
/// `what` follows "this sign-in link".
pub fn refused(code: &'static str, what: &str) -> Error {
    Error::Unauthenticated {
        code,
        message: format!(
            "this sign-in link {what}; `tollkeeper sign-in` on the machine of the server prints a new one, or sign in with a key"
        ),
    }
}
