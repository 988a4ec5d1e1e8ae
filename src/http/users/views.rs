//! Answers about users.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::people::user::{Email, HeldProfile, UserDetail};
use crate::http::core::list::ListItem;
use crate::http::virtual_keys::views::NewKeyView;

/// A user.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserView {
    /// Its id: a number in a string.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its e-mail address.
    #[schema(value_type = String)]
    pub email: Email,
    /// The role the user is in.
    pub role_id: Option<i64>,
    /// The same role.
    pub role: Option<UserRoleView>,
    /// The copies of access profiles that the user holds, in the order in which they were assigned.
    pub access_profiles: Vec<HeldProfileView>,
    /// Set by the server.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Set by the server.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

impl ListItem for UserView {
    const MEMBER: &'static str = "users";
    const SCHEMA: &'static str = "UserList";
    const ABOUT: &'static str = "A page of users.";
}

/// The role that a user is in.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserRoleView {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Always false: there are no roles that come with the server.
    pub is_system_role: bool,
}

/// A copy of an access profile that a user holds.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeldProfileView {
    /// The copy.
    pub id: i64,
    /// The access profile it is a copy of.
    pub parent_profile_id: i64,
    /// The name of that profile.
    pub name: String,
    /// Whether it has not expired.
    pub is_active: bool,
    /// From when on it grants nothing.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// `role` or `direct`.
    pub source: String,
}

impl UserView {
    /// A user as it is shown at a time.
    pub fn of(detail: &UserDetail, now: Timestamp) -> Self {
        let user = &detail.user;
        let role = user.role_id.zip(detail.role.as_ref());
        Self {
            id: user.id.to_string(),
            name: user.name.clone(),
            email: user.email.clone(),
            role_id: user.role_id,
            role: role.map(|(id, (name, description))| UserRoleView {
                id,
                name: name.clone(),
                description: description.clone(),
                is_system_role: false,
            }),
            access_profiles: detail
                .access_profiles
                .iter()
                .map(|held| HeldProfileView::of(held, now))
                .collect(),
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }
}

impl HeldProfileView {
    fn of(held: &HeldProfile, now: Timestamp) -> Self {
        Self {
            id: held.id,
            parent_profile_id: held.parent_profile_id,
            name: held.name.clone(),
            is_active: held.is_active(now),
            expires_at: held.expires_at,
            source: held.source.clone(),
        }
    }
}

/// One user.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserAnswer {
    /// The user.
    pub user: UserView,
}

/// A new user.
#[derive(Serialize, ToSchema)]
pub struct UserCreated {
    /// The user.
    pub user: UserView,
    /// The keys that were issued with the default profiles of the role; they are never shown again.
    pub virtual_keys: Vec<NewKeyView>,
}

/// A user in another role.
#[derive(Serialize, ToSchema)]
pub struct UserRoleChanged {
    /// The user.
    pub user: UserView,
    /// The keys that were issued with the default profiles of the new role; they are never shown again.
    pub virtual_keys: Vec<NewKeyView>,
    /// The names of the keys that went with the profiles of the old role.
    pub deleted_vk_names: Vec<String>,
    /// How many they are.
    pub deleted_vk_count: usize,
}
