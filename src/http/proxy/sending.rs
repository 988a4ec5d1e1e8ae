//! Sending what a call becomes, and the paths of which nobody knows what they cost.

use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderValue};

use super::answers::{begun, no_answer};
use super::asked::{ProxyPath, query_to_send};
use super::call_body::body_of;
use super::not_carried::{NotCarried, decided};
use crate::domain::credential::bytes_hold_token;
use crate::domain::decision::{Refusal, RefusalKind};
use crate::gateway::client::UpstreamClient;
use crate::gateway::meter::dialect::Endpoint;
use crate::gateway::meter::fault::RequestFault;
use crate::gateway::proxy::carry::Carried;
use crate::gateway::proxy::headers::to_upstream;
use crate::gateway::proxy::quote::Quote;
use crate::gateway::refusal::CallFault;
use crate::http::core::request::Request;
use crate::http::decisions::holder::KeyHolder;

/// What a path costs that is not metered nobody sees: only what the operator lists passes.
pub async fn unmetered(
    holder: &KeyHolder,
    request: &Request,
    path: &ProxyPath,
) -> Result<HttpResponse, NotCarried> {
    let unknown = || NotCarried::Fault(CallFault::UnknownPath);
    let upstream = path.upstream().ok_or_else(unknown)?;
    let state = request.state();
    let listed = upstream.settings.unmetered_paths.iter();
    if !path.is_plain() || !listed.clone().any(|prefix| path.begins_with(prefix)) {
        return Err(unknown());
    }
    let rules = state.services.ledger.rules(holder.key).await?;
    let rules = rules.map_err(|refusal| decided(holder, refusal))?;
    if rules
        .iter()
        .all(|rules| rules.line(&upstream.provider_key).is_none())
    {
        let kind = RefusalKind::ProviderBlocked;
        let refusal = Refusal::new(kind, "no profile allows the provider");
        return Err(NotCarried::Decision(Box::new(refusal)));
    }
    let (body, room) = body_of(request).await?;
    if bytes_hold_token(&body) {
        let sentence = "holds a Tollkeeper key, which must not reach a provider";
        return Err(RequestFault::of_body(sentence).into());
    }
    let quote = Quote::unmetered(Arc::clone(upstream));
    let outgoing = outgoing(request, path, &quote, body)?;
    let client = request.upstream_client(upstream)?;
    let carried = Carried {
        services: request.services(),
        endpoint: Endpoint::ListModels,
        quote,
        reservation: None,
        request: outgoing,
        strips_usage: false,
        read_on: Duration::ZERO,
        room,
    };
    send(carried, client).await
}

/// Sends a call; answers once its answer begins.
pub async fn send(carried: Carried, client: UpstreamClient) -> Result<HttpResponse, NotCarried> {
    let (reservation, upstream) = (carried.reservation, Arc::clone(&carried.quote.upstream));
    match carried.start(client).await {
        Ok(Ok(answer)) => Ok(begun(answer, reservation)),
        Ok(Err(why)) => {
            let why = no_answer(why, &upstream.settings.name);
            Err(NotCarried::Fault(why))
        }
        Err(_) => Err(NotCarried::Fault(CallFault::Internal)),
    }
}

/// The call as its upstream gets it.
pub fn outgoing(
    request: &Request,
    path: &ProxyPath,
    quote: &Quote,
    body: Bytes,
) -> Result<hyper::Request<Full<Bytes>>, NotCarried> {
    let query = query_to_send(request.query_string());
    let target = path.for_upstream(&quote.model);
    let uri = quote.upstream.uri(&target, query.as_deref());
    let uri = uri.ok_or(NotCarried::Fault(CallFault::UnknownPath))?;
    let headers = request.all_headers();
    let sent = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()));
    let mut outgoing = hyper::Request::new(Full::new(body));
    *outgoing.method_mut() = hyper::Method::from_bytes(request.method().as_bytes())
        .map_err(|_| NotCarried::Fault(CallFault::WrongMethod))?;
    *outgoing.uri_mut() = uri;
    *outgoing.headers_mut() = to_upstream(sent, &quote.upstream);
    // Some clients don't say what they send; a provider may mind.
    let json = HeaderValue::from_static("application/json");
    if !outgoing.headers().contains_key(CONTENT_TYPE) && request.method() == "POST" {
        outgoing.headers_mut().insert(CONTENT_TYPE, json);
    }
    Ok(outgoing)
}
