//! Copies the write-ahead log into the database file beside the writer, so that nobody who waits for a commit waits for that too.
//!
//! A checkpoint of SQLite that is called PASSIVE works while others read and write. It can't begin the log anew while commits go on
//! without a pause; then the writer's own automatic checkpoint does ([`AUTOMATIC_PAGES`]), which finds little left to copy.

use std::cell::Cell;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

use super::fault::Doing;
use crate::error::{Error, Result};

/// Pages in the log from which on the writer copies it itself: 32 MiB.
pub const AUTOMATIC_PAGES: u32 = 8_192;
/// Rows that are changed before it is worth copying.
const CHANGES: u64 = 500;
/// How often it is copied at most.
const EVERY: Duration = Duration::from_millis(100);

/// The thread that copies the log, and when it was last asked to. Of the writer's thread.
pub struct Checkpoints {
    ask: SyncSender<()>,
    thread: JoinHandle<()>,
    asked_at: Cell<Instant>,
    seen: Cell<u64>,
}

impl Checkpoints {
    /// Starts the thread, with a connection of its own to the database of `writer`.
    ///
    /// # Errors
    /// When the database can't be opened, or the system gives no thread.
    pub fn start(writer: &Connection) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(writer.path().unwrap_or_default(), flags)
            .doing("opening the database to copy its log")?;
        let (ask, asked) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("checkpoints".to_owned())
            .spawn(move || run(&connection, &asked))
            .map_err(|error| Error::internal("starting the thread that copies the log", error))?;
        Ok(Self {
            ask,
            thread,
            asked_at: Cell::new(Instant::now()),
            seen: Cell::new(writer.total_changes()),
        })
    }

    /// Has the log copied if enough was committed since the last time.
    pub fn after_commit(&self, writer: &Connection) {
        let changes = writer.total_changes();
        if changes - self.seen.get() >= CHANGES && self.asked_at.get().elapsed() >= EVERY {
            self.seen.set(changes);
            self.asked_at.set(Instant::now());
            // When it is at it still, it was asked often enough.
            let _ = self.ask.try_send(());
        }
    }

    /// Ends the thread, so that nothing else has the database open.
    pub fn stop(self) {
        drop(self.ask);
        if self.thread.join().is_err() {
            log::error!("the thread that copies the log panicked");
        }
    }
}

fn run(connection: &Connection, asked: &Receiver<()>) {
    while asked.recv().is_ok() {
        let copied = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        if let Err(error) = copied {
            // The log keeps everything until it can be copied.
            log::warn!("copying the log into the database file: {error}");
        }
    }
}
