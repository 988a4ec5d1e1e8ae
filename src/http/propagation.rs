//! The handler that pushes parts of an access profile to its copies.

use super::answer::{Answer, ok, stored};
use super::call::{Call, blocking};
use super::guard::{AccessProfiles, Caller, Create};
use crate::domain::idempotency::StoredAnswer;
use crate::domain::propagation::{PROPAGATION, Propagated};
use crate::service;
use crate::service::Services;
use crate::service::expressions::Given;

/// `POST P/access-profiles/{id}/propagate`
///
/// # Errors
/// 400 with every violation, 404 when there is no such profile or role, or a user does not hold it.
pub async fn propagate(caller: Caller<Create, AccessProfiles>, call: Call) -> Answer {
    let id = call.id("id")?;
    let (input, hash) = call.json(&PROPAGATION).await?;
    let actor = caller.actor(&call);
    let once = call.once(&actor, hash)?;
    if input.dry_run {
        let preview =
            move |services: &Services| service::propagation_preview::preview(services, id, &input);
        return ok(&call.slow(preview).await?);
    }
    let services = call.services();
    let render = |done: &Propagated| StoredAnswer::json(done);
    let push = move || service::propagation::propagate(&services, actor, id, input, once, render);
    let ready = call.ready_expressions(Given::Profile(id)).await?;
    stored(blocking(move || ready.until(push)).await?)
}
