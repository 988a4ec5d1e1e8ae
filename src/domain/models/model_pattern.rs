//! Patterns over model names: a name, `*` wildcards, or `regex:` and an expression.
//!
//! A pattern covers the whole name, without regard to case. Names and wildcards are compared as they stand; what expressions may take
//! is up to [`super::expressions`].

use std::sync::Arc;

use super::expressions::{ExpressionBudget, ExpressionSet, strip};
use crate::domain::body::input::Node;
use crate::domain::body::patterns::NAME;
use crate::domain::body::{BodySchema, ValueKind};
use crate::domain::values::letter_case::fold;

/// Longest pattern, in characters.
const MAX_PATTERN: usize = 1_000;
const WILDCARD: char = '*';

/// The patterns of one list.
#[derive(Debug, Default)]
pub struct ModelPatterns {
    names: Vec<(ModelPattern, Arc<str>)>,
    expressions: Option<Arc<ExpressionSet>>,
}

impl ModelPatterns {
    /// A list; `compiled` answers its expressions, if it has any.
    ///
    /// # Errors
    /// What `compiled` answers.
    pub fn of<E>(
        texts: &[String],
        compiled: impl FnOnce(&[&str]) -> Result<Arc<ExpressionSet>, E>,
    ) -> Result<Self, E> {
        let expressions = expressions_of(texts);
        Ok(Self {
            expressions: match expressions.as_slice() {
                [] => None,
                some => Some(compiled(some)?),
            },
            ..Self::without_expressions(texts)
        })
    }

    /// The models that it names literally: without regard to case, and as they are written.
    pub fn names(&self) -> impl Iterator<Item = (&str, &Arc<str>)> {
        self.names
            .iter()
            .filter_map(|(pattern, text)| match pattern {
                ModelPattern::Exact(name) => Some((name.as_str(), text)),
                _ => None,
            })
    }

    /// The names and wildcards of a list, for where an expression is not worth compiling.
    pub fn without_expressions(texts: &[String]) -> Self {
        let names = texts.iter().filter(|text| strip(text).is_none());
        let names = names.map(|text| (ModelPattern::of(text), text.as_str().into()));
        Self {
            names: names.collect(),
            expressions: None,
        }
    }

    /// A pattern that covers the model's whole name, as it is written: a name or a wildcard if one does. `folded` is the name without
    /// regard to case (`letter_case::fold`).
    pub fn find(&self, model: &str, folded: &str) -> Option<&Arc<str>> {
        let mut names = self.names.iter();
        match names.find(|(pattern, _)| pattern.covers(folded)) {
            Some((_, text)) => Some(text),
            None => self.expressions.as_ref()?.find(model),
        }
    }
}

/// Those of a list that are expressions, in its order.
pub fn expressions_of(texts: &[String]) -> Vec<&str> {
    let texts = texts.iter().map(String::as_str);
    texts.filter(|text| strip(text).is_some()).collect()
}

/// A pattern that is no expression.
#[derive(Debug, Clone)]
enum ModelPattern {
    /// Every model.
    Any,
    /// One model, in lower case.
    Exact(String),
    /// In lower case, with `*` where anything may stand.
    Wildcard(String),
}

impl ModelPattern {
    fn of(pattern: &str) -> Self {
        if pattern == "*" {
            Self::Any
        } else if pattern.contains(WILDCARD) {
            Self::Wildcard(fold(pattern))
        } else {
            Self::Exact(fold(pattern))
        }
    }

    fn covers(&self, folded: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(name) => name == folded,
            Self::Wildcard(pattern) => fits(pattern, folded),
        }
    }
}

/// Whether a text is what stands between the wildcards, in that order, with anything where they stand.
pub fn fits(pattern: &str, text: &str) -> bool {
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

/// A model pattern in a request. What an expression takes is taken from `budget`.
pub fn model_pattern(budget: &ExpressionBudget) -> ValueKind<'_, String> {
    ValueKind::new(
        || BodySchema::text(1..=MAX_PATTERN, NAME),
        |node| read_model_pattern(node, budget),
    )
}

fn read_model_pattern(node: &Node<'_>, budget: &ExpressionBudget) -> Option<String> {
    let pattern = node.name(MAX_PATTERN)?;
    match strip(&pattern).map(|expression| budget.take(expression)) {
        Some(Err(refused)) => node.refuse(refused.code, refused.sentence),
        _ => Some(pattern),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex_automata::meta::Regex;

    use super::*;

    fn list(texts: &[&str]) -> ModelPatterns {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        ModelPatterns::of(&texts, |some| ExpressionSet::compile(some).map(Arc::new)).unwrap()
    }

    fn matches(pattern: &str, model: &str) -> bool {
        list(&[pattern]).find(model, &fold(model)).is_some()
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
            let parts: Vec<_> = pattern.split(WILDCARD).map(regex_syntax::escape).collect();
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
        for bad in ["", "(", "a)(b", "[z-a]", r"\p{Nope}"] {
            let refused = ExpressionBudget::default().take(bad).unwrap_err();
            assert_eq!(refused.code, "invalid_pattern", "{bad}");
        }
    }

    #[test]
    fn the_pattern_that_covers_a_name_is_named() {
        let list = list(&["regex:gpt-[0-9]", "o3*", "regex:claude-.*", "gpt-4"]);
        let find = |model: &str| list.find(model, &fold(model)).map(ToString::to_string);
        assert_eq!(find("GPT-5").as_deref(), Some("regex:gpt-[0-9]"));
        assert_eq!(find("Claude-Opus").as_deref(), Some("regex:claude-.*"));
        assert_eq!(find("o3-mini").as_deref(), Some("o3*"));
        assert_eq!(find("gpt-4").as_deref(), Some("gpt-4"));
        assert_eq!(find("gemini"), None);
    }
}
