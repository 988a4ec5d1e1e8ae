//! Writes of access profiles: each is one unit of work with the row and the version's snapshot.

pub mod attachments;
pub mod expressions;
pub mod propagation;
pub mod propagation_preview;
pub mod rotated_keys;
pub mod rotation;

use super::{Services, once};
use crate::domain::access_profile::AccessProfile;
use crate::domain::access_profile::change::NextId;
use crate::domain::access_profile::input::AccessProfileInput;
use crate::domain::access_profile::versions::{CloneInput, read_stored};
use crate::domain::audit::Actor;
use crate::domain::body::stored_texts::StoredTexts;
use crate::domain::event::{Creation, Edit};
use crate::domain::idempotency::Once;
use crate::domain::validator::IfMatch;
use crate::error::{Error, Result};
use crate::store::access_profiles::details;
use crate::store::access_profiles::details::{Beside, TaggedSnapshot};
use crate::store::access_profiles::packed_versions;
use crate::store::access_profiles::packed_versions::PackedVersion;
use crate::store::access_profiles::versions;
use crate::store::access_profiles::{self, Snapshot};
use crate::store::database::sequences::with_policy_parts;
use crate::store::idempotency::StoredAnswer;
use crate::store::people::user_access_profiles;
use crate::store::{Reading, Work};

/// Creates a profile. `render` puts the answer together.
///
/// # Errors
/// [`Error::Conflict`] when the name is taken; see also [`once::write`].
pub fn create(
    services: &Services,
    actor: Actor,
    input: AccessProfileInput,
    once: Option<Once>,
    render: impl FnOnce(TaggedSnapshot) -> Result<StoredAnswer> + Send + 'static,
) -> Result<StoredAnswer> {
    let create = move |work: &mut Work<'_>| insert(work, input, Creation::New);
    once::write(services, actor, once, create, render)
}

/// Creates a profile with the policy of another one: fresh ids, no roles, no holders.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] when the name is taken; see also [`once::write`].
pub fn clone(
    services: &Services,
    actor: Actor,
    id: i64,
    input: CloneInput,
    once: Option<Once>,
    render: impl FnOnce(TaggedSnapshot) -> Result<StoredAnswer> + Send + 'static,
) -> Result<StoredAnswer> {
    let clone = move |work: &mut Work<'_>| {
        let original = access_profiles::get_current(work, id)?.profile()?;
        let input = original.as_input(input.name, input.description);
        insert(work, input, Creation::Clone)
    };
    once::write(services, actor, once, clone, render)
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
    let now = work.now();
    let create = |next_id: NextId<'_>| AccessProfile::create(id, input, next_id, now);
    let profile = with_policy_parts(work, create)?;
    let snapshot = access_profiles::insert(work, &profile, creation)?;
    details::tagged(work, snapshot)
}

/// The texts of a profile as it is now, which a change of it may send back.
///
/// # Errors
/// [`Error::NotFound`].
pub fn stored_texts(services: &Services, id: i64) -> Result<StoredTexts> {
    let current = services
        .store
        .read(|reading| access_profiles::get_current(reading, id))?;
    StoredTexts::of(&current.json)
}

/// Changes the fields of a profile that were sent.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Stale`], [`Error::Invalid`], and
/// [`Error::Conflict`] when the name is taken.
pub fn update(
    services: &Services,
    actor: Actor,
    id: i64,
    input: AccessProfileInput,
    if_match: IfMatch,
) -> Result<TaggedSnapshot> {
    let replacement = Replacement::of(services, (id, Edit::Update), if_match);
    services.write(actor, move |work| {
        let now = work.now();
        replace(work, replacement, |profile, next_id| {
            profile.change(input, next_id, now)
        })
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
    let edit = if active {
        Edit::Activate
    } else {
        Edit::Deactivate
    };
    let replacement = Replacement::of(services, (id, edit), if_match);
    services.write(actor, move |work| {
        let now = work.now();
        replace(work, replacement, |profile, _| {
            Ok(profile.activated(active, now))
        })
    })
}

/// Brings back the content of an earlier version as a new one.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Stale`], [`Error::ConflictingContent`], and
/// [`Error::Conflict`] when the name is taken; see also [`once::write`].
pub fn restore(
    services: &Services,
    actor: Actor,
    (id, number): (i64, i64),
    if_match: IfMatch,
    once: Option<Once>,
    render: impl FnOnce(TaggedSnapshot) -> Result<StoredAnswer> + Send + 'static,
) -> Result<StoredAnswer> {
    // A version never changes, and to read one under today's rules may take long: that is not done on the writer thread.
    let get = |reading: &Reading<'_>| versions::get(reading, id, number);
    let content = services.store.read(get);
    let content = content.and_then(|version| read_stored(&version.snapshot));
    let replacement = Replacement::of(services, (id, Edit::Restore), if_match);
    let restore = move |work: &mut Work<'_>| {
        let now = work.now();
        replace(work, replacement, |profile, _| {
            Ok(profile.restored(content?, now))
        })
    };
    once::write(services, actor, once, restore, render)
}

/// Which profile is to be replaced by its next version, and why.
struct Replacement {
    id: i64,
    edit: Edit,
    if_match: IfMatch,
    /// The version that is current before the writer is asked. What stands against the change is for the transaction to say.
    ahead: Option<PackedVersion>,
}

impl Replacement {
    fn of(services: &Services, (id, edit): (i64, Edit), if_match: IfMatch) -> Self {
        let pack = |reading: &Reading<'_>| packed_versions::pack_current(reading, id);
        Self {
            id,
            edit,
            if_match,
            ahead: services.store.read(pack).ok(),
        }
    }
}

/// Puts the next version in place of the current one; a change that changes nothing writes nothing.
fn replace(
    work: &mut Work<'_>,
    replacement: Replacement,
    change: impl FnOnce(&AccessProfile, NextId<'_>) -> Result<Option<AccessProfile>>,
) -> Result<TaggedSnapshot> {
    let Replacement {
        id,
        edit,
        if_match,
        ahead,
    } = replacement;
    let current = access_profiles::get_current(work, id)?;
    check(work, &if_match, &current)?;
    let profile = current.profile()?;
    let next = with_policy_parts(work, |next_id| change(&profile, next_id))?;
    let shown = match next {
        Some(next) => access_profiles::update(work, (&current, &profile), &next, edit, ahead)?,
        None => current,
    };
    details::tagged(work, shown)
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
            let first = details::list_first_holders(work, id, NAMED_HOLDERS)?;
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
