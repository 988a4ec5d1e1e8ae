//! Writes of roles.

use crate::domain::audit::Actor;
use crate::domain::idempotency::Once;
use crate::domain::people::role::{RoleDetail, RoleInput};
use crate::domain::validator::IfMatch;
use crate::error::{Error, Result};
use crate::service::{Services, once};
use crate::store::idempotency::StoredAnswer;
use crate::store::people::roles;

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
    services.write(actor, move |work| {
        once::run(work, once.as_ref(), |work| {
            let name = input.name.unwrap_or_default();
            let description = input.description.unwrap_or_default();
            let role = roles::insert(work, &name, &description, input.dac.unwrap_or_default())?;
            render(&roles::detail(work, role)?)
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
    services.write(actor, move |work| {
        let before = roles::get_detail(work, id)?;
        before.check_unchanged(&if_match, input.revision)?;
        let Some(changed) = before.role.change(input, work.now()) else {
            return Ok(before);
        };
        roles::update(work, before.role, changed)?;
        roles::get_detail(work, id)
    })
}

/// Deletes a role that nobody is in; the access profiles attached to it stay. Answers its name.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Stale`], and [`Error::InUse`] when users are in it.
pub fn delete(services: &Services, actor: Actor, id: i64, if_match: IfMatch) -> Result<String> {
    services.write(actor, move |work| {
        let before = roles::get_detail(work, id)?;
        if_match.check(&before.entity_tag())?;
        let role = before.role;
        if role.user_count > 0 {
            let first = roles::list_users(work, id, NAMED_USERS)?;
            return Err(Error::in_use(
                "role_in_use",
                "role",
                &role.name,
                role.user_count,
                &first,
            ));
        }
        let name = role.name.clone();
        roles::delete(work, role)?;
        Ok(name)
    })
}
