//! Who may call: extractor types, so that a handler's signature says it and forgetting it does not compile.

use std::future::{Future, Ready, ready};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest};

use super::call::{Call, blocking, state};
use super::context::Context;
use super::problem::Problem;
use crate::domain::api_key::ApiKey;
use crate::domain::audit::Actor;
use crate::domain::credential::{Kind, NotAToken, Token};
use crate::domain::permission::{self, Permission, PermissionSet};
use crate::error::{Error, Result};

/// Who may call a route; the route table, the OpenAPI document and the permission matrix test are made from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Public,
    /// A management API key that holds this permission.
    Management(Permission),
}

/// An extractor that stands first in a handler's signature.
pub trait Guard: FromRequest + 'static {
    /// Who it lets through.
    fn access() -> Access;
}

/// Everybody may call.
pub struct Anyone;

impl Guard for Anyone {
    fn access() -> Access {
        Access::Public
    }
}

impl FromRequest for Anyone {
    type Error = Problem;
    type Future = Ready<std::result::Result<Self, Problem>>;

    fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self))
    }
}

/// A management API key that holds the permission `R:O`.
pub struct Caller<O, R> {
    key: Arc<ApiKey>,
    permission: PhantomData<(O, R)>,
}

impl<O, R> Caller<O, R> {
    /// The caller as the audit log names it.
    pub fn actor(&self, call: &Call) -> Actor {
        Actor {
            id: self.key.public_id.clone(),
            name: self.key.name.clone(),
            request_id: call.request_id(),
        }
    }

    /// Everything the key may do.
    pub fn permissions(&self) -> PermissionSet {
        self.key.permissions
    }
}

/// A type that stands for an operation.
pub trait Operation: 'static {
    /// The operation.
    const OPERATION: permission::Operation;
}

/// A type that stands for a resource.
pub trait Resource: 'static {
    /// The resource.
    const RESOURCE: permission::Resource;
}

macro_rules! stand_for {
    ($trait:ident, $constant:ident: $($name:ident),+) => {$(
        #[doc = concat!("Stands for `", stringify!($name), "` in a handler's signature.")]
        pub struct $name;
        impl $trait for $name {
            const $constant: permission::$trait = permission::$trait::$name;
        }
    )+};
}
stand_for!(Operation, OPERATION: View, Create, Update, Delete);
stand_for!(Resource, RESOURCE: AccessProfiles, ApiKeys);

impl<O: Operation, R: Resource> Caller<O, R> {
    const PERMISSION: Permission = Permission {
        resource: R::RESOURCE,
        operation: O::OPERATION,
    };

    fn admit(key: Arc<ApiKey>, context: Option<&Context>) -> std::result::Result<Self, Problem> {
        if let Some(context) = context {
            // The guard is the only one who sets it, once a request.
            let _ = context.key_id.set(key.public_id.clone());
        }
        if key.permissions.holds(Self::PERMISSION) {
            Ok(Self {
                key,
                permission: PhantomData,
            })
        } else {
            Err(Error::MissingPermission(Self::PERMISSION).into())
        }
    }
}

impl<O: Operation, R: Resource> Guard for Caller<O, R> {
    fn access() -> Access {
        Access::Management(Self::PERMISSION)
    }
}

impl<O: Operation, R: Resource> FromRequest for Caller<O, R> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let context = Context::of(request);
        if request.conn_data::<ControlSocket>().is_some() {
            return Box::pin(ready(Self::admit(
                Arc::clone(&OPERATOR),
                context.as_deref(),
            )));
        }
        let services = Arc::clone(&state(request).services);
        let known = presented(request).and_then(|token| {
            let key = services.keyring.recall(&token, services.clock.now())?;
            Ok((token, key))
        });
        match known {
            Err(error) => Box::pin(ready(Err(error.into()))),
            Ok((_, Some(key))) => Box::pin(ready(Self::admit(key, context.as_deref()))),
            Ok((token, None)) => Box::pin(async move {
                let verify = move || {
                    services
                        .keyring
                        .verify(&services.store, &token, services.clock.now())
                };
                Self::admit(blocking(verify).await?, context.as_deref())
            }),
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
        created_by: String::new(),
        created_at: jiff::Timestamp::UNIX_EPOCH,
        updated_at: jiff::Timestamp::UNIX_EPOCH,
        expires_at: None,
        revoked_at: None,
    })
});

const EXPECTED: &str = "send Authorization: Bearer <management API key> (tk_mgmt_…)";

/// The management token that a request presents (API.md §1): the bearer token and nothing else.
fn presented(request: &HttpRequest) -> Result<Token> {
    let headers = request.headers();
    let refuse = |code, what: &str| {
        Err(Error::Unauthenticated {
            code,
            message: format!("{what}; {EXPECTED}"),
        })
    };
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
            let elsewhere = [
                "x-api-key",
                "api-key",
                "x-goog-api-key",
                "x-bf-vk",
                "cookie",
            ]
            .into_iter()
            .find(|name| headers.contains_key(*name));
            return match elsewhere {
                Some(name) => refuse(
                    "authorization_missing",
                    &format!("{name} does not authenticate here"),
                ),
                None if !request.query_string().is_empty() => refuse(
                    "authorization_missing",
                    "there is no Authorization header, and query parameters never authenticate",
                ),
                None => refuse("authorization_missing", "there is no Authorization header"),
            };
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
    match Token::parse(token.trim()) {
        Ok(token) if token.kind() == Kind::Management => Ok(token),
        Ok(_) => refuse(
            "wrong_credential_kind",
            "this is a virtual key, but a management API key is needed here",
        ),
        Err(NotAToken::Checksum) => refuse(
            "api_key_checksum",
            "the key is mistyped or cut off: its checksum does not fit",
        ),
        Err(NotAToken::Shape) => {
            refuse("api_key_malformed", "the bearer token is no Tollkeeper key")
        }
    }
}
