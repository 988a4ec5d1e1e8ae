//! What a call would take of each upstream that can carry it: at most, so that what is held is no less than what it will cost.

use std::sync::Arc;

use jiff::Timestamp;

use super::Proxy;
use super::call_measure::CallMeasure;
use super::upstreams::Upstreams;
use crate::domain::decision::Offer;
use crate::domain::price::model_price::ModelPrice;
use crate::domain::price::prices::{PriceFound, Prices, unknown_model};
use crate::domain::price::usage::Usage;
use crate::domain::values::letter_case::fold;
use crate::gateway::meter::dialect::Endpoint;
use crate::gateway::meter::metered_request::{KeptState, MeteredRequest};
use crate::gateway::upstream::Upstream;

/// What a call would take of one upstream.
#[derive(Clone)]
pub struct Quote {
    /// The upstream.
    pub upstream: Arc<Upstream>,
    /// The model as the upstream is asked for it.
    pub model: String,
    /// What it costs; none where calls are charged in tokens alone.
    pub price: Option<ModelPrice>,
    /// Tokens of input and output that it may take at most.
    pub most: (i64, i64),
    /// What is counted in units that the request itself tells.
    pub asked: Usage,
    /// The same as the ledger decides on it.
    pub offer: Offer,
}

impl Quote {
    /// What a call is asked for of which nothing is counted.
    pub fn unmetered(upstream: Arc<Upstream>) -> Self {
        Self {
            model: String::new(),
            price: None,
            most: (0, 0),
            asked: Usage::default(),
            offer: Offer {
                provider_key: upstream.provider_key.clone(),
                estimated_tokens: None,
                estimated_cost: None,
                priced_by: None,
                is_free: true,
            },
            upstream,
        }
    }
}

/// What a call asks for.
pub struct WantedCall<'r> {
    /// What is asked of the provider.
    pub endpoint: Endpoint,
    /// The request that was read.
    pub request: &'r MeteredRequest,
    /// Bytes of its body.
    pub body_bytes: i64,
    /// The upstream that the path names.
    pub named: Option<&'r Arc<Upstream>>,
    /// The upstreams that there are.
    pub upstreams: &'r Upstreams,
}

impl Proxy {
    /// What the call would take of each upstream that can carry it, in the order of the settings.
    ///
    /// # Errors
    /// Why none can be asked, as people read it.
    pub fn quotes(
        &self,
        wanted: &WantedCall<'_>,
        prices: &Prices,
        now: Timestamp,
    ) -> Result<Vec<Quote>, NoQuote> {
        let able = match wanted.named {
            Some(named) => vec![named],
            None => wanted.upstreams.speaking(wanted.endpoint.dialect()),
        };
        if able.is_empty() {
            return Err(NoQuote::NoUpstream);
        }
        let names_file = wanted.request.kept_states.contains(&KeptState::File);
        let (mut quotes, mut unpriced) = (Vec::new(), None);
        for upstream in able {
            if names_file && !shares_files(upstream) {
                continue;
            }
            let model = sent_model(&wanted.request.model, upstream);
            match self.quote(upstream, model, wanted, prices, now) {
                Some(quote) => quotes.push(quote),
                None => unpriced = unpriced.or(Some((upstream, model.to_owned()))),
            }
        }
        match (quotes.is_empty(), unpriced) {
            (true, Some((upstream, model))) => Err(NoQuote::NoPrice(unknown_model(
                &upstream.settings.provider,
                &model,
            ))),
            (true, None) => Err(NoQuote::KeptFile),
            _ => Ok(quotes),
        }
    }

    fn quote(
        &self,
        upstream: &Arc<Upstream>,
        model: &str,
        wanted: &WantedCall<'_>,
        prices: &Prices,
        now: Timestamp,
    ) -> Option<Quote> {
        let measure = CallMeasure::of(wanted.endpoint, wanted.request, wanted.body_bytes);
        let (mut price, mut priced_by, mut greatest) = (None, None, None);
        if upstream.settings.free {
            price = Some(ModelPrice::default());
            priced_by = Some("free".into());
        } else if !wanted.endpoint.is_free() {
            match prices.price(&upstream.settings.provider, model, now) {
                PriceFound::Known(known) => {
                    price = Some(known.price.clone());
                    priced_by = Some(known.origin.name());
                    greatest = known.greatest_output;
                }
                PriceFound::TokensOnly => {}
                PriceFound::Unknown => return None,
            }
        }
        let most = measure.most(greatest, self.settings.assumed_output);
        let is_free = price.as_ref().is_some_and(ModelPrice::is_free);
        Some(Quote {
            model: model.to_owned(),
            offer: Offer {
                provider_key: upstream.provider_key.clone(),
                estimated_tokens: Some(most.0.saturating_add(most.1)),
                estimated_cost: price.as_ref().map(|price| measure.cost(most, price)),
                priced_by,
                is_free,
            },
            upstream: Arc::clone(upstream),
            price,
            most,
            asked: measure.asked,
        })
    }
}

/// Why no upstream can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoQuote {
    /// None speaks this dialect.
    NoUpstream,
    /// Nobody knows what the model costs; the sentence says what to do.
    NoPrice(String),
    /// It names a file that the provider keeps, maybe of somebody else.
    KeptFile,
}

/// Whether the operator lets everybody who uses an upstream keep files there, and so use those of others whose ids they know.
fn shares_files(upstream: &Upstream) -> bool {
    let listed = &upstream.settings.unmetered_paths;
    listed
        .iter()
        .any(|path| path.split('/').any(|piece| piece == "files"))
}

/// The model as an upstream is asked for it: without the name of the upstream or its provider before it.
fn sent_model<'m>(model: &'m str, upstream: &Upstream) -> &'m str {
    let Some((prefix, rest)) = model.split_once('/') else {
        return model;
    };
    let prefix = fold(prefix);
    let names_it = prefix == upstream.settings.name || *prefix == *upstream.provider_key;
    if names_it && !rest.is_empty() {
        rest
    } else {
        model
    }
}
