//! Handlers of sign-in links: making the code that a link carries, and exchanging it for a key.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::HttpResponse;

use super::views::{SessionKey, SignInCode, SignedIn};
use crate::domain::body::{Body, BodySchema, ValueKind};
use crate::domain::credential::{Kind, Token};
use crate::error::Error;
use crate::http::core::answer::{Answer, ok, to_json};
use crate::http::core::authenticate::operator;
use crate::http::core::guard::{Anyone, Operator};
use crate::http::core::request::{Request, blocking};
use crate::service::sign_in::{self, SignsIn};

/// Under which id wrong codes are counted.
const CODES: &str = "sign-in";

/// Longest text that is looked at, in characters.
const MAX_TEXT: usize = 200;

/// What is sent of a sign-in link.
pub const SIGN_IN: Body<Token> =
    Body::new("SignInBody", "What is sent of a sign-in link.", |form| {
        form.required("code", code(), "What stands behind `#code=` in the link.")
    });

/// The address that opens the page signed in. What stands behind `#` is never sent by a browser.
pub fn link(page_url: &str, code: &Token) -> String {
    format!("{page_url}/#code={}", code.reveal())
}

/// `POST /api/sign-in-codes`
///
/// # Errors
/// 403 for every key, 409 when there is no page to sign in to.
pub async fn make_code(_: Operator, request: Request) -> Answer {
    request.no_fields().await?;
    let page_url = request.state().page_url.as_deref().ok_or_else(|| {
        Error::conflict(
            "no_page",
            "",
            "no server is running on this data directory, so there is no page to sign in to; start it with `tollkeeper serve`",
        )
    })?;
    let services = request.services();
    let now = services.clock.now();
    let (code, expires_at) = services.sign_in_codes.make(SignsIn::Operator, now)?;
    let made = SignInCode {
        link: link(page_url, &code),
        code: code.reveal().to_owned(),
        expires_at,
    };
    Ok(HttpResponse::Created()
        .content_type("application/json")
        .body(to_json(&made)?))
}

/// `POST /api/session`
///
/// # Errors
/// 400, 401 when the code is unknown, used or expired, 429.
pub async fn sign_in(_: Anyone, request: Request) -> Answer {
    let from = request
        .client()
        .unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let attempts = &request.state().attempts;
    attempts.check(from, Some(CODES))?;
    let code = request.small_json(&SIGN_IN).await?;
    let (services, operator) = (request.services(), operator(request.request_id()));
    let outcome = blocking(move || sign_in::redeem(&services, &code, operator)).await;
    attempts.note(from, CODES, &outcome);
    let (key, token) = outcome.map_err(|error| match error {
        Error::UnknownCredential => sign_in::refused(
            "sign_in_code_unknown",
            "is not known here: it may be of before the server was started anew, or of another server",
        ),
        other => other,
    })?;
    log::info!("a sign-in link was opened from {from}, as {:?}", key.name);
    ok(&SignedIn {
        api_key: SessionKey::of(&key),
        key: token.reveal().to_owned(),
    })
}

fn code() -> ValueKind<'static, Token> {
    let schema = || BodySchema::pattern("^tk_code_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}$");
    ValueKind::new(schema, |node| {
        let text = node.string(MAX_TEXT)?;
        match Token::parse(text.trim()) {
            Ok(code) if code.kind() == Kind::SignIn => Some(code),
            _ => node.refuse(
                "invalid_code",
                "is no sign-in code (tk_code_ and 62 more characters): the link is cut off or mistyped; copy it whole",
            ),
        }
    })
}
