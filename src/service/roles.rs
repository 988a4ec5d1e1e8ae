//! Writes of roles.

use jiff::Timestamp;
use serde_json::json;

use super::{Services, once};
use crate::domain::audit::{Actor, NewAuditEntry};
use crate::domain::idempotency::{Once, StoredAnswer};
use crate::domain::role::{Role, RoleDetail, RoleInput};
use crate::domain::validator::IfMatch;
use crate::error::{Error, Result};
use crate::store::{Writing, audit, roles};

/// How many users the refusal to delete a role names.
const NAMED_USERS: i64 = 10;

/// Makes a role. `render` puts the answer together inside the transaction, so that it can be stored with it.
///
/// # Errors
/// [`Error::Conflict`] when the name is taken; see also [`once::run`].
pub fn create(
    services: &Services,
    actor: Actor,
    input: RoleInput,
    once: Option<Once>,
    render: impl FnOnce(&RoleDetail) -> Result<StoredAnswer> + Send + 'static,
) -> Result<StoredAnswer> {
    let now = services.clock.now();
    services.store.write(move |writing| {
        once::run(writing, once.as_ref(), now, || {
            let name = input.name.unwrap_or_default();
            let description = input.description.unwrap_or_default();
            let id = roles::insert(writing, &name, &description, now)?;
            let detail = roles::get_detail(writing, id)?;
            note(writing, now, actor, "role.create", None, Some(&detail.role))?;
            render(&detail)
        })
    })
}

/// Changes the sent fields of a role; a change that changes nothing writes nothing.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Stale`], and [`Error::Conflict`] when the name is taken.
pub fn update(
    services: &Services,
    actor: Actor,
    id: i64,
    input: RoleInput,
    if_match: IfMatch,
) -> Result<RoleDetail> {
    let now = services.clock.now();
    services.store.write(move |writing| {
        let before = roles::get_detail(writing, id)?;
        if_match.check(&before.entity_tag())?;
        let Some(changed) = before.role.change(input, now) else {
            return Ok(before);
        };
        roles::update(writing, &changed)?;
        let (old, new) = (Some(&before.role), Some(&changed));
        note(writing, now, actor, "role.update", old, new)?;
        roles::get_detail(writing, id)
    })
}

/// Deletes a role that nobody is in; the access profiles attached to it stay. Answers its name.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Stale`], and [`Error::InUse`] when users are in it.
pub fn delete(services: &Services, actor: Actor, id: i64, if_match: IfMatch) -> Result<String> {
    let now = services.clock.now();
    services.store.write(move |writing| {
        let before = roles::get_detail(writing, id)?;
        if_match.check(&before.entity_tag())?;
        let role = before.role;
        if role.user_count > 0 {
            let first = roles::list_users(writing, id, NAMED_USERS)?;
            return Err(Error::in_use(
                "role_in_use",
                "role",
                &role.name,
                role.user_count,
                &first,
            ));
        }
        roles::delete(writing, id)?;
        note(writing, now, actor, "role.delete", Some(&role), None)?;
        Ok(role.name)
    })
}

fn note(
    writing: &Writing<'_>,
    now: Timestamp,
    actor: Actor,
    action: &'static str,
    previous: Option<&Role>,
    new: Option<&Role>,
) -> Result<()> {
    let shown =
        |role: &Role| json!({ "id": role.id, "name": role.name, "description": role.description });
    let Some(role) = new.or(previous) else {
        return Ok(());
    };
    let (old, new) = (previous.map(shown), new.map(shown));
    let entry = NewAuditEntry::about(actor, action, "role", &role.id, old, new);
    audit::append(writing, now, &entry)
}
