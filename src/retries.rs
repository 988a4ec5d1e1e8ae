//! Trying again while the disk refuses writes, so that a server recovers by itself when there is room.

use std::sync::Arc;
use std::thread::JoinHandle;

use crate::error::{Error, Result};
use crate::service::Services;
use crate::service::revocations::storing;
use crate::store::writer::write_gate::WriteGate;

/// The thread that tries: first what was taken away and has to be stored before anything else, otherwise something small.
pub struct Retries {
    gate: Arc<WriteGate>,
    thread: JoinHandle<()>,
}

impl Retries {
    /// Starts the thread.
    ///
    /// # Errors
    /// [`Error::Internal`] when the system gives no thread.
    pub fn start(services: Arc<Services>) -> Result<Self> {
        let gate = Arc::clone(services.store.gate());
        let work = move || {
            let gate = Arc::clone(services.store.gate());
            while gate.next_round() {
                let outcome =
                    storing::store_waiting(&services).and_then(|()| services.store.try_to_write());
                if outcome.is_ok() {
                    log::info!("the disk takes writes again");
                }
                gate.round_over();
            }
        };
        let thread = std::thread::Builder::new()
            .name("retries".to_owned())
            .spawn(work)
            .map_err(|error| Error::internal("starting the thread that tries again", error))?;
        Ok(Self { gate, thread })
    }

    /// Stops the thread and waits for it.
    pub fn stop(self) {
        self.gate.stop();
        if self.thread.join().is_err() {
            log::error!("the thread that tries again panicked");
        }
    }
}
