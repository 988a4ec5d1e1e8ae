//! Requests with an idempotency key: one effect, one answer.
//!
//! Writes are serial, so a second request under the same key runs after the first is done and finds its answer.

use super::Services;
use crate::domain::audit::Actor;
use crate::domain::credential::seal::Seal;
use crate::domain::idempotency::Once;
use crate::error::Result;
use crate::store::idempotency::StoredAnswer;
use crate::store::{Work, idempotency};

/// The answer that was given before under this key, or what `effect` answers, stored for the next time.
///
/// # Errors
/// [`crate::error::Error::IdempotencyKeyReused`] when the key came with another request, [`crate::error::Error::TooMany`] when as many
/// answers are kept for the caller as may be; what `effect` answers, which is not
/// stored: a request that failed may be tried again.
pub fn run<'w, W: AsMut<Work<'w>>>(
    work: &mut W,
    once: Option<&Once>,
    effect: impl FnOnce(&mut W) -> Result<StoredAnswer>,
) -> Result<StoredAnswer> {
    let Some(once) = once else {
        return effect(work);
    };
    let unit = work.as_mut();
    if let Some((earlier, answer)) = idempotency::find(unit, once, unit.now())? {
        once.check_same(&earlier)?;
        return Ok(answer);
    }
    idempotency::make_room(unit, &once.owner)?;
    let answer = effect(work)?;
    idempotency::insert(work.as_mut(), once, &answer)?;
    Ok(answer)
}

/// Changes what no decision depends on, as [`run`] does. The answer is put together in the transaction only if it is stored there: nobody else
/// has to wait for it then.
///
/// # Errors
/// As [`run`] and [`Services::write`].
pub fn write<T: Send + 'static>(
    services: &Services,
    actor: Actor,
    once: Option<Once>,
    effect: impl FnOnce(&mut Work<'_>) -> Result<T> + Send + 'static,
    render: impl FnOnce(T) -> Result<StoredAnswer> + Send + 'static,
) -> Result<StoredAnswer> {
    let Some(once) = once else {
        return render(services.write(actor, effect)?);
    };
    services.write(actor, move |work| {
        run(work, Some(&once), |work| render(effect(work)?))
    })
}

/// Keeps the answer to what is done already, unless there is one.
pub fn keep(services: &Services, once: Once, answer: StoredAnswer) -> Result<()> {
    services.write(server(), move |work| {
        if idempotency::find(work, &once, work.now())?.is_none() {
            idempotency::insert(work, &once, &answer)?;
        }
        Ok(())
    })
}

/// Makes room for one more answer to a caller; where there is none, answers when there will be, in Unix milliseconds.
pub fn full_until(services: &Services, owner: String) -> Result<Option<i64>> {
    services.write(server(), move |work| idempotency::full_until(work, &owner))
}

fn server() -> Actor {
    Actor::server("idempotency")
}

/// An idempotency key, and the seal for an answer that holds a secret.
pub type SealedOnce = (Once, Seal);

/// Like [`run`], for an answer that holds a secret: its body is stored under the seal.
///
/// # Errors
/// As [`run`]; [`crate::error::Error::Conflict`] when the earlier answer was sealed for another secret of the caller.
pub fn run_sealed<'w, W: AsMut<Work<'w>>>(
    work: &mut W,
    sealed: Option<SealedOnce>,
    effect: impl FnOnce(&mut W) -> Result<StoredAnswer>,
) -> Result<StoredAnswer> {
    let Some((once, seal)) = sealed else {
        return effect(work);
    };
    let stored = run(work, Some(&once), |work| {
        let answer = effect(work)?;
        let body = seal.close(&answer.body)?;
        Ok(StoredAnswer { body, ..answer })
    })?;
    let body = seal.open(&stored.body)?;
    Ok(StoredAnswer { body, ..stored })
}

/// Forgets the keys that are older than a day, in small steps so that no other write waits long.
pub fn sweep(services: &Services) -> Result<()> {
    while services.write(server(), |work| idempotency::prune(work))? > 0 {}
    Ok(())
}
