//! Holding what a call may cost, by our own prices: of the provider that is named, or of each that the key's profiles have a line for.

use std::sync::Arc;

use crate::domain::decision::{Call, Granted, Offer, RefusalKind};
use crate::domain::models::model_name::behind_provider;
use crate::domain::price::prices::{PriceFound, unknown_model};
use crate::domain::values::letter_case::fold;
use crate::gateway::proxy::call_measure::CallMeasure;
use crate::gateway::refusal::CallFault;
use crate::http::core::request::Request;
use crate::http::decisions::holder::KeyHolder;
use crate::http::proxy::holding::reserve;
use crate::http::proxy::not_carried::{NotCarried, decided};
use crate::ledger::Ender;

/// Holds what the call may take at most. It is freed again when the gateway does not wait for the answer.
///
/// # Errors
/// The refusal, or that nobody knows what the call costs.
pub async fn hold(
    request: &Request,
    holder: &KeyHolder,
    call: Call,
    measure: &CallMeasure,
) -> Result<Granted, NotCarried> {
    let providers = providers(request, holder, &call).await?;
    let mut unpriced = None;
    let offers: Vec<Offer> = providers
        .iter()
        .filter_map(
            |provider| match offer(request, provider, &call.model, measure) {
                Ok(offer) => Some(offer),
                Err(why) => {
                    unpriced.get_or_insert(why);
                    None
                }
            },
        )
        .collect();
    if !offers.is_empty() {
        let priced = Call {
            offers: Some(offers.into()),
            ..call.clone()
        };
        match reserve(request.services(), priced, Ender::virtual_key()).await? {
            Ok(granted) => return Ok(granted),
            // It may be a provider without a price that would be allowed.
            Err(refusal) if unpriced.is_some() && is_blocked(refusal.kind) => {}
            Err(refusal) => return Err(decided(holder, refusal)),
        }
    }
    // Who may not use the model is told that first.
    let provider = call.provider.clone().unwrap_or_default();
    let why = unpriced.unwrap_or_else(|| unknown_model(&provider, &call.model));
    let carrier = request.state().services.ledger.carrier(call).await?;
    carrier.map_err(|refusal| decided(holder, refusal))?;
    Err(NotCarried::Fault(CallFault::NoPrice(why)))
}

fn is_blocked(kind: RefusalKind) -> bool {
    matches!(
        kind,
        RefusalKind::ProviderBlocked | RefusalKind::ModelBlocked
    )
}

/// The providers that may carry the call.
async fn providers(
    request: &Request,
    holder: &KeyHolder,
    call: &Call,
) -> Result<Vec<Arc<str>>, NotCarried> {
    if let Some(named) = &call.provider {
        return Ok(vec![named.as_str().into()]);
    }
    let rules = request.state().services.ledger.rules(holder.key).await?;
    let rules = rules.map_err(|refusal| decided(holder, refusal))?;
    let mut found = Vec::<Arc<str>>::new();
    for line in rules.iter().flat_map(|rules| &rules.lines) {
        if found.iter().all(|known| fold(known) != *line.key) {
            found.push(Arc::clone(&line.name));
        }
    }
    Ok(found)
}

/// What the call would take of a provider; a sentence where nobody knows what it costs.
fn offer(
    request: &Request,
    provider: &str,
    model: &str,
    measure: &CallMeasure,
) -> Result<Offer, String> {
    let state = request.state();
    let (services, assumed) = (&state.services, state.proxy.settings.assumed_output);
    let provider_key = fold(provider);
    let folded = fold(model);
    let bare = behind_provider(model, &folded, &provider_key).map_or(model, |(bare, _)| bare);
    let prices = services.prices.now();
    let found = prices.price(provider, bare, services.clock.now());
    let (price, priced_by, greatest, window) = match found {
        PriceFound::Known(known) => (
            Some(known.price),
            Some(known.origin.name()),
            known.greatest_output,
            known.context_window,
        ),
        PriceFound::TokensOnly => (None, None, None, None),
        PriceFound::Unknown => return Err(unknown_model(provider, bare)),
    };
    let measure = measure.within(window);
    let measure = measure.ok_or_else(|| not_shown(provider, bare))?;
    let most = measure.most(greatest, assumed);
    Ok(Offer {
        provider_key: provider_key.into(),
        estimated_tokens: Some(most.0.saturating_add(most.1)),
        estimated_cost: price.map(|price| measure.cost(most, price)),
        priced_by,
        // Who chooses the upstream is the gateway, not we.
        is_free: false,
    })
}

/// Why nothing is held for a call whose body is not shown, and what to do about it.
fn not_shown(provider: &str, model: &str) -> String {
    format!(
        "nobody shows how large this call of {model:?} of {provider:?} is, nor is the most known that it could take, so nothing can be held for it; \
         let the gateway send bodies along, or ask without hold=1"
    )
}
