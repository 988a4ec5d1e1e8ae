//! Forward-auth: a gateway (nginx `auth_request`, Caddy and Traefik forward auth, Envoy `ext_authz`) asks about every request before
//! it passes it on.
//!
//! What is asked is told by the original request's path and body, where the gateway shows them, and by headers. Nothing that a client can
//! set lets in more than its body and path would: they can only be refused for it.

mod answers;
mod asked_call;
mod faults;
mod hold;
mod instructions;
mod named_call;
mod original_request;
mod shown_body;

use actix_web::HttpResponse;
use actix_web::http::header;

use self::answers::{LetIn, passes, refused, refused_in_dialect};
use self::asked_call::Surroundings;
use self::hold::hold;
use self::instructions::Instructions;
use self::named_call::NamedCall;
use self::original_request::OriginalRequest;
use crate::domain::decision::{Call, Particulars, Party, Refusal, RefusalKind};
use crate::http::core::answer::Answer;
use crate::http::core::request::Request;
use crate::http::decisions::holder::MaybeHolder;
use crate::http::proxy::asked::{Asked, ProxyPath};
use crate::http::proxy::not_carried::{NotCarried, decided};

/// Where a gateway asks.
pub const PATH: &str = "/v1/forward-auth";

/// `ANY /v1/forward-auth`; the query is the gateway's own, and what it does not know in it may be the client's.
///
/// # Errors
/// 400 for what can't be decided on; 401, 402, 403 or 429 when the decision is a refusal; 403 for all of them with `refuse_with=403`.
pub async fn decide(holder: MaybeHolder, request: Request) -> Answer {
    let instructions = Instructions::of_query(&request)?;
    let outcome = match OriginalRequest::of_headers(&request, instructions.tells_path) {
        Ok(original) => answer(&holder, &request, original.as_ref(), instructions).await,
        Err(error) => Err(error.into()),
    };
    outcome.map_err(|why| refused(&request, why, instructions.refuse_with))
}

/// `ANY /v1/forward-auth/{…}`: the same for a gateway that appends the path and query of its client's request. What is refused looks as the
/// refusal of the provider whose path that is.
///
/// # Errors
/// None of ours.
pub async fn decide_below(holder: MaybeHolder, request: Request) -> Answer {
    let original = OriginalRequest::appended(&request, PATH);
    let outcome = match Instructions::of_headers(&request) {
        Ok(instructions) => answer(&holder, &request, Some(&original), instructions).await,
        Err(error) => Err(error.into()),
    };
    Ok(outcome.unwrap_or_else(|why| {
        let asked = Asked::new(&request, &ProxyPath::of_dialect(original.path()));
        refused_in_dialect(&request, &asked, why)
    }))
}

async fn answer(
    holder: &MaybeHolder,
    request: &Request,
    original: Option<&OriginalRequest<'_>>,
    instructions: Instructions,
) -> Result<HttpResponse, NotCarried> {
    if is_preflight(request) {
        return Ok(HttpResponse::Ok().finish());
    }
    let holder = holder.known().map_err(NotCarried::Problem)?;
    let named = NamedCall::read(request)?;
    if let Some(original) = original {
        original.refuse_keys()?;
    }
    let body = shown_body::read(request, &holder, original).await?;
    let state = request.state();
    let (ledger, prices) = (&state.services.ledger, state.services.prices.now());
    let around = Surroundings {
        original,
        instructions,
        prices: &prices,
        now: state.services.clock.now(),
    };
    let Some(asked) = around.call(&named, body)? else {
        let known = ledger.who(holder.key).await?;
        return match known {
            Ok(known) if known.holds_any => Ok(passes(known.user_id)),
            Ok(_) => Err(decided(&holder, nothing_in_force())),
            Err(refusal) => Err(decided(&holder, refusal)),
        };
    };
    let call = Call {
        key: holder.key,
        provider: named.provider,
        model: asked.model.into(),
        particulars: Particulars::default(),
        offers: None,
        requests: 1,
        request: None,
        owner: Party::VirtualKey,
    };
    if asked.is_free {
        let found = ledger.carrier(call).await?;
        found.map_err(|refusal| decided(&holder, refusal))?;
        let known = ledger.who(holder.key).await?;
        let known = known.map_err(|refusal| decided(&holder, refusal))?;
        return Ok(passes(known.user_id));
    }
    let let_in = if instructions.holds {
        LetIn::from(hold(request, &holder, call, &asked.measure).await?)
    } else {
        let admitted = ledger.admit(call).await?;
        LetIn::from(admitted.map_err(|refusal| decided(&holder, refusal))?)
    };
    Ok(let_in.answer(request))
}

/// The refusal of a key that works and gives nothing.
fn nothing_in_force() -> Refusal {
    let message = "no access profile of this virtual key's user is in force";
    Refusal::new(RefusalKind::AccessBlocked, message.to_owned())
}

/// Whether a browser asks for what it may send. Such a request never carries a key, nor anything that costs; its method is the one that
/// came to us, because a header that tells of another may be the client's.
fn is_preflight(request: &Request) -> bool {
    request.method() == "OPTIONS"
        && !request.has_body()
        && request
            .all_headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}
