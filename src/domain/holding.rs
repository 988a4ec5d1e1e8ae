//! What a user holds: a copy of an access profile, where it came from, and until when it works.

use jiff::Timestamp;
use serde::Serialize;

use super::access_profile_input::MAX_COUNT;
use super::budget_override::BudgetOverride;
use super::input::Node;
use super::json::Json;
use super::validator::entity_tag_beside;
use super::violation::{Path, Violation, Violations};
use crate::error::Result;

/// The copy of an access profile that a user holds, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserAccessProfile {
    /// Set by the server; never used again.
    pub id: i64,
    /// Who holds it.
    pub user_id: i64,
    /// The profile that it is a copy of.
    pub access_profile_id: i64,
    /// What it allows; copies with the same policy share it.
    pub policy_id: i64,
    /// Where it came from.
    pub source: Source,
    /// The version of the profile that it was made from or last changed by.
    pub template_version: i64,
    /// From when on it grants nothing.
    pub expires_at: Option<Timestamp>,
    /// When it was given; rolling windows are counted from here.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl UserAccessProfile {
    /// Whether its time is not over.
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|at| at > now)
    }

    /// The strong validator of what is shown of it with these overrides; what it counts and its keys are beside it.
    pub fn entity_tag(&self, overrides: &[BudgetOverride], shown: &str) -> String {
        entity_tag_beside(self.policy_id, &format!("{self:?} {overrides:?}"), shown)
    }
}

/// A copy that is being given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUserAccessProfile {
    /// The profile that it is a copy of.
    pub access_profile_id: i64,
    /// What it allows.
    pub policy_id: i64,
    /// Where it comes from.
    pub source: Source,
    /// The version of the profile.
    pub template_version: i64,
    /// From when on it grants nothing.
    pub expires_at: Option<Timestamp>,
}

/// Where a copy came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The role with this id, which the user had.
    Role(i64),
    /// It was assigned to the user.
    Direct,
}

impl Source {
    /// How it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Role(_) => "role",
            Self::Direct => "direct",
        }
    }

    /// The role, if it came from one.
    pub fn role_id(self) -> Option<i64> {
        match self {
            Self::Role(id) => Some(id),
            Self::Direct => None,
        }
    }
}

/// A role that a profile is attached to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attachment {
    /// Set by the server.
    pub id: i64,
    /// The profile.
    pub access_profile_id: i64,
    /// The role.
    pub role_id: i64,
    /// The role's name.
    pub role_name: String,
    /// Whether users who join the role get a copy.
    pub is_default: bool,
}

/// What assigns a profile to a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssignmentInput {
    /// The profile.
    pub access_profile_id: i64,
    /// From when on the copy grants nothing.
    pub expires_at: Option<Timestamp>,
}

impl AssignmentInput {
    /// Reads the body of an assignment.
    ///
    /// # Errors
    /// [`crate::error::Error::Invalid`] with every violation.
    pub fn parse(body: &Json<'_>) -> Result<Self> {
        let violations = Violations::default();
        let read = || {
            let mut fields = Node::root(body, &violations).object()?;
            let access_profile_id = fields
                .required("access_profile_id")
                .and_then(|node| node.integer(1..=MAX_COUNT));
            let expires_at = fields
                .given("expires_at")
                .filter(|node| node.value.as_str() != Some(""))
                .map(|node| node.timestamp());
            fields.finish();
            Some(Self {
                access_profile_id: access_profile_id?,
                expires_at: expires_at.flatten(),
            })
        };
        let input = read();
        violations.finish(input)
    }

    /// Makes sure that the copy would work.
    ///
    /// # Errors
    /// [`crate::error::Error::Invalid`] when it would be over already.
    pub fn check_expiry(&self, now: Timestamp) -> Result<()> {
        match self.expires_at.filter(|at| *at <= now) {
            Some(at) => Err(Violation::alone(
                &Path::root().field("expires_at"),
                "not_in_future",
                format_args!("must lie in the future, is {at}"),
            )),
            None => Ok(()),
        }
    }
}

/// What attaches a profile to roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentInput {
    /// The roles, each once.
    pub role_ids: Vec<i64>,
    /// Whether users who join the roles get a copy.
    pub is_default: bool,
    /// Whether the users who are in the roles now get one.
    pub apply_to_existing: bool,
}

impl AttachmentInput {
    /// Reads the body of an attachment.
    ///
    /// # Errors
    /// [`crate::error::Error::Invalid`] with every violation.
    pub fn parse(body: &Json<'_>) -> Result<Self> {
        let violations = Violations::default();
        let read = || {
            let mut fields = Node::root(body, &violations).object()?;
            let role_ids = fields.required("role_ids").and_then(|node| {
                if node.value.as_array().is_some_and(<[_]>::is_empty) {
                    return node.refuse("empty", "must name a role");
                }
                read_ids(&node)
            });
            let is_default = fields.given("is_default").map(|node| node.boolean());
            let apply = fields.given("apply_to_existing").map(|node| node.boolean());
            fields.finish();
            Some(Self {
                role_ids: role_ids?,
                is_default: is_default.unwrap_or(Some(false))?,
                apply_to_existing: apply.unwrap_or(Some(false))?,
            })
        };
        let input = read();
        violations.finish(input)
    }
}

/// A list of ids, each once.
pub fn read_ids(node: &Node<'_>) -> Option<Vec<i64>> {
    let mut seen = std::collections::HashSet::new();
    node.list(|item| {
        let id = item.integer(1..=MAX_COUNT)?;
        if !seen.insert(id) {
            return item.refuse("duplicate_id", format_args!("{id} is listed twice"));
        }
        Some(id)
    })
}

/// A list of ids, each once, as numbers or as the digits of one in a string.
pub fn read_loose_ids(node: &Node<'_>) -> Option<Vec<i64>> {
    let mut seen = std::collections::HashSet::new();
    node.list(|item| {
        let id = if matches!(item.value, Json::Number(_)) {
            item.integer(1..=MAX_COUNT)?
        } else {
            let text = item.string(20)?;
            let Some(id) = parse_user_id(text) else {
                return item.refuse(
                    "invalid_id",
                    format_args!("expected an id such as \"17\", found {text:?}"),
                );
            };
            id
        };
        if !seen.insert(id) {
            return item.refuse("duplicate_id", format_args!("{id} is listed twice"));
        }
        Some(id)
    })
}

/// Reads the id of a user: a whole number of 1 or more, as it is shown.
pub fn parse_user_id(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|id| digits && *id > 0 && !text.starts_with('0'))
}
