//! `regex:` patterns over model names: what they may take, and matching them.
//!
//! Whoever may write a profile chooses them, and whoever has a key chooses the names that they are tried on. So each is compiled whole, into an
//! automaton that looks at every byte of a name once, and what can't be compiled so within bounds is refused: neither the
//! expression nor the name can make a decision slow. To compile takes a thousand times as long as to match; it is never done on a
//! thread that others wait for.

use std::cell::Cell;
use std::sync::{Arc, LazyLock};

use regex_automata::dfa::{Automaton, StartKind, dense, sparse};
use regex_automata::meta::Regex;
use regex_automata::nfa::thompson::{self, NFA, WhichCaptures};
use regex_automata::{Anchored, Input};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Hir, Look};

/// What an expression begins with.
const EXPRESSION: &str = "regex:";
/// Most expressions in a body.
pub const MAX_EXPRESSIONS: usize = 200;
/// Most bytes that the expressions of a body take compiled, all together.
pub const MAX_COMPILED: usize = 2 * 1024 * 1024;
/// Largest automaton of states that an expression is read into.
const MAX_STATES: usize = 256 * 1024;
/// Largest automaton on the way to the one that is kept, which is a tenth of it.
const MAX_DENSE: usize = 1024 * 1024;
/// What a byte of an expression counts for at least: what is small when it is compiled may take long to read.
const COST_OF_A_BYTE: usize = 64;
/// What a byte counts for that is walked through state by state, for it is as much slower.
const COST_OF_WALKING: usize = 16;
/// What to do about an expression that is too large.
const ADVICE: &str = "fewer repetitions, and [a-z0-9] in place of \\w, take less";
/// Memory of a search that is not done by a whole automaton.
const CACHE: usize = 256 * 1024;

/// Whether there may be expressions in a JSON body, which may write each letter of their prefix in two ways.
pub fn may_be_in(body: &[u8]) -> bool {
    static PREFIX: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let prefix = r"(?-u)(?:r|\\u0072)(?:e|\\u0065)(?:g|\\u0067)(?:e|\\u0065)(?:x|\\u0078)(?::|\\u003[Aa])";
        Regex::new(prefix).ok()
    });
    PREFIX.as_ref().is_none_or(|prefix| prefix.is_match(body))
}

/// Why an expression is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadExpression {
    /// Stable machine-readable reason.
    pub code: &'static str,
    /// A sentence about it.
    pub sentence: String,
}

impl BadExpression {
    fn invalid(sentence: impl Into<String>) -> Self {
        Self {
            code: "invalid_pattern",
            sentence: sentence.into(),
        }
    }
}

/// What the expressions of one body may still take. After the first that does not fit none is looked at any more.
#[derive(Debug)]
pub struct ExpressionBudget {
    count: Cell<usize>,
    bytes: Cell<usize>,
    is_over: Cell<bool>,
}

impl Default for ExpressionBudget {
    fn default() -> Self {
        Self {
            count: Cell::new(MAX_EXPRESSIONS),
            bytes: Cell::new(MAX_COMPILED),
            is_over: Cell::new(false),
        }
    }
}

impl ExpressionBudget {
    /// Makes sure that an expression can be compiled and that there is room for it, and takes that room.
    ///
    /// # Errors
    /// Why not; of those that have no room, for the first alone.
    pub fn take(&self, expression: &str) -> Result<(), BadExpression> {
        self.compile(expression).map(|_| ())
    }

    /// Nothing when one before it did not fit.
    fn compile(&self, expression: &str) -> Result<Option<(Hir, OneOrMore)>, BadExpression> {
        if self.is_over.get() {
            return Ok(None);
        }
        if self.count.get() == 0 {
            self.is_over.set(true);
            return Err(BadExpression {
                code: "too_many_expressions",
                sentence: format!(
                    "is one \"regex:\" pattern more than the {MAX_EXPRESSIONS} that a profile may have; names and * need no expression"
                ),
            });
        }
        let left = self.bytes.get();
        let syntax = expression.len() * COST_OF_A_BYTE;
        if syntax > left {
            return Err(self.refuse_too_large());
        }
        let hir = parse(expression)?;
        let Some(compiled) = OneOrMore::compile(std::slice::from_ref(&hir)) else {
            self.is_over.set(true);
            return Err(BadExpression::invalid(format!(
                "is too large an expression; {ADVICE}"
            )));
        };
        let cost = compiled.cost().max(syntax);
        if cost > left {
            return Err(self.refuse_too_large());
        }
        self.count.set(self.count.get() - 1);
        self.bytes.set(left - cost);
        Ok(Some((hir, compiled)))
    }

    fn refuse_too_large(&self) -> BadExpression {
        self.is_over.set(true);
        let (left, most) = (self.bytes.get() / 1024, MAX_COMPILED / 1024);
        BadExpression {
            code: "expressions_too_large",
            sentence: format!(
                "has no room: all expressions of a profile take {most} KiB compiled, and {left} KiB are left; {ADVICE}"
            ),
        }
    }
}

/// The expressions of one list, compiled.
#[derive(Debug)]
pub struct ExpressionSet {
    /// Each as it is written.
    texts: Vec<Arc<str>>,
    parts: Vec<OneOrMore>,
}

impl ExpressionSet {
    /// Compiles a list. What has no room as it is checked today is older than that, and is kept in a slower form.
    ///
    /// # Errors
    /// A sentence about an expression that is none.
    pub fn compile(texts: &[&str]) -> Result<Self, String> {
        let budget = ExpressionBudget::default();
        let (mut parts, mut hirs) = (Vec::new(), Vec::with_capacity(texts.len()));
        for (at, text) in texts.iter().enumerate() {
            let expression = strip(text).unwrap_or(text);
            if let Ok(Some((hir, part))) = budget.compile(expression) {
                hirs.push(hir);
                parts.push(OneOrMore { first: at, ..part });
            } else {
                hirs.push(parse(expression).map_err(|refused| refused.sentence)?);
            }
        }
        let older = parts.len();
        if older < texts.len() {
            parts.push(OneOrMore {
                first: older,
                whole: None,
                slow: Some(walker(&hirs[older..])?),
            });
        } else if older > 1 {
            // One automaton for all of them, where it is no larger than one for each.
            let each: usize = parts.iter().map(OneOrMore::cost).sum();
            let all = OneOrMore::compile(&hirs).filter(|all| all.cost() <= each);
            parts = all.map_or(parts, |all| vec![all]);
        }
        Ok(Self {
            texts: texts.iter().map(|text| Arc::from(*text)).collect(),
            parts,
        })
    }

    /// An expression that covers the model's whole name.
    pub fn find(&self, model: &str) -> Option<&Arc<str>> {
        let at = self.parts.iter().find_map(|part| part.find(model))?;
        self.texts.get(at)
    }

    /// What it takes in memory, in bytes.
    pub fn bytes(&self) -> usize {
        self.parts.iter().map(OneOrMore::memory).sum()
    }
}

/// One expression, or neighbours in a list that make one automaton.
#[derive(Debug)]
struct OneOrMore {
    /// The place of the first in the list.
    first: usize,
    whole: Option<sparse::DFA<Vec<u8>>>,
    /// For names that the automaton can't judge (word boundaries are of all letters there are), and where there is none.
    slow: Option<Regex>,
}

impl OneOrMore {
    /// Nothing when it is too large.
    fn compile(hirs: &[Hir]) -> Option<Self> {
        let nfa = states(hirs)?;
        let dense = dense::Builder::new()
            .configure(
                dense::Config::new()
                    .start_kind(StartKind::Anchored)
                    .unicode_word_boundary(true)
                    .accelerate(false)
                    .dfa_size_limit(Some(MAX_DENSE))
                    .determinize_size_limit(Some(MAX_DENSE)),
            )
            .build_from_nfa(&nfa)
            .ok()?;
        let whole = dense.to_sparse().ok()?;
        drop(dense);
        let slow = hirs.iter().any(asks_for_words).then(|| walker(hirs));
        let slow = slow.transpose().ok()?;
        Some(Self {
            first: 0,
            whole: Some(whole),
            slow,
        })
    }

    fn memory(&self) -> usize {
        let whole = self.whole.as_ref().map_or(0, sparse::DFA::memory_usage);
        whole + self.slow.as_ref().map_or(0, Regex::memory_usage)
    }

    /// What it counts for.
    fn cost(&self) -> usize {
        let walking = self.slow.as_ref().map_or(0, Regex::memory_usage);
        self.memory() + walking * (COST_OF_WALKING - 1)
    }

    fn find(&self, model: &str) -> Option<usize> {
        let input = Input::new(model).anchored(Anchored::Yes);
        let found = match &self.whole {
            Some(whole) => whole.try_search_fwd(&input).ok(),
            None => None,
        };
        let found = found.unwrap_or_else(|| self.slow.as_ref()?.search_half(&input));
        found.map(|found| self.first + found.pattern().as_usize())
    }
}

/// What a pattern that is an expression has behind its prefix.
pub(super) fn strip(pattern: &str) -> Option<&str> {
    pattern.strip_prefix(EXPRESSION)
}

/// Reads an expression, to cover whole names without regard to case.
fn parse(expression: &str) -> Result<Hir, BadExpression> {
    if expression.is_empty() {
        return Err(BadExpression::invalid("has nothing after \"regex:\""));
    }
    ParserBuilder::new()
        .case_insensitive(true)
        .dot_matches_new_line(true)
        .build()
        .parse(expression)
        .map(|hir| Hir::concat(vec![Hir::look(Look::Start), hir, Hir::look(Look::End)]))
        .map_err(|error| {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or(&text).trim();
            let reason = last.trim_start_matches("error: ");
            BadExpression::invalid(format!("is no valid regular expression: {reason}"))
        })
}

fn states(hirs: &[Hir]) -> Option<NFA> {
    let most = if hirs.len() > 1 {
        MAX_DENSE
    } else {
        MAX_STATES
    };
    thompson::Compiler::new()
        .configure(
            thompson::Config::new()
                .which_captures(WhichCaptures::None)
                .nfa_size_limit(Some(most)),
        )
        .build_many_from_hir(hirs)
        .ok()
}

fn walker(hirs: &[Hir]) -> Result<Regex, String> {
    Regex::builder()
        .configure(
            Regex::config()
                .which_captures(WhichCaptures::Implicit)
                .nfa_size_limit(None)
                .hybrid_cache_capacity(CACHE)
                .onepass(false)
                .dfa(false),
        )
        .build_many_from_hir(hirs)
        .map_err(|error| error.to_string())
}

/// Whether it asks where a word of any letters begins or ends.
fn asks_for_words(hir: &Hir) -> bool {
    hir.properties().look_set().contains_word_unicode()
}

#[cfg(test)]
mod tests;
