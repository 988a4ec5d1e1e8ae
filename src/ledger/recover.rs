//! After a batch that could not be written down, and was undone in memory.

use std::time::{Duration, Instant};

use super::runtime::{Batch, Question, Runtime};
use crate::error::Error;

/// How long nothing is ended by itself after the disk refused that: a mere question must not wait for a full disk.
const PAUSE: Duration = Duration::from_secs(1);

impl Runtime {
    /// Decides again on what was in a batch that failed with `error`.
    pub(super) fn recover(
        &mut self,
        expired: Vec<i64>,
        questions: Vec<Box<dyn Question>>,
        error: &Error,
    ) {
        if matches!(error, Error::Internal(_)) {
            // Something in it can't be written down at all. It must not stop the rest.
            self.divide(expired, questions, error);
            return;
        }
        if !expired.is_empty() {
            self.paused_until = Some(Instant::now() + PAUSE);
            self.more_expire = false;
        }
        for question in questions {
            // What needs no write is answered all the same.
            let mut batch = self.again();
            self.take(&mut batch, question);
            if batch.effects.is_empty() {
                self.figures.told(&batch.outcomes, (0, 0));
            }
            batch.lose(&mut self.state, error);
        }
    }

    /// Tries each half of a batch by itself, down to what fails alone.
    fn divide(
        &mut self,
        mut expired: Vec<i64>,
        mut questions: Vec<Box<dyn Question>>,
        error: &Error,
    ) {
        match (expired.len(), questions.len()) {
            (0, 0) => {}
            (1, 0) => {
                log::error!("an expired hold could not be ended and stays held: {error}");
                self.state.reservations.set_aside(expired[0]);
            }
            (0, 1) => {
                for question in questions {
                    question.fail(error);
                }
            }
            (several, 0) => {
                let rest = expired.split_off(several / 2);
                self.part(expired, Vec::new());
                self.part(rest, Vec::new());
            }
            (0, several) => {
                let rest = questions.split_off(several / 2);
                self.part(Vec::new(), questions);
                self.part(Vec::new(), rest);
            }
            _ => {
                self.part(expired, Vec::new());
                self.part(Vec::new(), questions);
            }
        }
    }

    fn part(&mut self, expired: Vec<i64>, questions: Vec<Box<dyn Question>>) {
        let mut batch = self.again();
        for number in &expired {
            let now_ms = batch.now_ms;
            self.state.expire_one(&mut batch.effects, *number, now_ms);
        }
        batch.expired = expired;
        for question in questions {
            self.take(&mut batch, question);
        }
        self.end(batch);
    }

    /// A batch for what was decided before.
    fn again(&self) -> Batch {
        let mut batch = Batch::at(self.now_ms());
        batch.again = true;
        batch
    }
}
