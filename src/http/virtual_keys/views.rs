//! Answers about virtual keys.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::virtual_key::VirtualKey;
use crate::http::core::list::ListItem;
use crate::service::virtual_keys::IssuedKey;

/// A virtual key. Has no `Debug`: the answer that makes it shows its secret.
#[derive(Serialize, ToSchema)]
pub struct VirtualKeyView {
    /// Its public id, by which logs name it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Free text.
    pub description: String,
    /// The key itself in the answer that makes it; its beginning everywhere else.
    pub value: String,
    /// Whether it came with a copy of an access profile.
    pub is_access_profile_managed: bool,
    /// Whether it has not expired, nor every copy that its user holds.
    pub is_active: bool,
    /// The user it belongs to: a number in a string.
    pub user_id: String,
    /// The access profile it was issued under, and goes with; left out for a key of the user at large.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_profile_id: Option<i64>,
    /// From when on it opens nothing: as it was set, or earlier, when the last copy that its user holds expires.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// Until when the last of its earlier secrets works, while one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub previous_value_expires_at: Option<Timestamp>,
    /// When it was last rotated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub rotated_at: Option<Timestamp>,
    /// Always empty: a key has no provider lines of its own, and may use what the copies of its user grant.
    #[schema(value_type = Vec<Object>, max_items = 0)]
    pub provider_configs: [(); 0],
    /// Always empty, for the same reason.
    #[schema(value_type = Vec<Object>, max_items = 0)]
    pub mcp_configs: [(); 0],
    /// Always false: a key has no limits of its own whose windows could be aligned.
    pub calendar_aligned: bool,
    /// Always `null`: no key comes from a configuration file.
    pub config_hash: Option<String>,
    /// Set by the server.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Set by the server.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

impl ListItem for VirtualKeyView {
    const MEMBER: &'static str = "virtual_keys";
    const SCHEMA: &'static str = "VirtualKeyList";
    const ABOUT: &'static str = "A page of virtual keys.";
}

impl VirtualKeyView {
    /// A key as it is shown at a time, without its secret.
    pub fn of(key: &VirtualKey, now: Timestamp) -> Self {
        Self {
            id: key.public_id.clone(),
            name: key.name.clone(),
            description: key.description.clone(),
            value: key.masked(),
            is_access_profile_managed: key.is_managed,
            is_active: key.is_active(now),
            user_id: key.user_id.to_string(),
            access_profile_id: key.access_profile_id,
            expires_at: key.ends_at(),
            previous_value_expires_at: key.grace_until(now),
            rotated_at: key.rotated_at,
            provider_configs: [],
            mcp_configs: [],
            calendar_aligned: false,
            config_hash: None,
            created_at: key.created_at,
            updated_at: key.updated_at,
        }
    }
}

/// One virtual key.
#[derive(Serialize, ToSchema)]
pub struct VirtualKeyAnswer {
    /// The key.
    pub virtual_key: VirtualKeyView,
}

/// A virtual key that was made or changed.
#[derive(Serialize, ToSchema)]
pub struct VirtualKeyWritten {
    /// A sentence.
    pub message: String,
    /// The key.
    pub virtual_key: VirtualKeyView,
}

/// A virtual key that was just issued.
#[derive(Serialize, ToSchema)]
pub struct NewKeyView {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The key itself; it is never shown again.
    pub value: String,
}

impl NewKeyView {
    /// Each key with its secret.
    pub fn list(issued: &[IssuedKey]) -> Vec<Self> {
        let one = |issued: &IssuedKey| Self {
            id: issued.key.public_id.clone(),
            name: issued.key.name.clone(),
            value: issued.token.reveal().to_owned(),
        };
        issued.iter().map(one).collect()
    }
}

/// What was done, and the virtual keys that went with it.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeysGone {
    /// A sentence.
    pub message: String,
    /// The names of the keys that are dead.
    pub deleted_vk_names: Vec<String>,
    /// How many they are.
    pub deleted_vk_count: usize,
}
