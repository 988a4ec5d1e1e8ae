//! Which line a call belongs to, by the name of its model: the rule of API.md §2, written down as it reads, against the ledger.

use regex::RegexBuilder;
use serde_json::{Value, json};
use tollkeeper::domain::decision::RefusalKind;

use crate::agree::Dice;
use crate::house::{House, call, quick};

const PROVIDERS: [&str; 5] = ["openai", "OpenRouter", "azure/eu", "anthropic", "ΣΑΣ"];
const PREFIXES: [&str; 9] = [
    "",
    "",
    "openai/",
    "openrouter/",
    "OpenRouter/OpenAI/",
    "azure/EU/",
    "azure/",
    "nobody/",
    "σας/",
];
const BASES: [&str; 7] = [
    "gpt-4o",
    "GPT-4o",
    "o3",
    "claude",
    "auto",
    " gpt-4o",
    "Σ/gpt-4o",
];
const PATTERNS: [&str; 14] = [
    "gpt-4o",
    "openai/gpt-4o",
    "OPENAI/*",
    "openrouter/auto",
    "*",
    "gpt-*",
    "*/gpt-4o",
    "*4o",
    "regex:gpt-.*",
    "regex:(openai/)?gpt-4O",
    "regex:[^/]+",
    "azure/eu/o3",
    "eu/o3",
    "σ/gpt-4o",
];

struct Line {
    provider: &'static str,
    all: bool,
    allowed: Vec<&'static str>,
    blocked: Vec<&'static str>,
}

/// Without regard to case.
fn low(text: &str) -> String {
    text.to_lowercase().replace('ς', "σ")
}

/// Whether a pattern covers a whole name.
fn covers(pattern: &str, name: &str) -> bool {
    let expression = match pattern.strip_prefix("regex:") {
        Some(expression) => expression.to_owned(),
        None => low(pattern)
            .split('*')
            .map(regex::escape)
            .collect::<Vec<_>>()
            .join(".*"),
    };
    let whole = RegexBuilder::new(&format!("^(?:{expression})$"))
        .case_insensitive(true)
        .build()
        .unwrap();
    whole.is_match(name) || whole.is_match(&low(name))
}

/// The name behind `<provider>/`.
fn behind(line: &Line, name: &str) -> Option<String> {
    let prefix: Vec<char> = format!("{}/", line.provider).chars().collect();
    let name: Vec<char> = name.chars().collect();
    let start: String = name.iter().take(prefix.len()).collect();
    let rest: String = name.iter().skip(prefix.len()).collect();
    let is_prefix = low(&start) == low(&prefix.iter().collect::<String>());
    (is_prefix && !rest.trim().is_empty()).then(|| rest.trim().to_owned())
}

/// How a line grants a name: 0 by naming it or its provider, 1 as it grants every name, 2 by what is behind the prefix alone.
fn grants(line: &Line, name: &str) -> Option<u8> {
    let rest = behind(line, name);
    let either = |pattern: &&str| {
        covers(pattern, name) || rest.as_deref().is_some_and(|rest| covers(pattern, rest))
    };
    if line.blocked.iter().any(either) {
        return None;
    }
    match (line.all, line.allowed.iter().any(|one| covers(one, name))) {
        (true, _) if rest.is_some() => Some(0),
        (true, _) => Some(1),
        (false, true) => Some(0),
        (false, false) => line.allowed.iter().any(either).then_some(2),
    }
}

/// The provider that serves the name, or why none does.
fn rule(lines: &[Line], provider: Option<&str>, name: &str) -> Result<&'static str, RefusalKind> {
    let asked: Vec<&Line> = lines
        .iter()
        .filter(|line| provider.is_none_or(|wanted| low(wanted) == low(line.provider)))
        .collect();
    if asked.is_empty() {
        return Err(RefusalKind::ProviderBlocked);
    }
    // Where no line is selected by a prefix, they go in their order.
    let selects = asked.iter().any(|line| behind(line, name).is_some());
    let granting = asked.iter().filter_map(|line| {
        let rank = grants(line, name)?;
        Some((if selects { rank } else { 0 }, line.provider))
    });
    // The first of the least.
    let best = granting.reduce(|best, next| if next.0 < best.0 { next } else { best });
    best.map(|(_, provider)| provider)
        .ok_or(RefusalKind::ModelBlocked)
}

fn some(dice: &mut Dice, most: u64) -> Vec<&'static str> {
    (0..dice.below(most))
        .map(|_| dice.one_of(&PATTERNS))
        .collect()
}

fn lines(dice: &mut Dice) -> Vec<Line> {
    let mut providers = PROVIDERS.to_vec();
    let mut lines = Vec::new();
    for _ in 0..dice.below(4) {
        let at = usize::try_from(dice.below(providers.len() as u64)).unwrap();
        lines.push(Line {
            provider: providers.remove(at),
            all: dice.below(3) == 0,
            allowed: some(dice, 4),
            blocked: some(dice, 3),
        });
    }
    lines
}

fn body(name: &str, lines: &[Line]) -> Value {
    let configs: Vec<Value> = lines
        .iter()
        .map(|line| {
            json!({ "provider_name": line.provider, "all_models_allowed": line.all, "allowed_models": line.allowed,
                    "blacklisted_models": line.blocked })
        })
        .collect();
    json!({ "name": name, "provider_configs": configs })
}

#[test]
fn a_name_belongs_to_the_line_that_the_written_rule_gives_it_to() {
    let mut dice = Dice(0x5DEE_CE66_D1CE_4E5B);
    let house = House::new(quick());
    let (mut granted, mut by_rest, mut blocked) = (0, 0, 0);
    for number in 0..150 {
        let lines = lines(&mut dice);
        let profile = house.profile_of(&body(&format!("profile {number}"), &lines));
        let (_, key) = house.give(house.user(number), profile);
        for _ in 0..25 {
            let name = format!("{}{}", dice.one_of(&PREFIXES), dice.one_of(&BASES));
            let name = name.trim();
            let provider = dice.maybe(|dice| dice.one_of(&PROVIDERS));
            let expected = rule(&lines, provider, name);
            let what = format!("{name:?} of {provider:?} under {}", body("it", &lines));
            let asked = call(key, provider, name);
            let explained = house.ledger.explain(asked.clone()).wait().unwrap();
            let decided = house.ledger.reserve(asked).wait().unwrap();
            match (&decided, expected) {
                (Ok(made), Ok(provider)) => assert_eq!(&*made.provider, provider, "{what}"),
                (Err(refusal), Err(kind)) => assert_eq!(refusal.kind, kind, "{what}"),
                (decided, expected) => {
                    let decided = decided.as_ref().map(|made| &made.provider);
                    panic!("{decided:?} instead of {expected:?}: {what}")
                }
            }
            // Each line that was asked says which pattern covers which form of the name.
            for said in &explained.copies[0].providers {
                let line = lines
                    .iter()
                    .find(|line| *line.provider == *said.provider)
                    .unwrap();
                assert_eq!(
                    said.refusal.is_none(),
                    grants(line, name).is_some(),
                    "{what}"
                );
                let form = said.matched_name.as_deref().unwrap_or(name);
                if let Some(pattern) = &said.pattern {
                    assert!(covers(pattern, form), "{pattern} {form}: {what}");
                }
                if let Some(rest) = &said.matched_name {
                    by_rest += 1;
                    assert_eq!(behind(line, name).as_deref(), Some(&**rest), "{what}");
                }
                blocked += usize::from(said.rule == Some("blacklisted_models"));
            }
            granted += usize::from(expected.is_ok());
        }
    }
    // All ways were tried often enough to mean something.
    assert!(
        granted > 500 && by_rest > 40 && blocked > 200,
        "{granted} {by_rest} {blocked}"
    );
}
