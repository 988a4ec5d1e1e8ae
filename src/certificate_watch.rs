//! Looking after the certificate of a running server: taking up one that was renewed, and saying that its end is near.
//!
//! A thread of its own, because what the upkeep does may take as long as the database is large.

use std::sync::Arc;
use std::time::Duration;

use crate::error::Result;
use crate::http::certificates::Certificates;
use crate::repeating::Repeating;
use crate::service::Clock;

/// How often the files are looked at.
const STEP: Duration = Duration::from_secs(30);

/// Says what is to be said of the certificate now, and starts the thread that looks at its files.
///
/// # Errors
/// As [`Repeating::start`].
pub fn start(certificates: Arc<Certificates>, clock: Clock) -> Result<Repeating> {
    certificates.tell_end(clock.now());
    Repeating::start("certificates", STEP, move || {
        certificates.refresh();
        certificates.tell_end(clock.now());
        STEP
    })
}
