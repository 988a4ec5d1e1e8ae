//! Management API keys: what they may do and how long.

use jiff::Timestamp;

use super::permission::PermissionSet;

/// Length of a salt, in bytes (RFC 9106 §3.1 recommends 16).
pub const SALT_LENGTH: usize = 16;
/// Length of a stored hash, in bytes.
pub const HASH_LENGTH: usize = 32;

/// A key as it is listed; nothing in it helps to forge one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Set by the server.
    pub id: i64,
    /// The 12 characters by which a token names its key.
    pub public_id: String,
    /// Unique among keys that are not revoked, without regard to case.
    pub name: String,
    /// Free text.
    pub description: String,
    /// What it may do.
    pub permissions: PermissionSet,
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
}

/// What is stored of a key that is being made. Has no `Debug`.
pub struct NewApiKey {
    /// See [`ApiKey::public_id`].
    pub public_id: String,
    /// See [`ApiKey::name`].
    pub name: String,
    /// See [`ApiKey::description`].
    pub description: String,
    /// See [`ApiKey::permissions`].
    pub permissions: PermissionSet,
    /// See [`ApiKey::expires_at`].
    pub expires_at: Option<Timestamp>,
    /// Random.
    pub salt: [u8; SALT_LENGTH],
    /// argon2id of the secret with that salt.
    pub hash: [u8; HASH_LENGTH],
}
