//! Entity tags and the preconditions that compare them (RFC 9110 §8.8.3 and §13.1).

use crate::error::{Error, Result};

use super::violation::{Path, Violation};

/// The strong validator of a version of something: its version and a checksum of its content.
///
/// The checksum keeps a database that was restored or made anew from answering with the validator of another content.
pub fn entity_tag(version: i64, content: &str) -> String {
    format!("\"{version}-{:08x}\"", crc32fast::hash(content.as_bytes()))
}

/// The same with a checksum of what is shown beside the thing and is no part of it: it changes what is shown, so a cache must ask
/// again, but not the thing, so that no change of the thing is refused for it.
pub fn entity_tag_beside(version: i64, content: &str, beside: &str) -> String {
    let tag = entity_tag(version, content);
    format!(
        "{}.{:08x}\"",
        tag.trim_end_matches('"'),
        crc32fast::hash(beside.as_bytes())
    )
}

/// The part of a tag that says which version of the thing it is.
fn of_thing(tag: &str) -> &str {
    let (thing, _) = tag.split_once('.').unwrap_or((tag, ""));
    thing.trim_end_matches('"')
}

/// What an `If-Match` header asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum IfMatch {
    /// There was no header.
    #[default]
    Unconditional,
    /// `*`: any version, as long as there is one.
    Any,
    /// One of these tags, compared strongly.
    OneOf(Vec<String>),
}

impl IfMatch {
    /// Reads the value of the header.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is no list of entity tags.
    pub fn parse(text: &str) -> Result<Self> {
        if text.trim() == "*" {
            return Ok(Self::Any);
        }
        let tags: Vec<&str> = text.split(',').map(str::trim).collect();
        if tags.iter().all(|tag| is_entity_tag(tag)) {
            return Ok(Self::OneOf(tags.into_iter().map(str::to_owned).collect()));
        }
        Err(Violation::alone(
            &Path::root().field("If-Match"),
            "malformed_if_match",
            "expected the ETag of an earlier answer in double quotes, a list of them, or *",
        ))
    }

    /// Goes on if the current tag is one that is asked for, apart from what is only shown beside the thing.
    ///
    /// # Errors
    /// [`Error::Stale`] with the current tag.
    pub fn check(&self, current: &str) -> Result<()> {
        match self {
            Self::OneOf(tags) if !tags.iter().any(|tag| of_thing(tag) == of_thing(current)) => {
                Err(Error::Stale {
                    current: current.to_owned(),
                })
            }
            _ => Ok(()),
        }
    }
}

fn is_entity_tag(text: &str) -> bool {
    let opaque = text.strip_prefix("W/").unwrap_or(text);
    let inner = opaque
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    inner.is_some_and(|inner| {
        inner
            .bytes()
            .all(|byte| byte == 0x21 || (0x23..=0x7e).contains(&byte))
    })
}

/// Whether an `If-None-Match` header names the current tag (weak comparison).
pub fn is_known(if_none_match: &str, current: &str) -> bool {
    if_none_match
        .split(',')
        .map(str::trim)
        .any(|tag| tag == "*" || tag.trim_start_matches("W/") == current)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preconditions_compare_strongly_and_refuse_what_is_no_tag() {
        let current = entity_tag(3, "x");
        assert!(IfMatch::parse("*").unwrap().check(&current).is_ok());
        assert!(
            IfMatch::parse(&format!("\"other\", {current}"))
                .unwrap()
                .check(&current)
                .is_ok()
        );
        assert!(
            IfMatch::parse(&format!("W/{current}"))
                .unwrap()
                .check(&current)
                .is_err()
        );
        assert!(
            IfMatch::parse("\"2-00000000\"")
                .unwrap()
                .check(&current)
                .is_err()
        );
        let beside = entity_tag_beside(3, "x", "y");
        assert!(IfMatch::parse(&beside).unwrap().check(&current).is_ok());
        assert!(IfMatch::parse(&current).unwrap().check(&beside).is_ok());
        assert!(!is_known(&beside, &current) && is_known(&beside, &beside));
        for bad in ["", "3", "\"", "\"a", "a\"", "\"a\" \"b\"", "\"a\",", "'a'"] {
            assert!(IfMatch::parse(bad).is_err(), "{bad}");
        }
        assert!(is_known(&format!("\"a\", W/{current}"), &current) && is_known("*", &current));
    }
}
