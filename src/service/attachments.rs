//! Attaching access profiles to roles: whoever joins the role gets a copy, and so do, when asked for, the users who are in it.

use serde_json::json;

use super::holdings::{Template, UnseenKeys, refuse_inactive, take_expired};
use super::{Services, once, rotated_keys};
use crate::domain::audit::{Actor, NewAuditEntry};
use crate::domain::holding::{AttachmentInput, Source};
use crate::domain::idempotency::{Once, StoredAnswer};
use crate::domain::validator::IfMatch;
use crate::error::{Error, Result};
use crate::ledger::Changed;
use crate::store::access_profile_roles::{list_with_expired_copy, list_without_copy};
use crate::store::{Writing, access_profile_roles, access_profiles, audit, roles};

/// Attaches a profile to roles. Attaching again says anew whether it is a default there. `render` puts the answer together from the
/// number of users who got a copy, inside the transaction, so that it can be stored with it.
///
/// # Errors
/// [`Error::NotFound`] when there is no such profile or role, [`Error::Conflict`] when the profile is inactive; see also
/// [`once::run`].
pub fn attach(
    services: &Services,
    actor: Actor,
    profile_id: i64,
    input: AttachmentInput,
    once: Option<Once>,
    render: impl FnOnce(&AttachmentInput, usize) -> Result<StoredAnswer> + Send + 'static,
) -> Result<StoredAnswer> {
    let now = services.clock.now();
    // Everybody waits for the transaction, and for what can be made before it nobody does.
    let mut unseen = services
        .store
        .read(|reading| {
            let applied = input.role_ids.iter().filter(|_| input.apply_to_existing);
            let members = applied.map(|role_id| list_without_copy(reading, profile_id, *role_id));
            members.map(|list| list.map(|list| list.len())).sum()
        })
        .and_then(UnseenKeys::prepare)?;
    let applied = input.apply_to_existing;
    let attached = services.ledger.change(move |writing, changed| {
        once::run(writing, once.as_ref(), now, || {
            let profile = access_profiles::get_current(writing, profile_id)?.profile()?;
            refuse_inactive(&profile)?;
            let mut anything = false;
            roles::get_all(writing, &input.role_ids, "role_ids")?;
            for role_id in &input.role_ids {
                let is_default = input.is_default;
                anything |=
                    access_profile_roles::attach(writing, profile_id, *role_id, is_default, now)?;
            }
            let mut users_applied = 0;
            if input.apply_to_existing {
                for role_id in &input.role_ids {
                    for user in list_with_expired_copy(writing, profile_id, *role_id, now)? {
                        take_expired(writing, user, profile_id, now)?;
                    }
                }
                let template = Template::of(writing, &profile)?;
                for role_id in &input.role_ids {
                    users_applied +=
                        apply(writing, changed, &template, *role_id, &mut unseen, now)?;
                }
                template.release(writing)?;
            }
            if anything || users_applied > 0 {
                let told = json!({
                    "role_ids": input.role_ids,
                    "is_default": input.is_default,
                    "apply_to_existing": input.apply_to_existing,
                    "users_applied": users_applied,
                });
                let entry = NewAuditEntry::about_profile(
                    actor,
                    "access_profile.attach_roles",
                    profile_id,
                    None,
                    Some(told),
                );
                audit::append(writing, now, &entry)?;
            }
            render(&input, users_applied)
        })
    });
    if applied && services.store.directory().count_rotated_keys() > 0 {
        // Whose time was over has another key now.
        rotated_keys::tidy(services)?;
    }
    attached
}

/// Gives a copy to every user of a role who holds none; answers how many they were.
fn apply(
    writing: &Writing<'_>,
    changed: &mut Changed,
    template: &Template,
    role_id: i64,
    unseen: &mut UnseenKeys,
    now: jiff::Timestamp,
) -> Result<usize> {
    let members = list_without_copy(writing, template.id, role_id)?;
    let source = Source::Role(role_id);
    template.give_all(writing, &members, source, unseen, now)?;
    changed.users.extend(&members);
    Ok(members.len())
}

/// Detaches a profile from a role. Copies that were given stay until their users leave the role.
///
/// # Errors
/// [`Error::NotFound`] when there is no such profile or role, or the one is not attached to the other;
/// [`Error::Stale`].
pub fn detach(
    services: &Services,
    actor: Actor,
    profile_id: i64,
    role_id: i64,
    if_match: IfMatch,
) -> Result<()> {
    let now = services.clock.now();
    services.store.write(move |writing| {
        if_match.check(&access_profiles::get_current(writing, profile_id)?.entity_tag())?;
        if !access_profile_roles::detach(writing, profile_id, role_id)? {
            roles::get(writing, role_id)?;
            return Err(Error::not_found(
                "attachment",
                format!("of the access profile {profile_id} to the role {role_id}"),
            ));
        }
        let told = json!({ "role_id": role_id });
        let entry = NewAuditEntry::about_profile(
            actor,
            "access_profile.detach_role",
            profile_id,
            Some(told),
            None,
        );
        audit::append(writing, now, &entry)
    })
}
