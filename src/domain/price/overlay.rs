//! Prices of the operator, and which of them covers a model.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::entry::PriceEntry;
use super::list::PriceList;
use super::model_price::ModelPrice;
use crate::domain::models::model_name::behind_provider;
use crate::domain::models::model_pattern::fits;
use crate::domain::values::letter_case::fold;

const WILDCARD: char = '*';

/// Where the operator gave a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GivenIn {
    /// In the file that the settings name.
    File,
    /// Over the API, which goes before the file.
    Api,
}

/// Prices of the operator.
#[derive(Debug, Default)]
pub struct PriceOverlay {
    prices: Vec<OverlayPrice>,
    /// Those of one model, by its folded name.
    by_model: HashMap<String, Vec<usize>>,
    /// Those of all models that a pattern covers.
    by_pattern: Vec<usize>,
}

/// A price of the operator, ready to be asked.
#[derive(Debug)]
pub struct OverlayPrice {
    /// As it was given.
    pub entry: PriceEntry,
    /// Where.
    pub given_in: GivenIn,
    /// What stands with charges that follow it.
    pub name: Arc<str>,
    /// What a model costs that it covers.
    pub price: ModelPrice,
    provider: String,
    model: String,
    /// The id under which the list has the provider, if it is a name.
    provider_id: Option<String>,
}

/// A call as prices are looked up for it, folded.
#[derive(Debug, Clone, Copy)]
pub struct PriceLookup<'c> {
    /// The provider's name.
    pub provider: &'c str,
    /// The id under which the list has it.
    pub provider_id: Option<&'c str>,
    /// The model's name.
    pub model: &'c str,
}

/// How exactly a price names a provider; the last is the most exact.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum ProviderMatch {
    Pattern,
    /// Another name of the same provider in the list.
    SameInList,
    /// The name that the list has it under.
    ListId,
    /// One of both names is part of the other: `vertex`, `google-vertex`.
    PartOfName,
    Name,
}

impl PriceOverlay {
    /// These prices, whose providers the list may know by other names. Of two that say the same of a model the later one counts.
    pub fn new(entries: impl IntoIterator<Item = (GivenIn, PriceEntry)>, list: &PriceList) -> Self {
        let mut overlay = Self::default();
        for (at, (given_in, entry)) in entries.into_iter().enumerate() {
            let price = OverlayPrice::new(entry, given_in, list);
            if price.model.contains(WILDCARD) {
                overlay.by_pattern.push(at);
            } else {
                let places = overlay.by_model.entry(price.model.clone());
                places.or_default().push(at);
            }
            overlay.prices.push(price);
        }
        overlay
    }

    /// The price of a model at a time: of one model before that of a pattern, of a provider by its name before that of the same provider
    /// by another, of the longer pattern, and then the one that holds since last.
    pub fn find(&self, call: PriceLookup<'_>, at: Timestamp) -> Option<&OverlayPrice> {
        let rest = behind_provider(call.model, call.model, call.provider);
        let names = [Some(call.model), rest.map(|(_, rest)| rest)];
        let names = names.iter().flatten();
        let exact = names.filter_map(|name| self.by_model.get(*name)).flatten();
        let places = exact.chain(&self.by_pattern);
        let prices = places.map(|place| &self.prices[*place]);
        let covering = prices.filter_map(|price| {
            let is_valid = price.entry.valid_from.is_none_or(|from| from <= at);
            let model = names_or_covers(&price.model, call.model)
                || rest.is_some_and(|(_, rest)| names_or_covers(&price.model, rest));
            let provider = price.provider_match(call.provider, call.provider_id);
            let provider = provider.filter(|_| is_valid && model)?;
            Some((price.rank(provider), price))
        });
        let best = covering.max_by(|(one, _), (other, _)| one.cmp(other));
        best.map(|(_, price)| price)
    }

    /// All prices: those over the API first, each as it was given.
    pub fn iter(&self) -> impl Iterator<Item = &OverlayPrice> {
        let given = |place| {
            self.prices
                .iter()
                .filter(move |price| price.given_in == place)
        };
        given(GivenIn::Api).chain(given(GivenIn::File))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.prices.is_empty()
    }
}

impl OverlayPrice {
    fn new(entry: PriceEntry, given_in: GivenIn, list: &PriceList) -> Self {
        let provider = fold(entry.provider.trim());
        let named = Some(&provider).filter(|name| !name.contains(WILDCARD));
        // `azure-eu` is one Azure, and `azure` every one.
        let provider_id = named.filter(|name| list.names_provider(name));
        let provider_id = provider_id.and_then(|name| list.provider_id(name));
        Self {
            price: entry.price(),
            name: entry.to_string().into(),
            model: fold(entry.model.trim()),
            provider_id: provider_id.map(str::to_owned),
            provider,
            given_in,
            entry,
        }
    }

    /// Whether it covers a provider's folded name; the list has it under this id.
    pub fn is_of_provider(&self, provider: &str, provider_id: Option<&str>) -> bool {
        self.provider_match(provider, provider_id).is_some()
    }

    /// Whether it covers a model's folded name.
    pub fn is_of_model(&self, model: &str) -> bool {
        names_or_covers(&self.model, model)
    }

    fn provider_match(&self, provider: &str, provider_id: Option<&str>) -> Option<ProviderMatch> {
        if self.provider == provider {
            return Some(ProviderMatch::Name);
        }
        let id = self.provider_id.as_deref();
        if id.is_some() && id == provider_id {
            let is_part =
                self.provider.contains(provider) || provider.contains(self.provider.as_str());
            return Some(if is_part {
                ProviderMatch::PartOfName
            } else if id == Some(self.provider.as_str()) {
                ProviderMatch::ListId
            } else {
                ProviderMatch::SameInList
            });
        }
        let is_pattern = self.provider.contains(WILDCARD);
        (is_pattern && fits(&self.provider, provider)).then_some(ProviderMatch::Pattern)
    }

    /// What is greater counts; texts last, so that the order of entries never matters.
    fn rank(&self, provider: ProviderMatch) -> impl Ord + '_ {
        let letters = |text: &str| text.chars().filter(|letter| *letter != WILDCARD).count();
        (
            !self.model.contains(WILDCARD),
            provider,
            letters(&self.model),
            letters(&self.provider),
            self.entry.valid_from,
            Reverse((&self.model, &self.provider)),
        )
    }
}

fn names_or_covers(pattern: &str, name: &str) -> bool {
    pattern == name || pattern.contains(WILDCARD) && fits(pattern, name)
}
