//! The end of a batch: everything that was decided is written down in one commit, then it is told; then changes run.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Instant;

use super::changed::QueuedChange;
use super::reload;
use super::reply::stopped;
use super::runtime::{Answered, Batch, Runtime};
use crate::domain::decision::journal::CatchUp;
use crate::domain::settings::Durability;
use crate::error::Result;
use crate::store::{Needs, Submitted, journal};

impl Runtime {
    /// Has everything written down in one commit and answers; then runs the changes, in one commit if it can be.
    pub(super) fn end(&mut self, mut batch: Batch) {
        let (changes, now_ms) = (std::mem::take(&mut batch.changes), batch.now_ms);
        self.write_down(batch);
        if changes.is_empty() {
            return;
        }
        let rows = Arc::new(self.pending.all(&self.state));
        let submitted: Vec<_> = changes
            .into_iter()
            .map(|change| self.submit(change, &rows, now_ms))
            .collect();
        let mut outcomes = Vec::with_capacity(submitted.len());
        let mut orphans = false;
        for (change, submitted) in submitted {
            let outcome = submitted.and_then(Submitted::wait);
            let outcome = outcome.map(|loaded| {
                self.pending.caught_up();
                orphans |= loaded.take_in(&mut self.state, &mut self.pending, &self.known, now_ms);
            });
            outcomes.push((change, outcome));
        }
        if orphans || self.pending.has_changed() {
            // Whoever deletes a user finds what that user held at an end.
            let mut batch = Batch::at(now_ms);
            if orphans {
                self.expire(&mut batch);
            }
            self.write_down(batch);
        }
        for (change, outcome) in outcomes {
            change.answer(outcome);
        }
    }

    fn write_down(&mut self, mut batch: Batch) {
        let writes = !batch.effects.is_empty()
            || (batch.flush && !self.refusals.is_empty())
            || self.pending.has_changed();
        let decisions = batch.answered.len();
        let spent = batch.effects.spent();
        let outcome = if writes {
            self.write(&mut batch)
        } else {
            Ok(())
        };
        if batch.catch_up && outcome.is_ok() {
            self.catch_up();
        }
        let mut lost = Vec::new();
        if let Err(error) = &outcome {
            log::error!("{decisions} decisions could not be written down: {error}");
            self.figures.lose_batch();
            batch.effects.undo(&mut self.state);
            lost.extend(batch.answered.into_iter().map(Answered::again));
        } else {
            if writes {
                self.refusals.clear();
            }
            self.figures.told(&batch.outcomes, spent);
            tell(batch.answered);
        }
        if let Err(error) = outcome {
            self.recover(batch.expired, lost, &error);
        }
        if self.refusals.is_empty() {
            self.refused_at = None;
        } else if batch.flush || self.refused_at.is_none() {
            self.refused_at = Some(Instant::now());
        }
    }

    /// Writes a batch down, and what it appends to the tail. Whoever waits for nothing but that is told by the writer, and not only
    /// when this thread has its turn again; if the store is closed, by the reply that is dropped.
    fn write(&mut self, batch: &mut Batch) -> Result<()> {
        let (journal, planned) = batch
            .effects
            .journal(&self.state, &self.refusals, &self.pending);
        let journal = Arc::new(journal);
        let written = Arc::clone(&journal);
        let answered = if batch.catch_up {
            Vec::new()
        } else {
            std::mem::take(&mut batch.answered)
        };
        let bounds = Arc::clone(&self.line_bounds);
        let (done, waiting) = sync_channel(1);
        // What the audit log tells survives a power cut, whatever decisions do.
        let mut needs = self.needs();
        needs.sync |= !journal.audited.is_empty();
        self.store.hand_over(
            needs,
            move |writing| journal::write(writing, &written, &bounds),
            move |outcome| {
                let told = match outcome {
                    Ok(()) => {
                        tell(answered);
                        Ok(())
                    }
                    Err(error) => Err((error, answered)),
                };
                // The ledger waits for it.
                let _ = done.send(told);
            },
        )?;
        match waiting.recv() {
            Ok(Ok(())) => {
                self.pending.written(&journal, planned);
                Ok(())
            }
            Ok(Err((error, answered))) => {
                if !batch.catch_up {
                    batch.answered = answered;
                }
                Err(error)
            }
            Err(_) => Err(stopped()),
        }
    }

    /// Brings all tables up to date with what the tail says. If that fails, the tail goes on saying it.
    fn catch_up(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let rows = self.pending.all(&self.state);
        let bounds = Arc::clone(&self.line_bounds);
        let caught_up = self
            .store
            .submit(self.needs(), move |writing| {
                journal::catch_up(writing, &rows, &bounds)
            })
            .and_then(Submitted::wait);
        match caught_up {
            Ok(()) => self.pending.caught_up(),
            Err(error) => {
                log::warn!("bringing counters and the history of use up to date: {error}");
            }
        }
    }

    fn needs(&self) -> Needs {
        Needs {
            sync: self.state.settings.durability == Durability::Power,
            generation: false,
            first: false,
        }
    }

    fn submit(
        &self,
        mut change: Box<dyn QueuedChange>,
        rows: &Arc<CatchUp>,
        now_ms: i64,
    ) -> (Box<dyn QueuedChange>, Result<Submitted<reload::Loaded>>) {
        let (work, needs) = (change.work(), change.needs());
        let (known, zone) = (self.known.clone(), self.state.zone.clone());
        // Whoever comes now has not seen what others have: that must outlive the process as they do.
        let high_water = self.state.directory.high_water.clone();
        let (rows, seat) = (Arc::clone(rows), self.store.clone());
        let bounds = Arc::clone(&self.line_bounds);
        let submitted = self.store.submit(needs, move |writing| {
            journal::catch_up(writing, &rows, &bounds)?;
            let reload = work.ok_or_else(stopped)?(writing, &seat)?;
            if now_ms < high_water.latest() {
                journal::put_high_water(writing, &high_water)?;
            }
            reload::touched(writing, reload, &known, now_ms, &zone)
        });
        (change, submitted)
    }
}

/// Tells everybody the answers that they wait for.
fn tell(all: Vec<Box<dyn Answered>>) {
    for answered in all {
        answered.tell();
    }
}
