//! Shapes of bodies and answers about virtual keys; see [`super::schemas`].

use jiff::Timestamp;
use serde::Serialize;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::shapes;
use crate::domain::virtual_key::VirtualKey;

/// What making or changing a virtual key takes.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body for the OpenAPI document")]
pub struct VirtualKeyBody {
    /// Need not be unique. Left out: the names of the user and of the profile.
    #[schema(schema_with = shapes::name_or_null)]
    name: Option<String>,
    #[schema(schema_with = shapes::text)]
    description: Option<String>,
    /// In the future; empty or `null`: never.
    #[schema(schema_with = shapes::expiry)]
    expires_at: Option<String>,
    #[schema(schema_with = shapes::sent_back)]
    is_active: Option<bool>,
    #[schema(schema_with = shapes::sent_back)]
    is_managed: Option<bool>,
    #[schema(schema_with = shapes::sent_back)]
    user_id: Option<String>,
    #[schema(schema_with = shapes::sent_back)]
    access_profile_id: Option<i64>,
}

/// What changing a virtual key takes: the same fields, but the name can't be `null`.
pub struct VirtualKeyChangeBody;

impl PartialSchema for VirtualKeyChangeBody {
    fn schema() -> RefOr<Schema> {
        shapes::with_property(VirtualKeyBody::schema(), "name", shapes::name())
    }
}

impl ToSchema for VirtualKeyChangeBody {}

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
    pub is_managed: bool,
    /// Whether it has not expired, nor every copy that its user holds.
    pub is_active: bool,
    /// The user it belongs to: a number in a string.
    pub user_id: String,
    /// The access profile it was issued under, and goes with; `null` for a key of the user at large.
    pub access_profile_id: Option<i64>,
    /// From when on it opens nothing: as it was set, or earlier, when the last copy that its user holds expires.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// Until when the last of its earlier secrets works, while one does.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub previous_expires_at: Option<Timestamp>,
    /// When it was last rotated.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub rotated_at: Option<Timestamp>,
    /// Set by the server.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Set by the server.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

impl VirtualKeyView {
    /// A key as it is shown at a time, without its secret.
    pub fn of(key: &VirtualKey, now: Timestamp) -> Self {
        Self {
            id: key.public_id.clone(),
            name: key.name.clone(),
            description: key.description.clone(),
            value: key.masked(),
            is_managed: key.is_managed,
            is_active: key.is_active(now),
            user_id: key.user_id.to_string(),
            access_profile_id: key.access_profile_id,
            expires_at: key.ends_at(),
            previous_expires_at: key.grace_until(now),
            rotated_at: key.rotated_at,
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

/// A page of virtual keys.
#[derive(Serialize, ToSchema)]
pub struct VirtualKeyList {
    /// The keys.
    pub virtual_keys: Vec<VirtualKeyView>,
    /// Items on this page.
    pub count: usize,
    /// Items on all pages.
    pub total_count: i64,
    /// As asked.
    pub limit: i64,
    /// As asked.
    pub offset: i64,
}
