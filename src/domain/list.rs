//! Query parameters and pages of lists (API.md §1).

mod page;

use std::cell::RefCell;

use jiff::civil::Date;

pub use self::page::{
    DEFAULT_LIMIT, Listed, MAX_LIMIT, MAX_OFFSET, MAX_PAGE_BYTES, MAX_PAGE_NUMBER, Page, Sort,
    page_too_large,
};
use super::body::input::nearest;
use super::body::violation::{Path, Violation, Violations};
use super::values::letter_case::search_key;
use crate::error::{Error, Result};

/// Longest search text, in characters.
pub const MAX_SEARCH: usize = 255;

/// Parameters that say nothing when they are empty: pages, orders, and a search, because every text has the empty one in it. Others
/// that are empty are refused.
pub const MAY_BE_EMPTY: [&str; 8] = [
    "limit",
    "offset",
    "page",
    "sort",
    "group_by",
    "refuse_with",
    "mcp_server",
    "search",
];

/// Parameters that other clients of the contract send, and that say nothing here.
const WITHOUT_EFFECT: [&str; 1] = ["from_memory"];

/// The parameters of a query string. Each may stand once; one that nobody asks for is refused.
pub struct Query {
    pairs: Vec<(String, String)>,
    asked: RefCell<Vec<&'static str>>,
    violations: Violations,
}

impl Query {
    /// Parameters as decoded from the query string, in order.
    pub fn new(pairs: Vec<(String, String)>) -> Self {
        let query = Self {
            pairs,
            asked: RefCell::default(),
            violations: Violations::default(),
        };
        for (index, (name, _)) in query.pairs.iter().enumerate() {
            if query.pairs[..index]
                .iter()
                .any(|(earlier, _)| earlier == name)
            {
                query.refuse(name, "duplicate_parameter", "stands twice in the query");
            }
        }
        query
    }

    /// Notes that a parameter breaks a rule.
    pub fn refuse(&self, name: &str, code: &'static str, sentence: impl std::fmt::Display) {
        self.violations
            .add(&Path::root().field(name.to_owned()), code, sentence);
    }

    /// Notes that a filter says nothing: it must not be as if it were left out, and let everything through.
    pub fn refuse_empty(&self, name: &str) {
        let sentence = "is empty; say what is wanted, or leave it out for everything";
        self.refuse(name, "empty_filter", sentence);
    }

    /// The text of a parameter; `None` when it is missing, and when one of those is empty that [may be](MAY_BE_EMPTY).
    pub fn text(&self, name: &'static str, max: usize) -> Option<String> {
        self.asked.borrow_mut().push(name);
        let is_blank = |(known, value): &(String, String)| known == name && value.trim().is_empty();
        if !MAY_BE_EMPTY.contains(&name) && self.pairs.iter().any(is_blank) {
            self.refuse_empty(name);
            return None;
        }
        let (_, value) = self
            .pairs
            .iter()
            .find(|(known, value)| known == name && !value.is_empty())?;
        if value.contains('\0') {
            self.refuse(
                name,
                "invalid_character",
                "must not contain the character U+0000",
            );
            return None;
        }
        if value.chars().count() > max {
            self.refuse(
                name,
                "too_long",
                format_args!("must have at most {max} characters"),
            );
            return None;
        }
        Some(value.clone())
    }

    /// `search`: nothing when it is missing or empty. One of characters alone that nobody sees is refused, because every text has it in it.
    pub fn search(&self) -> Option<String> {
        let text = self.text("search", MAX_SEARCH)?;
        if !text.trim().is_empty() && search_key(&text).trim().is_empty() {
            self.refuse_empty("search");
            return None;
        }
        Some(text)
    }

    /// The text of a parameter that must be there.
    pub fn required_text(&self, name: &'static str, max: usize) -> String {
        let text = self.text(name, max);
        if text.is_none() {
            self.refuse(name, "required", "is required");
        }
        text.unwrap_or_default()
    }

    /// `true` or `false`.
    pub fn boolean(&self, name: &'static str) -> Option<bool> {
        match self.text(name, 16)?.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            other => {
                self.refuse(
                    name,
                    "wrong_type",
                    format_args!("expected true or false, found {other:?}"),
                );
                None
            }
        }
    }

    /// One of some words.
    pub fn one_of(
        &self,
        name: &'static str,
        words: &'static [&'static str],
    ) -> Option<&'static str> {
        let text = self.text(name, 64)?;
        let word = words.iter().find(|word| **word == text).copied();
        if word.is_none() {
            let known = words.join(", ");
            self.refuse(
                name,
                "invalid_value",
                format_args!("expected one of {known}, found {text:?}"),
            );
        }
        word
    }

    /// A day, such as `2026-01-31`.
    pub fn day(&self, name: &'static str) -> Option<Date> {
        let text = self.text(name, 40)?;
        let date = text.parse::<Date>().ok();
        let date = date.filter(|date| date.to_string() == text);
        if date.is_none() {
            let sentence = format!("expected a date such as 2026-01-31, found {text:?}");
            self.refuse(name, "invalid_date", sentence);
        }
        date
    }

    /// Notes that the day `from` is after the day `to`.
    pub fn refuse_days(&self) {
        let sentence = "must not be after the last day (`to`)";
        self.refuse("from", "from_after_to", sentence);
    }

    /// A whole number within bounds.
    pub fn integer(&self, name: &'static str, min: i64, max: i64) -> Option<i64> {
        let text = self.text(name, 40)?;
        match text.parse::<i64>() {
            Ok(value) if (min..=max).contains(&value) => Some(value),
            _ => {
                let shown = format_args!("must be a whole number from {min} to {max}, is {text:?}")
                    .to_string();
                self.refuse(name, "out_of_range", shown);
                None
            }
        }
    }

    /// `limit`; above [`MAX_LIMIT`] it is that.
    pub fn limit(&self) -> Option<i64> {
        let limit = self.integer("limit", 1, i64::MAX);
        limit.map(|limit| limit.min(MAX_LIMIT))
    }

    /// `limit` and `offset`.
    pub fn page(&self) -> Page {
        let limit = self.limit();
        Page {
            limit: limit.unwrap_or(DEFAULT_LIMIT),
            offset: self.integer("offset", 0, MAX_OFFSET).unwrap_or(0),
            ends_early: limit.is_none(),
        }
    }

    /// The same for a list that the contract does not page: without either, all of it, as far as a page goes.
    pub fn page_or_all(&self) -> Page {
        let sends = |name| {
            self.pairs
                .iter()
                .any(|(known, value)| known == name && !value.is_empty())
        };
        let wants_part = sends("limit") || sends("offset");
        let page = self.page();
        Page {
            limit: if wants_part { page.limit } else { MAX_LIMIT },
            ..page
        }
    }

    /// `page`, counted from 1, and `limit`, as a page.
    pub fn numbered_page(&self) -> Page {
        let limit = self.limit();
        let number = self.integer("page", 1, MAX_PAGE_NUMBER).unwrap_or(1);
        let length = limit.unwrap_or(DEFAULT_LIMIT);
        Page {
            limit: length,
            offset: (number - 1) * length,
            ends_early: false,
        }
    }

    /// `sort`: one of `fields`, `-` before it for descending. The first field is the default.
    pub fn sort(&self, fields: &'static [&'static str]) -> Sort {
        let default = Sort {
            field: fields[0],
            descending: false,
        };
        let Some(text) = self.text("sort", 64) else {
            return default;
        };
        let (name, descending) = text
            .strip_prefix('-')
            .map_or((text.as_str(), false), |name| (name, true));
        if let Some(field) = fields.iter().find(|field| **field == name) {
            return Sort { field, descending };
        }
        let known = fields.join(", ");
        self.refuse(
            "sort",
            "invalid_sort",
            format_args!(
                "expected one of {known}, with - before it for descending, found {text:?}"
            ),
        );
        default
    }

    /// `value`, if every parameter was good and asked for.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every violation.
    pub fn finish<T>(self, value: T) -> Result<T> {
        let asked = self.asked.into_inner();
        for (name, _) in &self.pairs {
            if !asked.contains(&name.as_str()) && !WITHOUT_EFFECT.contains(&name.as_str()) {
                let hint = match (nearest(name, asked.iter().copied()), asked.is_empty()) {
                    (Some(known), _) => format!("did you mean {known:?}?"),
                    (None, true) => "there are none here".to_owned(),
                    (None, false) => format!("known here: {}", asked.join(", ")),
                };
                let shown: String = name.chars().take(100).collect();
                let path = Path::root().field(shown);
                self.violations.add(
                    &path,
                    "unknown_parameter",
                    format_args!("is not a known parameter; {hint}"),
                );
            }
        }
        self.violations.finish(Some(value))
    }
}

/// Reads an id from a path: a whole number of 1 or more.
///
/// # Errors
/// [`Error::Invalid`] naming the parameter; [`Error::NotFound`] for a number that begins with 0, so that each thing has one path.
pub fn parse_id(name: &str, text: &str) -> Result<i64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<i64>() {
        Ok(id) if digits && id > 0 && text.starts_with('0') => Err(Error::absent(format!(
            "there is nothing here: an id is written without zeros before it, {id} and not {text:?}"
        ))),
        Ok(id) if digits && id > 0 => Ok(id),
        _ => {
            let shown: String = text.chars().take(40).collect();
            let sentence = format!(
                "must be a whole number from 1 to {}, is {shown:?}",
                i64::MAX
            );
            Err(Error::Invalid(vec![Violation::new(
                &Path::root().field(name.to_owned()),
                "invalid_id",
                sentence,
            )]))
        }
    }
}
