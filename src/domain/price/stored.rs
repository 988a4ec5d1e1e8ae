//! What an operator said over the API that a model costs.

use jiff::Timestamp;

use super::entry::{MAX_PATTERN, PriceEntry};
use crate::domain::body::violation::{Path, Violations};
use crate::domain::credential::may_hold_token;
use crate::domain::credential::token_like::NO_CREDENTIAL;
use crate::domain::validator::entity_tag;
use crate::domain::values::unseen::is_unseen;
use crate::error::{Error, Result};

/// Most prices of one model, each from another date on.
pub const MAX_DATES: usize = 100;
/// Most models whose prices were given over the API.
pub const MAX_MODELS: i64 = 10_000;

/// The model whose price is given: both are names, or have `*` where anything may stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PricedModel {
    /// The provider.
    pub provider: String,
    /// Its model.
    pub model: String,
}

impl PricedModel {
    /// The model of a path.
    ///
    /// # Errors
    /// [`Error::Invalid`] with what is wrong with either.
    pub fn parse(provider: &str, model: &str) -> Result<Self> {
        let violations = Violations::default();
        for (field, text) in [("provider", provider), ("model", model)] {
            let path = Path::root().field(field);
            if !(1..=MAX_PATTERN).contains(&text.trim().chars().count()) {
                let sentence = format_args!("must have 1 to {MAX_PATTERN} characters");
                violations.add(&path, "too_long", sentence);
            }
            if text.contains(|letter: char| letter.is_control() || is_unseen(letter)) {
                let sentence = "must not have control characters and others that can't be seen";
                violations.add(&path, "invalid_character", sentence);
            }
            if may_hold_token(text) {
                violations.add(&path, "credential_here", NO_CREDENTIAL);
            }
        }
        violations.finish(Some(Self {
            provider: provider.trim().to_owned(),
            model: model.trim().to_owned(),
        }))
    }

    /// As people write it: `openai/gpt-5`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.provider, self.model)
    }
}

/// The prices of a model, as they are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPrice {
    /// Set by the server; never used again after a delete.
    pub id: i64,
    /// The model.
    pub of: PricedModel,
    /// Each from another date on, ascending; one without a date holds before all of them.
    pub entries: Vec<PriceEntry>,
    /// How often it was written.
    pub revision: i64,
    /// Set by the server.
    pub created_at: Timestamp,
    /// Set by the server.
    pub updated_at: Timestamp,
}

impl StoredPrice {
    /// The validator of what is shown of it.
    pub fn entity_tag(&self) -> String {
        let content = format!("{} {} {}", self.id, self.of.name(), self.updated_at);
        entity_tag(self.revision, &content)
    }
}

/// The prices of a model after one more was given: one that always holds takes the place of all, and one from a date on stands beside those
/// that hold before it.
///
/// # Errors
/// [`Error::Conflict`] when there are too many.
pub fn with_entry(before: &[PriceEntry], new: PriceEntry) -> Result<Vec<PriceEntry>> {
    if new.valid_from.is_none() {
        return Ok(vec![new]);
    }
    let others = before.iter();
    let others = others.filter(|entry| entry.valid_from != new.valid_from);
    let mut after: Vec<_> = others.cloned().collect();
    if after.len() >= MAX_DATES {
        let message = format!(
            "there are {MAX_DATES} prices of this model from different dates on; delete them, or give one without valid_from, which takes the place of all"
        );
        return Err(Error::conflict("too_many_prices", "valid_from", message));
    }
    after.push(new);
    after.sort_by_key(|entry| entry.valid_from);
    Ok(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::price::entry_text::read_json;

    fn entry(input: i64, from: Option<&str>) -> PriceEntry {
        let from = from.map_or(String::new(), |from| format!(",\"valid_from\":\"{from}\""));
        let text = format!(
            r#"{{"price":[{{"provider":"a","model":"b","rates":{{"input":{input}}}{from}}}]}}"#
        );
        read_json(&text).unwrap().remove(0)
    }

    #[test]
    fn a_price_from_a_date_on_leaves_those_before_it() {
        let (january, june) = ("2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z");
        let always = entry(1, None);
        let all = with_entry(&[], always.clone()).unwrap();
        let all = with_entry(&all, entry(3, Some(june))).unwrap();
        let all = with_entry(&all, entry(2, Some(january))).unwrap();
        assert_eq!(all, [always, entry(2, Some(january)), entry(3, Some(june))]);
        let again = with_entry(&all, entry(4, Some(june))).unwrap();
        assert_eq!(again.len(), 3);
        assert_eq!(again[2], entry(4, Some(june)));
        assert_eq!(
            with_entry(&again, entry(5, None)).unwrap(),
            [entry(5, None)]
        );
    }

    #[test]
    fn there_are_only_so_many_dates() {
        let mut all = Vec::new();
        for hour in 0..MAX_DATES {
            let from = format!("2026-01-{:02}T{:02}:00:00Z", hour / 24 + 1, hour % 24);
            all = with_entry(&all, entry(1, Some(&from))).unwrap();
        }
        let more = with_entry(&all, entry(1, Some("2027-01-01T00:00:00Z")));
        assert!(matches!(more, Err(Error::Conflict { .. })));
        assert!(with_entry(&all, entry(2, Some("2026-01-01T00:00:00Z"))).is_ok());
    }

    #[test]
    fn what_names_a_model_is_looked_at() {
        let named = PricedModel::parse(" openai ", "gpt-*").unwrap();
        assert_eq!(named.name(), "openai/gpt-*");
        for (provider, model) in [(" ", "a"), ("a", "b\u{7}"), ("a", &"x".repeat(1_001))] {
            assert!(PricedModel::parse(provider, model).is_err());
        }
    }
}
