//! Going on with an audit log that is not whole: for the operator, who says why.

use super::Services;
use crate::domain::audit::{Actor, Verified};
use crate::error::Result;
use crate::store::audit::recovery;

/// Goes on from an older state of the log, as after a restore; answers how the log is then.
///
/// # Errors
/// See [`crate::store::Store::newer_anchor`].
pub fn accept(services: &Services, actor: Actor, reason: String) -> Result<Verified> {
    let (store, now) = (&services.store, services.clock.now());
    let newer = store.newer_anchor()?;
    services.write(actor, move |work| recovery::accept(work, newer, reason))?;
    store.anchor_anew(now)?;
    store.verify_audit_log(now)
}

/// Begins a new chain where the key or the anchor of the log is lost; answers how the log is then.
///
/// # Errors
/// See [`crate::store::Store::renew_audit_log`].
pub fn renew(services: &Services, actor: Actor, reason: String) -> Result<Verified> {
    let (store, now) = (&services.store, services.clock.now());
    store.renew_audit_log(actor, reason, now)?;
    store.verify_audit_log(now)
}
