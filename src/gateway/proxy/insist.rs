//! Having the ledger write something down that must not be lost, also while it can't.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::error::Error;
use crate::ledger::Pending;

/// How long it is tried; after that what is held for the call is charged when its time is up.
const INSISTS_FOR: Duration = Duration::from_mins(2);

/// Tries until it is written down, or for so long that the hold will soon be charged as it is.
pub async fn insist<T>(what: &str, first: Pending<T>, again: impl Fn() -> Pending<T>) {
    let (began, mut wait, mut pending) = (Instant::now(), Duration::from_millis(50), first);
    loop {
        let error = match pending.await {
            Err(error @ Error::Unavailable { .. }) if began.elapsed() < INSISTS_FOR => error,
            Err(error) => return log::error!("{what}: {error}"),
            Ok(_) => return,
        };
        log::debug!("{what}: {error}");
        sleep(wait).await;
        wait = (wait * 2).min(Duration::from_secs(5));
        pending = again();
    }
}
