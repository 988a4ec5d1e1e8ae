//! Reading what somebody sends to make or change a user.

use serde_json::Value;

use super::input::{Fields, MAX_NAME, Node};
use super::json::Json;
use super::stored_texts::{INVALID_EMAIL, Sent};
use super::user::{Email, MAX_EMAIL, NewUser};
use super::violation::Violations;
use crate::error::{Error, Result};

/// The fields of a user as somebody sent them; `None` where they were left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserInput {
    /// Trimmed, 1 to 255 characters.
    pub name: Option<String>,
    /// The address.
    pub email: Option<Email>,
    /// `Some(None)` is no role.
    pub role_id: Option<Option<i64>>,
    /// The role as it is shown.
    pub role: Option<Value>,
}

/// Fields that the server sets.
pub const SET_BY_SERVER: [&str; 3] = ["id", "created_at", "updated_at"];

/// Those that a change may send back besides.
pub const SET_BY_SERVER_ON_CHANGE: [&str; 5] =
    ["id", "role", "access_profiles", "created_at", "updated_at"];

impl UserInput {
    /// Reads the body of a create, where name and address are required, or of a change.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every violation.
    pub fn parse(body: &Json<'_>, sent: Sent<'_>) -> Result<Self> {
        let violations = Violations::beside(sent.stored());
        let root = Node::root(body, &violations);
        let input = root
            .object()
            .map(|fields| Self::read(fields, sent.is_new()));
        violations.finish(input)
    }

    fn read(mut fields: Fields<'_>, creating: bool) -> Self {
        let mut wanted = |name| {
            if creating {
                fields.required(name)
            } else {
                fields.sent(name)
            }
        };
        let (name, email) = (wanted("name"), wanted("email"));
        let mut input = Self {
            name: name.and_then(|node| node.name(MAX_NAME)),
            email: email.and_then(|node| read_email(&node)),
            role_id: fields.sent("role_id").and_then(|node| read_role(&node)),
            role: None,
        };
        let (role, held) = (
            fields.sent_back("role"),
            fields.sent_back("access_profiles"),
        );
        if creating {
            // Whoever sends them expects something of it.
            if let Some(node) = role {
                node.refuse::<()>("not_settable", "can't be set here; send `role_id`");
            }
            if let Some(node) = &held {
                node.refuse::<()>("not_settable", ASSIGN);
            }
        } else {
            input.role = role.map(|node| node.value.to_value());
            let held = held.filter(|node| !is_shown_list(node.value));
            if let Some(node) = held {
                node.refuse::<()>("not_settable", ASSIGN);
            }
        }
        fields.ignore(&SET_BY_SERVER);
        fields.finish();
        input
    }

    /// What makes a user of a body that was read as one of a create.
    ///
    /// # Errors
    /// [`Error::Internal`] when it was not.
    pub fn into_new(self) -> Result<NewUser> {
        match (self.name, self.email) {
            (Some(name), Some(email)) => Ok(NewUser {
                name,
                email,
                role_id: self.role_id.flatten(),
            }),
            _ => Err(Error::internal("making a user", "a field is missing")),
        }
    }
}

const ASSIGN: &str = "can't be set here; POST …/users/{id}/access-profiles gives a user a copy";

/// Whether a list can be one of copies as it was read; they may have changed since.
fn is_shown_list(sent: &Json<'_>) -> bool {
    let shown = |items: &[Json<'_>]| {
        let mut items = items.iter();
        items.all(|item| matches!(item, Json::Object(_)))
    };
    sent.is_null() || sent.as_array().is_some_and(shown)
}

/// Reads the body that changes the role of a user: `role_id` is required, `null` is no role.
///
/// # Errors
/// [`Error::Invalid`] with every violation.
pub fn parse_role_change(body: &Json<'_>) -> Result<Option<i64>> {
    let violations = Violations::default();
    let read = || {
        let mut fields = Node::root(body, &violations).object()?;
        let sent = fields.sent("role_id");
        if sent.is_none() {
            let path = fields.path().field("role_id");
            let sentence = "is required; null puts the user in no role";
            violations.add(&path, "required", sentence);
        }
        let role = sent.and_then(|node| read_role(&node));
        fields.finish();
        role
    };
    let role = read();
    violations.finish(role)
}

fn read_email(node: &Node<'_>) -> Option<Email> {
    let Json::String(text) = node.value else {
        return node.string(MAX_EMAIL).and(None);
    };
    let read = Email::parse(text).and_then(|email| {
        if !node.violations.is_stored(email.as_str()) {
            email.check_new()?;
        }
        Ok(email)
    });
    read.map_or_else(|sentence| node.refuse(INVALID_EMAIL, sentence), Some)
}

#[expect(
    clippy::option_option,
    reason = "what was not good, and no role, are two things"
)]
fn read_role(node: &Node<'_>) -> Option<Option<i64>> {
    if node.value.is_null() {
        Some(None)
    } else {
        node.integer(1..=i64::MAX).map(Some)
    }
}
