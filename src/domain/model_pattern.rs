//! Patterns over model names: a name, `*` wildcards, or `regex:` and an expression.
//!
//! A pattern covers the whole name, without regard to case. Names and wildcards are compared as they stand; an expression takes a
//! thousand times as long to compile as a name to read. The `regex` crate runs in time linear in the input, so a pattern from a request
//! can't be used to stall the server; its compiled size is bounded here.

use regex::{Regex, RegexBuilder};

use super::input::Node;
use super::letter_case::fold;

/// Longest pattern, in characters.
pub const MAX_PATTERN: usize = 1_000;
/// Largest compiled pattern, in bytes.
const MAX_COMPILED: usize = 256 * 1024;
const REGEX_PREFIX: &str = "regex:";
const WILDCARD: char = '*';

/// A compiled pattern.
#[derive(Debug, Clone)]
pub enum ModelPattern {
    /// Every model.
    Any,
    /// One model, in lower case.
    Exact(String),
    /// In lower case, with `*` where anything may stand.
    Wildcard(String),
    /// An expression over the whole name.
    Expression(Regex),
}

impl ModelPattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// A sentence about what is wrong with a `regex:` pattern.
    pub fn compile(pattern: &str) -> Result<Self, String> {
        if pattern == "*" {
            return Ok(Self::Any);
        }
        let expression = match pattern.strip_prefix(REGEX_PREFIX) {
            Some("") => return Err("has nothing after \"regex:\"".to_owned()),
            Some(expression) => expression,
            None if pattern.contains(WILDCARD) => return Ok(Self::Wildcard(fold(pattern))),
            None => return Ok(Self::Exact(fold(pattern))),
        };
        // Parsed alone first: `a)(b` is only balanced once it is wrapped. Compiling is costly and done once.
        let bounded = |text: &str| {
            RegexBuilder::new(text)
                .case_insensitive(true)
                .dot_matches_new_line(true)
                .size_limit(MAX_COMPILED)
                .build()
        };
        regex_syntax::parse(expression)
            .map_err(|error| regex::Error::Syntax(error.to_string()))
            .and_then(|_| bounded(&format!("^(?:{expression})$")))
            .map(Self::Expression)
            .map_err(|error| explain(&error))
    }

    /// Whether this pattern covers the model's whole name.
    pub fn matches(&self, model: &str) -> bool {
        self.covers(model, &fold(model))
    }

    /// Whether this pattern covers the model's whole name, which the caller has folded (`letter_case::fold`) once for all patterns.
    pub fn covers(&self, model: &str, folded: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(name) => name == folded,
            Self::Wildcard(pattern) => fits(pattern, folded),
            Self::Expression(expression) => expression.is_match(model),
        }
    }
}

/// Whether a text is what stands between the wildcards, in that order, with anything where they stand.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split(WILDCARD);
    let Some(rest) = text.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    let Some(mut between) = rest.strip_suffix(last) else {
        return false;
    };
    // Where several places would do, the first leaves the most room for what follows.
    parts.all(|part| match between.split_once(part) {
        Some((_, behind)) => {
            between = behind;
            true
        }
        None => false,
    })
}

fn explain(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "is too large an expression".to_owned(),
        other => {
            let text = other.to_string();
            let last = text.lines().last().unwrap_or(&text).trim();
            format!(
                "is no valid regular expression: {}",
                last.trim_start_matches("error: ")
            )
        }
    }
}

/// A model pattern in a request.
pub fn read_model_pattern<'v>(node: &Node<'v>) -> Option<&'v str> {
    let pattern = node.trimmed_name(MAX_PATTERN)?;
    if !pattern.starts_with(REGEX_PREFIX) {
        // A name, with wildcards or without, as most are: it need not be compiled to be known as good.
        return Some(pattern);
    }
    match ModelPattern::compile(pattern) {
        Ok(_) => Some(pattern),
        Err(sentence) => node.refuse("invalid_pattern", sentence),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, model: &str) -> bool {
        ModelPattern::compile(pattern).unwrap().matches(model)
    }

    #[test]
    fn patterns_cover_the_whole_name_without_regard_to_case() {
        assert!(matches("*", "anything at all"));
        assert!(matches("GPT-4o", "gpt-4O"));
        assert!(!matches("gpt-4o", "gpt-4o-mini"));
        assert!(matches("gpt-4*", "gpt-4o-mini"));
        assert!(!matches("gpt-4*", "my-gpt-4"));
        assert!(matches("*4.1*", "gpt-4.1-nano"));
        assert!(!matches("*4.1*", "gpt-4x1-nano"));
        assert!(matches("regex:claude-(opus|sonnet)-.*", "Claude-Opus-4"));
        assert!(!matches("regex:opus|sonnet", "claude-opus"));
        assert!(matches("regex:(?x) opus # comment\n", "opus"));
    }

    proptest! {
        #[test]
        fn a_wildcard_is_anything_and_all_else_is_itself(pattern in "[abK.*]{0,7}", model in "[aAbBkK.\n]{0,8}") {
            prop_assume!(pattern.contains(WILDCARD));
            let parts: Vec<_> = pattern.split(WILDCARD).map(regex::escape).collect();
            let expression = Regex::new(&format!("^(?is:{})$", parts.join(".*"))).unwrap();
            prop_assert_eq!(matches(&pattern, &model), expression.is_match(&model));
        }
    }

    #[test]
    fn letter_case_is_that_of_names() {
        for (one, other) in [("s", "ſ"), ("µ", "μ"), ("σ", "ς"), ("ß", "ẞ"), ("k", "K")] {
            let alike = matches(one, other);
            assert_eq!(matches(&format!("{one}*"), other), alike, "{one} {other}");
            assert_eq!(matches(&format!("*{one}"), other), alike, "{one} {other}");
        }
    }

    #[test]
    fn as_many_wildcards_as_fit_are_no_burden() {
        let pattern = "*a".repeat(MAX_PATTERN / 2);
        assert!(matches(&pattern, &"ba".repeat(MAX_PATTERN / 2)));
        assert!(!matches(&pattern, &"a".repeat(MAX_PATTERN / 2 - 1)));
    }

    #[test]
    fn broken_expressions_are_refused() {
        for bad in [
            "regex:",
            "regex:(",
            "regex:a)(b",
            "regex:[z-a]",
            r"regex:\p{Nope}",
            "regex:(a{500}){500}",
        ] {
            assert!(ModelPattern::compile(bad).is_err(), "{bad}");
        }
    }
}
