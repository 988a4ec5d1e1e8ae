//! Virtual keys: what a user's calls carry. A key belongs to a user and works with every copy that the user holds.

use std::collections::HashSet;
use std::hash::BuildHasher;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::body::input::MAX_NAME;
use super::body::violation::{Path, Violation, Violations};
use super::body::{Body, Form, description, expiry, name};
use super::credential::Kind;
use super::validator::entity_tag_beside;
use super::values::letter_case::name_key;
use crate::error::{Error, Result};

/// Length of the stored hash of a secret, in bytes: SHA-256, because a secret is 256 random bits.
pub const HASH_LENGTH: usize = 32;

/// Most virtual keys of a user, beyond which none is made by hand; those that come with a copy are not refused.
pub const MAX_OF_USER: i64 = 1_000;

/// A virtual key as it is stored; nothing in it helps to forge one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VirtualKey {
    /// Set by the server; inside only.
    pub id: i64,
    /// The 12 characters by which a token names its key, and its id on the wire; stays when the key is rotated.
    pub public_id: String,
    /// The user it belongs to.
    pub user_id: i64,
    /// The copy it was issued under and goes with; none for a key of the user at large.
    pub copy_id: Option<i64>,
    /// The access profile of that copy.
    pub access_profile_id: Option<i64>,
    /// 1 to 255 characters. Whoever names a key names it as no other key of the user is named, without regard to case.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Whether it was issued with the copy.
    pub is_managed: bool,
    /// From when on it is refused, whatever its user holds.
    pub expires_at: Option<Timestamp>,
    /// When the last copy that its user holds, and so that it works with, is over; none when one of them never is.
    pub copies_expire_at: Option<Timestamp>,
    /// Until when the last of its earlier secrets works.
    pub previous_expires_at: Option<Timestamp>,
    /// When it was last rotated.
    pub rotated_at: Option<Timestamp>,
    /// Changes with every change of the key.
    pub revision: i64,
    /// Set by the server.
    pub created_at: Timestamp,
    /// Set by the server.
    pub updated_at: Timestamp,
}

impl VirtualKey {
    /// From when on it opens nothing: its own time is over, or that of every copy it works with.
    pub fn ends_at(&self) -> Option<Timestamp> {
        let both = [self.expires_at, self.copies_expire_at];
        both.into_iter().flatten().min()
    }

    /// Whether its time is not over.
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.ends_at().is_none_or(|at| at > now)
    }

    /// Until when the last of its earlier secrets works, if one does.
    pub fn grace_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.previous_expires_at.filter(|at| *at > now)
    }

    /// What lists show in place of the key itself.
    pub fn masked(&self) -> String {
        masked(&self.public_id)
    }

    /// The validator of what is shown of the key at a time.
    pub fn entity_tag(&self, now: Timestamp) -> String {
        let content = format!("{} {}", self.public_id, self.updated_at);
        let (active, grace) = (self.is_active(now), self.grace_until(now));
        let beside = format!("{active} {grace:?} {:?}", self.ends_at());
        entity_tag_beside(self.revision, &content, &beside)
    }
}

/// What lists show in place of a virtual key with this id.
pub fn masked(public_id: &str) -> String {
    format!("{}{public_id}_****", Kind::Virtual.prefix())
}

/// What is stored of a key that is being made; its public id and its secret are made with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVirtualKey {
    /// See [`VirtualKey::user_id`].
    pub user_id: i64,
    /// See [`VirtualKey::copy_id`].
    pub copy_id: Option<i64>,
    /// See [`VirtualKey::name`].
    pub name: String,
    /// See [`VirtualKey::description`].
    pub description: String,
    /// See [`VirtualKey::is_managed`].
    pub is_managed: bool,
    /// See [`VirtualKey::expires_at`].
    pub expires_at: Option<Timestamp>,
}

/// The name of a key that is given none: what it is for and whose it is, by id, because who may see keys may not see who people are.
pub fn default_name(user_id: i64, profile: Option<&str>) -> String {
    let whose = format!("user {user_id}");
    let Some(profile) = profile else {
        return whose;
    };
    let behind = format!(" · {whose}");
    let room = MAX_NAME - behind.chars().count();
    profile.chars().take(room).collect::<String>() + &behind
}

/// A name that is not among those of a user's keys: this one, or the first that is free with a number behind it.
pub fn free_name(usual: String, taken: &HashSet<String, impl BuildHasher>) -> String {
    let is_free = |name: &String| !taken.contains(&name_key(name));
    if is_free(&usual) {
        return usual;
    }
    let numbered = |number: usize| {
        let behind = format!(" ({number})");
        let room = MAX_NAME - behind.chars().count();
        usual.chars().take(room).collect::<String>() + &behind
    };
    // One of more numbers than there are names is free.
    let mut names = (2..taken.len() + 3).map(numbered);
    names.find(is_free).unwrap_or(usual)
}

/// The fields of a virtual key as somebody sent them; `None` where they were left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VirtualKeyInput {
    /// Trimmed, 1 to 255 characters.
    pub name: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// `Some(None)` is never.
    pub expires_at: Option<Option<Timestamp>>,
    /// Fields that may be sent as they are shown, but are not ignored: whoever sends another value expects something of it.
    fixed: Vec<(&'static str, Value)>,
}

/// What making a virtual key takes.
pub const NEW_VIRTUAL_KEY: Body<VirtualKeyInput> = Body::new(
    "VirtualKeyBody",
    "What making a virtual key takes.",
    |form| Some(VirtualKeyInput::read(form)),
);

/// What a change of a virtual key takes.
pub const VIRTUAL_KEY_CHANGE: Body<VirtualKeyInput> = Body::change(
    "VirtualKeyChangeBody",
    "What changing a virtual key takes: the same fields, none of them required.",
    |form| Some(VirtualKeyInput::read(form)),
)
.or_under("virtual_key");

impl VirtualKeyInput {
    fn read(form: &mut Form<'_>) -> Self {
        let about = if form.is_change() {
            "Unique among the keys of the user, without regard to case."
        } else {
            "Unique among the keys of the user, without regard to case. Left out: the name of the profile and the id of the user, with a \
             number where there is such a key."
        };
        let name = form.optional("name", name(), about);
        let fixed = [
            "is_active",
            "user_id",
            "is_access_profile_managed",
            "access_profile_id",
            "provider_configs",
            "mcp_configs",
            "calendar_aligned",
        ]
        .map(|name| form.fixed(name));
        let input = Self {
            name,
            fixed: fixed.into_iter().flatten().collect(),
            description: form.optional("description", description(), ""),
            expires_at: form.optional("expires_at", expiry(), "In the future; empty: never."),
        };
        form.ignore(&[
            "id",
            "value",
            "previous_value_expires_at",
            "rotated_at",
            "config_hash",
            "created_at",
            "updated_at",
        ]);
        input
    }

    /// Whether a key for this user, under a copy of this profile or at large, may be made so.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it would be over already, or a field says that it is to be another.
    pub fn check_new(
        &self,
        user_id: i64,
        access_profile_id: Option<i64>,
        now: Timestamp,
    ) -> Result<()> {
        self.check_expiry(None, now)?;
        let way = "a key is active when it is made; `expires_at` says when it ends";
        self.check_fixed(&[true], way, user_id, false, access_profile_id)
    }

    fn check_fixed(
        &self,
        states: &[bool],
        way: &str,
        user_id: i64,
        is_managed: bool,
        access_profile_id: Option<i64>,
    ) -> Result<()> {
        let violations = Violations::default();
        for (name, sent) in &self.fixed {
            let shown = match *name {
                "is_active" if states.iter().any(|state| *sent == *state) => continue,
                "is_active" => {
                    let path = Path::root().field(*name);
                    violations.add(&path, "is_active_not_changeable", way);
                    continue;
                }
                "user_id" => json!(user_id.to_string()),
                "is_access_profile_managed" => json!(is_managed),
                "provider_configs" | "mcp_configs" => json!([]),
                "calendar_aligned" => json!(false),
                _ => json!(access_profile_id),
            };
            if *sent != shown {
                let sentence = format_args!("is {shown} and can't be another");
                violations.add(&Path::root().field(*name), "not_changeable", sentence);
            }
        }
        violations.finish(Some(()))
    }

    /// A new date must lie in the future; the one that is shown may be sent back.
    fn check_expiry(&self, shown: Option<Timestamp>, now: Timestamp) -> Result<()> {
        match self.expires_at.flatten() {
            Some(at) if Some(at) != shown && at <= now => {
                let path = Path::root().field("expires_at");
                let sentence = format!("must lie in the future, is {at}");
                Err(Violation::alone(&path, "not_in_future", sentence))
            }
            _ => Ok(()),
        }
    }
}

impl VirtualKey {
    /// The key with the sent fields in place of today's; `None` when that changes nothing.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it would expire in the past, or a field that can't be changed is sent with another value;
    /// [`Error::Conflict`] when a managed key is given another expiry.
    pub fn change(&self, input: VirtualKeyInput, now: Timestamp) -> Result<Option<Self>> {
        let shown = self.ends_at();
        input.check_expiry(shown, now)?;
        let expires_at = input.expires_at.filter(|at| *at != shown);
        let changed = Self {
            expires_at: expires_at.unwrap_or(self.expires_at),
            ..self.clone()
        };
        let states = [self.is_active(now), changed.is_active(now)];
        let way = format!(
            "is {} and can't be changed here; `expires_at` says when the key ends, DELETE …/users/{}/access-profiles/virtual-keys/{} \
             kills it, and POST …/virtual-keys/{}/rotate ends its secret",
            states[0], self.user_id, self.public_id, self.public_id
        );
        let profile = self.access_profile_id;
        input.check_fixed(&states, &way, self.user_id, self.is_managed, profile)?;
        let changed = Self {
            name: input.name.unwrap_or_else(|| self.name.clone()),
            description: input
                .description
                .unwrap_or_else(|| self.description.clone()),
            ..changed
        };
        if self.is_managed && changed.expires_at != self.expires_at {
            return Err(Error::conflict(
                "managed_key",
                "expires_at",
                "expires_at: this key is managed with the user's copy of the access profile, and expires with it; only its name and \
                 description can be changed",
            ));
        }
        Ok((changed != *self).then_some(Self {
            updated_at: now,
            ..changed
        }))
    }
}
