//! Copies the write-ahead log into the database file beside the writer, so that nobody who waits for a commit waits for that too.
//!
//! A checkpoint of SQLite that is called PASSIVE works while others read and write. It can't begin the log anew while commits go on
//! without a pause, because there is always something more to copy; so the writer copies the little that is left when the thread has
//! just been at it ([`BEGIN_ANEW_PAGES`]). How much is in the log is counted in pages, not in rows: a large policy is a few rows on
//! many pages.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::{Connection, OpenFlags};

use super::fault::Doing;
use crate::error::{Error, Result};

/// Pages that are added to the log before the thread copies them: 4 MiB.
const COPY_PAGES: u32 = 1_000;
/// Pages in the log from which on the writer copies the rest of it as soon as the thread has copied most: 16 MiB.
const BEGIN_ANEW_PAGES: u32 = 4_096;
/// Pages in the log from which on the writer does so whatever the thread has done, or some reader keeps the log from beginning anew:
/// 64 MiB.
const MOST_PAGES: u32 = 16_384;

thread_local! {
    /// Pages in the log after the last commit of this thread. SQLite tells them to a function that has no place of its own to keep them.
    static LOG_PAGES: Cell<u32> = const { Cell::new(0) };
}

/// The thread that copies the log, and when it was last asked to. Of the writer's thread.
pub struct Checkpoints {
    ask: SyncSender<()>,
    thread: JoinHandle<()>,
    /// Whether the thread has copied everything that was in the log when it was asked last.
    done: Arc<AtomicBool>,
    /// Pages that were in the log when it was last copied, or the thread asked to.
    copied: Cell<u32>,
}

impl Checkpoints {
    /// Starts the thread, with a connection of its own to the database of `writer`; takes the place of the automatic checkpoints of
    /// `writer`.
    ///
    /// # Errors
    /// When the database can't be opened, or the system gives no thread.
    pub fn start(writer: &Connection) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(writer.path().unwrap_or_default(), flags)
            .doing("opening the database to copy its log")?;
        writer.wal_hook(Some(|_, pages| {
            LOG_PAGES.set(pages.unsigned_abs());
            Ok(())
        }));
        let (ask, asked) = sync_channel(1);
        let done = Arc::new(AtomicBool::new(false));
        let tell = Arc::clone(&done);
        let thread = std::thread::Builder::new()
            .name("checkpoints".to_owned())
            .spawn(move || {
                while asked.recv().is_ok() {
                    copy(&connection);
                    tell.store(true, Ordering::Relaxed);
                }
            })
            .map_err(|error| Error::internal("starting the thread that copies the log", error))?;
        Ok(Self {
            ask,
            thread,
            done,
            copied: Cell::new(0),
        })
    }

    /// Has the log copied if enough was committed since the last time; begins it anew when it is long and little is left to copy.
    pub fn after_commit(&self, writer: &Connection) {
        let pages = LOG_PAGES.get();
        if pages < self.copied.get() {
            // It began anew.
            self.copied.set(0);
        }
        let done = self.done.load(Ordering::Relaxed);
        let added = pages - self.copied.get();
        if pages >= BEGIN_ANEW_PAGES && done || pages >= MOST_PAGES && added >= COPY_PAGES {
            self.done.store(false, Ordering::Relaxed);
            self.copied.set(pages);
            copy(writer);
        } else if added >= COPY_PAGES && self.ask.try_send(()).is_ok() {
            self.done.store(false, Ordering::Relaxed);
            self.copied.set(pages);
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

/// Copies what is in the log as far as nobody reads what it would replace.
fn copy(connection: &Connection) {
    let copied = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    if let Err(error) = copied {
        // The log keeps everything until it can be copied.
        log::warn!("copying the log into the database file: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row with this takes more than a page.
    const LONG: [u8; 4096] = [7; 4096];

    fn writer(directory: &tempfile::TempDir) -> Connection {
        let connection = Connection::open(directory.path().join("a.db")).unwrap();
        connection
            .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x BLOB)")
            .unwrap();
        connection
    }

    fn insert(writer: &Connection, rows: u32) {
        let insert = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
                      INSERT INTO t SELECT ?2 FROM n";
        writer.execute(insert, (rows, LONG)).unwrap();
    }

    #[test]
    fn the_log_begins_anew_although_commits_never_pause() {
        let directory = tempfile::tempdir().unwrap();
        let writer = writer(&directory);
        let checkpoints = Checkpoints::start(&writer).unwrap();
        let mut most = 0;
        for _ in 0..400 {
            insert(&writer, 100);
            most = most.max(LOG_PAGES.get());
            checkpoints.after_commit(&writer);
        }
        assert!(most >= BEGIN_ANEW_PAGES, "{most} pages");
        assert!(most < MOST_PAGES + COPY_PAGES, "{most} pages");
        checkpoints.stop();
        let rows: u32 = writer
            .query_row("SELECT count(*) FROM t", [], |row| row.get(0))
            .unwrap();
        assert_eq!(rows, 40_000);
    }

    #[test]
    fn a_reader_that_stays_keeps_the_log_and_loses_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let writer = writer(&directory);
        let reader = Connection::open(directory.path().join("a.db")).unwrap();
        let count = |connection: &Connection| -> u32 {
            let count = "SELECT count(*) FROM t";
            connection.query_row(count, [], |row| row.get(0)).unwrap()
        };
        let checkpoints = Checkpoints::start(&writer).unwrap();
        insert(&writer, 10);
        reader.execute_batch("BEGIN").unwrap();
        assert_eq!(count(&reader), 10);
        for _ in 0..200 {
            insert(&writer, 100);
            checkpoints.after_commit(&writer);
        }
        assert!(LOG_PAGES.get() > MOST_PAGES);
        assert_eq!(count(&reader), 10);
        reader.execute_batch("COMMIT").unwrap();
        for _ in 0..20 {
            insert(&writer, 100);
            checkpoints.after_commit(&writer);
        }
        assert!(LOG_PAGES.get() < MOST_PAGES);
        assert_eq!((count(&reader), count(&writer)), (22_010, 22_010));
        checkpoints.stop();
    }
}
