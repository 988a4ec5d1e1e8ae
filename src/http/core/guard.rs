//! Who may call: extractor types, so that a handler's signature says it and forgetting it does not compile.

use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::authenticate::{Admission, admit};
use super::problem::Problem;
use super::request::Request;
use super::request::body::BodyHash;
use crate::domain::api_key::ApiKey;
use crate::domain::api_key::permission;
use crate::domain::api_key::permission::{Permission, PermissionSet};
use crate::domain::api_key::rights::Rights;
use crate::domain::audit::Actor;
use crate::domain::body::violation::{Path, Violation};
use crate::domain::credential::Token;
use crate::domain::credential::seal::Seal;
use crate::error::{Error, Result};
use crate::service::once::SealedOnce;
use crate::service::virtual_keys::tokens::random;

/// Who may call a route; the route table, the OpenAPI document and the permission matrix test are made from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Public,
    /// Any management API key.
    AnyKey,
    /// A management API key that holds this permission.
    Management(Permission),
    /// The virtual key of an end user.
    VirtualKey,
    /// The same on a path of a provider's own API, whose document describes it: what is refused looks as the provider's own refusal.
    Call,
    /// Whoever can open the control socket.
    Operator,
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

/// Any management API key.
pub struct AnyKey(Arc<ApiKey>);

impl AnyKey {
    /// The key.
    pub fn key(&self) -> &ApiKey {
        &self.0
    }
}

impl Guard for AnyKey {
    fn access() -> Access {
        Access::AnyKey
    }
}

impl FromRequest for AnyKey {
    type Error = Problem;
    type Future = Admission<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        admit(request, |key, _| Ok(Self(key)))
    }
}

/// Whoever can open the control socket in the data directory; no key is enough.
pub struct Operator;

impl Guard for Operator {
    fn access() -> Access {
        Access::Operator
    }
}

impl FromRequest for Operator {
    type Error = Problem;
    type Future = Admission<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        admit(request, |_, token| {
            match token {
            None => Ok(Self),
            Some(_) => Err(Error::Forbidden {
                code: "control_socket_only",
                message: "no key may do this, only the operator, with `tollkeeper sign-in`, `tollkeeper audit accept` or `tollkeeper audit \
                          renew` on the machine of the server, as the user that it runs as"
                    .to_owned(),
            }),
        }
        })
    }
}

/// A management API key that holds the permission `R:O`.
pub struct Caller<O, R> {
    key: Arc<ApiKey>,
    /// Absent over the control socket.
    token: Option<Token>,
    permission: PhantomData<(O, R)>,
}

impl<O, R> Caller<O, R> {
    /// The caller as the audit log names it.
    pub fn actor(&self, request: &Request) -> Actor {
        Actor {
            id: self.key.public_id.clone(),
            name: self.key.name.clone(),
            request_id: request.request_id(),
        }
    }

    /// The number of the key; 0 over the control socket.
    pub fn key_id(&self) -> i64 {
        self.key.id
    }

    /// What the key may give away.
    pub fn rights(&self) -> Rights {
        Rights {
            permissions: self.key.permissions,
            expires_at: self.key.expires_at,
        }
    }

    /// Everything the key may do.
    pub fn permissions(&self) -> PermissionSet {
        self.key.permissions
    }

    /// The idempotency key of a request whose answer holds a secret, with the seal that only this caller can open.
    ///
    /// # Errors
    /// 400 when the key is malformed, or the caller has no token to make a seal from.
    pub fn sealed_once(&self, request: &Request, body: BodyHash) -> Result<Option<SealedOnce>> {
        let Some(once) = request.once(&self.actor(request), body)? else {
            return Ok(None);
        };
        let token = self.token.as_ref().ok_or_else(|| {
            let path = Path::root().field("Idempotency-Key");
            Violation::alone(
                &path,
                "no_idempotency_here",
                "is not possible over the control socket",
            )
        })?;
        let seal = Seal::new(token, &once, random()?);
        Ok(Some((once, seal)))
    }
}

/// A type that stands for an operation.
pub trait OperationMarker: 'static {
    /// The operation.
    const OPERATION: permission::Operation;
    /// Another one whose permission lets in too; what each is good for is the handler's to see.
    const OR: Option<permission::Operation> = None;
}

/// Stands for `Create` of what a key then keeps as its own, where `Update` is good for what others made.
pub struct CreateOrUpdate;

impl OperationMarker for CreateOrUpdate {
    const OPERATION: permission::Operation = permission::Operation::Create;
    const OR: Option<permission::Operation> = Some(permission::Operation::Update);
}

/// A type that stands for a resource.
pub trait ResourceMarker: 'static {
    /// The resource.
    const RESOURCE: permission::Resource;
}

macro_rules! stand_for {
    ($trait:ident, $constant:ident, $stands_for:ident: $($name:ident),+) => {$(
        #[doc = concat!("Stands for `", stringify!($name), "` in a handler's signature.")]
        pub struct $name;
        impl $trait for $name {
            const $constant: permission::$stands_for = permission::$stands_for::$name;
        }
    )+};
}
stand_for!(OperationMarker, OPERATION, Operation: View, Create, Update, Delete, Download);
stand_for!(
    ResourceMarker, RESOURCE,
    Resource: AccessProfiles, Users, Roles, ApiKeys, VirtualMcps, Decisions, Settings, Backups, Metrics,
    VirtualKeys
);

impl<O: OperationMarker, R: ResourceMarker> Caller<O, R> {
    const PERMISSION: Permission = Permission {
        resource: R::RESOURCE,
        operation: O::OPERATION,
    };

    fn new(key: Arc<ApiKey>, token: Option<Token>) -> Result<Self> {
        let or = O::OR.map(|operation| Permission {
            operation,
            ..Self::PERMISSION
        });
        if key.permissions.allows(Self::PERMISSION)
            || or.is_some_and(|or| key.permissions.holds(or))
        {
            Ok(Self {
                key,
                token,
                permission: PhantomData,
            })
        } else {
            Err(Error::MissingPermission(Self::PERMISSION))
        }
    }
}

impl<O: OperationMarker, R: ResourceMarker> Guard for Caller<O, R> {
    fn access() -> Access {
        Access::Management(Self::PERMISSION)
    }
}

impl<O: OperationMarker, R: ResourceMarker> FromRequest for Caller<O, R> {
    type Error = Problem;
    type Future = Admission<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        admit(request, Self::new)
    }
}
