//! What takes access away, as a value: where the database can't be written it is kept beside it, and carried out later.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::api_key::permission::PermissionSet;
use crate::domain::audit::Actor;

/// Something that takes access away, and who did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// Who did it.
    pub actor: Actor,
    /// When; access is denied from then on.
    pub at: Timestamp,
    /// What was taken away.
    pub taken: Taken,
}

/// What is taken away. Names keys by their public ids, which no other database knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Taken {
    /// A management API key is revoked.
    ApiKey {
        /// The key.
        public_id: String,
    },
    /// A management API key may do less, or ends sooner.
    ApiKeyRights {
        /// The key.
        public_id: String,
        /// What is left of its permissions.
        permissions: PermissionSet,
        /// When it ends.
        expires_at: Option<Timestamp>,
    },
    /// A virtual key is deleted.
    VirtualKey {
        /// Whose it is.
        user_id: i64,
        /// The key.
        public_id: String,
    },
    /// A virtual key ends sooner.
    VirtualKeyExpiry {
        /// The key.
        public_id: String,
        /// When it ends.
        expires_at: Timestamp,
    },
    /// A user loses the copy of an access profile.
    Copy {
        /// The user.
        user_id: i64,
        /// The access profile.
        access_profile_id: i64,
    },
    /// A user leaves a role for another one, or for none.
    Role {
        /// The user.
        user_id: i64,
        /// The new role.
        role_id: Option<i64>,
    },
    /// A user is deleted.
    User {
        /// The user.
        user_id: i64,
    },
}

impl Taken {
    /// This and what is taken later, as one, if both are taken from the same.
    pub fn and(&self, later: &Self) -> Option<Self> {
        let is_of_the_same = match (self, later) {
            (
                Self::ApiKey { public_id } | Self::ApiKeyRights { public_id, .. },
                Self::ApiKey { public_id: other }
                | Self::ApiKeyRights {
                    public_id: other, ..
                },
            )
            | (
                Self::VirtualKey { public_id, .. } | Self::VirtualKeyExpiry { public_id, .. },
                Self::VirtualKey {
                    public_id: other, ..
                }
                | Self::VirtualKeyExpiry {
                    public_id: other, ..
                },
            ) => public_id == other,
            (Self::Role { user_id, .. }, Self::Role { user_id: other, .. }) => user_id == other,
            (one, other) => one == other,
        };
        is_of_the_same.then(|| match (self.clone(), later.clone()) {
            (
                Self::ApiKeyRights {
                    public_id,
                    permissions,
                    expires_at,
                },
                Self::ApiKeyRights {
                    permissions: other,
                    expires_at: end,
                    ..
                },
            ) => Self::ApiKeyRights {
                public_id,
                permissions: permissions.and(other),
                expires_at: [expires_at, end].into_iter().flatten().min(),
            },
            (
                Self::VirtualKeyExpiry {
                    public_id,
                    expires_at,
                },
                Self::VirtualKeyExpiry {
                    expires_at: end, ..
                },
            ) => Self::VirtualKeyExpiry {
                public_id,
                expires_at: expires_at.min(end),
            },
            (whole @ (Self::ApiKey { .. } | Self::VirtualKey { .. }), _) => whole,
            (_, later) => later,
        })
    }

    /// The management API key that it is taken from.
    pub fn api_key(&self) -> Option<&str> {
        match self {
            Self::ApiKey { public_id } | Self::ApiKeyRights { public_id, .. } => Some(public_id),
            _ => None,
        }
    }
}
