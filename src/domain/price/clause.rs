//! By what the list knows a provider or a model: clauses over its name.

use std::sync::OnceLock;

use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use serde::{Deserialize, Deserializer};

/// What holds of a name in lower case, or does not.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clause {
    /// It is this.
    Equals(Box<str>),
    /// It begins with this.
    StartsWith(Box<str>),
    /// It ends with this.
    EndsWith(Box<str>),
    /// This stands in it.
    Contains(Box<str>),
    /// The expression finds something in it.
    Regex(Expression),
    /// One of these holds.
    Or(Vec<Self>),
    /// All of these hold.
    And(Vec<Self>),
    /// This does not hold.
    Not(Box<Self>),
}

impl Clause {
    /// Whether it holds of this name, which is in lower case.
    pub fn holds(&self, name: &str) -> bool {
        match self {
            Self::Equals(text) => **text == *name,
            Self::StartsWith(text) => name.starts_with(&**text),
            Self::EndsWith(text) => name.ends_with(&**text),
            Self::Contains(text) => name.contains(&**text),
            Self::Regex(expression) => expression.finds(name),
            Self::Or(clauses) => clauses.iter().any(|clause| clause.holds(name)),
            Self::And(clauses) => clauses.iter().all(|clause| clause.holds(name)),
            Self::Not(clause) => !clause.holds(name),
        }
    }

    /// The names of which it holds, if that is all that it says.
    pub fn names(&self) -> Option<Vec<&str>> {
        match self {
            Self::Equals(text) => Some(vec![text]),
            Self::Or(clauses) => {
                let names = clauses.iter().map(Self::names);
                let names: Option<Vec<_>> = names.collect();
                names.map(|names| names.concat())
            }
            _ => None,
        }
    }
}

/// An expression of the list, which is compiled when it is asked first: of most nobody ever asks.
#[derive(Debug)]
pub struct Expression {
    text: Box<str>,
    compiled: OnceLock<Option<Regex>>,
}

impl Expression {
    fn finds(&self, name: &str) -> bool {
        let compiled = self.compiled.get_or_init(|| {
            // Names of models are ASCII; what is not is none of theirs.
            // They are short, and the simplest engine is ready for them soonest.
            let simple = Regex::config().dfa(false).hybrid(false).onepass(false);
            Regex::builder()
                .configure(simple)
                .syntax(syntax::Config::new().unicode(false).utf8(false))
                .build(&self.text)
                .ok()
        });
        compiled.as_ref().is_some_and(|regex| regex.is_match(name))
    }

    /// Whether it is one that can be compiled.
    #[cfg(test)]
    fn is_valid(&self) -> bool {
        self.finds("");
        self.compiled.get().is_some_and(Option::is_some)
    }
}

impl<'de> Deserialize<'de> for Expression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self {
            text: Box::deserialize(deserializer)?,
            compiled: OnceLock::new(),
        })
    }
}

#[cfg(test)]
impl Clause {
    /// Whether all its expressions can be compiled.
    pub(super) fn is_valid(&self) -> bool {
        match self {
            Self::Regex(expression) => expression.is_valid(),
            Self::Or(clauses) | Self::And(clauses) => clauses.iter().all(Self::is_valid),
            Self::Not(clause) => clause.is_valid(),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(clause: &str, name: &str) -> bool {
        serde_json::from_str::<Clause>(clause).unwrap().holds(name)
    }

    #[test]
    fn clauses_hold_as_they_are_written() {
        for (clause, yes, no) in [
            (r#"{"equals":"o3"}"#, "o3", "o3-mini"),
            (r#"{"starts_with":"gpt-4"}"#, "gpt-4o", "my-gpt-4"),
            (r#"{"ends_with":":free"}"#, "a:free", "a:freeze"),
            (r#"{"contains":"claude"}"#, "eu.claude-5", "clude"),
            (r#"{"regex":"^o[0-9]-[0-9]{4}$"}"#, "o3-2025", "o3-2025-1"),
            (r#"{"not":{"regex":"-tts(?:$|-)"}}"#, "a-ttsx", "a-tts-1"),
            (r#"{"and":[{"contains":"a"},{"contains":"b"}]}"#, "ab", "a"),
            (r#"{"or":[{"equals":"a"},{"equals":"b"}]}"#, "b", "c"),
            (r#"{"or":[]}"#, "", ""),
        ] {
            assert!(holds(clause, yes) || clause.contains("[]"), "{clause}");
            assert!(!holds(clause, no), "{clause}");
        }
    }
}
