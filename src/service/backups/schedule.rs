//! When backups are made and tried out by themselves.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::drills::drill_newest;
use super::making::make_scheduled;
use crate::error::{Error, Result};
use crate::service::Services;

/// How often one is restored for a try.
const DRILL_EVERY: Duration = Duration::from_hours(7 * 24);
/// How long after one that failed the next is tried at the latest.
const TRY_AGAIN: Duration = Duration::from_hours(1);

/// Makes a backup if one is due, and tries out the newest if that is due.
pub fn do_what_is_due(services: &Arc<Services>) {
    let now = services.clock.now();
    if next_backup(services).is_some_and(|next| next <= now) {
        tell("making a backup", make_scheduled(services).map(drop));
    }
    if drill_is_due(services, now) {
        tell("trying out a backup", drill_newest(services));
    }
}

fn tell(doing: &str, outcome: Result<()>) {
    match outcome {
        Ok(()) | Err(Error::Conflict { .. }) => {}
        // What became of a backup was told when it happened.
        Err(error) => log::debug!("{doing}: {error}"),
    }
}

/// When the next backup is due that is made by itself; never when none is. One that somebody asks for puts it off no more than it takes
/// its place ([`crate::domain::backup::retention`]).
pub fn next_backup(services: &Services) -> Option<Timestamp> {
    let backups = &services.backups;
    let every = backups.every()?;
    let state = backups.state();
    let now = services.clock.now();
    let last = match state.last_scheduled {
        Some(last) => last,
        None => services.store.directory().made_at()?,
    };
    // The clock went back: a moment that has not come says nothing.
    let last = (last <= now).then_some(last);
    let due = last.map_or(now, |last| after(last, every));
    let failed = state.last_scheduled_failure;
    let failed = failed.filter(|failed| last.is_none_or(|last| *failed >= last) && *failed <= now);
    Some(failed.map_or(due, |failed| due.max(after(failed, every.min(TRY_AGAIN)))))
}

fn drill_is_due(services: &Services, now: Timestamp) -> bool {
    let state = services.backups.state();
    let last = state.last_drill.filter(|drill| drill.at <= now);
    state.last_good.is_some() && last.is_none_or(|last| after(last.at, DRILL_EVERY) <= now)
}

fn after(at: Timestamp, span: Duration) -> Timestamp {
    let span = SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX);
    at.checked_add(span).unwrap_or(Timestamp::MAX)
}
