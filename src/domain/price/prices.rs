//! What is known of prices: the list, the operator's over it, and what is done about a model that neither knows.

use std::sync::Arc;

use jiff::Timestamp;

use super::entry::PriceEntry;
use super::list::{ListedModel, PriceList};
use super::model_price::ModelPrice;
use super::overlay::{GivenIn, OverlayPrice, PriceLookup, PriceOverlay};
use super::stored::StoredPrice;
use crate::domain::values::letter_case::fold;

/// What is done about a model without a price.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UnknownModels {
    /// Its calls are refused.
    #[default]
    Deny,
    /// Its calls are charged in tokens alone.
    TokensOnly,
}

/// All prices that are known.
#[derive(Debug)]
pub struct Prices {
    list: Arc<PriceList>,
    overlay: PriceOverlay,
    unknown: UnknownModels,
}

/// What a model costs, or what is done because nobody knows.
#[derive(Debug, Clone, Copy)]
pub enum PriceFound<'p> {
    /// It costs this.
    Known(KnownPrice<'p>),
    /// Its calls are charged in tokens alone.
    TokensOnly,
    /// Its calls are refused; [`unknown_model`] says why.
    Unknown,
}

/// What a model costs, and who says so.
#[derive(Debug, Clone, Copy)]
pub struct KnownPrice<'p> {
    /// What it costs.
    pub price: &'p ModelPrice,
    /// Most tokens that one answer may have, where that is known.
    pub greatest_output: Option<i64>,
    /// Most tokens of input that it takes, where that is known.
    pub context_window: Option<i64>,
    /// Who says so.
    pub origin: PriceOrigin<'p>,
}

/// Who says what a model costs.
#[derive(Debug, Clone, Copy)]
pub enum PriceOrigin<'p> {
    /// The list.
    List {
        /// Its version.
        version: &'p Arc<str>,
        /// The model's name in it.
        model: &'p str,
    },
    /// The operator, with this price.
    Overlay(&'p OverlayPrice),
}

impl PriceOrigin<'_> {
    /// What stands with charges that follow it.
    pub fn name(&self) -> Arc<str> {
        match self {
            Self::List { version, .. } => Arc::clone(version),
            Self::Overlay(price) => Arc::clone(&price.name),
        }
    }
}

impl Prices {
    /// The list and what the operator says over it, in a file and over the API.
    pub fn new(
        list: Arc<PriceList>,
        of_file: Vec<PriceEntry>,
        stored: Vec<StoredPrice>,
        unknown: UnknownModels,
    ) -> Self {
        let of_file = of_file.into_iter().map(|entry| (GivenIn::File, entry));
        let stored = stored.into_iter().flat_map(|price| price.entries);
        let stored = stored.map(|entry| (GivenIn::Api, entry));
        Self {
            overlay: PriceOverlay::new(of_file.chain(stored), &list),
            list,
            unknown,
        }
    }

    /// The list.
    pub fn list(&self) -> &Arc<PriceList> {
        &self.list
    }

    /// What the operator says over it.
    pub fn overlay(&self) -> &PriceOverlay {
        &self.overlay
    }

    /// What is done about a model that neither knows.
    pub fn unknown(&self) -> UnknownModels {
        self.unknown
    }

    /// What a model costs at a time, by the names that a call has for it and its provider.
    pub fn price(&self, provider: &str, model: &str, at: Timestamp) -> PriceFound<'_> {
        let listed = self.list.find(provider, model);
        let known = |price, origin, greatest_output: Option<i64>| {
            let of_list = listed.and_then(ListedModel::greatest_output);
            PriceFound::Known(KnownPrice {
                price,
                greatest_output: greatest_output.or(of_list),
                context_window: listed.and_then(ListedModel::context_window),
                origin,
            })
        };
        if let Some(found) = self.overlaid(provider, model, at) {
            let origin = PriceOrigin::Overlay(found);
            return known(&found.price, origin, found.entry.greatest_output);
        }
        if let Some(listed) = listed {
            let origin = PriceOrigin::List {
                version: self.list.version(),
                model: listed.id(),
            };
            return known(listed.price(at), origin, None);
        }
        match self.unknown {
            UnknownModels::Deny => PriceFound::Unknown,
            UnknownModels::TokensOnly => PriceFound::TokensOnly,
        }
    }

    fn overlaid(&self, provider: &str, model: &str, at: Timestamp) -> Option<&OverlayPrice> {
        if self.overlay.is_empty() {
            return None;
        }
        let (provider, model) = (fold(provider.trim()), fold(model.trim()));
        let call = PriceLookup {
            provider: &provider,
            provider_id: self.list.provider_id(&provider),
            model: &model,
        };
        self.overlay.find(call, at)
    }
}

/// Why a call of a model without a price is refused, and what to do about it.
pub fn unknown_model(provider: &str, model: &str) -> String {
    format!(
        "no price is known for the model {model:?} of the provider {provider:?}, so no budget can hold it; an operator can give one (on the page under Prices, with PUT /api/prices/<provider>/<model>, or in the file that [prices] file names), or let such calls count in tokens alone with [prices] unknown = \"tokens\""
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::price::entry_text::read_toml;
    use crate::domain::price::unit_kind::UnitKind;

    fn prices(entries: &str, unknown: UnknownModels) -> Prices {
        let list = Arc::new(PriceList::embedded().unwrap());
        Prices::new(list, read_toml(entries).unwrap(), Vec::new(), unknown)
    }

    /// Dollars for a million input tokens, as whole ones, in the order in which the entries stand.
    fn entries(of: &[(&str, &str, &str)]) -> String {
        let entry = |(at, (provider, model, more)): (usize, &(&str, &str, &str))| {
            format!(
                "[[price]]\nprovider = '{provider}'\nmodel = '{model}'\nrates = {{ input = {} }}\n{more}\n",
                at + 1
            )
        };
        of.iter().enumerate().map(entry).collect()
    }

    fn input(prices: &Prices, provider: &str, model: &str, at: &str) -> Option<i64> {
        match prices.price(provider, model, at.parse().unwrap()) {
            PriceFound::Known(known) => {
                let rate = known.price.rates(0).get(UnitKind::Input)?;
                Some(rate / 1_000_000_000)
            }
            _ => None,
        }
    }

    const NOW: &str = "2026-11-30T00:00:00Z";

    #[test]
    fn the_most_exact_price_counts_whatever_the_order() {
        let all = [
            ("*", "*", ""),
            ("*", "gpt-*", ""),
            ("openai", "gpt-4*", ""),
            ("openai", "gpt-4o", ""),
            ("openai", "gpt-4o", "valid_from = '2026-06-01T00:00:00Z'"),
            ("openai", "gpt-4o", "valid_from = '2027-01-01T00:00:00Z'"),
            ("openai-eu", "gpt-4o", ""),
            ("google", "gemini-x", ""),
            ("google-vertex", "gemini-x", ""),
            ("vertex_ai", "gemini-y", ""),
        ];
        let prices = prices(&entries(&all), UnknownModels::Deny);
        for (provider, model, at, expected) in [
            ("any", "thing", NOW, 1),
            ("any", "gpt-9", NOW, 2),
            ("openai", "gpt-4x", NOW, 3),
            ("OpenAI", "GPT-4o", "2026-05-31T23:59:59Z", 4),
            ("openai", "gpt-4o", "2026-06-01T00:00:00Z", 5),
            ("openai", "openai/gpt-4o", NOW, 5),
            ("openai", "gpt-4o", "2027-01-01T00:00:00Z", 6),
            ("openai-eu", "gpt-4o", NOW, 7),
            ("openai-us", "gpt-4o", NOW, 5),
            ("gemini", "gemini-x", NOW, 8),
            ("vertex", "gemini-x", NOW, 9),
            ("gemini", "gemini-y", NOW, 10),
        ] {
            let found = input(&prices, provider, model, at);
            assert_eq!(found, Some(expected), "{provider} {model} {at}");
        }
    }

    #[test]
    fn a_price_names_who_says_so() {
        let entries = entries(&[("openai", "gpt-4o", "valid_from = '2026-06-01T00:00:00Z'")]);
        let prices = prices(&entries, UnknownModels::default());
        let origin =
            |model: &str, at: &str| match prices.price("openai", model, at.parse().unwrap()) {
                PriceFound::Known(known) => {
                    assert_eq!(known.greatest_output, Some(16_384));
                    assert_eq!(known.context_window, Some(128_000));
                    known.origin.name().to_string()
                }
                other => format!("{other:?}"),
            };
        let version = prices.list().version();
        assert!(version.contains("+genai-prices-"), "{version}");
        assert_eq!(origin("gpt-4o", "2026-05-01T00:00:00Z"), **version);
        assert_eq!(
            origin("gpt-4o", NOW),
            "overlay:openai/gpt-4o@2026-06-01T00:00:00Z"
        );
        assert_eq!(origin("gpt-4x", NOW), "Unknown");
    }

    #[test]
    fn what_is_done_about_unknown_models_is_up_to_the_operator() {
        let default = prices(&entries(&[("*", "*", "")]), UnknownModels::Deny);
        assert_eq!(input(&default, "ollama", "llama", NOW), Some(1));
        let tokens = prices("", UnknownModels::TokensOnly);
        let found = tokens.price("ollama", "llama", NOW.parse().unwrap());
        assert!(matches!(found, PriceFound::TokensOnly));
        assert!(unknown_model("ollama", "llama").contains("[prices]"));
    }
}
