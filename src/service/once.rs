//! Requests with an idempotency key: one effect, one answer.
//!
//! Writes are serial, so a second request under the same key runs after the first is done and finds its answer.

use jiff::Timestamp;

use super::Services;
use crate::domain::idempotency::{Once, StoredAnswer};
use crate::domain::seal::Seal;
use crate::error::Result;
use crate::store::{Writing, idempotency};

/// The answer that was given before under this key, or what `work` answers, stored for the next time.
///
/// # Errors
/// [`crate::error::Error::IdempotencyKeyReused`] when the key came with another request, [`crate::error::Error::TooMany`] when as many
/// answers are kept for the caller as may be; what `work` answers, which is not
/// stored: a request that failed may be tried again.
pub fn run(
    writing: &Writing<'_>,
    once: Option<&Once>,
    now: Timestamp,
    work: impl FnOnce() -> Result<StoredAnswer>,
) -> Result<StoredAnswer> {
    let Some(once) = once else { return work() };
    if let Some((earlier, answer)) = idempotency::find(writing, once, now)? {
        once.check_same(&earlier)?;
        return Ok(answer);
    }
    idempotency::make_room(writing, &once.owner, now)?;
    let answer = work()?;
    idempotency::insert(writing, once, &answer, now)?;
    Ok(answer)
}

/// Keeps the answer to what is done already, unless there is one.
///
/// # Errors
/// When the database can't be written.
pub fn keep(
    writing: &Writing<'_>,
    once: &Once,
    now: Timestamp,
    answer: &StoredAnswer,
) -> Result<()> {
    if idempotency::find(writing, once, now)?.is_none() {
        idempotency::insert(writing, once, answer, now)?;
    }
    Ok(())
}

/// An idempotency key, and the seal for an answer that holds a secret.
pub type SealedOnce = (Once, Seal);

/// Like [`run`], for an answer that holds a secret: its body is stored under the seal. Answers it, and what `work` made beside it
/// unless the answer is an earlier one.
///
/// # Errors
/// As [`run`]; [`crate::error::Error::Conflict`] when the earlier answer was sealed for another secret of the caller.
pub fn run_sealed<T>(
    writing: &Writing<'_>,
    sealed: Option<SealedOnce>,
    now: Timestamp,
    work: impl FnOnce() -> Result<(StoredAnswer, T)>,
) -> Result<(StoredAnswer, Option<T>)> {
    let Some((once, seal)) = sealed else {
        return work().map(|(answer, made)| (answer, Some(made)));
    };
    let mut made = None;
    let stored = run(writing, Some(&once), now, || {
        let (answer, new) = work()?;
        made = Some(new);
        Ok(StoredAnswer {
            body: seal.close(&answer.body)?,
            ..answer
        })
    })?;
    let body = seal.open(&stored.body)?;
    Ok((StoredAnswer { body, ..stored }, made))
}

/// Forgets the keys that are older than a day, in small steps so that no other write waits long.
///
/// # Errors
/// When the database can't be written.
pub fn sweep(services: &Services) -> Result<()> {
    let now = services.clock.now();
    while services
        .store
        .write(move |writing| idempotency::prune(writing, now))?
        > 0
    {}
    Ok(())
}
