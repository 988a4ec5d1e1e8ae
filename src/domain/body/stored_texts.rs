//! Rules of texts judge what is sent, never what is stored: what stands in a thing may be sent back with a change of it, as it is.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;

use crate::error::{Error, Result};

/// The code of a character that must not stand where it does.
pub const INVALID_CHARACTER: &str = "invalid_character";
/// The code of a text with something in it that looks like a key of ours.
pub const CREDENTIAL_HERE: &str = "credential_here";
/// The code of what is no e-mail address.
pub const INVALID_EMAIL: &str = "invalid_email";

/// The texts that stand in what a body changes.
#[derive(Debug, Clone, Default)]
pub enum StoredTexts {
    /// Nothing is known of any.
    #[default]
    None,
    /// These.
    These(Arc<HashSet<String>>),
    /// All of the body: it was stored.
    All,
}

impl StoredTexts {
    /// The texts in what is stored, written as JSON.
    ///
    /// # Errors
    /// [`Error::Internal`] when it is no JSON.
    pub fn of(stored: &str) -> Result<Self> {
        let mut texts = HashSet::new();
        let stored = serde_json::from_str(stored)
            .map_err(|error| Error::internal("reading what is stored", error))?;
        collect(stored, &mut texts);
        Ok(Self::These(Arc::new(texts)))
    }

    /// Whether a text stands there.
    pub fn have(&self, text: &str) -> bool {
        match self {
            Self::None => false,
            Self::These(texts) => texts.contains(text),
            Self::All => true,
        }
    }
}

fn collect(value: Value, texts: &mut HashSet<String>) {
    match value {
        Value::String(text) => {
            texts.insert(text);
        }
        Value::Array(items) => items.into_iter().for_each(|item| collect(item, texts)),
        Value::Object(members) => {
            let members = members.into_iter();
            members.for_each(|(_, member)| collect(member, texts));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::access_profile::input::AccessProfileInput;
    use crate::domain::body::json;
    use crate::domain::body::violation::Violation;

    #[test]
    fn a_profile_takes_back_the_texts_that_are_stored_in_it_and_no_others() {
        let stored =
            StoredTexts::of("{\"name\":\"a\u{200b}b\",\"tags\":[\"c\u{200b}d\"]}").unwrap();
        let refuses = |body: &str| {
            let body = json::parse(body.as_bytes()).unwrap();
            let input = AccessProfileInput::parse_change(&body, || Ok(stored.clone())).unwrap();
            input.violations.iter().any(Violation::is_about_text)
        };
        assert!(!refuses(
            "{\"name\":\" a\u{200b}b\",\"tags\":[\"c\u{200b}d\",\"e\"]}"
        ));
        assert!(refuses("{\"name\":\"a\u{200b}bc\"}"));
        assert!(refuses(
            "{\"name\":\"x\",\"description\":\"tk_vk_abcdefghijkl_abcdefghijklmnop\"}"
        ));
    }
}
