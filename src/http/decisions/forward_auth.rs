//! Forward-auth: a proxy (nginx `auth_request`, Caddy and Traefik forward auth, Envoy `ext_authz`) asks about every request before
//! it passes it on.
//!
//! Nothing is read but headers. A request that is let in counts as one; what it really costs is reported to `POST /v1/usage`.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};

use super::holder::MaybeHolder;
use super::limits;
use super::refusal::status_of;
use super::refuse;
use crate::domain::body::input::MAX_NAME;
use crate::domain::body::violation::{Path, Violations};
use crate::domain::credential::may_hold_token;
use crate::domain::decision::input::NO_CREDENTIAL;
use crate::domain::decision::{Admitted, Call, Particulars, Party, Presented};
use crate::domain::limits::limit::LimitKind;
use crate::domain::models::model_name;
use crate::domain::values::unseen::is_unseen;
use crate::error::Result;
use crate::http::core::answer::Answer;
use crate::http::core::problem::Problem;
use crate::http::core::request::Request;

const PROVIDER: HeaderName = HeaderName::from_static("x-provider");
const MODEL: HeaderName = HeaderName::from_static("x-model");
/// Where a proxy asks; what it appends to the path is not looked at.
pub const PATH: &str = "/v1/forward-auth";
/// The query parameter that makes every refusal a 403.
pub const REFUSE_WITH: &str = "refuse_with";

/// `ANY /v1/forward-auth`; other query parameters are those of the request that the proxy holds.
///
/// # Errors
/// 400 without a model; 401, 402, 403 or 429 when the decision is a refusal; 403 for all of them with `refuse_with=403`.
pub async fn decide(holder: MaybeHolder, request: Request) -> Answer {
    let only_403 = request.query_alone(REFUSE_WITH, |query| query.one_of(REFUSE_WITH, &["403"]))?;
    answer(holder, &request, only_403.is_some()).await
}

/// `ANY /v1/forward-auth/{…}`: the same for a proxy that appends the path and query of the request it asks about.
///
/// # Errors
/// As [`decide`].
pub async fn decide_below(holder: MaybeHolder, request: Request) -> Answer {
    answer(holder, &request, false).await
}

async fn answer(holder: MaybeHolder, request: &Request, only_403: bool) -> Answer {
    match admit(holder, request).await {
        Ok(admitted) => Ok(let_in(request, &admitted)),
        Err(problem) => Err(explained(problem, only_403)),
    }
}

async fn admit(holder: MaybeHolder, request: &Request) -> std::result::Result<Admitted, Problem> {
    let holder = holder.0?;
    let call = read_call(request, holder.key)?;
    let admitted = request.state().services.ledger.admit(call).await?;
    admitted.map_err(|refusal| match status_of(refusal.kind) {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => holder.refuse(refusal),
        _ => refuse(request, refusal),
    })
}

/// What the headers say about the call.
fn read_call(request: &Request, key: Presented) -> Result<Call> {
    let violations = Violations::default();
    let name = |header: &HeaderName| read_name(request, header, &violations);
    let (provider, model) = (name(&PROVIDER), name(&MODEL));
    if request.header_values(&MODEL).all(HeaderValue::is_empty) {
        let path = Path::root().field(MODEL.as_str().to_owned());
        violations.add(&path, "required", "is required: the header names the model");
    }
    let model = violations.finish(Some(model))?.unwrap_or_default();
    Ok(Call {
        key,
        provider,
        model: model.into(),
        particulars: Particulars::default(),
        offers: None,
        requests: 1,
        request: None,
        owner: Party::VirtualKey,
    })
}

/// The name in a header, noting what is wrong with it; `None` when it is missing or empty.
fn read_name(request: &Request, header: &HeaderName, violations: &Violations) -> Option<String> {
    let path = Path::root().field(header.as_str().to_owned());
    let mut values = request.header_values(header);
    let value = values.next()?;
    if values.next().is_some() {
        let sentence =
            "must be sent once: whoever serves the call may take another one than is decided on";
        violations.add(&path, "duplicate_header", sentence);
    }
    let text = std::str::from_utf8(value.as_bytes()).ok().map(str::trim);
    let unfit = |character: char| character.is_control() || is_unseen(character);
    let Some(text) = text.filter(|text| !text.contains(unfit)) else {
        violations.add(
            &path,
            "invalid_character",
            "must be UTF-8 without control characters and others that can't be seen",
        );
        return None;
    };
    if text.chars().count() > MAX_NAME {
        let sentence = format_args!("must have at most {MAX_NAME} characters");
        violations.add(&path, "too_long", sentence);
    }
    if let Some(sentence) = model_name::refuse(text).filter(|_| *header == MODEL) {
        violations.add(&path, "invalid_character", sentence);
    }
    if may_hold_token(text) {
        violations.add(&path, "credential_here", NO_CREDENTIAL);
    }
    (!text.is_empty()).then(|| text.to_owned())
}

/// 200 with headers that a proxy can pass on: who calls, under which profile, and the least that is left of each kind of limit.
fn let_in(request: &Request, admitted: &Admitted) -> HttpResponse {
    let mut response = HttpResponse::Ok().finish();
    let mut put = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response
                .headers_mut()
                .insert(HeaderName::from_static(name), value);
        }
    };
    put("x-tollkeeper-user", &admitted.user_id.to_string());
    put(
        "x-tollkeeper-access-profile",
        &admitted.access_profile_id.to_string(),
    );
    put("x-tollkeeper-provider", &admitted.provider);
    for (kind, name) in [
        (LimitKind::Budget, "x-tollkeeper-budget-remaining"),
        (LimitKind::Tokens, "x-tollkeeper-tokens-remaining"),
        (LimitKind::Requests, "x-tollkeeper-requests-remaining"),
    ] {
        let of_kind = admitted.limits.iter().filter(|limit| limit.kind == kind);
        if let Some(least) = of_kind
            .map(crate::domain::decision::LimitState::remaining)
            .min()
        {
            put(name, &limits::amount(kind, least));
        }
    }
    if request.state().rate_limit_headers {
        let now = request.services().clock.now();
        limits::add_headers(&mut response, &admitted.limits, now.as_millisecond());
    }
    response
}

/// A refusal whose reason stands in headers too: a proxy may pass them on where it drops the body.
fn explained(problem: Problem, only_403: bool) -> Problem {
    let (code, message) = problem.reason();
    let status = problem.status().as_u16();
    // Printable, and without what would end a JSON string that a proxy puts it into.
    let plain: String = message
        .chars()
        .map(|c| match c {
            '"' | '\\' => '\'',
            ' ' | '!'..='~' => c,
            _ => '?',
        })
        .collect();
    let headers = [
        ("x-tollkeeper-refusal", code.to_owned()),
        ("x-tollkeeper-message", plain),
        ("x-tollkeeper-status", status.to_string()),
    ];
    let problem =
        headers.into_iter().fold(
            problem,
            |problem, (name, value)| match HeaderValue::from_str(&value) {
                Ok(value) => problem.with_header(HeaderName::from_static(name), value),
                Err(_) => problem,
            },
        );
    if only_403 {
        problem.with_status(StatusCode::FORBIDDEN)
    } else {
        problem
    }
}
