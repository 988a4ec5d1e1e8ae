//! Handlers of reservations and charges: what a gateway asks before a call and reports after it.

pub mod explain;
pub mod explanation_views;
pub mod holder;
pub mod limits;
pub mod near_limits;
pub mod quota;
pub mod quota_of_key;
pub mod refusal;
pub mod replay;
pub mod usage;
pub mod views;

use std::fmt::Write;
use std::time::Duration;

use self::holder::KeyHolder;
use self::limits::{write_limits, write_number, write_text, write_time};
use self::refusal::{no_key, refuse, refuse_call, unpriced};
use self::replay::{Decided, WhenFull};
use self::views::ReservationView;
use crate::domain::api_key::permission::{Operation, Permission, Resource};
use crate::domain::body::input::MAX_NAME;
use crate::domain::credential::may_hold_token;
use crate::domain::decision::amounts::PricedUse;
use crate::domain::decision::call_size::CallSize;
use crate::domain::decision::estimate::EstimatedCost;
use crate::domain::decision::input::{CALL, EXTENSION, NO_CREDENTIAL, NoKey, SETTLEMENT, USAGE};
use crate::domain::decision::{
    Call, Granted, LimitState, OutsidePolicy, Party, ReservationId, Settled,
};
use crate::domain::list::{Listed, Query};
use crate::domain::values::money::write_dollars;
use crate::error::{Error, Result};
use crate::http::core::answer::{Answer, ok, ok_json};
use crate::http::core::guard::{Caller, Create, CreateOrUpdate, Decisions, View};
use crate::http::core::list::List;
use crate::http::core::problem::Problem;
use crate::http::core::request::Request;
use crate::ledger::{Ender, Extension, OpenQuery, Pending};
use crate::service::decisions::pricing;

/// Where the virtual key of a body stands.
pub const KEY_FIELD: &str = "virtual_key";

/// What it takes to list the reservations of others.
const VIEW: Permission = Permission {
    resource: Resource::Decisions,
    operation: Operation::View,
};
/// What it takes to settle, extend and cancel them.
const UPDATE: Permission = Permission {
    operation: Operation::Update,
    ..VIEW
};

/// `POST /v1/reservations`
///
/// # Errors
/// 400 with every violation; 401, 402, 403 or 429 when the decision is a refusal; 422.
pub async fn reserve(caller: Caller<Create, Decisions>, request: Request) -> Answer {
    let (input, hash) = request.decision(&CALL).await?;
    let work = async |once: Option<&_>| {
        let size = input.size;
        let mut asked = input.into_call().map_err(refuse_key)?;
        estimate(&request, &mut asked, size).await?;
        let own = asked.request.is_some();
        asked.owner = Party::ApiKey(caller.key_id());
        asked.request = asked.request.or_else(|| once.map(replay::request_id));
        let key = asked.key;
        let granted = request.state().services.ledger.reserve(asked).await;
        let granted = granted.map_err(|error| match error {
            Error::RequestIdReused if !own => Error::IdempotencyKeyReused,
            other => other,
        })?;
        let granted = granted.map_err(|refusal| refuse_call(&request, &key, refusal))?;
        let status = if granted.repeated { 200 } else { 201 };
        Ok(shown(status, granted))
    };
    let actor = || caller.actor(&request);
    replay::once(&request, hash, WhenFull::Refuse, actor, work).await
}

/// `POST /v1/reservations/{id}/settle`
///
/// # Errors
/// 400, 403 when it is not the caller's, 404, 409 when it was settled with other numbers.
pub async fn settle(caller: Caller<CreateOrUpdate, Decisions>, request: Request) -> Answer {
    let (input, hash) = request.decision(&SETTLEMENT).await?;
    let id = reservation(&request)?;
    let work = async |_: Option<&_>| {
        let services = &request.state().services;
        let ledger = &services.ledger;
        let used: PricedUse = if let Some(cost) = input.report.cost {
            input.report.spent(cost).into()
        } else {
            let find = |by| ledger.reservation(id, by);
            let found = end(&caller, &request, find).await?;
            pricing::of_reservation(services, &input, &found)?
        };
        let settle = |by| ledger.settle(id, used.clone(), by);
        Ok(charged(200, end(&caller, &request, settle).await?))
    };
    let actor = || caller.actor(&request);
    replay::once(&request, hash, WhenFull::KeepNone, actor, work).await
}

/// `POST /v1/reservations/{id}/extend`
///
/// # Errors
/// 400, 403 when it is not the caller's, 404, 409 when it is not open; 402 or 429 when a limit has no room for more.
pub async fn extend(caller: Caller<CreateOrUpdate, Decisions>, request: Request) -> Answer {
    let (input, hash) = request.decision(&EXTENSION).await?;
    let id = reservation(&request)?;
    let to = Extension {
        estimated_tokens: input.estimated_tokens,
        estimated_cost: input.estimated_cost,
        ttl: input
            .ttl_seconds
            .map(|seconds| Duration::from_secs(seconds.unsigned_abs())),
    };
    let work = async |_: Option<&_>| {
        let ledger = &request.state().services.ledger;
        let granted = end(&caller, &request, |by| ledger.extend(id, to, by)).await?;
        let granted = granted.map_err(|refusal| refuse(&request, refusal))?;
        Ok(shown(200, granted))
    };
    let actor = || caller.actor(&request);
    replay::once(&request, hash, WhenFull::Refuse, actor, work).await
}

/// `DELETE /v1/reservations/{id}`
///
/// # Errors
/// 403 when it is not the caller's, 404, 409 when it was settled.
pub async fn cancel(caller: Caller<CreateOrUpdate, Decisions>, request: Request) -> Answer {
    let id = reservation(&request)?;
    let ledger = &request.state().services.ledger;
    end(&caller, &request, |by| ledger.cancel(id, by)).await?;
    let body = format!("{{\"reservation\":{{\"id\":\"{id}\",\"status\":\"cancelled\"}}}}");
    Ok(ok_json(body))
}

/// `GET /v1/reservations`
pub async fn list(caller: Caller<View, Decisions>, request: Request) -> Answer {
    let (user_id, page) = request.query(|query| (read_user(query), query.page()))?;
    // The guard lets in whoever makes reservations too; such a key sees its own.
    let sees_all = caller.permissions().holds(VIEW);
    let query = OpenQuery {
        user_id,
        own_of: (!sees_all).then(|| caller.key_id()),
        offset: usize::try_from(page.offset).unwrap_or_default(),
        limit: usize::try_from(page.limit).unwrap_or_default(),
    };
    let open = request
        .slow(move |services| services.ledger.open_reservations(query))
        .await?;
    let open = Listed {
        items: open.reservations,
        total_count: i64::try_from(open.total).unwrap_or(i64::MAX),
    };
    ok(&List::of(open, page, ReservationView::of))
}

/// `POST /v1/usage`
///
/// # Errors
/// 400 with every violation; 401 for a key that never was; 422.
pub async fn charge(caller: Caller<Create, Decisions>, request: Request) -> Answer {
    let (input, hash) = request.decision(&USAGE).await?;
    let work = async |_: Option<&_>| {
        let (mut asked, report) = input.into_call().map_err(refuse_key)?;
        asked.owner = Party::ApiKey(caller.key_id());
        let services = &request.state().services;
        let used = pricing::of_usage(services, &report, &asked)?;
        let key = asked.key;
        let settled = services.ledger.charge(asked, used).await?;
        let settled = settled.map_err(|refusal| refuse_call(&request, &key, refusal))?;
        let status = if settled.repeated { 200 } else { 201 };
        Ok(charged(status, settled))
    };
    let actor = || caller.actor(&request);
    replay::once(&request, hash, WhenFull::KeepNone, actor, work).await
}

/// `GET /v1/mcp/tools`
///
/// # Errors
/// 400 without `mcp_server`; 401 or 403 when the key does not work.
pub async fn mcp_tools(holder: KeyHolder, request: Request) -> Answer {
    let server = request.query(|query| {
        let server = query.required_text("mcp_server", MAX_NAME);
        if may_hold_token(&server) {
            query.refuse("mcp_server", "credential_here", NO_CREDENTIAL);
        }
        server
    })?;
    let ledger = &request.state().services.ledger;
    let granted = ledger.mcp_tools(holder.key, server.clone()).await?;
    let granted = granted.map_err(|refusal| holder.refuse(refusal))?;
    ok(&self::views::McpTools {
        mcp_server: server,
        all_tools: granted.all_tools,
        tools: granted.tools,
        excluded_tools: granted.excluded_tools,
    })
}

/// Fills in the estimates that a gateway leaves to us. Where nobody knows the price, a call that is refused anyhow is refused for that.
async fn estimate(
    request: &Request,
    call: &mut Call,
    size: CallSize,
) -> std::result::Result<(), Problem> {
    let state = request.state();
    let assumed = state.proxy.settings.assumed_output;
    let estimate = pricing::estimate(&state.services, call, size, assumed);
    let Some(EstimatedCost::Refused(sentence)) = estimate.map(|estimate| estimate.cost) else {
        return Ok(());
    };
    let carrier = state.services.ledger.carrier(call.clone()).await?;
    Err(carrier.map_or_else(|refusal| refuse(request, refusal), |_| unpriced(sentence)))
}

/// Has a key end or extend a reservation of its own; or one of another's, if it may end those.
async fn end<T>(
    caller: &Caller<CreateOrUpdate, Decisions>,
    request: &Request,
    ask: impl Fn(Ender) -> Pending<T>,
) -> Result<T> {
    let own = Ender::own(caller.key_id());
    match ask(own.clone()).await {
        Err(Error::Forbidden { .. }) if caller.permissions().holds(UPDATE) => {
            let for_others = Some(Box::new(caller.actor(request)));
            ask(Ender { for_others, ..own }).await
        }
        answer => answer,
    }
}

/// The id of a user in the query. On the wire it is a decimal number in a string; the query has only strings.
pub(super) fn read_user(query: &Query) -> Option<i64> {
    query.integer("user_id", 1, i64::MAX)
}

/// The reservation that the path names. A text that is no id names none.
fn reservation(request: &Request) -> Result<ReservationId> {
    let text = request.segment("reservation");
    ReservationId::parse(&text).ok_or_else(|| {
        let shown: String = text.chars().take(40).collect();
        Error::not_found("reservation", shown)
    })
}

/// The refusal of a body without a key.
pub(super) fn refuse_key(why: NoKey) -> Problem {
    no_key(why, KEY_FIELD).into()
}

fn shown(status: u16, granted: Granted) -> Decided {
    // Long enough for three limits, so that it is not moved while it grows.
    let mut body = String::with_capacity(1_024);
    // A string takes whatever is written.
    let _ = write!(
        body,
        "{{\"reservation\":{{\"id\":\"{}\",\"expires_at\":",
        granted.reservation
    );
    write_time(&mut body, granted.expires_at_ms);
    write_standing(
        &mut body,
        granted.access_profile_id,
        granted.user_id,
        &granted.provider,
        &granted.limits,
    );
    body.push('}');
    Decided::new(status, body, granted.limits)
}

fn charged(status: u16, settled: Settled) -> Decided {
    let mut body = String::with_capacity(1_024);
    let _ = write!(
        body,
        "{{\"reservation\":{{\"id\":\"{}\",\"status\":\"settled\",\"tokens\":{},\"cost\":",
        settled.reservation, settled.tokens
    );
    let _ = write_dollars(&mut body, settled.cost.nanodollars());
    if let Some(who) = &settled.priced_by {
        body.push_str(",\"priced_by\":");
        write_text(&mut body, who);
    }
    write_standing(
        &mut body,
        settled.access_profile_id,
        settled.user_id,
        &settled.provider,
        &settled.limits,
    );
    if let Some(outside) = &settled.outside_policy {
        body.push_str(",\"outside_policy\":");
        write_outside(&mut body, outside);
    }
    body.push('}');
    Decided::new(status, body, settled.limits)
}

/// Ends the object of the reservation, and writes whose it is and what is left; the object around it stays open.
fn write_standing(
    out: &mut String,
    access_profile_id: i64,
    user_id: i64,
    provider: &str,
    limits: &[LimitState],
) {
    out.push_str("},\"access_profile_id\":");
    write_number(out, access_profile_id);
    out.push_str(",\"user_id\":\"");
    write_number(out, user_id);
    out.push_str("\",\"provider\":");
    write_text(out, provider);
    out.push_str(",\"limits\":");
    write_limits(out, limits);
}

/// What would have refused a call, as the `error` of that refusal would say it.
fn write_outside(out: &mut String, outside: &OutsidePolicy) {
    let code = outside.kind.code();
    // A string takes whatever is written.
    let _ = write!(
        out,
        "{{\"type\":\"{code}\",\"code\":\"{code}\",\"message\":"
    );
    write_text(out, &outside.message);
    out.push('}');
}
