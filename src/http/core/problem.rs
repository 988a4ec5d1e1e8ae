//! The one shape of every refusal (API.md §1), and what each [`Error`] becomes in it.

use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{ConnectionType, StatusCode};
use actix_web::{HttpResponse, ResponseError};
use serde_json::{Value, json};

use crate::domain::body::violation::Violation;
use crate::domain::credential::redacted;
use crate::error::Error;

/// Seconds after which an overloaded or stopping server should be asked again.
const RETRY_AFTER_SECONDS: &str = "1";

/// A refusal on its way out. The outermost middleware writes its body, because only there the request id is at hand.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    kind: &'static str,
    violations: Vec<Violation>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// What programs may want to know beside the message.
    extra: Option<Box<Value>>,
    closing: bool,
}

impl Problem {
    /// A refusal with one reason. `kind` is the top-level `type`.
    pub fn new(
        status: StatusCode,
        kind: &'static str,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        let violation = Violation {
            param: String::new(),
            code,
            message: message.into(),
        };
        Self {
            status,
            kind,
            violations: vec![violation],
            headers: Vec::new(),
            extra: None,
            closing: false,
        }
    }

    /// The same refusal with a header.
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The same refusal with another status, for a proxy that understands only some.
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The status it is answered with.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable machine-readable reason, and the sentence for people.
    pub fn reason(&self) -> (&'static str, String) {
        self.violations.first().map_or_else(
            || (self.kind, String::new()),
            |first| (first.code, redacted(&first.message).into_owned()),
        )
    }

    /// Whether the connection ends after it.
    pub fn is_closing(&self) -> bool {
        self.closing
    }

    /// When to ask again, in seconds.
    pub fn retry_after_seconds(&self) -> Option<i64> {
        let mut headers = self.headers.iter();
        let (_, value) = headers.find(|(name, _)| *name == header::RETRY_AFTER)?;
        value.to_str().ok()?.parse().ok()
    }

    /// The same refusal, after which the connection ends: what is left of the request will not be read.
    pub fn closing(mut self) -> Self {
        self.closing = true;
        self
    }

    /// The same refusal with something for programs, under `extra_fields`.
    pub fn with_extra(mut self, extra: Value) -> Self {
        self.extra = Some(Box::new(extra));
        self
    }

    /// The same refusal about one value of the request.
    fn about(mut self, param: Option<String>) -> Self {
        if let (Some(first), Some(param)) = (self.violations.first_mut(), param) {
            first.param = param;
        }
        self
    }

    /// No such route.
    pub fn no_route(path: &str) -> Self {
        let shown: String = path.chars().take(200).collect();
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "no_route",
            format!("there is no route {shown}; see /openapi.json"),
        )
    }

    /// The route exists, but not with this method.
    pub fn wrong_method(method: &str, allow: &str) -> Self {
        let message = format!("{method} is not possible here; allowed: {allow}");
        let problem = Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "method_not_allowed",
            message,
        );
        match HeaderValue::from_str(allow) {
            Ok(value) => problem.with_header(header::ALLOW, value),
            Err(_) => problem,
        }
    }

    /// The body can't be read to its end, and neither can anything after it.
    pub fn broken_body() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "validation_error",
            "broken_body",
            "the body ended before it was complete, or its chunks are malformed",
        )
        .closing()
    }

    /// The handler panicked; the panic hook has logged it.
    pub fn panicked() -> Self {
        Self::internal()
    }

    fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "internal_error",
            "something went wrong on our side; the log names the cause under this event_id",
        )
    }

    /// The body that the contract asks for.
    pub fn body(&self, event_id: &str) -> Value {
        // Messages repeat pieces of the request, and any piece may be a credential that was put in the wrong place.
        let shown = |violation: &Violation| {
            let mut shown =
                json!({ "code": violation.code, "message": redacted(&violation.message) });
            if !violation.param.is_empty() {
                shown["param"] = redacted(&violation.param).into();
            }
            shown
        };
        let mut error = self.violations.first().map_or_else(|| json!({}), shown);
        error["type"] = self.kind.into();
        let extra_fields = match self.status {
            _ if self.status == StatusCode::BAD_REQUEST || self.violations.len() > 1 => {
                json!({ "errors": self.violations.iter().map(shown).collect::<Vec<_>>() })
            }
            _ => self.extra.as_deref().cloned().unwrap_or_else(|| json!({})),
        };
        json!({
            "event_id": event_id,
            "type": self.kind,
            "is_bifrost_error": false,
            "status_code": self.status.as_u16(),
            "error": error,
            "extra_fields": extra_fields,
        })
    }
}

impl Problem {
    fn stale(current: &str, by_revision: bool, message: String) -> Self {
        let code = if by_revision {
            "stale_revision"
        } else {
            "stale_if_match"
        };
        let status = StatusCode::PRECONDITION_FAILED;
        let problem = Self::new(status, "precondition_failed", code, message)
            .about(by_revision.then(|| "revision".to_owned()));
        match HeaderValue::from_str(current) {
            Ok(tag) => problem.with_header(header::ETAG, tag),
            Err(_) => problem,
        }
    }

    fn not_allowed(message: String, reasons: Vec<Violation>) -> Self {
        let first = Violation {
            param: String::new(),
            code: "content_not_allowed",
            message,
        };
        Self {
            status: StatusCode::CONFLICT,
            kind: "conflict",
            violations: std::iter::once(first).chain(reasons).collect(),
            headers: Vec::new(),
            extra: None,
            closing: false,
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(violations) => {
                let status = StatusCode::BAD_REQUEST;
                Self {
                    status,
                    kind: "validation_error",
                    violations,
                    headers: Vec::new(),
                    extra: None,
                    closing: false,
                }
            }
            Error::Unauthenticated { code, message } => Self::new(
                StatusCode::UNAUTHORIZED,
                "authentication_error",
                code,
                message,
            )
            .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
            Error::UnknownCredential => Self::from(Error::Unauthenticated {
                code: "api_key_unknown",
                message: Error::UnknownCredential.to_string(),
            }),
            Error::Throttled {
                retry_after_seconds,
            } => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limited",
                "too_many_failed_attempts",
                error.to_string(),
            )
            .with_header(header::RETRY_AFTER, HeaderValue::from(retry_after_seconds)),
            Error::TooMany {
                code,
                message,
                retry_after_seconds,
            } => Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", code, message)
                .with_header(header::RETRY_AFTER, HeaderValue::from(retry_after_seconds)),
            Error::MissingPermission(permission) => Self::new(
                StatusCode::FORBIDDEN,
                "permission_error",
                "missing_permission",
                format!("this API key lacks the permission {permission}"),
            ),
            Error::Forbidden { code, message } => {
                Self::new(StatusCode::FORBIDDEN, "permission_error", code, message)
            }
            Error::BeyondOwnExpiry { latest, rotating } => Self::new(
                StatusCode::FORBIDDEN,
                "permission_error",
                "beyond_own_expiry",
                error.to_string(),
            )
            .about((!rotating).then(|| "expires_at".to_owned()))
            .with_extra(json!({ "latest_expires_at": latest })),
            Error::NotFound { message, param } => {
                Self::new(StatusCode::NOT_FOUND, "not_found", "not_found", message).about(param)
            }
            Error::Conflict {
                code,
                message,
                param,
            } => Self::new(StatusCode::CONFLICT, "conflict", code, message).about(param),
            Error::InUse {
                code,
                message,
                user_count,
                user_ids,
            } => {
                let user_ids: Vec<_> = user_ids.iter().map(i64::to_string).collect();
                Self::new(StatusCode::CONFLICT, "conflict", code, message)
                    .with_extra(json!({ "user_count": user_count, "user_ids": user_ids }))
            }
            Error::Stale {
                ref current,
                revision,
            } => Self::stale(current, revision.is_some(), error.to_string()),
            Error::ConflictingContent { message, reasons } => Self::not_allowed(message, reasons),
            Error::IdempotencyKeyReused | Error::RequestIdReused => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_error",
                "idempotency_key_reused",
                error.to_string(),
            )
            .about(matches!(error, Error::RequestIdReused).then(|| "request_id".to_owned())),
            Error::Unavailable { code, reason } => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", code, reason).with_header(
                    header::RETRY_AFTER,
                    HeaderValue::from_static(RETRY_AFTER_SECONDS),
                )
            }
            for_the_log => {
                log::error!("{for_the_log}");
                Self::internal()
            }
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.violations.first().map_or("", |first| &first.message))
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::new(self.status);
        for (name, value) in &self.headers {
            response.headers_mut().insert(name.clone(), value.clone());
        }
        if self.closing {
            response
                .head_mut()
                .set_connection_type(ConnectionType::Close);
        }
        response
    }
}
