//! The embedded list of prices, and finding a model in it. `packaging/prices/make.py` writes it.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::Offset;
use serde::Deserialize;

use super::clause::Clause;
use super::compact_dates::with_dashes;
use super::model_price::ModelPrice;
use super::rates::Rates;
use crate::domain::values::letter_case::fold;
use crate::error::{Error, Result};

const EMBEDDED: &str = include_str!("list.json");

/// Prices of the models of many providers, as they were known on one day.
#[derive(Debug)]
pub struct PriceList {
    version: Arc<str>,
    gateways: Vec<String>,
    providers: Vec<ListedProvider>,
    /// By id and alias.
    by_name: HashMap<Box<str>, usize>,
}

/// A provider of the list.
#[derive(Debug)]
struct ListedProvider {
    id: Box<str>,
    /// What holds of other names that it goes by.
    clause: Option<Clause>,
    /// Providers whose models it has too.
    fallback: Vec<usize>,
    models: Vec<ListedModel>,
    /// The first model that is known by this very name.
    by_name: HashMap<Box<str>, usize>,
    /// The models that are known by more than names, in their order.
    by_clause: Vec<usize>,
}

/// A model of the list.
#[derive(Debug)]
pub struct ListedModel {
    id: Box<str>,
    clause: Clause,
    context_window: Option<i64>,
    greatest_output: Option<i64>,
    prices: Vec<DatedPrice>,
}

/// What a model costs, and when.
#[derive(Debug)]
struct DatedPrice {
    when: When,
    price: ModelPrice,
}

#[derive(Debug)]
enum When {
    Always,
    /// From this instant on.
    From(Timestamp),
    /// Each day from one time on until before another, in UTC; past midnight where the second is earlier.
    Daily(Time, Time),
}

impl PriceList {
    /// The list that this binary has in it. Reading it takes milliseconds; call it once.
    ///
    /// # Errors
    /// [`Error::Internal`] when it is broken.
    pub fn embedded() -> Result<Self> {
        Self::read(EMBEDDED)
    }

    fn read(text: &str) -> Result<Self> {
        let broken = |why: &dyn std::fmt::Display| Error::internal("reading the price list", why);
        let text: ListText = serde_json::from_str(text).map_err(|error| broken(&error))?;
        let mut by_name = HashMap::new();
        for (at, provider) in text.providers.iter().enumerate() {
            for name in std::iter::once(&provider.id).chain(&provider.aliases) {
                by_name.insert(name.as_str().into(), at);
            }
        }
        let providers = text.providers.into_iter();
        let providers = providers.map(|provider| ListedProvider::of(provider, &by_name));
        let providers: Option<_> = providers.collect();
        Ok(Self {
            version: text.version.into(),
            gateways: text.gateways,
            providers: providers.ok_or_else(|| broken(&"a fallback or a date is unknown"))?,
            by_name,
        })
    }

    /// The day it was made, and what of: `2026-11-30+genai-prices-0.2.3`.
    pub fn version(&self) -> &Arc<str> {
        &self.version
    }

    /// The day it was made.
    pub fn date(&self) -> &str {
        self.version.split('+').next().unwrap_or_default()
    }

    /// The ids of its providers, in its order.
    pub fn provider_ids(&self) -> impl Iterator<Item = &str> {
        self.providers.iter().map(|provider| &*provider.id)
    }

    /// Every model that it has prices of, with its provider's id.
    pub fn models(&self) -> impl Iterator<Item = (&str, &ListedModel)> {
        let providers = self.providers.iter();
        providers.flat_map(|of| of.models.iter().map(|model| (&*of.id, model)))
    }

    /// The models of a provider that it has prices of, by their names in it.
    pub fn models_of(&self, provider: &str) -> impl Iterator<Item = &str> {
        let at = self.place_of(&fold(provider.trim()));
        let provider = at.map(|at| &self.providers[at]);
        let models = provider.into_iter().flat_map(|provider| &provider.models);
        models.map(ListedModel::id)
    }

    /// The id under which the list has a provider: `aws` for `bedrock`, `google` for `Vertex_AI`.
    pub fn provider_id(&self, provider: &str) -> Option<&str> {
        let at = self.place_of(&fold(provider.trim()))?;
        Some(&self.providers[at].id)
    }

    /// Whether this folded name is a provider's id or a usual name of it, and not that of one account among others.
    pub fn names_provider(&self, provider: &str) -> bool {
        self.by_name.contains_key(provider)
            || self
                .by_name
                .contains_key(provider.replace('-', "_").as_str())
    }

    /// A model by the names that gateways know its provider and itself by, without regard to case. Whose a model is that a gateway names
    /// as its own provider (`litellm`) is what its name begins with.
    pub fn find(&self, provider: &str, model: &str) -> Option<&ListedModel> {
        let (provider, model) = (fold(provider.trim()), fold(model.trim()));
        let prefixed = model.split_once('/');
        let Some(at) = self.place_of(&provider) else {
            let (prefix, rest) = prefixed.filter(|_| self.gateways.contains(&provider))?;
            return self.find_at(self.place_of(prefix)?, rest);
        };
        if let Some(found) = self.find_at(at, &model) {
            return Some(found);
        }
        // A name that begins with its own provider's, or with that of whose models it has; Google calls each `models/…`.
        let (prefix, rest) = prefixed?;
        let is_of_it = |named: usize| named == at || self.providers[at].fallback.contains(&named);
        let is_prefix = prefix == "models" || self.place_of(prefix).is_some_and(is_of_it);
        is_prefix.then(|| self.find_at(at, rest)).flatten()
    }

    fn find_at(&self, at: usize, model: &str) -> Option<&ListedModel> {
        let provider = &self.providers[at];
        let find = |model: &str| {
            let fallback = provider.fallback.iter();
            let fallback = fallback.filter_map(|other| self.providers[*other].find(model));
            provider.find(model).or_else(|| fallback.into_iter().next())
        };
        find(model).or_else(|| find(&with_dashes(model)?))
    }

    fn place_of(&self, provider: &str) -> Option<usize> {
        let known = |name: &str| self.by_name.get(name).copied();
        let by_clause = || {
            let holds = |of: &ListedProvider| of.clause.as_ref().is_some_and(|c| c.holds(provider));
            self.providers.iter().position(holds)
        };
        // `azure-eu` is Azure, and `vertex_ai-anthropic` Google before it is Anthropic.
        let by_beginning = || {
            let end = provider.find(|letter: char| !letter.is_ascii_alphanumeric())?;
            known(&provider[..end])
        };
        known(provider)
            .or_else(|| known(&provider.replace('-', "_")))
            .or_else(by_beginning)
            .or_else(by_clause)
    }
}

impl ListedProvider {
    fn of(text: ProviderText, places: &HashMap<Box<str>, usize>) -> Option<Self> {
        let fallback = text.fallback.iter();
        let fallback = fallback.map(|id| places.get(id.as_str()).copied());
        let models: Option<Vec<_>> = text.models.into_iter().map(ListedModel::of).collect();
        let mut provider = Self {
            id: text.id.into(),
            clause: text.clause,
            fallback: fallback.collect::<Option<_>>()?,
            models: models?,
            by_name: HashMap::new(),
            by_clause: Vec::new(),
        };
        for (at, model) in provider.models.iter().enumerate() {
            let Some(names) = model.clause.names() else {
                provider.by_clause.push(at);
                continue;
            };
            for name in names {
                provider.by_name.entry(name.into()).or_insert(at);
            }
        }
        Some(provider)
    }

    /// The first model whose clause holds.
    fn find(&self, model: &str) -> Option<&ListedModel> {
        let named = self.by_name.get(model).copied();
        let before = |at: &&usize| named.is_none_or(|named| **at < named);
        let mut clauses = self.by_clause.iter().take_while(before);
        let matched = clauses.find(|at| self.models[**at].clause.holds(model));
        self.models.get(matched.copied().or(named)?)
    }
}

impl ListedModel {
    fn of(text: ModelText) -> Option<Self> {
        let prices = text.prices.into_iter().map(DatedPrice::of);
        let prices: Vec<_> = prices.collect::<Option<_>>()?;
        (!prices.is_empty()).then_some(Self {
            id: text.id,
            clause: text.clause,
            context_window: text.context_window,
            greatest_output: text.greatest_output,
            prices,
        })
    }

    /// Its name in the list.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it costs at a time: the last price that holds then; before all of them the first.
    pub fn price(&self, at: Timestamp) -> &ModelPrice {
        let holds = |dated: &&DatedPrice| dated.when.holds(at);
        let found = self.prices.iter().rev().find(holds);
        &found.unwrap_or(&self.prices[0]).price
    }

    /// Most tokens that one answer may have, where that is known.
    pub fn greatest_output(&self) -> Option<i64> {
        self.greatest_output
    }

    /// Most tokens of input that it takes, where that is known.
    pub fn context_window(&self) -> Option<i64> {
        self.context_window
    }
}

impl DatedPrice {
    fn of(text: PriceText) -> Option<Self> {
        let when = match (text.from, text.daily) {
            (None, None) => When::Always,
            (Some(day), None) => When::From(Offset::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()?),
            (None, Some((start, end))) => When::Daily(start, end),
            _ => return None,
        };
        let above = text.above.into_iter();
        let above = above.map(|tier| (tier.input_tokens, tier.rates));
        let price = ModelPrice::new(text.rates, above);
        let price = price.with_least_audio(text.least_audio_milliseconds);
        Some(Self { when, price })
    }
}

impl When {
    fn holds(&self, at: Timestamp) -> bool {
        match self {
            Self::Always => true,
            Self::From(start) => at >= *start,
            Self::Daily(start, end) => {
                let time = Offset::UTC.to_datetime(at).time();
                if end < start {
                    time >= *start || time < *end
                } else {
                    (*start..*end).contains(&time)
                }
            }
        }
    }
}

/// The list as it is written. Who changes its form changes the script that writes it.
#[derive(Deserialize)]
struct ListText {
    version: String,
    gateways: Vec<String>,
    providers: Vec<ProviderText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderText {
    id: String,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(rename = "match")]
    clause: Option<Clause>,
    #[serde(default)]
    fallback: Vec<String>,
    models: Vec<ModelText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelText {
    id: Box<str>,
    #[serde(rename = "match")]
    clause: Clause,
    context_window: Option<i64>,
    greatest_output: Option<i64>,
    prices: Vec<PriceText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceText {
    from: Option<Date>,
    daily: Option<(Time, Time)>,
    rates: Rates,
    #[serde(default)]
    above: Vec<TierText>,
    #[serde(default)]
    least_audio_milliseconds: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TierText {
    input_tokens: i64,
    rates: Rates,
}

#[cfg(test)]
mod tests;
