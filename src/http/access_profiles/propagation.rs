//! The handler that pushes parts of an access profile to its copies.

use crate::domain::access_profile::propagation::{PROPAGATION, Propagated};
use crate::http::core::answer::{Answer, ok, stored};
use crate::http::core::guard::{AccessProfiles, Caller, Create};
use crate::http::core::request::{Request, blocking};
use crate::service;
use crate::service::Services;
use crate::service::access_profiles::expressions::Given;
use crate::store::idempotency::StoredAnswer;

/// `POST P/access-profiles/{id}/propagate`
///
/// # Errors
/// 400 with every violation, 404 when there is no such profile or role, or a user does not hold it.
pub async fn propagate(caller: Caller<Create, AccessProfiles>, request: Request) -> Answer {
    let id = request.id("id")?;
    let (input, hash) = request.json(&PROPAGATION).await?;
    let actor = caller.actor(&request);
    let once = request.once(&actor, hash)?;
    if input.dry_run {
        let preview = move |services: &Services| {
            service::access_profiles::propagation_preview::preview(services, id, &input)
        };
        return ok(&request.slow(preview).await?);
    }
    let services = request.services();
    let render = |done: &Propagated| StoredAnswer::json(done);
    let push = move || {
        service::access_profiles::propagation::propagate(&services, actor, id, input, once, render)
    };
    let ready = request.ready_expressions(Given::Profile(id)).await?;
    stored(blocking(move || ready.until(push)).await?)
}
