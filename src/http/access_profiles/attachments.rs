//! Handlers of the roles that access profiles are attached to.

use crate::domain::people::holding::{ATTACHMENT, AttachmentInput};
use crate::error::Result;
use crate::http::assignments::views::Attached;
use crate::http::core::answer::Message;
use crate::http::core::answer::{Answer, ok, stored};
use crate::http::core::guard::{AccessProfiles, Caller, Create, Delete};
use crate::http::core::request::{Request, blocking};
use crate::service;
use crate::service::access_profiles::expressions::Given;
use crate::store::idempotency::StoredAnswer;

/// `POST P/access-profiles/{id}/roles`
///
/// # Errors
/// 400 with every violation, 404 when there is no such profile or role, 409 when the profile is inactive.
pub async fn attach(caller: Caller<Create, AccessProfiles>, request: Request) -> Answer {
    let id = request.id("id")?;
    let (input, hash) = request.json(&ATTACHMENT).await?;
    let (services, actor) = (request.services(), caller.actor(&request));
    let once = request.once(&actor, hash)?;
    let attach = move || {
        service::access_profiles::attachments::attach(&services, actor, id, input, once, render)
    };
    let ready = request.ready_expressions(Given::Profile(id)).await?;
    stored(blocking(move || ready.until(attach)).await?)
}

fn render(input: &AttachmentInput, users_applied: usize) -> Result<StoredAnswer> {
    let roles = match input.role_ids.as_slice() {
        [one] => format!("the role {one}"),
        several => format!("{} roles", several.len()),
    };
    let applied = match users_applied {
        0 => String::new(),
        1 => "; 1 user got a copy and a managed virtual key".to_owned(),
        many => format!("; {many} users got a copy and a managed virtual key each"),
    };
    let hint = if users_applied > 0 {
        " (to hand a key out, rotate it: POST …/virtual-keys/{id}/rotate shows its new value once)"
    } else {
        ""
    };
    StoredAnswer::json(&Attached {
        message: format!("the access profile is attached to {roles}{applied}{hint}"),
        users_applied,
    })
}

/// `DELETE P/access-profiles/{id}/roles/{role_id}`
///
/// # Errors
/// 400, 404 when there is no such profile or role, or the one is not attached to the other, 412.
pub async fn detach(caller: Caller<Delete, AccessProfiles>, request: Request) -> Answer {
    let (id, role_id) = (request.id("id")?, request.id("role_id")?);
    let if_match = request.if_match()?;
    let (services, actor) = (request.services(), caller.actor(&request));
    let detach = move || {
        service::access_profiles::attachments::detach(&services, actor, id, role_id, if_match)
    };
    blocking(detach).await?;
    ok(&Message {
        message: format!(
            "the access profile is detached from the role {role_id}; who got a copy from it keeps that until they leave the role"
        ),
    })
}
