//! Handlers of the audit log as a whole: going on from an older state, and beginning a new chain. Both are for the operator alone.

pub mod views;

use self::views::AuditVerdict;
use crate::domain::audit::{Actor, Verified};
use crate::domain::body::{Body, name};
use crate::error::Result;
use crate::http::core::answer::{Answer, ok};
use crate::http::core::authenticate::operator;
use crate::http::core::guard::Operator;
use crate::http::core::request::{Request, blocking};
use crate::service::{Services, audit_log};

/// Why the operator does something to the log.
pub const AUDIT_REASON: Body<String> = Body::new(
    "AuditReasonBody",
    "Why the log goes on although it is not whole.",
    |form| {
        form.required(
            "reason",
            name(),
            "What happened, for whoever reads the log later.",
        )
    },
);

/// `POST /api/audit-log/accept`
///
/// # Errors
/// 403 for every key, 409 when there is no older state to accept.
pub async fn accept(_: Operator, request: Request) -> Answer {
    recover(request, audit_log::accept).await
}

/// `POST /api/audit-log/renew`
///
/// # Errors
/// 403 for every key, 409 when neither key nor anchor is lost, or entries were tampered with.
pub async fn renew(_: Operator, request: Request) -> Answer {
    recover(request, audit_log::renew).await
}

async fn recover(
    request: Request,
    how: fn(&Services, Actor, String) -> Result<Verified>,
) -> Answer {
    let reason = request.small_json(&AUDIT_REASON).await?;
    let (services, actor) = (request.services(), operator(request.request_id()));
    let verified = blocking(move || how(&services, actor, reason)).await?;
    ok(&AuditVerdict::from(verified))
}
