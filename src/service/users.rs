//! Writes of users. Whatever a user loses is gone before the answer: copies, virtual keys, overrides and counters.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::assignments::entry;
use super::once::{self, SealedOnce};
use super::rotated_keys::{change_holdings, change_holdings_with};
use super::virtual_keys::IssuedKey;
use super::{Services, holdings, revocations};
use crate::domain::audit::{Actor, NewAuditEntry};
use crate::domain::idempotency::StoredAnswer;
use crate::domain::revocation::Taken;
use crate::domain::user::{HeldProfile, User, UserDetail};
use crate::domain::user_input::UserInput;
use crate::domain::validator::IfMatch;
use crate::error::Result;
use crate::ledger::Changed;
use crate::store::{Needs, Writing, audit, roles, users};

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
    let now = services.clock.now();
    let new = input.into_new()?;
    services.ledger.change(move |writing, changed| {
        let work = || {
            if let Some(role) = new.role_id {
                roles::get(writing, role).map_err(|error| error.named_at("role_id"))?;
            }
            let id = users::insert(writing, &new, now)?;
            changed.users.push(id);
            let user = users::get(writing, id)?;
            let issued = join_role(writing, &user, now)?;
            let mut shown = described(&user);
            shown["virtual_keys"] = public_ids(&issued);
            let detail = users::detail(writing, user)?;
            note_held(writing, now, &actor, id, &[], &detail.access_profiles)?;
            note(writing, now, actor, "user.create", id, None, Some(shown))?;
            Ok((render(&detail, &issued, now)?, ()))
        };
        once::run_sealed(writing, sealed, now, work).map(|(answer, _)| answer)
    })
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
    let now = services.clock.now();
    services.store.write(move |writing| {
        let before = users::get_detail(writing, id)?;
        if_match.check(&before.entity_tag(now))?;
        check(&before, now)?;
        let Some(changed) = before.user.change(input, now)? else {
            return Ok((before, now));
        };
        users::update(writing, &changed)?;
        let (old, new) = (described(&before.user), described(&changed));
        note(writing, now, actor, "user.update", id, Some(old), Some(new))?;
        Ok((users::get_detail(writing, id)?, now))
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
    let now = services.clock.now();
    let (who, known) = (actor.clone(), if_match.clone());
    let outcome = change_holdings(services, id, move |writing, changed| {
        let before = users::get_detail(writing, id)?;
        if_match.check(&before.entity_tag(now))?;
        change_role_in(writing, changed, actor, before, role_id, now)
    });
    revocations::or_keep(services, outcome, who, |reading| {
        let before = users::get_detail(reading, id)?;
        known.check(&before.entity_tag(now))?;
        if let Some(role) = role_id {
            roles::get(reading, role).map_err(|error| error.named_at("role_id"))?;
        }
        let leaves = before.user.role_id.is_some() && before.user.role_id != role_id;
        let user_id = id;
        Ok(leaves.then_some(Taken::Role { user_id, role_id }))
    })
}

fn change_role_in(
    writing: &Writing<'_>,
    changed: &mut Changed,
    actor: Actor,
    before: UserDetail,
    role_id: Option<i64>,
    now: Timestamp,
) -> Result<RoleChange> {
    if let Some(role) = role_id {
        roles::get(writing, role).map_err(|error| error.named_at("role_id"))?;
    }
    let mut change = RoleChange {
        detail: before,
        issued: Vec::new(),
        deleted: Vec::new(),
        at: now,
    };
    let (id, old) = (change.detail.user.id, change.detail.user.role_id);
    if old == role_id {
        return Ok(change);
    }
    changed.users.push(id);
    change.deleted = leave_role(writing, &change.detail.user)?;
    users::set_role(writing, id, role_id, now)?;
    change.issued = join_role(writing, &users::get(writing, id)?, now)?;
    let at_large = holdings::forget_keys_at_large_if_nothing_is_held(writing, id)?;
    change.deleted.extend(at_large);
    let after = users::get_detail(writing, id)?;
    let held = &change.detail.access_profiles;
    note_held(writing, now, &actor, id, held, &after.access_profiles)?;
    let previous = json!({ "role_id": old, "virtual_keys": change.deleted });
    let new = json!({ "role_id": role_id, "virtual_keys": public_ids(&change.issued) });
    let action = "user.change_role";
    note(writing, now, actor, action, id, Some(previous), Some(new))?;
    change.detail = after;
    Ok(change)
}

/// Stores that a user left a role, which could not be stored at `at`. Nobody sees the secrets of the keys that the new role gives:
/// they are rotated when they are handed out.
///
/// # Errors
/// As [`change_role`].
pub(super) fn store_role(
    services: &Services,
    actor: Actor,
    id: i64,
    role_id: Option<i64>,
    at: Timestamp,
) -> Result<()> {
    let work = move |writing: &Writing<'_>, changed: &mut Changed| {
        let before = users::get_detail(writing, id)?;
        change_role_in(writing, changed, actor, before, role_id, at)
    };
    change_holdings_with(services, Needs::FIRST, id, work).map(drop)
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
    let now = services.clock.now();
    let (who, known) = (actor.clone(), if_match.clone());
    let outcome = change_holdings(services, id, move |writing, changed| {
        let before = users::get_detail(writing, id)?;
        if_match.check(&before.entity_tag(now))?;
        delete_in(writing, changed, actor, before, now)
    });
    revocations::or_keep(services, outcome, who, |reading| {
        known.check(&users::get_detail(reading, id)?.entity_tag(now))?;
        Ok(Some(Taken::User { user_id: id }))
    })
}

fn delete_in(
    writing: &Writing<'_>,
    changed: &mut Changed,
    actor: Actor,
    before: UserDetail,
    now: Timestamp,
) -> Result<(String, Vec<String>)> {
    let id = before.user.id;
    changed.users.push(id);
    let deleted = holdings::take_all(writing, id)?;
    users::delete(writing, id, now)?;
    note_held(writing, now, &actor, id, &before.access_profiles, &[])?;
    let mut shown = described(&before.user);
    shown["virtual_keys"] = json!(deleted);
    note(writing, now, actor, "user.delete", id, Some(shown), None)?;
    Ok((before.user.name, deleted))
}

/// Stores that a user was deleted, which could not be stored at `at`.
///
/// # Errors
/// As [`delete`].
pub(super) fn store_deleted(
    services: &Services,
    actor: Actor,
    id: i64,
    at: Timestamp,
) -> Result<()> {
    let work = move |writing: &Writing<'_>, changed: &mut Changed| {
        delete_in(writing, changed, actor, users::get_detail(writing, id)?, at)
    };
    change_holdings_with(services, Needs::FIRST, id, work).map(drop)
}

/// Gives a user what the default profiles of the role are.
fn join_role(writing: &Writing<'_>, user: &User, now: Timestamp) -> Result<Vec<IssuedKey>> {
    match user.role_id {
        Some(role) => holdings::give_role_defaults(writing, user, role, now),
        None => Ok(Vec::new()),
    }
}

/// Takes what came from the user's role; answers the names of the keys that went with it.
fn leave_role(writing: &Writing<'_>, user: &User) -> Result<Vec<String>> {
    match user.role_id {
        Some(role) => holdings::take_role_copies(writing, user.id, role),
        None => Ok(Vec::new()),
    }
}

fn public_ids(issued: &[IssuedKey]) -> Value {
    issued
        .iter()
        .map(|issued| issued.key.public_id.as_str())
        .collect()
}

fn described(user: &User) -> Value {
    json!({
        "id": user.id.to_string(),
        "name": user.name,
        "email": user.email,
        "role_id": user.role_id,
    })
}

/// Notes every copy that a user lost or gained by what happens to the user, so that the log of its profile tells of it too.
fn note_held(
    writing: &Writing<'_>,
    now: Timestamp,
    actor: &Actor,
    user_id: i64,
    before: &[HeldProfile],
    after: &[HeldProfile],
) -> Result<()> {
    let copy =
        |held: &HeldProfile| json!({ "user_access_profile_id": held.id, "source": held.source });
    let is_in = |all: &[HeldProfile], held: &HeldProfile| all.iter().any(|one| one.id == held.id);
    for lost in before.iter().filter(|held| !is_in(after, held)) {
        let (action, id) = ("access_profile.unassign", lost.parent_profile_id);
        let entry = entry(actor.clone(), action, id, user_id, Some(copy(lost)), None);
        audit::append(writing, now, &entry)?;
    }
    for gained in after.iter().filter(|held| !is_in(before, held)) {
        let (action, id) = ("access_profile.assign", gained.parent_profile_id);
        let entry = entry(actor.clone(), action, id, user_id, None, Some(copy(gained)));
        audit::append(writing, now, &entry)?;
    }
    Ok(())
}

fn note(
    writing: &Writing<'_>,
    now: Timestamp,
    actor: Actor,
    action: &'static str,
    id: i64,
    previous: Option<Value>,
    new: Option<Value>,
) -> Result<()> {
    let entry = NewAuditEntry {
        user_id: Some(id),
        ..NewAuditEntry::about(actor, action, "user", &id, previous, new)
    };
    audit::append(writing, now, &entry)
}
