//! Authenticating a management call (API.md §1): the bearer token and nothing else, or the control socket.

use std::future::{Future, Ready, ready};
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::{Arc, LazyLock};

use actix_web::HttpRequest;
use actix_web::http::header;
use futures_util::future::Either;

use super::attempts::Attempts;
use super::context::Context;
use super::problem::Problem;
use super::refused_calls;
use super::request::blocking;
use super::state::web_state;
use crate::domain::api_key::ApiKey;
use crate::domain::api_key::permission::PermissionSet;
use crate::domain::audit::Actor;
use crate::domain::credential::{Kind, NotAToken, Token};
use crate::error::{Error, Result};

/// What comes of looking at a credential: at once for one that is known, later for one that must be hashed first.
pub type Admission<T> = Either<Ready<Admitted<T>>, Pin<Box<dyn Future<Output = Admitted<T>>>>>;
type Admitted<T> = std::result::Result<T, Problem>;

/// Authenticates a request and lets `judge` decide what the key may do; the token is absent over the control socket.
pub fn admit<T: 'static>(
    request: &HttpRequest,
    judge: impl FnOnce(Arc<ApiKey>, Option<Token>) -> Result<T> + 'static,
) -> Admission<T> {
    let context = Context::of(request);
    let name_key = move |key: &ApiKey| {
        if let Some(context) = &context {
            // Set once a request, by its one guard.
            let _ = context.key_id.set(key.public_id.clone());
        }
    };
    let at_once = |outcome: Result<T>| Either::Left(ready(outcome.map_err(Problem::from)));
    let refuse = |from: IpAddr, id: &str, error: Error| {
        refused_calls::note(request, from, id, &error);
        Either::Left(ready(Err(error.into())))
    };
    if request.conn_data::<ControlSocket>().is_some() {
        name_key(&OPERATOR);
        return at_once(judge(Arc::clone(&OPERATOR), None));
    }
    let state = web_state(request);
    let from = state
        .proxies
        .client_of(request)
        .unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let token = match presented(request, &state.attempts, from) {
        Ok(token) => token,
        Err(error) => return refuse(from, refused_calls::NO_ID, error),
    };
    match state
        .services
        .keyring
        .recall(&token, state.services.clock.now())
    {
        Err(error) => {
            let again = state.attempts.dead(from, token.id()).err();
            refuse(from, token.id(), again.unwrap_or(error))
        }
        Ok(Some(key)) => {
            name_key(&key);
            at_once(judge(key, Some(token)))
        }
        Ok(None) => {
            let asked = request.clone();
            let refused =
                move |id: &str, error: &Error| refused_calls::note(&asked, from, id, error);
            Either::Right(Box::pin(async move {
                // Whoever guesses beside the holder of a right key does not slow it down.
                if let Err(error) = state.attempts.check(from, Some(token.id()))
                    && !state.services.keyring.is_probably_right(&token)
                {
                    refused(token.id(), &error);
                    return Err(error.into());
                }
                let (services, unknown) = (Arc::clone(&state.services), token.clone());
                let outcome = blocking(move || {
                    services
                        .keyring
                        .verify(&services.store, &unknown, services.clock.now())
                })
                .await;
                state.attempts.note(from, token.id(), &outcome);
                let key = outcome.inspect_err(|error| refused(token.id(), error))?;
                name_key(&key);
                Ok(judge(key, Some(token))?)
            }))
        }
    }
}

/// Marks a connection over the control socket: whoever can open that file owns the data directory.
pub struct ControlSocket;

/// Who acts over the control socket.
static OPERATOR: LazyLock<Arc<ApiKey>> = LazyLock::new(|| {
    Arc::new(ApiKey {
        id: 0,
        public_id: "cli".to_owned(),
        name: "operator".to_owned(),
        description: String::new(),
        permissions: PermissionSet::ALL,
        revision: 1,
        created_by: String::new(),
        created_at: jiff::Timestamp::UNIX_EPOCH,
        updated_at: jiff::Timestamp::UNIX_EPOCH,
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
        previous_expires_at: None,
    })
});

/// The same, as the audit log names them.
pub fn operator(request_id: String) -> Actor {
    Actor {
        id: OPERATOR.public_id.clone(),
        name: OPERATOR.name.clone(),
        request_id,
    }
}

const EXPECTED: &str = "send Authorization: Bearer <management API key> (tk_mgmt_…)";

/// Where credentials are sent that don't authenticate here.
const ELSEWHERE: [&str; 5] = [
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "x-bf-vk",
    "cookie",
];

/// The management token that a request presents.
fn presented(request: &HttpRequest, attempts: &Attempts, from: IpAddr) -> Result<Token> {
    let headers = request.headers();
    let mut given = headers.get_all(header::AUTHORIZATION);
    let authorization = match (given.next(), given.next()) {
        (Some(value), None) => value,
        (Some(_), Some(_)) => {
            return refuse(
                "authorization_ambiguous",
                "there are several Authorization headers",
            );
        }
        (None, _) => {
            let elsewhere = ELSEWHERE
                .into_iter()
                .find(|name| headers.contains_key(*name));
            let what = match elsewhere {
                Some(name) => format!("{name} does not authenticate here"),
                None if request.query_string().is_empty() => {
                    "there is no Authorization header".to_owned()
                }
                None => "there is no Authorization header, and query parameters never authenticate"
                    .to_owned(),
            };
            return refuse("authorization_missing", &what);
        }
    };
    let text = authorization.to_str().unwrap_or_default();
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return refuse(
            "authorization_scheme",
            "this authentication scheme is not supported",
        );
    }
    let why = match Token::parse(token.trim()) {
        Ok(token) if token.kind() == Kind::Management => return Ok(token),
        Ok(token) => {
            let what = format!(
                "this is a {}, but a management API key is needed here",
                token.kind()
            );
            return refuse("wrong_credential_kind", &what);
        }
        Err(why) => why,
    };
    attempts.check(from, None)?;
    attempts.malformed(from);
    match why {
        NotAToken::Checksum => refuse(
            "api_key_checksum",
            "the key is mistyped or cut off: its checksum does not fit",
        ),
        NotAToken::Shape => refuse("api_key_malformed", "the bearer token is no Tollkeeper key"),
    }
}

fn refuse<T>(code: &'static str, what: &str) -> Result<T> {
    Err(Error::Unauthenticated {
        code,
        message: format!("{what}; {EXPECTED}"),
    })
}
