//! The thread that makes backups and tries them out when that is due. It is not that of the upkeep, which would wait for a large one.

use std::sync::Arc;
use std::time::Duration;

use crate::error::Result;
use crate::repeating::Repeating;
use crate::service::Services;
use crate::service::backups::schedule::do_what_is_due;

/// How often it is seen whether one is due.
const STEP: Duration = Duration::from_mins(1);

/// Starts the thread. Whoever stops it has ended what was under way.
///
/// # Errors
/// As [`Repeating::start`].
pub fn start(services: Arc<Services>) -> Result<Repeating> {
    Repeating::start("backup-schedule", STEP, move || {
        do_what_is_due(&services);
        STEP
    })
}
