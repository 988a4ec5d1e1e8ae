//! Answers about prices.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::list::Page;
use crate::domain::price::entry::PriceEntry;
use crate::domain::price::entry_text::DollarRates;
use crate::domain::price::listing::{ListedPrice, PriceFilter};
use crate::domain::price::model_price::ModelPrice;
use crate::domain::price::overlay::GivenIn;
use crate::domain::price::prices::{KnownPrice, PriceFound, PriceOrigin, Prices, UnknownModels};
use crate::domain::price::rates::Rates;

/// What a model costs, and who says so.
#[derive(Debug, Serialize, ToSchema)]
pub struct PriceView {
    /// The provider, or a pattern that covers several.
    pub provider: String,
    /// The model, or a pattern that covers several.
    pub model: String,
    /// `list` for the list that the program brings, `file` for the operator's file, `api` for what was given here.
    pub origin: &'static str,
    /// Who says so, as it stands with charges.
    #[schema(value_type = String)]
    pub priced_by: Arc<str>,
    /// Whether calls cost nothing.
    pub free: bool,
    /// What units cost, in dollars, by kind.
    #[schema(value_type = std::collections::BTreeMap<String, f64>)]
    pub rates: DollarRates,
    /// Other rates in their place for calls of long input.
    pub above: Vec<PriceTierView>,
    /// Most tokens that one answer may have, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub greatest_output: Option<i64>,
    /// Most tokens of input that it takes, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_window: Option<i64>,
    /// From when on it holds; left out: always.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub valid_from: Option<Timestamp>,
}

/// Rates of calls with more input than this.
#[derive(Debug, Serialize, ToSchema)]
pub struct PriceTierView {
    /// Input tokens above which they hold.
    pub input_tokens: i64,
    /// In place of those of the same kinds.
    #[schema(value_type = std::collections::BTreeMap<String, f64>)]
    pub rates: DollarRates,
}

/// A price that was given.
#[derive(Debug, Serialize, ToSchema)]
pub struct PriceAnswer {
    /// The price.
    pub price: PriceView,
}

/// What was given over the API for a provider and a model.
#[derive(Debug, Serialize, ToSchema)]
pub struct GivenPrices {
    /// Each from another date on, ascending; one without a date holds before all of them.
    pub prices: Vec<PriceView>,
}

/// A page of prices, the operator's own first.
#[derive(Debug, Serialize, ToSchema)]
pub struct PricePage {
    /// The prices.
    pub prices: Vec<PriceView>,
    /// What a call of `provider` and `model` costs at that time, where both are asked for and it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<PriceView>,
    /// What is done with calls of a model without a price: `deny` or `tokens`.
    pub unknown: &'static str,
    /// The version of the list that the program brings.
    #[schema(value_type = String)]
    pub version: Arc<str>,
    /// The day on which it was made.
    #[schema(format = Date)]
    pub date: String,
    /// Items on this page.
    pub count: usize,
    /// Items on all pages.
    pub total_count: usize,
    /// As asked.
    pub limit: i64,
    /// As asked.
    pub offset: i64,
}

impl PricePage {
    /// A page of what is looked for, with the prices of the list at a time.
    pub fn of(prices: &Prices, filter: &PriceFilter, at: Timestamp, page: Page) -> Self {
        let found = prices.listing(filter);
        let total_count = found.len();
        let [offset, limit] =
            [page.offset, page.limit].map(|number| usize::try_from(number).unwrap_or(usize::MAX));
        let shown = found.into_iter().skip(offset).take(limit);
        let shown: Vec<_> = shown.map(|price| listed(prices, price, at)).collect();
        let one = filter.provider.as_deref().zip(filter.model.as_deref());
        let price = one.and_then(|(provider, model)| {
            let PriceFound::Known(known) = prices.price(provider, model, at) else {
                return None;
            };
            Some(PriceView::charged((provider, model), &known))
        });
        Self {
            count: shown.len(),
            prices: shown,
            price,
            unknown: match prices.unknown() {
                UnknownModels::Deny => "deny",
                UnknownModels::TokensOnly => "tokens",
            },
            version: Arc::clone(prices.list().version()),
            date: prices.list().date().to_owned(),
            total_count,
            limit: page.limit,
            offset: page.offset,
        }
    }
}

fn listed(prices: &Prices, price: ListedPrice<'_>, at: Timestamp) -> PriceView {
    match price {
        ListedPrice::Given(given) => PriceView::given(&given.entry, given.given_in),
        ListedPrice::Listed(provider, model) => {
            let version = Arc::clone(prices.list().version());
            PriceView {
                greatest_output: model.greatest_output(),
                context_window: model.context_window(),
                ..PriceView::new((provider, model.id()), (LIST, version), model.price(at))
            }
        }
    }
}

const LIST: &str = "list";

fn origin_of(given_in: GivenIn) -> &'static str {
    match given_in {
        GivenIn::File => "file",
        GivenIn::Api => "api",
    }
}

impl PriceView {
    /// A price as the operator gave it.
    pub fn given(entry: &PriceEntry, given_in: GivenIn) -> Self {
        let of = (entry.provider.as_str(), entry.model.as_str());
        let origin = (origin_of(given_in), entry.to_string().into());
        let above = entry.above.iter();
        Self {
            rates: DollarRates(entry.rates.clone()),
            above: above
                .map(|(start, rates)| PriceTierView::new(*start, rates))
                .collect(),
            greatest_output: entry.greatest_output,
            valid_from: entry.valid_from,
            ..Self::new(of, origin, &entry.price())
        }
    }

    /// What calls of this model cost.
    fn charged(of: (&str, &str), known: &KnownPrice<'_>) -> Self {
        let (origin, valid_from) = match known.origin {
            PriceOrigin::List { .. } => (LIST, None),
            PriceOrigin::Overlay(given) => (origin_of(given.given_in), given.entry.valid_from),
        };
        Self {
            greatest_output: known.greatest_output,
            context_window: known.context_window,
            valid_from,
            ..Self::new(of, (origin, known.origin.name()), known.price)
        }
    }

    fn new(
        (provider, model): (&str, &str),
        (origin, priced_by): (&'static str, Arc<str>),
        price: &ModelPrice,
    ) -> Self {
        let above = price.tiers().iter();
        Self {
            provider: provider.to_owned(),
            model: model.to_owned(),
            origin,
            priced_by,
            free: price.is_free(),
            rates: DollarRates(price.rates(0).clone()),
            above: above
                .map(|tier| PriceTierView::new(tier.above, &tier.rates))
                .collect(),
            greatest_output: None,
            context_window: None,
            valid_from: None,
        }
    }
}

impl PriceTierView {
    fn new(input_tokens: i64, rates: &Rates) -> Self {
        let rates = DollarRates(rates.clone());
        Self {
            input_tokens,
            rates,
        }
    }
}
