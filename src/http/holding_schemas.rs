//! Shapes of bodies and answers about what users hold; see [`super::schemas`].

use serde::Serialize;
use utoipa::ToSchema;

use super::people_schemas::NewKeyView;
use super::shapes;
use crate::domain::holding::Attachment;
use crate::domain::money::Money;
use crate::domain::user::{Email, User};
use crate::domain::user_copy::{CopyBudget, UserCopy};

/// A role that an access profile is attached to.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttachmentView {
    /// The attachment.
    pub id: i64,
    /// The access profile.
    pub access_profile_id: i64,
    /// The role.
    pub role_id: i64,
    /// Its name.
    pub role_name: String,
    /// Whether users who join the role get a copy.
    pub is_default: bool,
}

impl From<&Attachment> for AttachmentView {
    fn from(attachment: &Attachment) -> Self {
        Self {
            id: attachment.id,
            access_profile_id: attachment.access_profile_id,
            role_id: attachment.role_id,
            role_name: attachment.role_name.clone(),
            is_default: attachment.is_default,
        }
    }
}

/// What attaching an access profile to roles takes.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body for the OpenAPI document")]
pub struct AttachmentBody {
    /// At least one.
    #[schema(schema_with = shapes::some_ids)]
    role_ids: Vec<i64>,
    /// Users who join the roles later get a copy.
    #[schema(default = false)]
    is_default: Option<bool>,
    /// Users who are in the roles now get a copy, unless they hold one.
    #[schema(default = false)]
    apply_to_existing: Option<bool>,
}

/// What attaching did.
#[derive(Debug, Serialize, ToSchema)]
pub struct Attached {
    /// A sentence.
    pub message: String,
    /// How many users got a copy.
    pub users_applied: usize,
}

/// What assigning an access profile to a user takes.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body for the OpenAPI document")]
pub struct AssignmentBody {
    /// The access profile.
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    access_profile_id: i64,
    /// In the future; empty or left out: never.
    #[schema(schema_with = shapes::expiry)]
    expires_at: Option<String>,
}

/// A copy that was just given.
#[derive(Serialize, ToSchema)]
pub struct AssignedAnswer {
    /// The copy.
    pub access_profile: UserCopy,
    /// The managed virtual key that came with it; its value is never shown again.
    pub virtual_key: NewKeyView,
}

/// One copy.
#[derive(Debug, Serialize, ToSchema)]
pub struct CopyAnswer {
    /// The copy.
    pub access_profile: UserCopy,
}

/// A page of what a user holds.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the answer is put together copy by copy")]
pub struct CopyList {
    access_profiles: Vec<UserCopy>,
    /// Items on this page.
    count: usize,
    /// Items on all pages.
    total_count: i64,
    /// As asked.
    limit: i64,
    /// As asked.
    offset: i64,
}

/// Who holds a copy.
#[derive(Debug, Serialize, ToSchema)]
pub struct HolderUser {
    /// Its id: a number in a string.
    pub id: String,
    /// Its name; for keys that hold `Users:View`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its e-mail address; for keys that hold `Users:View`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub email: Option<Email>,
}

impl HolderUser {
    /// A user as it is shown to who may, or may not, see who it is.
    pub fn of(user: User, named: bool) -> Self {
        Self {
            id: user.id.to_string(),
            name: named.then_some(user.name),
            email: named.then_some(user.email),
        }
    }
}

/// A user with the copy of an access profile.
#[derive(Debug, Serialize, ToSchema)]
pub struct HolderView {
    /// The user.
    pub user: HolderUser,
    /// The copy.
    pub access_profile: UserCopy,
}

/// A page of the users who hold an access profile.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the answer is put together holder by holder")]
pub struct HolderList {
    holders: Vec<HolderView>,
    /// Items on this page.
    count: usize,
    /// Items on all pages.
    total_count: i64,
    /// As asked.
    limit: i64,
    /// As asked.
    offset: i64,
}

/// What pushing parts of an access profile to its copies takes.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body for the OpenAPI document")]
pub struct PropagationBody {
    /// At least one, each once.
    #[schema(schema_with = shapes::policy_fields)]
    fields: Vec<String>,
    /// Only say what would change.
    #[schema(default = false)]
    dry_run: Option<bool>,
    /// To these users only; empty or left out, without `group_ids` too: to everybody who holds a copy.
    #[schema(schema_with = shapes::loose_ids)]
    user_ids: Option<Vec<String>>,
    /// To the users in these roles only.
    #[schema(schema_with = shapes::loose_ids)]
    group_ids: Option<Vec<i64>>,
    /// What the copies used is forgotten.
    #[schema(default = false)]
    reset_usage: Option<bool>,
}

/// What an override takes.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body for the OpenAPI document")]
pub struct OverrideBody {
    /// US dollars that are added to the limit; more than 0.
    #[schema(schema_with = shapes::some_dollars)]
    amount: f64,
    /// For some windows, or for good.
    #[schema(schema_with = shapes::override_modes)]
    mode: String,
    /// Windows it lasts, the open one included; only with `cycles`, and required there.
    #[schema(minimum = 1, maximum = 10_000)]
    cycles: Option<i64>,
}

/// A budget after a change of its override.
#[derive(Debug, Serialize, ToSchema)]
pub struct OverrideAnswer {
    /// The budget.
    pub budget: CopyBudget,
    /// What binds now.
    #[schema(value_type = f64, minimum = 0, maximum = 1_000_000_000)]
    pub effective_max_limit: Money,
}

impl From<CopyBudget> for OverrideAnswer {
    fn from(budget: CopyBudget) -> Self {
        Self {
            effective_max_limit: budget.effective_max_limit,
            budget,
        }
    }
}
