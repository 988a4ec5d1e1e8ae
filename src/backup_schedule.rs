//! The thread that makes backups and tries them out when that is due. It is not that of the upkeep, which would wait for a large one.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::service::Services;
use crate::service::backups::schedule::do_what_is_due;

/// How often it is seen whether one is due.
const STEP: Duration = Duration::from_mins(1);

/// The thread that makes backups.
pub struct BackupSchedule {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl BackupSchedule {
    /// Starts the thread.
    ///
    /// # Errors
    /// [`Error::Internal`] when the system gives no thread.
    pub fn start(services: Arc<Services>) -> Result<Self> {
        let (stop, stopped) = channel();
        let work = move || {
            while stopped.recv_timeout(STEP) == Err(RecvTimeoutError::Timeout) {
                do_what_is_due(&services);
            }
        };
        let thread = std::thread::Builder::new()
            .name("backup-schedule".to_owned())
            .spawn(work)
            .map_err(|error| Error::internal("starting the thread that makes backups", error))?;
        Ok(Self { stop, thread })
    }

    /// Stops the thread and waits for it; whoever stops it has ended what was under way.
    pub fn stop(self) {
        drop(self.stop);
        if self.thread.join().is_err() {
            log::error!("the thread that makes backups panicked");
        }
    }
}
