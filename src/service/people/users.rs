//! Writes of users. Whatever a user loses is gone before the answer: copies, virtual keys, overrides and counters.

use jiff::Timestamp;

use super::holdings;
use crate::domain::audit::Actor;
use crate::domain::credential::revocation::Taken;
use crate::domain::event::{Event, Membership};
use crate::domain::people::user::{HeldProfile, User, UserDetail};
use crate::domain::people::user_input::UserInput;
use crate::domain::validator::IfMatch;
use crate::error::Result;
use crate::service::once;
use crate::service::once::SealedOnce;
use crate::service::virtual_keys::IssuedKey;
use crate::service::{Services, revocations};
use crate::store::idempotency::StoredAnswer;
use crate::store::people::{roles, users};
use crate::store::{Reading, WorkInTurn};

/// Makes a user, who gets what everybody gets who joins the role. `render` writes the answer, which holds the secrets of the keys
/// that were issued; with an idempotency key it is stored under a seal.
///
/// # Errors
/// [`crate::error::Error::NotFound`] when there is no such role, [`crate::error::Error::Conflict`] when the address is taken; see also
/// [`once::run_sealed`].
pub fn create(
    services: &Services,
    actor: Actor,
    input: UserInput,
    sealed: Option<SealedOnce>,
    render: impl FnOnce(&UserDetail, &[IssuedKey], Timestamp) -> Result<StoredAnswer> + Send + 'static,
) -> Result<StoredAnswer> {
    let new = input.into_new()?;
    services.change(actor, move |work| {
        once::run_sealed(work, sealed, |work| {
            refuse_unknown_role(work, new.role_id)?;
            let user = users::insert(work, &new)?;
            let issued = join_role(work, &user)?;
            let detail = users::detail(work, user)?;
            record_held(work, detail.user.id, &[], &detail.access_profiles);
            work.record(Event::UserCreated {
                user: detail.user.clone(),
                virtual_keys: public_ids(&issued),
            });
            render(&detail, &issued, work.now())
        })
    })
}

fn refuse_unknown_role(reading: &Reading<'_>, role_id: Option<i64>) -> Result<()> {
    let role = role_id.map(|role| roles::get(reading, role));
    let role = role.transpose().map_err(|error| error.named_at("role_id"));
    role.map(drop)
}

/// Changes name and address of a user; a change that changes nothing writes nothing. `check` looks at the user before.
///
/// # Errors
/// [`crate::error::Error::NotFound`], [`crate::error::Error::Stale`], [`crate::error::Error::Invalid`] when another role is sent, and
/// [`crate::error::Error::Conflict`] when the address is taken.
pub fn update(
    services: &Services,
    actor: Actor,
    id: i64,
    input: UserInput,
    if_match: IfMatch,
    check: impl FnOnce(&UserDetail, Timestamp) -> Result<()> + Send + 'static,
) -> Result<(UserDetail, Timestamp)> {
    services.write(actor, move |work| {
        let (before, now) = (users::get_detail(work, id)?, work.now());
        if_match.check(&before.entity_tag(now))?;
        check(&before, now)?;
        let Some(changed) = before.user.change(input, now)? else {
            return Ok((before, now));
        };
        users::update(work, before.user, changed)?;
        Ok((users::get_detail(work, id)?, now))
    })
}

/// What a change of role did.
pub struct RoleChange {
    /// The user as it is now.
    pub detail: UserDetail,
    /// The keys that came with what the new role gives.
    pub issued: Vec<IssuedKey>,
    /// The names of the keys that went with what the old role gave.
    pub deleted: Vec<String>,
    /// When it happened.
    pub at: Timestamp,
}

/// Puts a user into a role, or into none: what came from the old role goes, also when that can't be stored ([`revocations`]), and what
/// the new one gives comes.
///
/// # Errors
/// [`crate::error::Error::NotFound`] when there is no such user or role, [`crate::error::Error::Stale`].
pub fn change_role(
    services: &Services,
    actor: Actor,
    id: i64,
    role_id: Option<i64>,
    if_match: IfMatch,
) -> Result<RoleChange> {
    let (who, known) = (actor.clone(), if_match.clone());
    let outcome = services.change(actor, move |work| {
        let before = users::get_detail(work, id)?;
        if_match.check(&before.entity_tag(work.now()))?;
        change_role_in(work, before, role_id)
    });
    revocations::or_keep(services, outcome, who, |reading| {
        let before = users::get_detail(reading, id)?;
        known.check(&before.entity_tag(services.clock.now()))?;
        refuse_unknown_role(reading, role_id)?;
        let leaves = before.user.role_id.is_some() && before.user.role_id != role_id;
        let user_id = id;
        Ok(leaves.then_some(Taken::Role { user_id, role_id }))
    })
}

/// Puts a user into another role, in a work of somebody else. Where it is stored later, nobody sees the secrets of the keys that the new
/// role gives: they are rotated when they are handed out.
pub(in crate::service) fn change_role_in(
    work: &mut WorkInTurn<'_>,
    before: UserDetail,
    role_id: Option<i64>,
) -> Result<RoleChange> {
    refuse_unknown_role(work, role_id)?;
    let mut change = RoleChange {
        detail: before,
        issued: Vec::new(),
        deleted: Vec::new(),
        at: work.now(),
    };
    let (user_id, old) = (change.detail.user.id, change.detail.user.role_id);
    if old == role_id {
        return Ok(change);
    }
    if let Some(role) = old {
        change.deleted = holdings::take_role_copies(work, user_id, role)?;
    }
    users::set_role(work, user_id, role_id)?;
    let user = users::get(work, user_id)?;
    change.issued = join_role(work, &user)?;
    let at_large = holdings::forget_keys_at_large_if_nothing_is_held(work, user_id)?;
    change.deleted.extend(at_large);
    let after = users::get_detail(work, user_id)?;
    let held = &change.detail.access_profiles;
    record_held(work, user_id, held, &after.access_profiles);
    work.record(Event::UserRoleChanged {
        user_id,
        before: Membership {
            role_id: old,
            virtual_keys: change.deleted.clone(),
        },
        after: Membership {
            role_id,
            virtual_keys: public_ids(&change.issued),
        },
    });
    change.detail = after;
    Ok(change)
}

/// Deletes a user: every key of theirs is dead before this answers, also when that can't be stored ([`revocations`]). What was used
/// before stays in the history. Answers the name, and the names of the keys.
///
/// # Errors
/// [`crate::error::Error::NotFound`], [`crate::error::Error::Stale`].
pub fn delete(
    services: &Services,
    actor: Actor,
    id: i64,
    if_match: IfMatch,
) -> Result<(String, Vec<String>)> {
    let (who, known) = (actor.clone(), if_match.clone());
    let outcome = services.change(actor, move |work| {
        let before = users::get_detail(work, id)?;
        if_match.check(&before.entity_tag(work.now()))?;
        delete_in(work, before)
    });
    revocations::or_keep(services, outcome, who, |reading| {
        let before = users::get_detail(reading, id)?;
        known.check(&before.entity_tag(services.clock.now()))?;
        Ok(Some(Taken::User { user_id: id }))
    })
}

/// Deletes a user in a work of somebody else.
pub(in crate::service) fn delete_in(
    work: &mut WorkInTurn<'_>,
    before: UserDetail,
) -> Result<(String, Vec<String>)> {
    let (user, name) = (before.user.clone(), before.user.name);
    let deleted = holdings::take_all(work, user.id)?;
    users::delete(work, user.id)?;
    record_held(work, user.id, &before.access_profiles, &[]);
    let virtual_keys = deleted.clone();
    work.record(Event::UserDeleted { user, virtual_keys });
    Ok((name, deleted))
}

/// Gives a user what the default profiles of the role are.
fn join_role(work: &mut WorkInTurn<'_>, user: &User) -> Result<Vec<IssuedKey>> {
    match user.role_id {
        Some(role) => holdings::give_role_defaults(work, user, role),
        None => Ok(Vec::new()),
    }
}

fn public_ids(issued: &[IssuedKey]) -> Vec<String> {
    let ids = issued.iter().map(|issued| issued.key.public_id.clone());
    ids.collect()
}

/// Records every copy that a user lost or gained by what happens to the user, so that the log of its profile tells of it too.
fn record_held(
    work: &mut WorkInTurn<'_>,
    user_id: i64,
    before: &[HeldProfile],
    after: &[HeldProfile],
) {
    let is_in = |all: &[HeldProfile], held: &HeldProfile| all.iter().any(|one| one.id == held.id);
    for held in before.iter().filter(|held| !is_in(after, held)).cloned() {
        work.record(Event::CopyLost { user_id, held });
    }
    for held in after.iter().filter(|held| !is_in(before, held)).cloned() {
        work.record(Event::CopyGained { user_id, held });
    }
}
