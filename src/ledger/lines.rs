//! Lines of the history as they come into its tables: names that stand in the policy as they stand there.

use std::sync::Arc;

use super::directory::State;
use super::rules::Rules;
use crate::domain::letter_case::fold;
use crate::store::journal::{FOLDED, Line, Named, UsageKey};

impl State {
    /// A line of the history with what is added to it, and which of its names stand in the policy of its user's copy. These are
    /// spelled as they are there, since a caller may send them in any letter case.
    pub fn line<T>(&self, key: &UsageKey, added: T) -> Line<T> {
        let (key, named) = self.named(key);
        Line { key, named, added }
    }

    /// See [`State::line`].
    pub fn named(&self, key: &UsageKey) -> (UsageKey, Named) {
        let mut key = key.clone();
        // What came to no provider or model, and what is folded already, is one line.
        if key.provider.is_empty() || &*key.model == FOLDED {
            return (key, Named::Both);
        }
        let copies = self.users.get(&key.user_id).map(|user| &user.copies);
        let mut copies = copies.into_iter().flatten();
        let copy = copies.find(|copy| copy.access_profile_id == key.access_profile_id);
        let Some(named) = copy.and_then(|copy| copy.rules.spell(&mut key)) else {
            return (key, Named::Nothing);
        };
        (key, named)
    }
}

impl Rules {
    /// Spells the names of a line as the policy does. Answers which stand in it, if any does.
    fn spell(&self, key: &mut UsageKey) -> Option<Named> {
        let mut lines = self.lines.iter();
        let line = lines
            .find(|line| line.name == key.provider)
            .or_else(|| Some(&self.lines[self.line(&fold(&key.provider))?]))?;
        key.provider = Arc::clone(&line.name);
        let model = fold(&key.model);
        let behind_provider = || model.strip_prefix(&*line.key)?.strip_prefix('/');
        let named = self.names.get(&*model);
        let named = named.or_else(|| self.names.get(behind_provider()?));
        Some(match named {
            Some(model) => {
                key.model = Arc::clone(model);
                Named::Both
            }
            None => Named::Provider,
        })
    }
}
