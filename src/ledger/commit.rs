//! The end of a turn: everything that was decided is written down in one commit, then it is told; then changes run.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Instant;

use super::answers::tell;
use super::load;
use super::message::{Change, stopped};
use super::thread::{Turn, Turns};
use crate::domain::settings::Durability;
use crate::error::Result;
use crate::store::journal::Whole;
use crate::store::{Needs, Submitted, journal};

impl Turns {
    /// Has everything written down in one commit and answers; then runs the changes, in one commit if it can be.
    pub(super) fn end(&mut self, mut turn: Turn) {
        let (changes, now_ms) = (std::mem::take(&mut turn.changes), turn.now_ms);
        self.write_down(turn);
        if changes.is_empty() {
            return;
        }
        let whole = Arc::new(self.tail.whole(&self.state));
        let submitted: Vec<_> = changes
            .into_iter()
            .map(|change| self.submit(change, &whole, now_ms))
            .collect();
        let mut outcomes = Vec::with_capacity(submitted.len());
        let mut orphans = false;
        for (change, submitted) in submitted {
            let outcome = submitted.and_then(Submitted::wait);
            let outcome = outcome.map(|loaded| {
                self.tail.caught_up();
                orphans |= self.state.take_in(loaded, &self.known, now_ms);
            });
            outcomes.push((change, outcome));
        }
        if orphans {
            // Whoever deletes a user finds what that user held at an end.
            let mut turn = Turn::at(now_ms);
            self.expire(&mut turn);
            self.write_down(turn);
        }
        for (change, outcome) in outcomes {
            change.answer(outcome);
        }
    }

    fn write_down(&mut self, mut turn: Turn) {
        let writes = !turn.batch.is_empty() || (turn.flush && !self.refusals.is_empty());
        let decisions = turn.said.len();
        let outcome = if writes {
            self.write(&mut turn)
        } else {
            Ok(())
        };
        if turn.catch_up && outcome.is_ok() {
            self.catch_up();
        }
        let mut lost = Vec::new();
        if let Err(error) = &outcome {
            log::error!("{decisions} decisions could not be written down: {error}");
            turn.batch.undo(&mut self.state);
            lost.extend(turn.said.into_iter().map(|(message, _)| message));
        } else {
            if writes {
                self.refusals.clear();
            }
            tell(turn.said);
        }
        if let Err(error) = outcome {
            self.recover(turn.expired, lost, &error);
        }
        if self.refusals.is_empty() {
            self.refused_at = None;
        } else if turn.flush || self.refused_at.is_none() {
            self.refused_at = Some(Instant::now());
        }
    }

    /// Writes a batch down, and what it appends to the tail. Whoever waits for nothing but that is told by the writer, and not only
    /// when this thread has its turn again; if the store is closed, by the reply that is dropped.
    fn write(&mut self, turn: &mut Turn) -> Result<()> {
        let (journal, planned) = turn.batch.journal(&self.state, &self.refusals, &self.tail);
        let journal = Arc::new(journal);
        let written = Arc::clone(&journal);
        let said = if turn.catch_up {
            Vec::new()
        } else {
            std::mem::take(&mut turn.said)
        };
        let (done, waiting) = sync_channel(1);
        // What the audit log tells survives a power cut, whatever decisions do.
        let mut needs = self.needs();
        needs.sync |= !journal.audited.is_empty();
        self.store.hand_over(
            needs,
            move |writing| journal::write(writing, &written),
            move |outcome| {
                let told = match outcome {
                    Ok(()) => {
                        tell(said);
                        Ok(())
                    }
                    Err(error) => Err((error, said)),
                };
                // The ledger waits for it.
                let _ = done.send(told);
            },
        )?;
        match waiting.recv() {
            Ok(Ok(())) => {
                self.tail.written(&journal, planned);
                Ok(())
            }
            Ok(Err((error, said))) => {
                if !turn.catch_up {
                    turn.said = said;
                }
                Err(error)
            }
            Err(_) => Err(stopped()),
        }
    }

    /// Brings all tables up to date with what the tail says. If that fails, the tail goes on saying it.
    fn catch_up(&mut self) {
        if self.tail.is_empty() {
            return;
        }
        let whole = self.tail.whole(&self.state);
        let caught_up = self
            .store
            .submit(self.needs(), move |writing| {
                journal::catch_up(writing, &whole)
            })
            .and_then(Submitted::wait);
        match caught_up {
            Ok(()) => self.tail.caught_up(),
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
        mut change: Box<dyn Change>,
        whole: &Arc<Whole>,
        now_ms: i64,
    ) -> (Box<dyn Change>, Result<Submitted<load::Loaded>>) {
        let (work, needs) = (change.work(), change.needs());
        let (known, zone) = (self.known.clone(), self.state.zone.clone());
        // Whoever comes now has not seen what others have: that must outlive the process as they do.
        let peaks = self.state.peaks.clone();
        let (whole, seat) = (Arc::clone(whole), self.store.clone());
        let submitted = self.store.submit(needs, move |writing| {
            journal::catch_up(writing, &whole)?;
            let reload = work.ok_or_else(stopped)?(writing, &seat)?;
            if now_ms < peaks.latest() {
                journal::put_peaks(writing, &peaks)?;
            }
            load::touched(writing, reload, &known, now_ms, &zone)
        });
        (change, submitted)
    }
}
