//! A thread that does something again and again, until it is stopped.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::error::{Error, Result};

/// The thread. Whoever drops it stops it, and waits until it has ended what it is at.
pub struct Repeating {
    name: &'static str,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Repeating {
    /// Starts a thread that does its `work` after the time `first`, and each time after the one that it answers.
    ///
    /// # Errors
    /// [`Error::Internal`] when the system gives no thread.
    pub fn start(
        name: &'static str,
        first: Duration,
        mut work: impl FnMut() -> Duration + Send + 'static,
    ) -> Result<Self> {
        let (stop, stopped) = channel();
        let again = move || {
            let mut wait = first;
            while stopped.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                wait = work();
            }
        };
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(again)
            .map_err(|error| Error::internal("starting a thread", error))?;
        Ok(Self {
            name,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Repeating {
    fn drop(&mut self) {
        drop(self.stop.take());
        if self.thread.take().is_some_and(|it| it.join().is_err()) {
            log::error!("the thread {} panicked", self.name);
        }
    }
}
