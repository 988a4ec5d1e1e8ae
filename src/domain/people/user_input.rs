//! Reading what somebody sends to make or change a user.

use jiff::Timestamp;
use serde_json::Value;

use super::user::{Email, MAX_EMAIL, NewUser, User};
use crate::domain::body::input::Node;
use crate::domain::body::json::Json;
use crate::domain::body::patterns::EMAIL;
use crate::domain::body::stored_texts::INVALID_EMAIL;
use crate::domain::body::violation::{Path, Violation};
use crate::domain::body::{Body, BodySchema, Form, ValueKind, id, name};
use crate::error::{Error, Result};

/// The fields of a user as somebody sent them; `None` where they were left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserInput {
    /// Trimmed, 1 to 255 characters.
    pub name: Option<String>,
    /// The address.
    pub email: Option<Email>,
    /// The role to join, or the present one.
    pub role_id: Option<i64>,
    /// The role as it is shown.
    pub role: Option<Value>,
    /// What the user holds, as it is shown.
    pub access_profiles: Option<Value>,
}

/// What making a user takes.
pub const NEW_USER: Body<UserInput> = Body::new("UserBody", "What making a user takes.", |form| {
    Some(UserInput::read(form))
});

/// What a change of a user takes.
pub const USER_CHANGE: Body<UserInput> = Body::change(
    "UserChangeBody",
    "What a change of a user takes: the same fields, none of them required. `role_id` must be the present one.",
    |form| Some(UserInput::read(form)),
)
.or_under("user");

/// What a change of a user's role takes: `role_id` is required, `null` is no role.
pub const USER_ROLE: Body<Option<i64>> = Body::new(
    "UserRoleBody",
    "What a change of a user's role takes.",
    |form| {
        form.required_or_null(
            "role_id",
            id().or_null(),
            "The role to join; `null`: none.",
            "is required; null puts the user in no role",
        )
    },
);

impl UserInput {
    fn read(form: &mut Form<'_>) -> Self {
        let role = if form.is_change() {
            "The role to join."
        } else {
            "The role to join; left out: none."
        };
        let mut input = Self {
            name: form.required("name", name(), ""),
            email: form.required("email", email(), "Unique without regard to case."),
            role_id: form.optional("role_id", id(), role),
            role: None,
            access_profiles: None,
        };
        if form.is_change() {
            let role = form.sent_back("role").filter(|node| !node.value.is_null());
            input.role = role.map(|node| node.value.to_value());
            let held = form.sent_back("access_profiles");
            input.access_profiles = held.and_then(|node| {
                if is_shown_list(node.value) {
                    Some(node.value.to_value())
                } else {
                    node.refuse("not_settable", ASSIGN)
                }
            });
        } else {
            // Whoever sends them expects something of it.
            form.not_settable("role", "can't be set here; send `role_id`");
            form.not_settable("access_profiles", ASSIGN);
        }
        form.ignore(&["id", "access_profile", "teams", "created_at", "updated_at"]);
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
                role_id: self.role_id,
            }),
            _ => Err(Error::internal("making a user", "a field is missing")),
        }
    }
}

impl User {
    /// Whether a role as it is shown is the one that the user is in.
    fn is_in(&self, role: &Value) -> bool {
        match self.role_id {
            None => false,
            Some(id) => role["id"] == id,
        }
    }

    /// The user with the sent fields in place of today's; `None` when that changes nothing.
    ///
    /// # Errors
    /// [`crate::error::Error::Invalid`] when another role is sent: that has an endpoint of its own.
    pub fn change(&self, input: UserInput, now: Timestamp) -> Result<Option<Self>> {
        let other_id = input.role_id.is_some_and(|role| Some(role) != self.role_id);
        let other = input.role.is_some_and(|role| !self.is_in(&role));
        for (field, is_other) in [("role_id", other_id), ("role", other)] {
            if is_other {
                let sentence = format!(
                    "can't be changed here; PUT …/users/{}/role does that",
                    self.id
                );
                let path = Path::root().field(field);
                return Err(Violation::alone(&path, "role_not_changeable", sentence));
            }
        }
        let changed = Self {
            name: input.name.unwrap_or_else(|| self.name.clone()),
            email: input.email.unwrap_or_else(|| self.email.clone()),
            ..self.clone()
        };
        Ok((changed != *self).then_some(Self {
            updated_at: now,
            ..changed
        }))
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

fn email() -> ValueKind<'static, Email> {
    ValueKind::new(|| BodySchema::text(3..=MAX_EMAIL, EMAIL), read_email)
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
