//! The history of use and of refusals: lines as they come into its tables, and refusals that wait to be written down.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::decision::RefusalKind;
use crate::domain::decision::journal::{FOLDED, Named, UsageKey, UsageLine};
use crate::domain::values::letter_case::fold;
use crate::ledger::engine::decision::demand::RefusedCall;
use crate::ledger::engine::directory::Directory;
use crate::ledger::engine::directory::rules::Rules;

/// Lines of refusals that may wait to be written down; those of further ones are lost.
const MAX_REFUSALS: usize = 20_000;
/// With so many, those of further models that stand in no policy wait together, so that one caller does not take the room of all.
const MANY_REFUSALS: usize = 2_000;

impl Directory {
    /// A line of the history with what is added to it, and which of its names stand in the policy of its user's copy. These are
    /// spelled as they are there, since a caller may send them in any letter case.
    pub fn line<T>(&self, key: &UsageKey, added: T) -> UsageLine<T> {
        let (key, named) = self.named(key);
        UsageLine { key, named, added }
    }

    fn named(&self, key: &UsageKey) -> (UsageKey, Named) {
        let mut key = key.clone();
        // What came to no provider or model, and what is folded already, is one line.
        if key.provider.is_empty() || &*key.model == FOLDED {
            return (key, Named::Both);
        }
        let mut copies = self.copies_of(key.user_id).iter();
        let copy = copies.find(|copy| copy.access_profile_id == key.access_profile_id);
        let Some(named) = copy.and_then(|copy| spell(&copy.rules, &mut key)) else {
            return (key, Named::Nothing);
        };
        (key, named)
    }
}

/// Spells the names of a line as a policy does. Answers which stand in it, if any does.
fn spell(rules: &Rules, key: &mut UsageKey) -> Option<Named> {
    let mut lines = rules.lines.iter();
    let line = lines
        .find(|line| line.name == key.provider)
        .or_else(|| Some(&rules.lines[rules.line(&fold(&key.provider))?]))?;
    key.provider = Arc::clone(&line.name);
    let model = fold(&key.model);
    let behind_provider = || model.strip_prefix(&*line.key)?.strip_prefix('/');
    let named = rules.names.get(&*model);
    let named = named.or_else(|| rules.names.get(behind_provider()?));
    Some(match named {
        Some(model) => {
            key.model = Arc::clone(model);
            Named::Both
        }
        None => Named::Provider,
    })
}

/// Refusals that are not written down yet. They have texts of clients in their keys, and are hashed as the standard library does,
/// which nobody can make slow.
#[derive(Default)]
pub struct Refusals(HashMap<(UsageKey, RefusalKind), i64>);

impl Refusals {
    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All are written down.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Notes a refusal on a day, to be written down with what comes next.
    pub fn note(&mut self, directory: &Directory, model: &str, refused: &RefusedCall, day: i64) {
        // Whoever has no key of ours leaves no trace: that would be a way to fill the disk.
        let Some(user_id) = refused.user_id else {
            return;
        };
        let known = refused.provider.is_some();
        let key = UsageKey {
            day,
            user_id,
            access_profile_id: refused.refusal.access_profile_id.unwrap_or(0),
            provider: refused.provider.clone().unwrap_or_else(|| Arc::from("")),
            model: Arc::from(if known { model } else { "" }),
        };
        let mut line = (key, refused.refusal.kind);
        if self.0.len() >= MANY_REFUSALS && !self.0.contains_key(&line) {
            let (key, named) = directory.named(&line.0);
            line.0 = key;
            if named != Named::Both {
                line.0.model = FOLDED.into();
            }
        }
        if self.0.len() < MAX_REFUSALS || self.0.contains_key(&line) {
            *self.0.entry(line).or_default() += 1;
            if self.0.len() == MAX_REFUSALS {
                log::warn!(
                    "{MAX_REFUSALS} lines of refusals wait to be written down; others are not counted until they are"
                );
            }
        }
    }

    /// The lines of all that wait, in the order of their keys.
    pub fn lines(&self, directory: &Directory) -> Vec<UsageLine<(&'static str, i64)>> {
        let lines = self.0.iter();
        let mut lines: Vec<_> = lines
            .map(|((key, kind), calls)| directory.line(key, (kind.code(), *calls)))
            .collect();
        lines.sort_unstable_by(|one, other| one.key.cmp(&other.key));
        lines
    }
}
