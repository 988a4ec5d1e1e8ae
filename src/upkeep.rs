//! The upkeep of a running server: looking for damage, and removing what has grown too old.

use std::sync::Arc;
use std::time::Duration;

use crate::error::Result;
use crate::repeating::Repeating;
use crate::service::access_profiles::{rotated_keys, rotation};
use crate::service::api_keys::key_uses;
use crate::service::{Services, once};

/// How often the whole file is read for damage.
const INTEGRITY_EVERY: Duration = Duration::from_hours(24);
/// How often the audit log is walked along; first soon after the start.
const WALK_EVERY: Duration = Duration::from_hours(24);
/// How often the upkeep thread wakes up, and the uses of keys are written down.
const STEP: Duration = Duration::from_secs(30);
/// How often what has grown too old is removed.
const SWEEP_EVERY: Duration = Duration::from_mins(10);

/// Starts the thread that looks after the database: a full check now if the file is not vouched for and one every day, a walk along the
/// audit log soon and every day, and every few minutes a sweep of what has grown too old. It also rotates the virtual keys that are due;
/// `rotation_grace` is how long their old secrets work. A check that is running when it is stopped is finished.
///
/// # Errors
/// As [`Repeating::start`].
pub fn start(services: Arc<Services>, rotation_grace: Duration) -> Result<Repeating> {
    let mut check_in = if services.store.health().integrity_is_good() {
        INTEGRITY_EVERY
    } else {
        Duration::ZERO
    };
    let mut until_sweep = SWEEP_EVERY;
    let mut until_walk = Duration::ZERO;
    Repeating::start("upkeep", check_in.min(STEP), move || {
        check_in = check_in.saturating_sub(STEP);
        until_sweep = until_sweep.saturating_sub(STEP);
        until_walk = until_walk.saturating_sub(STEP);
        if check_in.is_zero() {
            check(&services);
            check_in = INTEGRITY_EVERY;
        }
        if until_walk.is_zero() {
            walk(&services);
            until_walk = WALK_EVERY;
        }
        if let Err(error) = rotation::rotate_due(&services, rotation_grace) {
            log::error!("rotating virtual keys: {error}");
        }
        sweep(&services, &mut until_sweep);
        check_in.min(STEP)
    })
}

/// Writes down when keys were used, and every few minutes removes what has grown too old.
fn sweep(services: &Services, until_sweep: &mut Duration) {
    services.sign_in_codes.sweep(services.clock.now());
    if let Err(error) = key_uses::write(services) {
        log::warn!("noting when keys were used: {error}");
    }
    if let Err(error) = services.ledger.flush().wait() {
        log::warn!("writing down refusals: {error}");
    }
    // What is anchored can't be cut off unnoticed any more.
    if let Err(error) = services.store.anchor_audit_log(services.clock.now()) {
        log::warn!("anchoring the audit log: {error}");
    }
    if until_sweep.is_zero() {
        *until_sweep = SWEEP_EVERY;
        if let Err(error) = rotated_keys::tidy(services) {
            log::warn!("removing the files of virtual keys: {error}");
        }
        if let Err(error) = once::sweep(services) {
            log::warn!("forgetting old idempotency keys: {error}");
        }
        if let Err(error) = services.ledger.sweep(services.clock.now()) {
            log::warn!("forgetting old decisions: {error}");
        }
    }
}

/// Walks along the audit log; what is wrong is kept for those who ask how the server is, and logged.
fn walk(services: &Services) {
    if let Err(error) = services.store.verify_audit_log(services.clock.now()) {
        log::warn!("walking along the audit log: {error}");
    }
}

fn check(services: &Services) {
    match services.store.check_integrity() {
        Ok(()) => log::info!("the database file was checked and is sound"),
        Err(error) => log::error!("the check of the database file: {error}"),
    }
}
