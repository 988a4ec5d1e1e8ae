//! Users: the people whose calls an access profile governs.

use std::fmt;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::domain::credential::token_like::looks_like_token;
use crate::domain::validator::entity_tag_beside;
use crate::domain::values::unseen::is_unseen;

/// Longest e-mail address, in characters (RFC 5321 §4.5.3.1.3).
pub const MAX_EMAIL: usize = 254;

/// A user as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Set by the server; never used again after a delete.
    pub id: i64,
    /// 1 to 255 characters.
    pub name: String,
    /// Unique without regard to case.
    pub email: Email,
    /// The role the user is in.
    pub role_id: Option<i64>,
    /// Changes with every change of the user.
    pub revision: i64,
    /// Set by the server.
    pub created_at: Timestamp,
    /// Set by the server.
    pub updated_at: Timestamp,
}

/// What makes a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    /// See [`User::name`].
    pub name: String,
    /// See [`User::email`].
    pub email: Email,
    /// See [`User::role_id`].
    pub role_id: Option<i64>,
}

/// An e-mail address: something on both sides of one `@`, no white space, and no empty label in the domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// Reads an address; surrounding white space is removed.
    ///
    /// # Errors
    /// What is wrong, as the rest of a sentence.
    pub fn parse(text: &str) -> std::result::Result<Self, &'static str> {
        let text = text.trim_matches([' ', '\t', '\r', '\n']);
        let Some((local, domain)) = text.split_once('@') else {
            return Err("must have an @, such as \"ada@example.com\"");
        };
        if text.chars().count() > MAX_EMAIL {
            return Err("must have at most 254 characters");
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err("must not contain white space or control characters");
        }
        if local.is_empty() || domain.is_empty() {
            return Err("must have something on both sides of the @");
        }
        if domain.contains('@') {
            return Err("must have only one @");
        }
        if domain.split('.').any(str::is_empty) {
            return Err("must have a letter or digit between any two dots of its domain");
        }
        Ok(Self(text.to_owned()))
    }

    /// Whether it may be given to somebody who has another: nothing in it is unseen, or looks like a key.
    ///
    /// # Errors
    /// What is wrong, as the rest of a sentence.
    pub fn check_new(&self) -> std::result::Result<(), &'static str> {
        let text = self.as_str();
        if text.chars().any(is_unseen) {
            return Err("must not contain characters that can't be seen, such as U+200B");
        }
        if looks_like_token(text) {
            return Err("must not have anything in it that looks like a Tollkeeper key");
        }
        Ok(())
    }

    /// An address that was checked before it was stored.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Email {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// A copy of an access profile as it stands in the list of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldProfile {
    /// The copy.
    pub id: i64,
    /// The profile it is a copy of.
    pub parent_profile_id: i64,
    /// The name of that profile.
    pub name: String,
    /// From when on it grants nothing.
    pub expires_at: Option<Timestamp>,
    /// `role` or `direct`.
    pub source: String,
}

impl HeldProfile {
    /// Whether it has not expired.
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|at| at > now)
    }
}

/// A user with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserDetail {
    /// The user.
    pub user: User,
    /// Name and description of the user's role.
    pub role: Option<(String, String)>,
    /// The copies that the user holds, in the order in which they were assigned.
    pub access_profiles: Vec<HeldProfile>,
}

impl UserDetail {
    /// The validator of what is shown of the user at a time.
    pub fn entity_tag(&self, now: Timestamp) -> String {
        use fmt::Write;
        let mut beside = format!("{:?}", self.role);
        for held in &self.access_profiles {
            // Writing to a String never fails.
            let _ = write!(beside, " {} {} {}", held.id, held.name, held.is_active(now));
        }
        let user = &self.user;
        let content = format!(
            "{} {} {:?} {}",
            user.id, user.email, user.role_id, user.updated_at
        );
        entity_tag_beside(user.revision, &content, &beside)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_something_on_both_sides_of_one_at() {
        for good in ["a@b", " ada@example.com ", "ä.b+c@d-e.org", "\"@\"x@y"] {
            assert_eq!(Email::parse(good).is_ok(), good != "\"@\"x@y", "{good}");
        }
        let long = format!("{}@b", "a".repeat(MAX_EMAIL - 2));
        assert!(Email::parse(&long).is_ok());
        let longer = format!("a{long}");
        for bad in [
            "", "a", "@", "a@", "@b", "a@@b", "a@b@c", "a b@c", "a@b\tc", "a@b\u{0}", "a@.b",
            "a@b.", "a@b..c", &longer,
        ] {
            assert!(Email::parse(bad).is_err(), "{bad:?}");
        }
        // Stored ones from before keep working.
        for unseen in ["a\u{200b}@b", "a@b\u{feff}"] {
            assert!(
                Email::parse(unseen).unwrap().check_new().is_err(),
                "{unseen:?}"
            );
        }
        assert_eq!(Email::parse(" A@b ").unwrap().as_str(), "A@b");
    }
}
