//! Writes of access profiles: each is one transaction with the row, the version's snapshot and the audit entry.

use std::sync::Arc;

use jiff::Timestamp;

use super::access_profile_draft::{Change, Draft, Drafting, in_turn};
use super::{Services, once};
use crate::domain::access_profile::AccessProfile;
use crate::domain::access_profile_change::NextId;
use crate::domain::access_profile_input::AccessProfileInput;
use crate::domain::access_profile_versions::{CloneInput, read_stored};
use crate::domain::audit::{Actor, NamedVersions, NewAuditEntry};
use crate::domain::idempotency::{Once, StoredAnswer};
use crate::domain::stored_texts::StoredTexts;
use crate::domain::validator::IfMatch;
use crate::error::{Error, Result};
use crate::store::access_profile_details::{self, Beside, TaggedSnapshot};
use crate::store::access_profile_versions::{self, WholeVersion};
use crate::store::access_profiles::{self, Snapshot};
use crate::store::{Reading, Writing, audit, sequences, user_access_profiles};

/// Creates a profile. `render` puts the answer together inside the transaction, so that it can be stored with it.
///
/// # Errors
/// [`Error::Conflict`] when the name is taken; see also [`once::run`].
pub fn create(
    services: &Services,
    actor: Actor,
    input: AccessProfileInput,
    once: Option<Once>,
    render: impl FnOnce(&TaggedSnapshot) -> StoredAnswer + Send + 'static,
) -> Result<StoredAnswer> {
    let now = services.clock.now();
    services.store.write(move |writing| {
        once::run(writing, once.as_ref(), now, || {
            Ok(render(&insert(
                writing,
                actor,
                input,
                "access_profile.create",
                now,
            )?))
        })
    })
}

/// Creates a profile with the policy of another one: fresh ids, no roles, no holders.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] when the name is taken; see also [`once::run`].
pub fn clone(
    services: &Services,
    actor: Actor,
    id: i64,
    input: CloneInput,
    once: Option<Once>,
    render: impl FnOnce(&TaggedSnapshot) -> StoredAnswer + Send + 'static,
) -> Result<StoredAnswer> {
    let now = services.clock.now();
    services.store.write(move |writing| {
        once::run(writing, once.as_ref(), now, || {
            let original = access_profiles::get_current(writing, id)?.profile()?;
            let input = original.as_input(input.name, input.description);
            Ok(render(&insert(
                writing,
                actor,
                input,
                "access_profile.clone",
                now,
            )?))
        })
    })
}

/// Stores a new profile inside a write, with its first version and its audit entry.
///
/// # Errors
/// [`Error::Conflict`] when the name is taken.
pub fn insert(
    writing: &Writing<'_>,
    actor: Actor,
    input: AccessProfileInput,
    action: &'static str,
    now: Timestamp,
) -> Result<TaggedSnapshot> {
    let id = access_profiles::next_id(writing)?;
    let mut next_part = sequences::next_policy_part(writing)?;
    let mut next_id = || {
        next_part += 1;
        next_part - 1
    };
    let profile = AccessProfile::create(id, input, &mut next_id, now)?;
    sequences::take_policy_parts(writing, next_part)?;
    let version = WholeVersion::of(profile)?;
    access_profiles::insert(writing, &version, &actor.name)?;
    let versions = NamedVersions {
        previous: None,
        new: Some(version.named),
    };
    audit::append_naming(writing, now, &about(actor, action, id), &versions)?;
    access_profile_details::tagged(writing, version.snapshot)
}

/// Changes the fields of a profile that a body holds.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Stale`], [`Error::Invalid`], and
/// [`Error::Conflict`] when the name is taken.
pub fn update(
    services: &Services,
    actor: Actor,
    id: i64,
    body: &[u8],
    if_match: IfMatch,
) -> Result<TaggedSnapshot> {
    let now = services.clock.now();
    let mut input = AccessProfileInput::read_change(body, &services.recent_profiles.sent_lines)?;
    if input.refuses_texts() {
        let read = |reading: &Reading<'_>| access_profiles::get_current(reading, id);
        let stored = StoredTexts::of(&services.store.read(read)?.json)?;
        input = AccessProfileInput::read_change_beside(body, &stored)?;
    }
    let replacement = Replacement {
        actor,
        id,
        if_match,
        action: "access_profile.update",
        now,
    };
    let change = move |_: &Reading<'_>, profile: &AccessProfile, next_id: NextId<'_>| {
        profile.change(input.clone(), next_id, now)
    };
    in_turn(services, id, change, move |writing, drafting| {
        replace(writing, replacement, drafting)
    })
}

/// Activates or deactivates a profile; does nothing when it is so already.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Stale`].
pub fn set_active(
    services: &Services,
    actor: Actor,
    id: i64,
    active: bool,
    if_match: IfMatch,
) -> Result<TaggedSnapshot> {
    let now = services.clock.now();
    let action = if active {
        "access_profile.activate"
    } else {
        "access_profile.deactivate"
    };
    let replacement = Replacement {
        actor,
        id,
        if_match,
        action,
        now,
    };
    let change = move |_: &Reading<'_>, profile: &AccessProfile, _: NextId<'_>| {
        Ok(profile.activated(active, now))
    };
    in_turn(services, id, change, move |writing, drafting| {
        replace(writing, replacement, drafting)
    })
}

/// Brings back the content of an earlier version as a new one.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Stale`], [`Error::ConflictingContent`], and
/// [`Error::Conflict`] when the name is taken; see also [`once::run`].
pub fn restore(
    services: &Services,
    actor: Actor,
    place: (i64, i64),
    if_match: IfMatch,
    once: Option<Once>,
    render: impl FnOnce(&TaggedSnapshot) -> StoredAnswer + Send + 'static,
) -> Result<StoredAnswer> {
    let now = services.clock.now();
    let (id, number) = place;
    let replacement = Replacement {
        actor,
        id,
        if_match,
        action: "access_profile.restore",
        now,
    };
    // A version never changes, and to read one may take long: it is done once, and not on the writer thread.
    let get = |reading: &Reading<'_>| access_profile_versions::get(reading, id, number);
    let known = &services.recent_profiles.stored_lines;
    let content = services.store.read(get);
    let content = content.and_then(|version| read_stored(version.snapshot.as_bytes(), known));
    let change = move |_: &Reading<'_>, profile: &AccessProfile, _: NextId<'_>| {
        Ok(profile.restored(content.clone()?, now))
    };
    let Some(once) = once else {
        // The answer is not stored, so the writer thread need not put it together.
        let tagged = in_turn(services, id, change, move |writing, drafting| {
            replace(writing, replacement, drafting)
        })?;
        return Ok(render(&tagged));
    };
    in_turn(services, id, change, move |writing, drafting| {
        once::run(writing, Some(&once), now, || {
            Ok(render(&replace(writing, replacement, drafting)?))
        })
    })
}

/// Which profile is to be replaced by its next version, by whom, and why.
struct Replacement {
    actor: Actor,
    id: i64,
    if_match: IfMatch,
    action: &'static str,
    now: Timestamp,
}

/// Puts the next version in place of the current one; a change that changes nothing writes nothing.
fn replace(
    writing: &Writing<'_>,
    replacement: Replacement,
    drafting: &Drafting<impl Change>,
) -> Result<TaggedSnapshot> {
    let Replacement {
        actor,
        id,
        if_match,
        action,
        now,
    } = replacement;
    let anew;
    let draft = match &drafting.ahead {
        Some(draft) if draft.stands(writing)? => draft,
        _ => {
            check(
                writing,
                &if_match,
                &access_profiles::get_current(writing, id)?,
            )?;
            anew = Draft::work_out(writing, &drafting.recent, id, &drafting.change)?;
            &anew
        }
    };
    let base = &draft.base;
    check(writing, &if_match, &base.snapshot)?;
    draft.take_parts(writing)?;
    if let Some(next) = &draft.next {
        access_profiles::update(writing, base, draft.packed.as_ref(), next, &actor.name)?;
        let named = NamedVersions {
            previous: Some(base.named),
            new: Some(next.named),
        };
        audit::append_naming(writing, now, &about(actor, action, id), &named)?;
    }
    let current = draft.next.as_ref().unwrap_or(base);
    let current = drafting.outcome.get_or_init(|| Arc::clone(current));
    access_profile_details::tagged(writing, Arc::clone(&current.snapshot))
}

/// Goes on if the profile is as the caller knows it. The refusal carries the tag that reading it answers, which covers what is
/// shown beside it.
fn check(writing: &Writing<'_>, if_match: &IfMatch, current: &Snapshot) -> Result<()> {
    if !matches!(if_match, IfMatch::OneOf(_)) {
        return Ok(());
    }
    match if_match.check(&current.entity_tag()) {
        Err(Error::Stale { .. }) => {
            if_match.check(&Beside::read(writing, current.id)?.entity_tag(current))
        }
        sound => sound,
    }
}

/// How many holders the refusal to delete a profile names.
const NAMED_HOLDERS: i64 = 10;

/// Deletes a profile that nobody holds, and takes it from its roles; its audit entries stay, and its versions with them. Answers its
/// name.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Stale`], and [`Error::InUse`] while users hold it.
pub fn delete(services: &Services, actor: Actor, id: i64, if_match: IfMatch) -> Result<String> {
    let now = services.clock.now();
    services.store.write(move |writing| {
        let current = access_profiles::get_current(writing, id)?;
        check(writing, &if_match, &current)?;
        let name = current.profile()?.name;
        let holders = user_access_profiles::count_of_profile(writing, id)?;
        if holders > 0 {
            let first = access_profile_details::list_first_holders(writing, id, NAMED_HOLDERS)?;
            let what = "access profile";
            return Err(Error::in_use(
                "profile_in_use",
                what,
                &name,
                holders,
                &first,
            ));
        }
        access_profiles::delete(writing, id, now)?;
        let versions = NamedVersions {
            previous: Some(current.named()),
            new: None,
        };
        let entry = about(actor, "access_profile.delete", id);
        audit::append_naming(writing, now, &entry, &versions)?;
        Ok(name)
    })
}

/// The entry of a change whose values are the versions that it names.
fn about(actor: Actor, action: &'static str, id: i64) -> NewAuditEntry {
    NewAuditEntry::about_profile(actor, action, id, None, None)
}
