//! Virtual keys: what a user's calls carry. A key belongs to a user and works with every copy that the user holds.

use jiff::Timestamp;
use serde_json::Value;

use super::credential::Kind;
use super::input::{Fields, MAX_NAME, Node};
use super::role::read_optional_description;
use super::validator::entity_tag;
use super::violation::{Path, Violation, Violations};
use crate::error::{Error, Result};

/// Length of the stored hash of a secret, in bytes: SHA-256, because a secret is 256 random bits.
pub const HASH_LENGTH: usize = 32;

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
    /// 1 to 255 characters; need not be unique.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Whether it was issued with the copy.
    pub is_managed: bool,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
    /// Until when the secret before the last rotation works.
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
    /// Whether its time is not over.
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|at| at > now)
    }

    /// Until when the secret before the last rotation works, if it does.
    pub fn grace_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.previous_expires_at.filter(|at| *at > now)
    }

    /// What lists show in place of the key itself.
    pub fn masked(&self) -> String {
        masked(&self.public_id)
    }

    /// The validator of what is shown of the key at a time.
    pub fn entity_tag(&self, now: Timestamp) -> String {
        let (active, grace) = (self.is_active(now), self.grace_until(now));
        let content = format!("{} {active} {grace:?} {}", self.public_id, self.updated_at);
        entity_tag(self.revision, &content)
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

/// The name of a key that is given none: whose it is and what it is for.
pub fn default_name(user: &str, profile: &str) -> String {
    format!("{user} · {profile}")
        .chars()
        .take(MAX_NAME)
        .collect()
}

/// The fields of a virtual key as somebody sent them; `None` where they were left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VirtualKeyInput {
    /// Trimmed, 1 to 255 characters.
    pub name: Option<String>,
    /// Empty when `null`.
    pub description: Option<String>,
    /// `Some(None)` is never.
    pub expires_at: Option<Option<Timestamp>>,
}

/// Fields that the server sets.
pub const SET_BY_SERVER: [&str; 10] = [
    "id",
    "value",
    "is_managed",
    "is_active",
    "user_id",
    "access_profile_id",
    "previous_expires_at",
    "rotated_at",
    "created_at",
    "updated_at",
];

impl VirtualKeyInput {
    /// Reads the body of a create or of a change; every field may be left out.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every violation.
    pub fn parse(body: &Value) -> Result<Self> {
        let violations = Violations::default();
        let root = Node::root(body, &violations);
        let input = root.object().map(Self::read);
        violations.finish(input)
    }

    fn read(mut fields: Fields<'_>) -> Self {
        let input = Self {
            name: fields.given("name").and_then(|node| node.name(MAX_NAME)),
            description: read_optional_description(&mut fields),
            expires_at: fields.sent("expires_at").and_then(|node| match node.value {
                Value::Null => Some(None),
                Value::String(text) if text.is_empty() => Some(None),
                _ => node.timestamp().map(Some),
            }),
        };
        fields.ignore(&SET_BY_SERVER);
        fields.finish();
        input
    }

    /// A new date must lie in the future; the one that is stored may be sent back.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub fn check_expiry(&self, stored: Option<Timestamp>, now: Timestamp) -> Result<()> {
        match self.expires_at.flatten() {
            Some(at) if Some(at) != stored && at <= now => {
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
    /// [`Error::Invalid`] when it would expire in the past; [`Error::Conflict`] when a managed key is given another expiry.
    pub fn change(&self, input: VirtualKeyInput, now: Timestamp) -> Result<Option<Self>> {
        input.check_expiry(self.expires_at, now)?;
        let changed = Self {
            name: input.name.unwrap_or_else(|| self.name.clone()),
            description: input
                .description
                .unwrap_or_else(|| self.description.clone()),
            expires_at: input.expires_at.unwrap_or(self.expires_at),
            ..self.clone()
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
