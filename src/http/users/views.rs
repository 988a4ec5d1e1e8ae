//! Answers about users.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::list::{Listed, Page};
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<UserRoleView>,
    /// The copies of access profiles that the user holds, in the order in which they were assigned.
    pub access_profiles: Vec<HeldProfileView>,
    /// The first of them that is active.
    pub access_profile: Option<HeldProfileView>,
    /// The teams that the user is in: there are none here.
    pub teams: Vec<UserTeamView>,
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

/// A page of users, as the contract's older path counts pages.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserPage {
    /// The users of this page, in order.
    pub users: Vec<UserView>,
    /// Users on all pages.
    pub total: i64,
    /// The page, counted from 1.
    pub page: i64,
    /// As asked.
    pub limit: i64,
    /// How many pages there are.
    pub total_pages: i64,
    /// Whether there is a page after this one.
    pub has_more: bool,
}

impl UserPage {
    /// The page of what is listed.
    pub fn of(list: &Listed<UserDetail>, page: Page, now: Timestamp) -> Self {
        let (number, total) = (page.offset / page.limit + 1, list.total_count);
        let total_pages = total.saturating_add(page.limit - 1) / page.limit;
        Self {
            users: list
                .items
                .iter()
                .map(|one| UserView::of(one, now))
                .collect(),
            total,
            page: number,
            limit: page.limit,
            total_pages,
            has_more: number < total_pages,
        }
    }
}

/// A team that a user is in.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserTeamView {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
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
        let held = &detail.access_profiles;
        let first_active = held.iter().find(|one| one.is_active(now));
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
            access_profiles: held
                .iter()
                .map(|one| HeldProfileView::of(one, now))
                .collect(),
            access_profile: first_active.map(|one| HeldProfileView::of(one, now)),
            teams: Vec::new(),
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
    /// A sentence.
    pub message: String,
    /// The user.
    pub user: UserView,
    /// The keys that were issued with the default profiles of the new role; they are never shown again.
    pub virtual_keys: Vec<NewKeyView>,
    /// The names of the keys that went with the profiles of the old role.
    pub deleted_vk_names: Vec<String>,
    /// How many they are.
    pub deleted_vk_count: usize,
}
