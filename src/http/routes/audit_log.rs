//! The routes of the audit log as a whole, which are for the operator.

use actix_web::http::Method;
use serde_json::json;

use crate::http::audit_log;
use crate::http::audit_log::views::AuditVerdict;
use crate::http::core::route::Route;

/// The rows of the table.
pub fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::POST, "/api/audit-log/accept", "accept_audit_log", audit_log::accept)
            .says(
                "Go on from an older state of the audit log",
                "For a log that is whole in itself and yet not the one that was anchored, as after the files of yesterday were put back. An entry says \
                 that the log goes on from there, what had been anchored, and why; then it is anchored anew. Over the control socket in the data directory \
                 only, which is what `tollkeeper audit accept` speaks over: 403 for every key. 409 when the log fits its anchor, was tampered with, or has \
                 lost its key or anchor. `Idempotency-Key` has no effect.",
            )
            .takes(&audit_log::AUDIT_REASON, json!({ "reason": "restored the backup of yesterday, the disk had died" }))
            .answers::<AuditVerdict>(200)
            .refuses(&[400, 408, 409, 413, 415]),
        Route::new(Method::POST, "/api/audit-log/renew", "renew_audit_log", audit_log::renew)
            .says(
                "Begin a new chain of the audit log",
                "For a log whose `audit.key` or `audit-anchor` is lost. The first entry of the new chain names the end of the one before and why, and seals all \
                 entries before it as they were found. Over the control socket in the data directory only, which is what `tollkeeper audit renew` speaks \
                 over: 403 for every key. 409 when neither is lost, or entries were tampered with. `Idempotency-Key` has no effect.",
            )
            .takes(&audit_log::AUDIT_REASON, json!({ "reason": "audit.key was not in the backup" }))
            .answers::<AuditVerdict>(200)
            .refuses(&[400, 408, 409, 413, 415]),
    ]
}
