//! Answers about management API keys.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::api_key::ApiKey;
use crate::domain::credential::{Kind, masked};
use crate::http::core::list::ListItem;

/// A management API key as it is listed.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApiKeyView {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Free text.
    pub description: String,
    /// The beginning of the key, by which logs name it.
    pub key_prefix: String,
    /// The ids of the permissions that it holds: every one, where it may do everything.
    pub scopes: Vec<i64>,
    /// Their names; `["*"]` for everything.
    pub scope_names: Vec<String>,
    /// `active` or `expired`.
    pub state: &'static str,
    /// The key that made it.
    pub created_by: String,
    /// From when on it is refused.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// When it was last used.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<Timestamp>,
    /// Until when the last of its earlier secrets works, while one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub previous_key_expires_at: Option<Timestamp>,
    /// Set by the server.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Set by the server.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

impl ListItem for ApiKeyView {
    const MEMBER: &'static str = "api_keys";
    const SCHEMA: &'static str = "ApiKeyList";
    const ABOUT: &'static str = "A page of management API keys.";
}

impl ApiKeyView {
    /// A key as it is listed at a time.
    pub fn of(key: &ApiKey, now: Timestamp) -> Self {
        Self {
            id: key.id,
            name: key.name.clone(),
            description: key.description.clone(),
            key_prefix: masked(Kind::Management, &key.public_id),
            scopes: key.permissions.ids(),
            scope_names: key.permissions.names(),
            state: if key.expires_at.is_some_and(|at| at <= now) {
                "expired"
            } else {
                "active"
            },
            created_by: key.created_by.clone(),
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            previous_key_expires_at: key.previous_expires_at.filter(|at| *at > now),
            created_at: key.created_at,
            updated_at: key.updated_at,
        }
    }
}

/// The key of a call, as its holder sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionKey {
    /// Its id; 0 over the control socket.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The beginning of the key, by which logs name it.
    pub key_prefix: String,
    /// The ids of the permissions that it holds: every one, where it may do everything.
    pub scopes: Vec<i64>,
    /// Their names; `["*"]` for everything.
    pub scope_names: Vec<String>,
    /// From when on it is refused.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
}

/// Who calls, and what they may do.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionAnswer {
    /// The key that the call was made with.
    pub api_key: SessionKey,
}

impl SessionKey {
    /// What a key may know about itself.
    pub fn of(key: &ApiKey) -> Self {
        Self {
            id: key.id,
            name: key.name.clone(),
            key_prefix: masked(Kind::Management, &key.public_id),
            scopes: key.permissions.ids(),
            scope_names: key.permissions.names(),
            expires_at: key.expires_at,
        }
    }
}

/// Who is signed in by a link, and with which key.
#[derive(Serialize, ToSchema)]
pub struct SignedIn {
    /// The key, as its holder sees it.
    pub api_key: SessionKey,
    /// The key itself.
    pub key: String,
}

/// A sign-in code that was made.
#[derive(Serialize, ToSchema)]
pub struct SignInCode {
    /// The code; it is never shown again.
    pub code: String,
    /// The address that carries it.
    pub link: String,
    /// From when on it is refused.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}

/// One management API key.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApiKeyAnswer {
    /// The key.
    pub api_key: ApiKeyView,
}

/// A management API key with its new secret.
#[derive(Serialize, ToSchema)]
pub struct ApiKeyCreated {
    /// The key as it will be listed.
    pub api_key: ApiKeyView,
    /// The key itself; it is never shown again.
    pub key: String,
}
