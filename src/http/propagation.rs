//! The handler that pushes parts of an access profile to its copies.

use super::answer::{Answer, stored};
use super::call::{Call, blocking};
use super::guard::{AccessProfiles, Caller, Create};
use crate::domain::idempotency::StoredAnswer;
use crate::domain::propagation::{Propagated, PropagationInput};
use crate::service;

/// `POST P/access-profiles/{id}/propagate`
///
/// # Errors
/// 400 with every violation, 404 when there is no such profile or role, or a user does not hold it.
pub async fn propagate(caller: Caller<Create, AccessProfiles>, call: Call) -> Answer {
    let id = call.id("id")?;
    let input = call.json(PropagationInput::parse).await?;
    let (services, actor) = (call.services(), caller.actor(&call));
    let once = call.once(&actor)?;
    if input.dry_run {
        let _permit = call.read_permit().await;
        let preview = move || {
            service::once::run_reading(&services, once, || {
                StoredAnswer::json(&service::propagation_preview::preview(
                    &services, id, &input,
                )?)
            })
        };
        return stored(blocking(preview).await?);
    }
    let render = |done: &Propagated| StoredAnswer::json(done);
    let push = move || service::propagation::propagate(&services, actor, id, input, once, render);
    stored(blocking(push).await?)
}
