//! Answers about what users hold.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::people::holding::Attachment;
use crate::domain::people::user::{Email, User};
use crate::domain::people::user_copy::{CopyBudget, UserCopy};
use crate::domain::values::money::Money;
use crate::http::core::flattened::describe_flattened;
use crate::http::core::list::ListItem;
use crate::http::virtual_keys::views::NewKeyView;

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

/// What attaching did.
#[derive(Debug, Serialize, ToSchema)]
pub struct Attached {
    /// A sentence.
    pub message: String,
    /// How many users got a copy.
    pub users_applied: usize,
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

impl ListItem for UserCopy {
    const MEMBER: &'static str = "access_profiles";
    const SCHEMA: &'static str = "CopyList";
    const ABOUT: &'static str = "A page of what a user holds.";
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

impl ListItem for HolderView {
    const MEMBER: &'static str = "holders";
    const SCHEMA: &'static str = "HolderList";
    const ABOUT: &'static str = "A page of the users who hold an access profile.";
}

/// A budget of a copy as a budget of the contract's governance section: with what a configuration file and the copy say of it.
#[derive(Debug, Serialize)]
pub struct GovernanceBudget {
    #[serde(flatten)]
    budget: CopyBudget,
    #[serde(flatten)]
    row: GovernanceRow,
}

/// What the contract says of each limit beside what it limits.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GovernanceRow {
    /// Always `null`: no limit comes from a configuration file.
    config_hash: Option<String>,
    /// When the copy was given that the limit is in.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When that copy was last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl GovernanceRow {
    /// Of a limit of a copy.
    pub fn of(copy: &UserCopy) -> Self {
        Self {
            config_hash: None,
            created_at: copy.created_at,
            updated_at: copy.updated_at,
        }
    }
}

impl GovernanceBudget {
    /// A budget of a copy.
    pub fn of(budget: CopyBudget, copy: &UserCopy) -> Self {
        Self {
            budget,
            row: GovernanceRow::of(copy),
        }
    }
}

describe_flattened!(
    GovernanceBudget,
    "A budget of a copy, and how it stands.",
    CopyBudget,
    GovernanceRow
);

/// A budget after a change of its override.
#[derive(Debug, Serialize, ToSchema)]
pub struct OverrideAnswer {
    /// The budget.
    pub budget: GovernanceBudget,
    /// What binds now.
    #[schema(value_type = f64, minimum = 0, maximum = 1_000_000_000)]
    pub effective_max_limit: Money,
}

impl OverrideAnswer {
    /// The budget of a copy.
    pub fn of(budget: CopyBudget, copy: &UserCopy) -> Self {
        Self {
            effective_max_limit: budget.effective_max_limit,
            budget: GovernanceBudget::of(budget, copy),
        }
    }
}
