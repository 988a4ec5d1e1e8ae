//! What is seen of the ledger from outside, without asking its thread.

use std::sync::PoisonError;

use jiff::Timestamp;

use super::handle::Ledger;
use super::reply::stopped;
use crate::error::{Error, Result};

impl Ledger {
    /// Whether the thread is there that decides.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it has ended.
    pub fn ready(&self) -> Result<()> {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        match &*thread {
            Some(thread) if thread.is_finished() => Err(Error::Unavailable {
                code: "ledger_ended",
                reason:
                    "what decides has ended by a fault; the log says which: start the server again"
                        .to_owned(),
            }),
            Some(_) => Ok(()),
            None => Err(stopped()),
        }
    }

    /// The latest time that the clock showed, as far as it was seen before the start or the clock has gone back since; none
    /// where nothing was decided yet.
    pub fn latest_time(&self) -> Option<Timestamp> {
        let latest = self.shared_high_water.look().latest();
        let latest = (latest > 0).then(|| Timestamp::from_millisecond(latest));
        latest?.ok()
    }
}
