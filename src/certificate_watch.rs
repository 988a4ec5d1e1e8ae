//! Looking after the certificate of a running server: taking up one that was renewed, and saying that its end is near.
//!
//! A thread of its own, because what the upkeep does may take as long as the database is large.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::http::certificates::Certificates;
use crate::service::Clock;

/// How often the files are looked at.
const STEP: Duration = Duration::from_secs(30);

/// The thread that looks at the files of a certificate.
pub struct CertificateWatch {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl CertificateWatch {
    /// Says what is to be said of the certificate now, and starts the thread.
    ///
    /// # Errors
    /// [`Error::Internal`] when the system gives no thread.
    pub fn start(certificates: Arc<Certificates>, clock: Clock) -> Result<Self> {
        certificates.tell_end(clock.now());
        let (stop, stopped) = channel();
        let work = move || {
            while stopped.recv_timeout(STEP) == Err(RecvTimeoutError::Timeout) {
                certificates.refresh();
                certificates.tell_end(clock.now());
            }
        };
        let thread = std::thread::Builder::new()
            .name("certificates".to_owned())
            .spawn(work)
            .map_err(|error| Error::internal("starting the thread for certificates", error))?;
        Ok(Self { stop, thread })
    }

    /// Stops the thread and waits for it.
    pub fn stop(self) {
        drop(self.stop);
        if self.thread.join().is_err() {
            log::error!("the thread for certificates panicked");
        }
    }
}
