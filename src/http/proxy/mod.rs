//! The proxy's paths: those of the providers' own APIs, with a virtual key in the place of the provider's.
//!
//! A call is read, decided on, sent and charged by `gateway`; here its parts are taken out of the request, and its answer is put together.

pub mod answers;
pub mod asked;
pub mod call_body;
pub mod holding;
mod models;
pub mod not_carried;
mod sending;

use std::borrow::Cow;
use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::ConnectionType;
use actix_web::web::Bytes;

use self::asked::{Asked, ProxyPath};
use self::call_body::{body_of, is_small, read_call};
use self::holding::reserve;
use self::not_carried::{NotCarried, decided};
use self::sending::{outgoing, send, unmetered};
use crate::domain::decision::{Call, Offer, Particulars, Party};
use crate::domain::values::letter_case::fold;
use crate::error::Error;
use crate::gateway::meter::dialect::Endpoint;
use crate::gateway::meter::fault::{KEPT_FILE, RequestFault};
use crate::gateway::meter::metered_request::MeteredRequest;
use crate::gateway::proxy::carry::Carried;
use crate::gateway::proxy::quote::{NoQuote, WantedCall};
use crate::gateway::proxy::upstreams::Upstreams;
use crate::gateway::refusal::CallFault;
use crate::gateway::upstream::Upstream;
use crate::http::core::answer::Answer;
use crate::http::core::problem::Problem;
use crate::http::core::request::Request;
use crate::http::decisions::holder::{CallHolder, KeyHolder};
use crate::ledger::Ender;

/// A path of a provider's API, where the model says which upstream carries the call.
///
/// # Errors
/// None of ours: what is refused looks as the provider's own refusal.
pub async fn call(holder: CallHolder, request: Request) -> Answer {
    let path = request.path().to_owned();
    Ok(answer(holder, &request, ProxyPath::of_dialect(&path)).await)
}

/// The same below the name of an upstream.
///
/// # Errors
/// 404 for what is no upstream.
pub async fn call_upstream(holder: CallHolder, request: Request) -> Answer {
    let name = request.segment("upstream");
    let upstreams = request.state().proxy.upstreams();
    let Some(upstream) = upstreams.find(&name) else {
        return Err(Problem::no_route(request.path()));
    };
    let below = request.path().get(name.len() + 1..).unwrap_or_default();
    let path = ProxyPath::of_upstream(below.to_owned(), Arc::clone(upstream));
    Ok(answer(holder, &request, path).await)
}

/// The refusal of a client that wants to make calls over a WebSocket, after which it makes them as requests. It is the same whoever asks.
pub fn no_websocket(request: &Request) -> HttpResponse {
    let path = ProxyPath::of_dialect(request.path());
    let asked = Asked::new(request, &path);
    answers::fault(request, &asked, &CallFault::Upgrade)
}

async fn answer(holder: CallHolder, request: &Request, path: ProxyPath) -> HttpResponse {
    let asked = Asked::new(request, &path);
    let is_post = request.method() == "POST";
    if request.wants_websocket() && !is_post && path.endpoint("POST").is_some() {
        return answers::fault(request, &asked, &CallFault::Upgrade);
    }
    let outcome = match holder.0 {
        Ok(holder) => carry(&holder, request, &path, &asked).await,
        Err(problem) => Err(NotCarried::Problem(problem)),
    };
    let mut answer = outcome.unwrap_or_else(|why| why.answer(request, &asked));
    if request.is_before_http_1_1() {
        // A body whose length nobody knows ends with its connection.
        let head = answer.head_mut();
        head.no_chunking(true);
        head.set_connection_type(ConnectionType::Close);
    }
    answer
}

async fn carry(
    holder: &KeyHolder,
    request: &Request,
    path: &ProxyPath,
    asked: &Asked,
) -> Result<HttpResponse, NotCarried> {
    let Some(endpoint) = path.endpoint(request.method()) else {
        return unmetered(holder, request, path).await;
    };
    if matches!(endpoint, Endpoint::ListModels | Endpoint::GetModel) {
        return models::answer(holder, request, asked, (path.upstream(), path.model())).await;
    }
    let state = request.state();
    if !is_small(request) {
        let known = state.services.ledger.who(holder.key).await?;
        known.map_err(|refusal| decided(holder, refusal))?;
    }
    let (body, room) = body_of(request).await?;
    let metered = read_call(request, (endpoint, path.model()), &body).await?;
    asked.note_model(&metered.model);
    let upstreams = state.proxy.upstreams();
    let (named, model) = resolve(&upstreams, path, &metered);
    let prices = state.services.prices.now();
    let now = state.services.clock.now();
    let wanted = WantedCall {
        endpoint,
        request: &metered,
        body_bytes: i64::try_from(body.len()).unwrap_or(i64::MAX),
        named,
        upstreams: &upstreams,
    };
    let mut call = Call {
        key: holder.key,
        provider: None,
        model: model.into(),
        particulars: Particulars::default(),
        offers: None,
        requests: 1,
        request: None,
        owner: Party::Proxy,
    };
    let quotes = match state.proxy.quotes(&wanted, &prices, now) {
        Ok(quotes) => quotes,
        Err(NoQuote::NoUpstream) => return Err(NotCarried::Fault(CallFault::NoUpstream)),
        Err(NoQuote::KeptFile) => {
            return Err(RequestFault::at("file_id", KEPT_FILE).into());
        }
        Err(NoQuote::NoPrice(why)) => {
            // Who may not use the model is told that first.
            let found = state.services.ledger.carrier(call).await?;
            found.map_err(|refusal| decided(holder, refusal))?;
            return Err(NotCarried::Fault(CallFault::NoPrice(why)));
        }
    };
    let offers: Arc<[Offer]> = quotes.iter().map(|quote| quote.offer.clone()).collect();
    call.offers = Some(offers);
    let (provider_key, reservation) = if endpoint.is_free() {
        let found = state.services.ledger.carrier(call).await?;
        (found.map_err(|refusal| decided(holder, refusal))?, None)
    } else {
        let granted = reserve(request.services(), call, Ender::proxy()).await?;
        let granted = granted.map_err(|refusal| decided(holder, refusal))?;
        (fold(&granted.provider).into(), Some(granted.reservation))
    };
    let quote = quotes
        .into_iter()
        .find(|quote| *quote.offer.provider_key == *provider_key);
    let Some(quote) = quote else {
        return Err(
            Error::internal("carrying a call", "its provider is none that was asked").into(),
        );
    };
    let asks_for_usage = metered.stream && endpoint.tells_usage_when_asked();
    let sent_model = (quote.model != metered.model).then_some(quote.model.as_str());
    let sent = metered.body_to_send(&body, sent_model, asks_for_usage);
    let sent = match sent {
        Cow::Borrowed(_) => body.clone(),
        Cow::Owned(changed) => Bytes::from(changed),
    };
    let prepared = outgoing(request, path, &quote, sent)
        .and_then(|outgoing| Ok((outgoing, request.upstream_client(&quote.upstream)?)));
    let (outgoing, client) = match prepared {
        Ok(prepared) => prepared,
        Err(why) => {
            if let Some(id) = reservation {
                state.services.ledger.cancel(id, Ender::proxy()).await?;
            }
            return Err(why);
        }
    };
    let carried = Carried {
        services: request.services(),
        endpoint,
        quote,
        reservation,
        request: outgoing,
        strips_usage: metered.strips_usage(asks_for_usage),
        read_on: state.proxy.settings.read_on,
        room,
    };
    send(carried, client).await
}

/// The upstream that a call names, by its path or before its model, and the model as it is decided on.
fn resolve<'u>(
    upstreams: &'u Upstreams,
    path: &'u ProxyPath,
    metered: &MeteredRequest,
) -> (Option<&'u Arc<Upstream>>, String) {
    let named = path.upstream();
    let Some((prefix, rest)) = metered.model.split_once('/') else {
        return (named, metered.model.clone());
    };
    let found = upstreams.find(&fold(prefix)).filter(|upstream| {
        !rest.is_empty()
            && named.is_none_or(|named| named.settings.name == upstream.settings.name)
            && *upstream.provider_key != *upstream.settings.name
    });
    match found {
        // The path has what it was found by.
        Some(upstream) => (named.or(Some(upstream)), rest.to_owned()),
        None => (named, metered.model.clone()),
    }
}
