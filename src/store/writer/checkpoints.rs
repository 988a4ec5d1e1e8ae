//! Copies the write-ahead log into the database file beside the writer, so that nobody who waits for a commit waits for that too.
//!
//! A checkpoint of SQLite that is called PASSIVE works while others read and write. It can't begin the log anew while commits go on
//! without a pause, because there is always something more to copy; so the writer copies what the thread has left, when that is
//! little. How much is in the log is counted in pages, not in rows: a large policy is a few rows on many pages.
//!
//! SQLite has the database file reach the disk only when the whole log was copied, so the writer would wait for all pages that were
//! copied since the log began. The thread has them reach it each time.

use std::cell::Cell;
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

use crate::error::{Error, Result};
use crate::store::database::connection::{open, writer_flags};
use crate::store::database::fault::Doing;

/// Pages that are added to the log before the thread copies them: 4 MiB.
const COPY_PAGES: u32 = 1_000;
/// Pages in the log from which on the writer copies the rest, when that is little: 16 MiB.
const BEGIN_ANEW_PAGES: u32 = 4_096;
/// Most pages that are little: 2 MiB.
const LITTLE_PAGES: u32 = 500;
/// Pages in the log from which on the writer copies it however much that is: 64 MiB. The thread was too slow then, or somebody reads
/// what was before.
const MOST_PAGES: u32 = 16_384;

thread_local! {
    /// Pages in the log after the last commit of this thread. SQLite tells them to a function that has no place of its own to keep them.
    static LOG_PAGES: Cell<u32> = const { Cell::new(0) };
}

/// The thread that copies the log, and what it was asked. Of the writer's thread.
pub struct Checkpoints {
    ask: SyncSender<()>,
    thread: JoinHandle<()>,
    /// Pages of the log that were copied, as far as was heard.
    copied: Arc<AtomicU32>,
    /// Pages in the log when the thread was asked last.
    asked_at: Cell<u32>,
    /// Pages in the log when the writer copied it last.
    tried_at: Cell<u32>,
}

/// What is to be done about the log after a commit.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Nothing,
    Ask,
    Copy,
}

impl Checkpoints {
    /// Starts the thread, with a connection of its own to the database of `writer`; takes the place of the automatic checkpoints of
    /// `writer`.
    ///
    /// # Errors
    /// When the database can't be opened, or the system gives no thread.
    pub fn start(writer: &Connection) -> Result<Self> {
        let path = writer.path().unwrap_or_default();
        let connection =
            open(path, writer_flags()).doing("opening the database to copy its log")?;
        let path = connection.path().unwrap_or_default();
        let file = File::open(path)
            .map_err(|error| Error::internal("opening the database to sync it", error))?;
        // Never closed: that would take from SQLite the locks that it holds on the file in this process (POSIX, fcntl).
        let file: &'static File = Box::leak(Box::new(file));
        writer.wal_hook(Some(|_, pages| {
            LOG_PAGES.set(pages.unsigned_abs());
            Ok(())
        }));
        let (ask, asked) = sync_channel(1);
        let copied = Arc::new(AtomicU32::new(0));
        let tell = Arc::clone(&copied);
        let thread = std::thread::Builder::new()
            .name("checkpoints".to_owned())
            .spawn(move || {
                while asked.recv().is_ok() {
                    copy(&connection, &tell);
                    if let Err(error) = file.sync_data() {
                        // The log begins anew only after SQLite's own sync, which fails then too.
                        log::warn!("having the database file reach the disk: {error}");
                    }
                }
            })
            .map_err(|error| Error::internal("starting the thread that copies the log", error))?;
        Ok(Self {
            ask,
            thread,
            copied,
            asked_at: Cell::new(0),
            tried_at: Cell::new(0),
        })
    }

    /// Has the log copied if enough was committed since the last time; begins it anew when it is long and little is left to copy.
    pub fn after_commit(&self, writer: &Connection) {
        let pages = LOG_PAGES.get();
        if pages < self.asked_at.get().max(self.tried_at.get()) {
            // It began anew.
            self.asked_at.set(0);
            self.tried_at.set(0);
            self.copied.store(0, Ordering::Relaxed);
        }
        match self.step(pages) {
            Step::Nothing => {}
            Step::Ask => {
                // When it has not begun what it was asked before, that will do.
                let _ = self.ask.try_send(());
                self.asked_at.set(pages);
            }
            Step::Copy => {
                self.tried_at.set(pages);
                copy(writer, &self.copied);
            }
        }
    }

    fn step(&self, pages: u32) -> Step {
        let left = pages.saturating_sub(self.copied.load(Ordering::Relaxed));
        let untried = pages - self.tried_at.get();
        let is_long = pages >= BEGIN_ANEW_PAGES;
        if is_long && left <= LITTLE_PAGES && untried >= LITTLE_PAGES
            || pages >= MOST_PAGES && untried >= BEGIN_ANEW_PAGES
        {
            Step::Copy
        } else if pages - self.asked_at.get() >= COPY_PAGES {
            Step::Ask
        } else {
            Step::Nothing
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

/// Copies what is in the log as far as nobody reads what it would replace, and tells how far that was. Does nothing when somebody
/// is at it.
fn copy(connection: &Connection, tell: &AtomicU32) {
    let copied = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(2));
    match copied.map(|pages: i64| u32::try_from(pages)) {
        Ok(Ok(pages)) => tell.store(pages, Ordering::Relaxed),
        Ok(Err(_)) => {}
        // The log keeps everything until it can be copied.
        Err(error) => log::warn!("copying the log into the database file: {error}"),
    }
}

/// Copies the whole log into the database file, at the end.
///
/// # Errors
/// When the disk refuses it.
pub fn copy_all(connection: &Connection) -> Result<()> {
    let busy: i64 = connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .doing("copying the log into the database file")?;
    if busy != 0 {
        log::warn!("the log was not wholly copied into the database file; the next start does it");
    }
    Ok(())
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
        // The writer may find the thread at it once.
        assert!(most < MOST_PAGES + 2 * BEGIN_ANEW_PAGES, "{most} pages");
        checkpoints.stop();
        let rows: u32 = writer
            .query_row("SELECT count(*) FROM t", [], |row| row.get(0))
            .unwrap();
        assert_eq!(rows, 40_000);
    }

    #[test]
    fn the_thread_copies_much_and_the_writer_little() {
        let directory = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::start(&writer(&directory)).unwrap();
        for (pages, copied, asked_at, tried_at, step) in [
            (999, 0, 0, 0, Step::Nothing),
            (1_000, 0, 0, 0, Step::Ask),
            (1_999, 0, 1_000, 0, Step::Nothing),
            // The thread was idle while little was added, or much at once.
            (4_100, 3_150, 3_150, 0, Step::Nothing),
            (5_500, 1_000, 1_000, 0, Step::Ask),
            (5_500, 5_000, 5_000, 0, Step::Copy),
            // It did not begin anew: somebody reads.
            (5_600, 5_500, 5_000, 5_500, Step::Nothing),
            (6_000, 5_900, 5_900, 5_500, Step::Copy),
            // The thread can't keep up, or the reader stays.
            (16_383, 9_000, 16_000, 0, Step::Nothing),
            (16_384, 9_000, 16_000, 0, Step::Copy),
            (17_384, 9_000, 16_000, 16_384, Step::Ask),
            (20_480, 9_000, 20_000, 16_384, Step::Copy),
        ] {
            checkpoints.copied.store(copied, Ordering::Relaxed);
            checkpoints.asked_at.set(asked_at);
            checkpoints.tried_at.set(tried_at);
            let found = checkpoints.step(pages);
            assert_eq!(found, step, "{pages} {copied} {asked_at} {tried_at}");
        }
        checkpoints.stop();
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
        let long = LOG_PAGES.get();
        // The thread beside may be anywhere in a round, and the disk slow.
        let mut rows = 20_010;
        while LOG_PAGES.get() >= long && rows < 200_000 {
            insert(&writer, 100);
            checkpoints.after_commit(&writer);
            rows += 100;
        }
        assert!(LOG_PAGES.get() < long);
        assert_eq!((count(&reader), count(&writer)), (rows, rows));
        checkpoints.stop();
    }
}
