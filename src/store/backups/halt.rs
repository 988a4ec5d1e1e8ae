//! Ending work on a backup that is under way: a server that stops does not wait for it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;

use crate::error::{Error, Result};
use crate::store::database::fault::Doing;

/// How many steps SQLite makes before it looks whether to go on.
const STEPS: i32 = 100_000;

/// Whether work on backups is to end.
#[derive(Clone, Default)]
pub struct Halt(Arc<AtomicBool>);

impl Halt {
    /// Has work end soon.
    pub fn call(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether it is to end.
    pub fn is_called(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Goes on, or ends it.
    pub(super) fn look(&self) -> Result<()> {
        if self.is_called() {
            return Err(Error::Unavailable {
                code: "shutting_down",
                reason: "the server is shutting down".to_owned(),
            });
        }
        Ok(())
    }

    /// The same for whoever reads or writes.
    pub(super) fn look_between(&self) -> io::Result<()> {
        self.look().map_err(io::Error::other)
    }

    /// Has long statements of a connection end with it.
    pub(super) fn watch(&self, connection: &Connection) -> Result<()> {
        let halt = self.clone();
        connection
            .progress_handler(STEPS, Some(move || halt.is_called()))
            .doing("watching over a check")
    }
}
