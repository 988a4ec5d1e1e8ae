//! After a batch that could not be written down, and was undone in memory.

use std::time::{Duration, Instant};

use super::answers::fail;
use super::message::Message;
use super::thread::{Turn, Turns};
use crate::error::Error;

/// How long nothing is ended by itself after the disk refused that: a mere question must not wait for a full disk.
const PAUSE: Duration = Duration::from_secs(1);

impl Turns {
    /// Decides again on what was in a batch that failed with `error`.
    pub(super) fn recover(&mut self, expired: Vec<i64>, messages: Vec<Message>, error: &Error) {
        if matches!(error, Error::Internal(_)) {
            // Something in it can't be written down at all. It must not stop the rest.
            self.divide(expired, messages, error);
            return;
        }
        if !expired.is_empty() {
            self.paused_until = Some(Instant::now() + PAUSE);
            self.more_expire = false;
        }
        for message in messages {
            // What needs no write is answered all the same.
            let mut turn = self.again();
            self.take(&mut turn, message);
            turn.lose(&mut self.state, error);
        }
    }

    /// Tries each half of a batch by itself, down to what fails alone.
    fn divide(&mut self, mut expired: Vec<i64>, mut messages: Vec<Message>, error: &Error) {
        match (expired.len(), messages.len()) {
            (0, 0) => {}
            (1, 0) => {
                log::error!("an expired hold could not be ended and stays held: {error}");
                self.state.set_aside(expired[0]);
            }
            (0, 1) => {
                for message in messages {
                    fail(message, error.clone());
                }
            }
            (several, 0) => {
                let rest = expired.split_off(several / 2);
                self.part(expired, Vec::new());
                self.part(rest, Vec::new());
            }
            (0, several) => {
                let rest = messages.split_off(several / 2);
                self.part(Vec::new(), messages);
                self.part(Vec::new(), rest);
            }
            _ => {
                self.part(expired, Vec::new());
                self.part(Vec::new(), messages);
            }
        }
    }

    fn part(&mut self, expired: Vec<i64>, messages: Vec<Message>) {
        let mut turn = self.again();
        for number in &expired {
            let now_ms = turn.now_ms;
            self.state.expire_one(&mut turn.batch, *number, now_ms);
        }
        turn.expired = expired;
        for message in messages {
            self.take(&mut turn, message);
        }
        self.end(turn);
    }

    /// A turn for what was decided before.
    fn again(&self) -> Turn {
        let mut turn = Turn::at(self.now_ms());
        turn.again = true;
        turn
    }
}
