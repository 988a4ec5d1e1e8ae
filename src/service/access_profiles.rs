//! Writes of access profiles: each is one unit of work with the row and the version's snapshot.

use std::sync::Arc;

use super::access_profile_draft::{Draft, Drafting, ProfileChange, in_turn};
use super::{Services, once};
use crate::domain::access_profile::AccessProfile;
use crate::domain::access_profile_change::NextId;
use crate::domain::access_profile_input::AccessProfileInput;
use crate::domain::access_profile_versions::{CloneInput, read_stored};
use crate::domain::audit::Actor;
use crate::domain::event::{Creation, Edit};
use crate::domain::idempotency::{Once, StoredAnswer};
use crate::domain::stored_texts::StoredTexts;
use crate::domain::validator::IfMatch;
use crate::error::{Error, Result};
use crate::store::access_profile_details::{self, Beside, TaggedSnapshot};
use crate::store::access_profile_versions::{self, WholeVersion};
use crate::store::access_profiles::{self, Snapshot};
use crate::store::{Occasion, Reading, Work, sequences, user_access_profiles};

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
    services.write(actor, move |work| {
        once::run(work, once.as_ref(), |work| {
            Ok(render(&insert(work, input, Creation::New)?))
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
    services.write(actor, move |work| {
        once::run(work, once.as_ref(), |work| {
            let original = access_profiles::get_current(work, id)?.profile()?;
            let input = original.as_input(input.name, input.description);
            Ok(render(&insert(work, input, Creation::Clone)?))
        })
    })
}

/// Stores a new profile inside a work, with its first version.
///
/// # Errors
/// [`Error::Conflict`] when the name is taken.
pub fn insert(
    work: &mut Work<'_>,
    input: AccessProfileInput,
    creation: Creation,
) -> Result<TaggedSnapshot> {
    let id = access_profiles::next_id(work)?;
    let mut next_part = sequences::next_policy_part(work)?;
    let mut next_id = || {
        next_part += 1;
        next_part - 1
    };
    let profile = AccessProfile::create(id, input, &mut next_id, work.now())?;
    sequences::take_policy_parts(work, next_part)?;
    let version = WholeVersion::of(profile)?;
    access_profiles::insert(work, &version, creation)?;
    access_profile_details::tagged(work, version.snapshot)
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
        id,
        if_match,
        edit: Edit::Update,
    };
    let change = move |_: &Reading<'_>, profile: &AccessProfile, next_id: NextId<'_>| {
        profile.change(input.clone(), next_id, now)
    };
    let occasion = Occasion::new(actor, now);
    in_turn(services, occasion, id, change, move |work, drafting| {
        replace(work, replacement, drafting)
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
    let edit = if active {
        Edit::Activate
    } else {
        Edit::Deactivate
    };
    let replacement = Replacement { id, if_match, edit };
    let change = move |_: &Reading<'_>, profile: &AccessProfile, _: NextId<'_>| {
        Ok(profile.activated(active, now))
    };
    let occasion = Occasion::new(actor, now);
    in_turn(services, occasion, id, change, move |work, drafting| {
        replace(work, replacement, drafting)
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
        id,
        if_match,
        edit: Edit::Restore,
    };
    // A version never changes, and to read one may take long: it is done once, and not on the writer thread.
    let get = |reading: &Reading<'_>| access_profile_versions::get(reading, id, number);
    let known = &services.recent_profiles.stored_lines;
    let content = services.store.read(get);
    let content = content.and_then(|version| read_stored(version.snapshot.as_bytes(), known));
    let change = move |_: &Reading<'_>, profile: &AccessProfile, _: NextId<'_>| {
        Ok(profile.restored(content.clone()?, now))
    };
    let occasion = Occasion::new(actor, now);
    let Some(once) = once else {
        // The answer is not stored, so the writer thread need not put it together.
        let tagged = in_turn(services, occasion, id, change, move |work, drafting| {
            replace(work, replacement, drafting)
        })?;
        return Ok(render(&tagged));
    };
    in_turn(services, occasion, id, change, move |work, drafting| {
        once::run(work, Some(&once), |work| {
            Ok(render(&replace(work, replacement, drafting)?))
        })
    })
}

/// Which profile is to be replaced by its next version, and why.
struct Replacement {
    id: i64,
    if_match: IfMatch,
    edit: Edit,
}

/// Puts the next version in place of the current one; a change that changes nothing writes nothing.
fn replace(
    work: &mut Work<'_>,
    replacement: Replacement,
    drafting: &Drafting<impl ProfileChange>,
) -> Result<TaggedSnapshot> {
    let Replacement { id, if_match, edit } = replacement;
    let anew;
    let draft = match &drafting.ahead {
        Some(draft) if draft.stands(work)? => draft,
        _ => {
            check(work, &if_match, &access_profiles::get_current(work, id)?)?;
            anew = Draft::work_out(work, &drafting.recent, id, &drafting.change)?;
            &anew
        }
    };
    let base = &draft.base;
    check(work, &if_match, &base.snapshot)?;
    draft.take_parts(work)?;
    if let Some(next) = &draft.next {
        access_profiles::update(work, base, draft.packed.as_ref(), next, edit)?;
    }
    let current = draft.next.as_ref().unwrap_or(base);
    let current = drafting.outcome.get_or_init(|| Arc::clone(current));
    access_profile_details::tagged(work, Arc::clone(&current.snapshot))
}

/// Goes on if the profile is as the caller knows it. The refusal carries the tag that reading it answers, which covers what is
/// shown beside it.
fn check(reading: &Reading<'_>, if_match: &IfMatch, current: &Snapshot) -> Result<()> {
    if !matches!(if_match, IfMatch::OneOf(_)) {
        return Ok(());
    }
    match if_match.check(&current.entity_tag()) {
        Err(Error::Stale { .. }) => {
            if_match.check(&Beside::read(reading, current.id)?.entity_tag(current))
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
    services.write(actor, move |work| {
        let current = access_profiles::get_current(work, id)?;
        check(work, &if_match, &current)?;
        let name = current.profile()?.name;
        let holders = user_access_profiles::count_of_profile(work, id)?;
        if holders > 0 {
            let first = access_profile_details::list_first_holders(work, id, NAMED_HOLDERS)?;
            let what = "access profile";
            return Err(Error::in_use(
                "profile_in_use",
                what,
                &name,
                holders,
                &first,
            ));
        }
        access_profiles::delete(work, &current)?;
        Ok(name)
    })
}
