//! Entity tags and the preconditions that compare them (RFC 9110 §8.8.3 and §13.1).

use crate::error::{Error, Result};

use super::body::violation::{Path, Violation};

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

/// What a proxy puts behind a tag when it compresses an answer; others, and those too, put `W/` before it.
const CODINGS: [&str; 8] = [
    "-gzip", ";gzip", "--gzip", "-br", ";br", "-zstd", "-deflate", "-df",
];

/// A tag as it was served: without what a proxy that compresses makes of it, which changes nothing of what is shown (API.md §1).
fn served(tag: &str) -> &str {
    let opaque = tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"');
    let behind = CODINGS
        .iter()
        .find_map(|coding| opaque.strip_suffix(coding));
    behind.map_or(opaque, |one| one.trim_end_matches('-'))
}

/// The part of a tag that says which version of the thing it is.
fn of_thing(tag: &str) -> &str {
    let served = served(tag);
    served.split_once('.').map_or(served, |(thing, _)| thing)
}

/// What an `If-Match` header asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum IfMatch {
    /// There was no header.
    #[default]
    Unconditional,
    /// `*`: any version, as long as there is one.
    Any,
    /// One of these tags, compared weakly.
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
        if let Some(tags) = read_tags(text).filter(|tags| !tags.is_empty()) {
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
                    revision: None,
                })
            }
            _ => Ok(()),
        }
    }
}

/// The tags of a list; `None` when it is none. A comma may be a part of a tag, and elements of a list may be empty (RFC 9110
/// §8.8.3 and §5.6.1). A byte of the header that is no ASCII stands here as the character with its number.
fn read_tags(text: &str) -> Option<Vec<&str>> {
    const SPACE: [char; 2] = [' ', '\t'];
    let mut tags = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return Some(tags);
        }
        let inner = rest.strip_prefix("W/").unwrap_or(rest).strip_prefix('"')?;
        let (opaque, _) = inner.split_once('"')?;
        if !opaque
            .chars()
            .all(|one| matches!(one, '!' | '#'..='~' | '\u{80}'..='\u{ff}'))
        {
            return None;
        }
        let (tag, behind) = rest.split_at(rest.len() - inner.len() + opaque.len() + 1);
        tags.push(tag);
        rest = behind.trim_start_matches(SPACE);
        if !rest.is_empty() && !rest.starts_with(',') {
            return None;
        }
    }
}

/// Whether an `If-None-Match` header names the current tag (weak comparison).
pub fn is_known(if_none_match: &str, current: &str) -> bool {
    if_none_match.trim() == "*"
        || read_tags(if_none_match)
            .is_some_and(|tags| tags.iter().any(|tag| served(tag) == served(current)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preconditions_compare_weakly_and_refuse_what_is_no_tag() {
        let current = entity_tag(3, "x");
        assert!(IfMatch::parse("*").unwrap().check(&current).is_ok());
        assert!(
            IfMatch::parse(&format!("\"other\", {current}"))
                .unwrap()
                .check(&current)
                .is_ok()
        );
        let bare = current.trim_matches('"');
        for sent in [
            format!("W/{current}"),
            format!("\"{bare}-gzip\""),
            format!("W/\"{bare}-br\""),
            format!("\"{bare}--gzip\""),
            format!("\"{bare};gzip\""),
        ] {
            assert!(
                IfMatch::parse(&sent).unwrap().check(&current).is_ok(),
                "{sent}"
            );
            assert!(is_known(&sent, &current), "{sent}");
        }
        for other in [
            "\"gzip\"".to_owned(),
            format!("\"{bare}-other\""),
            format!("\"x{bare}-gzip\""),
        ] {
            assert!(
                IfMatch::parse(&other).unwrap().check(&current).is_err(),
                "{other}"
            );
            assert!(!is_known(&other, &current), "{other}");
        }
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
        for bad in [
            "",
            ",",
            "3",
            "\"",
            "\"a",
            "a\"",
            "\"a\" \"b\"",
            "'a'",
            "\"a b\"",
            "\"\u{7f}\"",
            "w/\"a\"",
            "*, \"a\"",
        ] {
            assert!(IfMatch::parse(bad).is_err(), "{bad}");
        }
        for (list, tags) in [
            ("\"a,b\"", vec!["\"a,b\""]),
            ("\"a\",", vec!["\"a\""]),
            (", ,\"a\" ,,\tW/\"b,c\"", vec!["\"a\"", "W/\"b,c\""]),
            ("\"\",\"\u{e9}\"", vec!["\"\"", "\"\u{e9}\""]),
        ] {
            let tags = tags.into_iter().map(str::to_owned).collect();
            assert_eq!(
                IfMatch::parse(list).unwrap(),
                IfMatch::OneOf(tags),
                "{list}"
            );
        }
        assert!(is_known(&format!("\"a,b\",, {current}"), &current));
        assert!(!is_known(&format!("\"a,{current}\""), &current));
        assert!(is_known(&format!("\"a\", W/{current}"), &current) && is_known("*", &current));
    }
}
