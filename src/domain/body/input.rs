//! Reading JSON values, noting every broken rule with its path instead of stopping at the first.
//!
//! A [`Node`] is a value and its place. Typed readers answer `None` after noting what is wrong, so a caller reads everything
//! first and builds its value at the end. Objects are read by a [`super::Form`], field by field.

use std::ops::RangeInclusive;

use jiff::Timestamp;
use jiff::fmt::temporal::Pieces;

use super::json::Json;
use super::stored_texts::{CREDENTIAL_HERE, INVALID_CHARACTER};
use super::violation::{Path, Violations};
use crate::domain::credential::token_like::{NO_CREDENTIAL, looks_like_token};
use crate::domain::values::number::{Whole, read_whole};
use crate::domain::values::unseen::{find_unseen, why_not};

/// Longest name of anything, in characters.
pub const MAX_NAME: usize = 255;
/// Longest description of anything, in characters.
pub const MAX_DESCRIPTION: usize = 10_000;
/// Most elements of any list in a request.
pub const MAX_LIST: usize = 10_000;

/// The last instant that can be kept: with the greatest offset from UTC, the year of a later one would have five digits.
const LAST: &str = "9999-12-30T22:00:00.999Z";

/// A JSON value, where it stands, and where to note what is wrong with it.
#[derive(Clone)]
pub struct Node<'v> {
    /// The value as sent.
    pub value: &'v Json<'v>,
    /// Its place in the body.
    pub path: Path,
    /// Collects what is wrong.
    pub violations: &'v Violations,
}

impl<'v> Node<'v> {
    /// The whole body.
    pub fn root(value: &'v Json<'v>, violations: &'v Violations) -> Self {
        Self {
            value,
            path: Path::root(),
            violations,
        }
    }

    /// Notes that this value breaks a rule.
    pub fn refuse<T>(&self, code: &'static str, sentence: impl std::fmt::Display) -> Option<T> {
        self.violations.add(&self.path, code, sentence);
        None
    }

    /// Notes that it is no value of this kind.
    pub fn wrong_type<T>(&self, expected: &str) -> Option<T> {
        self.refuse(
            "wrong_type",
            format_args!("expected {expected}, found {}", self.value.shown()),
        )
    }

    /// A string as sent, with at most `max` characters and no U+0000.
    pub fn string(&self, max: usize) -> Option<&'v str> {
        let Json::String(text) = self.value else {
            return self.wrong_type("a string");
        };
        if text.contains('\0') {
            return self.refuse(INVALID_CHARACTER, "must not contain the character U+0000");
        }
        let length = text.chars().count();
        if length > max {
            return self.refuse(
                "too_long",
                format_args!("must have at most {max} characters, has {length}"),
            );
        }
        Some(text)
    }

    /// A name: surrounding white space removed, 1 to `max` characters, none of them a control character or [unseen](find_unseen), and
    /// nothing in it that looks like a key. What is stored may be sent back as it is.
    pub fn name(&self, max: usize) -> Option<String> {
        self.trimmed_name(max).map(str::to_owned)
    }

    fn trimmed_name(&self, max: usize) -> Option<&'v str> {
        let Json::String(text) = self.value else {
            return self.wrong_type("a string");
        };
        let text = text.trim();
        // As most are: a byte is a character, and all can be seen. All are looked at, so that several are at once.
        let is_plain = |plain, byte| plain & matches!(byte, b' '..=b'~');
        if (1..=max).contains(&text.len()) && text.bytes().fold(true, is_plain) {
            return self.without_credential(text);
        }
        let length = text.chars().count();
        if length == 0 {
            return self.refuse("blank", "must not be blank");
        }
        if length > max {
            return self.refuse(
                "too_long",
                format_args!("must have at most {max} characters, has {length}"),
            );
        }
        if let Some(bad) = find_unseen(text).filter(|_| !self.violations.is_stored(text)) {
            return self.refuse(INVALID_CHARACTER, why_not(bad));
        }
        self.without_credential(text)
    }

    /// A text that is shown to others, unless it has something in it that looks like a key; one that is stored may be sent back.
    fn without_credential(&self, text: &'v str) -> Option<&'v str> {
        if looks_like_token(text) && !self.violations.is_stored(text) {
            return self.refuse(CREDENTIAL_HERE, NO_CREDENTIAL);
        }
        Some(text)
    }

    /// `true` or `false`.
    pub fn boolean(&self) -> Option<bool> {
        match self.value {
            Json::Bool(value) => Some(*value),
            _ => self.wrong_type("true or false"),
        }
    }

    /// A whole number within `range`.
    pub fn integer(&self, range: RangeInclusive<i64>) -> Option<i64> {
        let Json::Number(number) = self.value else {
            return self.wrong_type("a whole number");
        };
        match read_whole(number) {
            Whole::Of(value) if range.contains(&value) => Some(value),
            Whole::Fraction => self.refuse(
                "wrong_type",
                format_args!("expected a whole number, found {}", self.value.shown()),
            ),
            _ => self.refuse(
                "out_of_range",
                format_args!(
                    "must be from {} to {}, is {}",
                    range.start(),
                    range.end(),
                    self.value.shown()
                ),
            ),
        }
    }

    /// An instant (RFC 3339 with an offset), kept to the millisecond.
    pub fn timestamp(&self) -> Option<Timestamp> {
        let Json::String(text) = self.value else {
            return self.wrong_type("a timestamp in a string");
        };
        match text
            .parse::<Timestamp>()
            .ok()
            .and_then(|at| Timestamp::from_millisecond(at.as_millisecond()).ok())
        {
            Some(at) => Some(at),
            None if is_instant(text) => self.refuse(
                "out_of_range",
                format_args!("must be at most {LAST}, is {text}"),
            ),
            None => self.refuse(
                "invalid_timestamp",
                format_args!(
                    "expected an RFC 3339 timestamp such as \"2027-01-31T00:00:00Z\", found {}",
                    self.value.shown()
                ),
            ),
        }
    }

    /// A list of at most [`MAX_LIST`] elements; `None` when the list or any element is wrong.
    pub fn list<T>(&self, mut read: impl FnMut(Node<'v>) -> Option<T>) -> Option<Vec<T>> {
        let Json::Array(items) = self.value else {
            return self.wrong_type("a list");
        };
        if items.len() > MAX_LIST {
            return self.refuse(
                "too_many",
                format_args!("must have at most {MAX_LIST} elements, has {}", items.len()),
            );
        }
        let above = self.path.above();
        let read: Vec<Option<T>> = items
            .iter()
            .enumerate()
            .map(|(index, value)| {
                read(Node {
                    value,
                    path: above.index(index),
                    violations: self.violations,
                })
            })
            .collect();
        read.into_iter().collect()
    }
}

/// Whether a text is written as an instant, within what can be kept or not.
fn is_instant(text: &str) -> bool {
    Pieces::parse(text).is_ok_and(|pieces| pieces.time().is_some() && pieces.offset().is_some())
}

/// Free text about something.
pub fn read_description(node: &Node<'_>) -> Option<String> {
    let text = node.string(MAX_DESCRIPTION)?;
    node.without_credential(text).map(str::to_owned)
}

/// The known name that `name` was probably meant to be.
pub fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let name = name.to_lowercase();
    if name.len() > 100 {
        return None;
    }
    known
        .into_iter()
        .map(|known| {
            (
                strsim::damerau_levenshtein(&name, &known.to_lowercase()),
                known,
            )
        })
        .filter(|(distance, known)| *distance <= 2.max(known.len() / 3))
        .min()
        .map(|(_, known)| known)
}
