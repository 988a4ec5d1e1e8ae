//! Management API keys: what they may do and how long.

pub mod permission;
pub mod rights;
pub mod sight;

use jiff::Timestamp;

use self::permission::{Permission, PermissionSet};
use super::body::input::{MAX_NAME, Node, nearest};
use super::body::json::Json;
use super::body::patterns::TEXT;
use super::body::violation::Violations;
use super::body::{Body, BodySchema, Form, ValueKind, description, expiry, name};
use super::validator::entity_tag;
use super::values::period::{Period, Unit};
use crate::error::{Error, Result};

/// Length of a salt, in bytes (RFC 9106 §3.1 recommends 16).
pub const SALT_LENGTH: usize = 16;
/// Length of a stored hash, in bytes.
pub const HASH_LENGTH: usize = 32;
/// Longest grace period of a rotation, in seconds.
const MAX_GRACE_SECONDS: i64 = 30 * 86_400;

/// A key as it is listed; nothing in it helps to forge one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Set by the server.
    pub id: i64,
    /// The 12 characters by which a token names its key; stays when the key is rotated.
    pub public_id: String,
    /// Unique among keys that are not revoked, without regard to case.
    pub name: String,
    /// Free text.
    pub description: String,
    /// What it may do.
    pub permissions: PermissionSet,
    /// Changes with every change of the key.
    pub revision: i64,
    /// The name of the key that made it.
    pub created_by: String,
    /// Set by the server.
    pub created_at: Timestamp,
    /// Set by the server.
    pub updated_at: Timestamp,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
    /// Since when it is refused.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used; written at most once a minute.
    pub last_used_at: Option<Timestamp>,
    /// Until when the last of its earlier secrets works.
    pub previous_expires_at: Option<Timestamp>,
}

impl ApiKey {
    /// The validator of the key's settings; its use does not change it.
    pub fn entity_tag(&self) -> String {
        entity_tag(self.revision, &self.public_id)
    }

    /// The key with a last use that may not be stored yet.
    pub fn used(&self, at: Option<Timestamp>) -> Self {
        Self {
            last_used_at: self.last_used_at.max(at),
            ..self.clone()
        }
    }

    /// Whether it may do everything for ever: somebody must hold such a key.
    pub fn is_all_powerful(&self) -> bool {
        self.permissions.is_all() && self.expires_at.is_none()
    }

    /// What is left of it where it may do no more than `permissions`, and not after `expires_at`.
    pub fn narrowed(&self, permissions: PermissionSet, expires_at: Option<Timestamp>) -> Self {
        let ends = [self.expires_at, expires_at];
        Self {
            permissions: self.permissions.and(permissions),
            expires_at: ends.into_iter().flatten().min(),
            ..self.clone()
        }
    }

    /// Whether it is neither revoked nor expired.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] when its time is over.
    pub fn check_usable(&self, now: Timestamp) -> Result<()> {
        if self.revoked_at.is_some() {
            return Err(Error::Unauthenticated {
                code: "api_key_revoked",
                message: format!("the API key {:?} was revoked; ask for a new one", self.name),
            });
        }
        match self.expires_at {
            Some(at) if at <= now => Err(self.expired()),
            _ => Ok(()),
        }
    }

    /// What is said to whoever uses it after its time.
    pub fn expired(&self) -> Error {
        let at = self
            .expires_at
            .map(|at| format!(" at {at}"))
            .unwrap_or_default();
        Error::Unauthenticated {
            code: "api_key_expired",
            message: format!("the API key {:?} expired{at}; ask for a new one", self.name),
        }
    }
}

/// What a new key is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeySettings {
    /// See [`ApiKey::name`].
    pub name: String,
    /// See [`ApiKey::description`].
    pub description: String,
    /// See [`ApiKey::permissions`].
    pub permissions: PermissionSet,
    /// See [`ApiKey::expires_at`].
    pub expires_at: Option<Timestamp>,
}

/// What is stored of a key that is being made. Has no `Debug`.
pub struct NewApiKey {
    /// See [`ApiKey::public_id`].
    pub public_id: String,
    /// What it is to be.
    pub settings: ApiKeySettings,
    /// Random.
    pub salt: [u8; SALT_LENGTH],
    /// argon2id of the secret with that salt.
    pub hash: [u8; HASH_LENGTH],
}

/// Whether a key works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// It works.
    Active,
    /// Its time is over.
    Expired,
}

/// The fields of a key as somebody sent them; `None` where they were left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApiKeyInput {
    /// Trimmed, 1 to 255 characters.
    pub name: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// What it may do.
    pub permissions: Option<PermissionSet>,
    /// `Some(None)` is never.
    pub expires_at: Option<Option<Timestamp>>,
}

/// What making a management API key takes.
pub const NEW_API_KEY: Body<ApiKeyInput> = Body::new(
    "ApiKeyBody",
    "What making a management API key takes.",
    |form| Some(ApiKeyInput::read(form)),
);

/// What a change of a management API key takes.
pub const API_KEY_CHANGE: Body<ApiKeyInput> = Body::change(
    "ApiKeyChangeBody",
    "What a change of a management API key takes: the same fields, none of them required.",
    |form| Some(ApiKeyInput::read(form)),
)
.or_under("api_key");

/// What a rotation takes: how many seconds the old secret still works, 0 when it is left out.
pub const ROTATION: Body<i64> = Body::new(
    "RotateBody",
    "What a rotation takes; it may be left out.",
    |form| {
        let grace = form.optional(
            "grace",
            grace(),
            "How long the old secret still works: a span such as `\"24h\"` (units `s m h d w`) or whole seconds, at most 30 days. Left \
             out: not at all.",
        );
        Some(grace.unwrap_or(0))
    },
);

impl ApiKeyInput {
    fn read(form: &mut Form<'_>) -> Self {
        let about = "Unique among keys that are not revoked, without regard to case.";
        let name = if form.is_change() {
            form.optional("name", name_or_kept(), about).flatten()
        } else {
            form.required("name", name(), about)
        };
        let input = Self {
            name,
            permissions: form.optional(
                "scopes",
                scopes(),
                "Names or ids of permissions, or `[\"*\"]` for all.",
            ),
            description: form.optional("description", description(), ""),
            expires_at: form.optional("expires_at", expiry(), "In the future; empty: never."),
        };
        form.ignore(&[
            "id",
            "scope_names",
            "key_prefix",
            "state",
            "created_by",
            "created_at",
            "updated_at",
            "last_used_at",
            "previous_key_expires_at",
        ]);
        input
    }

    /// A new date must lie in the future; the one that is stored may be sent back.
    ///
    /// # Errors
    /// [`crate::error::Error::Invalid`].
    pub fn check_expiry(&self, stored: Option<Timestamp>, now: Timestamp) -> Result<()> {
        let violations = Violations::default();
        if let Some(Some(at)) = self.expires_at
            && self.expires_at != Some(stored)
            && at <= now
        {
            let path = super::body::violation::Path::root().field("expires_at");
            violations.add(
                &path,
                "not_in_future",
                format_args!("must lie in the future, is {at}"),
            );
        }
        violations.finish(Some(()))
    }
}

/// Names (`AccessProfiles:View`), ids, or `"*"` alone.
fn read_scopes(node: &Node<'_>) -> Option<PermissionSet> {
    let all = |scopes: &[Json<'_>]| matches!(scopes, [Json::String(all)] if all == "*");
    if node.value.as_array().is_some_and(all) {
        return Some(PermissionSet::ALL);
    }
    node.list(|scope| {
        let permission = match scope.value {
            Json::Number(number) => number.as_i64().and_then(Permission::from_id),
            Json::String(name) => name.parse().ok(),
            _ => None,
        };
        permission.or_else(|| {
            let names: Vec<String> = Permission::all().map(|known| known.to_string()).collect();
            let given = scope.value.as_str().unwrap_or_default();
            let hint = match nearest(given, names.iter().map(String::as_str)) {
                Some(name) => format!("; did you mean {name:?}?"),
                None => String::new(),
            };
            scope.refuse(
                "unknown_permission",
                format_args!("expected a permission such as \"AccessProfiles:View\" or its id, or [\"*\"] for all{hint}"),
            )
        })
    })
    .map(PermissionSet::of)
}

fn scopes() -> ValueKind<'static, PermissionSet> {
    // Which there are, the list of permissions says: generated clients can't tell words from numbers among values.
    let schema = || {
        let name = BodySchema::text(0..=MAX_NAME, TEXT);
        name.or(BodySchema::integer(1..=i64::MAX)).list()
    };
    ValueKind::new(schema, read_scopes)
}

/// The name of a key that is changed; an empty one keeps today's.
fn name_or_kept() -> ValueKind<'static, Option<String>> {
    let schema = || BodySchema::text(0..=MAX_NAME, TEXT);
    ValueKind::new(schema, |node| match node.value {
        Json::String(text) if text.is_empty() => Some(None),
        _ => node.name(MAX_NAME).map(Some),
    })
}

fn grace() -> ValueKind<'static, i64> {
    let schema = || {
        BodySchema::pattern("^(0[smhdw]?|[1-9][0-9]{0,5}[smhdw])?$")
            .or(BodySchema::integer(0..=MAX_GRACE_SECONDS))
    };
    ValueKind::new(schema, read_grace)
}

/// `0`, with or without a unit.
fn is_no_span(text: &str) -> bool {
    let digits = text.trim_end_matches(['s', 'm', 'h', 'd', 'w']);
    digits == "0" && text.len() <= 2
}

fn read_grace(node: &Node<'_>) -> Option<i64> {
    let seconds = match node.value {
        Json::Number(_) => return node.integer(0..=MAX_GRACE_SECONDS),
        Json::String(text) if text.is_empty() || is_no_span(text) => Some(0),
        Json::String(text) => text
            .parse::<Period>()
            .ok()
            .filter(|span| span.unit() <= Unit::Week)
            .map(|span| span.count() * span.unit().rolling_seconds()),
        _ => None,
    };
    seconds.filter(|seconds| *seconds <= MAX_GRACE_SECONDS).or_else(|| {
        node.refuse(
            "invalid_grace",
            "expected a span such as \"24h\" (units s, m, h, d, w) or whole seconds, at most 30 days",
        )
    })
}
