//! What calls of gateways may cost before they are made, and what they did cost, where the gateway leaves that to us.

use jiff::Timestamp;

use crate::domain::body::violation::{Path, Violation};
use crate::domain::decision::Call;
use crate::domain::decision::amounts::PricedUse;
use crate::domain::decision::call_size::CallSize;
use crate::domain::decision::estimate::Estimate;
use crate::domain::decision::input::SettleInput;
use crate::domain::decision::journal::ReservationState;
use crate::domain::decision::report::Report;
use crate::domain::price::prices::PriceFound;
use crate::domain::values::money::Money;
use crate::error::{Error, Result};
use crate::ledger::FoundReservation;
use crate::service::Services;

/// Fills in what a call will take, where its gateway says how large it is and no more; answers what that is.
pub fn estimate(
    services: &Services,
    call: &mut Call,
    size: CallSize,
    assumed_output: u32,
) -> Option<Estimate> {
    let said = &mut call.particulars;
    let is_whole = said.estimated_tokens.is_some() && said.estimated_cost.is_some();
    if is_whole || !size.is_given() {
        return None;
    }
    let named = (call.provider.as_deref(), &*call.model);
    let prices = services.prices.now();
    let assumed = (assumed_output, services.clock.now());
    let estimate = Estimate::new(size, named, said, &prices, assumed);
    estimate.fill_in(said);
    Some(estimate)
}

/// What a call without a reservation is charged.
///
/// # Errors
/// [`Error::Invalid`] when it was not sent what it cost and nobody knows.
pub fn of_usage(services: &Services, report: &Report, call: &Call) -> Result<PricedUse> {
    let provider = call.provider.as_deref().unwrap_or_default();
    price(
        services,
        report,
        (provider, &call.model),
        services.clock.now(),
    )
}

/// What a reservation is charged: by the prices of when it was made. One that was settled with as many tokens cost what it did then.
///
/// # Errors
/// As [`of_usage`].
pub fn of_reservation(
    services: &Services,
    input: &SettleInput,
    found: &FoundReservation,
) -> Result<PricedUse> {
    let (record, report) = (&found.record, &input.report);
    let provider = input.provider.as_deref().unwrap_or(&record.provider);
    let model = input.model.as_deref().unwrap_or(&record.model);
    let at = Timestamp::from_millisecond(record.created_at);
    let at = at.unwrap_or_else(|_| services.clock.now());
    let priced = price(services, report, (provider, model), at);
    let settled = found
        .end
        .filter(|end| end.state == ReservationState::Settled)
        .and_then(|end| end.settled);
    let Some(before) = settled.map(|charge| (charge.tokens, Money::nearest(charge.cost))) else {
        return priced;
    };
    let spent = report.spent(before.1);
    if report.cost.is_some() || spent.tokens != before.0 {
        return priced;
    }
    Ok(PricedUse {
        spent,
        priced_by: record.particulars.priced_by().cloned(),
    })
}

fn price(
    services: &Services,
    report: &Report,
    (provider, model): (&str, &str),
    at: Timestamp,
) -> Result<PricedUse> {
    let usage = match (report.cost, &report.usage) {
        (None, Some(usage)) => usage,
        (cost, _) => {
            return Ok(report.spent(cost.unwrap_or(Money::ZERO)).into());
        }
    };
    let prices = services.prices.now();
    let (cost, priced_by) = match prices.price(provider, model, at) {
        PriceFound::Known(known) => (known.price.cost(usage), Some(known.origin.name())),
        PriceFound::TokensOnly => (Money::ZERO, None),
        PriceFound::Unknown => return Err(cost_is_unknown(provider, model)),
    };
    Ok(PricedUse {
        spent: report.spent(cost),
        priced_by,
    })
}

fn cost_is_unknown(provider: &str, model: &str) -> Error {
    let sentence = format_args!(
        "is required, because no price is known for the model {model:?} of the provider {provider:?}"
    );
    Violation::alone(&Path::root().field("cost"), "price_unknown", sentence)
}
