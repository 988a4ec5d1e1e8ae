//! Forgetting what has grown too old.

use jiff::Timestamp;

use super::engine::day_of;
use super::handle::Ledger;
use crate::error::Result;
use crate::store::journal;
use crate::store::virtual_keys::former_secrets;

impl Ledger {
    /// Forgets what has grown too old at `now`, in small steps so that no other write waits long.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn sweep(&self, now: Timestamp) -> Result<()> {
        let now_ms = now.as_millisecond();
        let mut after = Some(0);
        while let Some(from) = after {
            after = self
                .store
                .write(move |writing| journal::prune_reservations(writing, from, now_ms))?;
        }
        let mut after = Some(0);
        while let Some(from) = after {
            after = self
                .store
                .write(move |writing| journal::prune_answers(writing, from, now_ms))?;
        }
        self.ask(|runtime, batch| runtime.pruned(batch)).wait()?;
        let today = day_of(now_ms, &self.zone).number;
        let oldest = today - i64::from(self.usage_retention_days);
        while self
            .store
            .write(move |writing| journal::prune_history(writing, oldest))?
        {}
        // Whoever uses a former secret is in the history that long.
        let kept = jiff::Span::new().hours(24 * i64::from(self.usage_retention_days));
        let oldest = now.checked_sub(kept).unwrap_or(Timestamp::MIN);
        while self
            .store
            .write(move |writing| former_secrets::prune(writing, oldest, now))?
        {}
        Ok(())
    }
}
