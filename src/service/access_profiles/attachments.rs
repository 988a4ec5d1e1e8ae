//! Attaching access profiles to roles: whoever joins the role gets a copy, and so do, when asked for, the users who are in it.

use crate::domain::access_profile::AccessProfile;
use crate::domain::audit::Actor;
use crate::domain::event::Event;
use crate::domain::idempotency::Once;
use crate::domain::people::holding::{AttachmentInput, Source};
use crate::domain::validator::IfMatch;
use crate::error::{Error, Result};
use crate::service::people::holdings::{Template, UnseenKeys, refuse_inactive, take_expired};
use crate::service::{Services, once};
use crate::store::access_profiles::attachments;
use crate::store::access_profiles::attachments::{list_with_expired_copy, list_without_copy};
use crate::store::idempotency::StoredAnswer;
use crate::store::people::roles;
use crate::store::{WorkInTurn, access_profiles};

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
    // Everybody waits for the transaction, and for what can be made before it nobody does.
    let mut unseen = services
        .store
        .read(|reading| {
            let applied = input.role_ids.iter().filter(|_| input.apply_to_existing);
            let members = applied.map(|role_id| list_without_copy(reading, profile_id, *role_id));
            members.map(|list| list.map(|list| list.len())).sum()
        })
        .and_then(UnseenKeys::prepare)?;
    services.change(actor, move |work| {
        once::run(work, once.as_ref(), |work| {
            let profile = access_profiles::get_current(work, profile_id)?.profile()?;
            refuse_inactive(&profile)?;
            roles::get_all(work, &input.role_ids, "role_ids")?;
            let mut anything = false;
            for role_id in &input.role_ids {
                anything |= attachments::attach(work, profile_id, *role_id, input.is_default)?;
            }
            let users_applied = if input.apply_to_existing {
                apply(work, &profile, &input.role_ids, &mut unseen)?
            } else {
                0
            };
            if anything || users_applied > 0 {
                work.record(Event::RolesAttached {
                    access_profile_id: profile_id,
                    attachment: input.clone(),
                    users_applied,
                });
            }
            render(&input, users_applied)
        })
    })
}

/// Gives a copy to every user of some roles who holds none that is not over; answers how many they were.
fn apply(
    work: &mut WorkInTurn<'_>,
    profile: &AccessProfile,
    role_ids: &[i64],
    unseen: &mut UnseenKeys,
) -> Result<usize> {
    for role_id in role_ids {
        for user in list_with_expired_copy(work, profile.id, *role_id, work.now())? {
            take_expired(work, user, profile.id)?;
        }
    }
    let template = Template::of(work, profile)?;
    let mut applied = 0;
    for role_id in role_ids {
        let members = list_without_copy(work, profile.id, *role_id)?;
        template.give_all(work, &members, Source::Role(*role_id), unseen)?;
        applied += members.len();
    }
    template.release(work)?;
    Ok(applied)
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
    services.write(actor, move |work| {
        if_match.check(&access_profiles::get_current(work, profile_id)?.entity_tag())?;
        if attachments::detach(work, profile_id, role_id)? {
            return Ok(());
        }
        roles::get(work, role_id)?;
        Err(Error::not_found(
            "attachment",
            format!("of the access profile {profile_id} to the role {role_id}"),
        ))
    })
}
