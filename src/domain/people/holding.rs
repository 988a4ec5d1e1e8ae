//! What a user holds: a copy of an access profile, where it came from, and until when it works.

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::body::input::Node;
use crate::domain::body::json::Json;
use crate::domain::body::violation::{Path, Violation};
use crate::domain::body::{Body, BodySchema, Form, ValueKind, boolean, expiry, integer};
use crate::domain::limits::budget_override::BudgetOverride;
use crate::domain::validator::entity_tag_beside;
use crate::domain::values::number::MAX_COUNT;
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

/// What assigning an access profile to a user takes.
pub const ASSIGNMENT: Body<AssignmentInput> = Body::new(
    "AssignmentBody",
    "What assigning an access profile to a user takes.",
    AssignmentInput::read,
);

impl AssignmentInput {
    fn read(form: &mut Form<'_>) -> Option<Self> {
        let access_profile_id = form.required(
            "access_profile_id",
            integer(1..=MAX_COUNT),
            "The access profile.",
        );
        let expires_at = form.optional(
            "expires_at",
            expiry(),
            "In the future; empty or left out: never.",
        );
        Some(Self {
            access_profile_id: access_profile_id?,
            expires_at: expires_at.flatten(),
        })
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
    /// Whether users who join the roles get a copy; left out: as it is, and no where it is attached anew.
    pub is_default: Option<bool>,
    /// Whether the users who are in the roles now get one.
    pub apply_to_existing: bool,
}

/// What attaching an access profile to roles takes.
pub const ATTACHMENT: Body<AttachmentInput> = Body::new(
    "AttachmentBody",
    "What attaching an access profile to roles takes.",
    AttachmentInput::read,
);

impl AttachmentInput {
    fn read(form: &mut Form<'_>) -> Option<Self> {
        let roles = each_once(integer(1..=MAX_COUNT)).not_empty(|| "must name a role".to_owned());
        let role_ids = form.required("role_ids", roles, "At least one.");
        let is_default = form.optional(
            "is_default",
            boolean(),
            "Users who join the roles later get a copy. Left out: as it is, and not where the profile is attached anew.",
        );
        let apply_to_existing = form.flag(
            "apply_to_existing",
            false,
            "Users who are in the roles now get a copy, unless they hold one.",
        );
        Some(Self {
            role_ids: role_ids?,
            is_default,
            apply_to_existing,
        })
    }
}

/// A list of ids of users, each once, as numbers or as the digits of one in a string.
pub fn loose_ids() -> ValueKind<'static, Vec<i64>> {
    let schema =
        || BodySchema::integer(1..=MAX_COUNT).or(BodySchema::pattern("^[1-9][0-9]{0,17}$"));
    each_once(ValueKind::new(schema, read_loose_id))
}

fn each_once(id: ValueKind<'static, i64>) -> ValueKind<'static, Vec<i64>> {
    id.unique_list(
        None,
        "duplicate_id",
        |id| *id,
        |id| format!("{id} is listed twice"),
    )
}

fn read_loose_id(node: &Node<'_>) -> Option<i64> {
    if matches!(node.value, Json::Number(_)) {
        return node.integer(1..=MAX_COUNT);
    }
    let text = node.string(20)?;
    parse_user_id(text).or_else(|| {
        let sentence = format_args!("expected an id such as \"17\", found {text:?}");
        node.refuse("invalid_id", sentence)
    })
}

/// Reads the id of a user: a whole number of 1 or more, as it is shown.
pub fn parse_user_id(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|id| digits && *id > 0 && !text.starts_with('0'))
}
