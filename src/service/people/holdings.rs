//! Giving users copies of access profiles and taking them away, as a part of a write that somebody else owns.
//!
//! A copy comes with one managed virtual key, and takes every key that was issued under it along when it goes.

use jiff::Timestamp;

use crate::domain::access_profile::AccessProfile;
use crate::domain::access_profile::policy::Policy;
use crate::domain::credential::Kind;
use crate::domain::people::holding::{NewUserAccessProfile, Source, UserAccessProfile};
use crate::domain::people::user::User;
use crate::domain::virtual_key::{HASH_LENGTH, NewVirtualKey, default_name};
use crate::error::{Error, Result};
use crate::service::virtual_keys::tokens::random_token;
use crate::service::virtual_keys::{IssuedKey, issue};
use crate::store::access_profiles::{attachments, policies};
use crate::store::people::user_access_profiles;
use crate::store::virtual_keys::managed_keys;
use crate::store::virtual_keys::managed_keys::ManagedKey;
use crate::store::{WorkInTurn, access_profiles, virtual_keys};

/// Copies and keys that are stored with one statement.
const AT_ONCE: usize = 1_000;

/// A profile of which copies can be made.
pub struct Template {
    /// The profile.
    pub id: i64,
    /// Its name.
    pub name: String,
    version: i64,
    policy_id: i64,
}

impl Template {
    /// What copies of a profile are made from. Stores its policy, which is forgotten again if nobody gets a copy.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the profile is inactive.
    pub fn of(work: &mut WorkInTurn<'_>, profile: &AccessProfile) -> Result<Self> {
        refuse_inactive(profile)?;
        Ok(Self {
            id: profile.id,
            name: profile.name.clone(),
            version: profile.version,
            policy_id: policies::intern(work, &Policy::of(profile))?,
        })
    }

    /// Forgets its policy if nobody has a copy with it.
    pub fn release(self, work: &mut WorkInTurn<'_>) -> Result<()> {
        policies::forget_unused(work, self.policy_id)
    }

    /// Gives a user a copy with a managed virtual key; answers the copy's id.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the user has one.
    pub fn give(
        &self,
        work: &mut WorkInTurn<'_>,
        user: &User,
        source: Source,
        expires_at: Option<Timestamp>,
    ) -> Result<(i64, IssuedKey)> {
        let copy = self.copy(source, expires_at);
        let copy_id = user_access_profiles::insert(work, user.id, &copy)?;
        let key = self.key(user.id, copy_id);
        Ok((copy_id, issue(work, &key)?))
    }

    /// Gives many users who have none a copy each, with a managed virtual key that nobody is shown.
    ///
    /// # Errors
    /// As [`Template::give`].
    pub fn give_all(
        &self,
        work: &mut WorkInTurn<'_>,
        members: &[i64],
        source: Source,
        unseen: &mut UnseenKeys,
    ) -> Result<()> {
        let copy = self.copy(source, None);
        for user_ids in members.chunks(AT_ONCE) {
            user_access_profiles::insert_all(work, user_ids, &copy)?;
            let key = |user_id: &i64| {
                let (public_id, hash) = unseen.next()?;
                Ok(ManagedKey {
                    user_id: *user_id,
                    public_id,
                    hash,
                    name: default_name(*user_id, Some(&self.name)),
                })
            };
            let keys = user_ids.iter().map(key).collect::<Result<Vec<_>>>()?;
            managed_keys::insert_all(work, self.id, &keys)?;
        }
        Ok(())
    }

    fn copy(&self, source: Source, expires_at: Option<Timestamp>) -> NewUserAccessProfile {
        NewUserAccessProfile {
            access_profile_id: self.id,
            policy_id: self.policy_id,
            source,
            template_version: self.version,
            expires_at,
        }
    }

    fn key(&self, user_id: i64, copy_id: i64) -> NewVirtualKey {
        NewVirtualKey {
            user_id,
            copy_id: Some(copy_id),
            name: default_name(user_id, Some(&self.name)),
            description: String::new(),
            is_managed: true,
            expires_at: None,
        }
    }
}

/// Public ids and hashes of keys whose secrets are forgotten at once: a holder gets one when the key is rotated.
pub struct UnseenKeys(Vec<UnseenKey>);

type UnseenKey = (String, [u8; HASH_LENGTH]);

impl UnseenKeys {
    /// So many of them.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn prepare(many: usize) -> Result<Self> {
        (0..many)
            .map(|_| unseen_key())
            .collect::<Result<_>>()
            .map(Self)
    }

    /// The next of them, or a new one when they are used up.
    fn next(&mut self) -> Result<UnseenKey> {
        self.0.pop().map_or_else(unseen_key, Ok)
    }
}

fn unseen_key() -> Result<UnseenKey> {
    let token = random_token(Kind::Virtual)?;
    Ok((token.id().to_owned(), token.secret_hash()))
}

/// Makes sure that copies of a profile may be given.
///
/// # Errors
/// [`Error::Conflict`] when it is inactive.
pub fn refuse_inactive(profile: &AccessProfile) -> Result<()> {
    if profile.is_active {
        return Ok(());
    }
    Err(Error::conflict(
        "inactive_profile",
        "",
        format!(
            "the access profile {:?} is inactive and can't be assigned; PUT …/{}/activate makes it active",
            profile.name, profile.id
        ),
    ))
}

/// Gives a user a copy of a profile with a managed virtual key; answers the copy's id.
///
/// # Errors
/// [`Error::Conflict`] when the profile is inactive or the user has a copy whose time is not over.
pub fn give(
    work: &mut WorkInTurn<'_>,
    user: &User,
    template: &AccessProfile,
    source: Source,
    expires_at: Option<Timestamp>,
) -> Result<(i64, IssuedKey)> {
    take_expired(work, user.id, template.id)?;
    Template::of(work, template)?.give(work, user, source, expires_at)
}

/// Takes the copy of a profile away from a user if its time is over, so that there is room for a new one; answers the names of the
/// keys that went with it.
pub fn take_expired(
    work: &mut WorkInTurn<'_>,
    user_id: i64,
    access_profile_id: i64,
) -> Result<Vec<String>> {
    let now = work.now();
    take(work, user_id, |copy| {
        copy.access_profile_id == access_profile_id && !copy.is_active(now)
    })
}

/// Gives a user who joins a role the active profiles that are defaults there; one that the user holds already stays as it is,
/// unless its time is over.
pub fn give_role_defaults(
    work: &mut WorkInTurn<'_>,
    user: &User,
    role_id: i64,
) -> Result<Vec<IssuedKey>> {
    let mut keys = Vec::new();
    for profile_id in attachments::list_defaults(work, role_id)? {
        let held = user_access_profiles::find(work, user.id, profile_id)?;
        if held.is_some_and(|copy| copy.is_active(work.now())) {
            continue;
        }
        let profile = access_profiles::get_current(work, profile_id)?.profile()?;
        let (_, key) = give(work, user, &profile, Source::Role(role_id), None)?;
        keys.push(key);
    }
    Ok(keys)
}

/// Takes away what a user got from a role; answers the names of the keys that went with it. Keys of the user at large stay.
pub fn take_role_copies(
    work: &mut WorkInTurn<'_>,
    user_id: i64,
    role_id: i64,
) -> Result<Vec<String>> {
    take(work, user_id, |copy| copy.source == Source::Role(role_id))
}

/// Takes away everything that a user holds; answers the names of the keys that went with it, those of the user at large included.
pub fn take_all(work: &mut WorkInTurn<'_>, user_id: i64) -> Result<Vec<String>> {
    let mut names = take(work, user_id, |_| true)?;
    names.extend(forget_keys_at_large_if_nothing_is_held(work, user_id)?);
    Ok(names)
}

fn take(
    work: &mut WorkInTurn<'_>,
    user_id: i64,
    goes: impl Fn(&UserAccessProfile) -> bool,
) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for copy in user_access_profiles::list_all_of_user(work, user_id)? {
        if goes(&copy) {
            names.extend(virtual_keys::delete_of_copy(work, copy.id)?);
            user_access_profiles::delete(work, &copy)?;
        }
    }
    Ok(names)
}

/// Takes one profile away from a user; answers the names of the keys that went with it, those of the user at large included when
/// nothing is held any more.
///
/// # Errors
/// [`Error::NotFound`] when the user does not hold it.
pub fn take_one(
    work: &mut WorkInTurn<'_>,
    user_id: i64,
    access_profile_id: i64,
) -> Result<Vec<String>> {
    user_access_profiles::get(work, user_id, access_profile_id)?;
    let mut names = take(work, user_id, |copy| {
        copy.access_profile_id == access_profile_id
    })?;
    names.extend(forget_keys_at_large_if_nothing_is_held(work, user_id)?);
    Ok(names)
}

/// Deletes the keys of a user at large when there is nothing left that they could be used for; answers their names.
pub fn forget_keys_at_large_if_nothing_is_held(
    work: &mut WorkInTurn<'_>,
    user_id: i64,
) -> Result<Vec<String>> {
    if user_access_profiles::holds_any(work, user_id)? {
        return Ok(Vec::new());
    }
    virtual_keys::delete_at_large(work, user_id)
}
