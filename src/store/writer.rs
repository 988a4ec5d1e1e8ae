//! The one writer: a thread that groups commits.
//!
//! It takes every closure that is waiting, opens one `BEGIN IMMEDIATE`, runs each in order in a savepoint of its own (an error
//! or a panic rolls back that one alone), commits once, and only then answers them all. Writes are serial, never busy, and one
//! disk sync is shared by all that wait.

mod checkpoints;
pub mod figures;
pub(super) mod job;
pub mod write_gate;

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use self::checkpoints::Checkpoints;
use self::figures::WriterFigures;
use self::job::{Job, Needs, Submitted, ended, job, not_taken, stopped, to_a_caller};
use self::write_gate::WriteGate;
use super::audit::keeper::ChainKeeper;
use super::database::fault::Doing;
use super::database::health::Health;
use super::sql::Writing;
use crate::error::{Error, Result};

/// Closures that may wait; one more is refused as overloaded.
const QUEUE: usize = 1_024;
/// Closures in one commit.
const MAX_BATCH: usize = 256;
/// How long [`Writer::stop`] waits for what is queued.
const STOP_WAIT: Duration = Duration::from_secs(8);

enum Message {
    Run(Box<dyn Job>),
    Stop(SyncSender<Result<()>>),
}

/// The handle of the writer thread.
pub struct Writer {
    queue: SyncSender<Message>,
    gate: Arc<WriteGate>,
    generation: Arc<AtomicU64>,
    pub(super) figures: Arc<WriterFigures>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the thread; it owns the connection.
    ///
    /// # Errors
    /// [`Error::Internal`] when the system gives no thread.
    pub fn start(
        connection: Connection,
        chain: Arc<ChainKeeper>,
        health: Arc<Health>,
    ) -> Result<Self> {
        let (queue, waiting) = sync_channel(QUEUE);
        let generation = Arc::new(AtomicU64::new(0));
        let gate = Arc::new(WriteGate::default());
        let figures = Arc::<WriterFigures>::default();
        let (committed, guarded) = (Arc::clone(&generation), Arc::clone(&gate));
        let counted = figures.clone();
        let checkpoints = Checkpoints::start(&connection)?;
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || {
                Loop {
                    connection,
                    checkpoints,
                    chain,
                    health,
                    gate: guarded,
                    generation: committed,
                    figures: counted,
                    synced: Cell::new(true),
                }
                .run(&waiting);
            })
            .map_err(|error| Error::internal("starting the writer thread", error))?;
        Ok(Self {
            queue,
            gate,
            generation,
            figures,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// See [`super::Store::generation`].
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// See [`super::Store::gate`].
    pub fn gate(&self) -> &Arc<WriteGate> {
        &self.gate
    }

    /// Whether the thread is there.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it has ended.
    pub fn ready(&self) -> Result<()> {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let is_finished = thread.as_ref().ok_or_else(stopped)?.is_finished();
        if is_finished { Err(ended()) } else { Ok(()) }
    }

    /// See [`super::Store::unit_of_work`].
    ///
    /// # Errors
    /// See [`super::Store::unit_of_work`].
    pub fn write<T: Send + 'static>(
        &self,
        needs: Needs,
        work: impl FnOnce(&Writing<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        if !needs.first {
            self.gate.pass()?;
        }
        let (answer, receiver) = to_a_caller();
        let job = job(work, needs, answer);
        let taken = self.queue.try_send(Message::Run(job));
        taken.map_err(|error| not_taken(&error, QUEUE))?;
        receiver.recv().unwrap_or_else(|_| Err(stopped()))
    }

    /// Hands `work` to the thread, waiting for a place in the queue, and answers where its result will come. What is submitted by
    /// one thread runs in that order.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the store is closed.
    pub fn submit<T: Send + 'static>(
        &self,
        needs: Needs,
        work: impl FnOnce(&Writing<'_>) -> Result<T> + Send + 'static,
    ) -> Result<Submitted<T>> {
        let (answer, receiver) = to_a_caller();
        self.hand_over(needs, work, answer)
            .map(|()| Submitted(receiver))
    }

    /// The same for a caller who is not told on its own thread: `answer` is called on this one, before anything else is written.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the store is closed; then `answer` is not called.
    pub fn hand_over<T: Send + 'static>(
        &self,
        needs: Needs,
        work: impl FnOnce(&Writing<'_>) -> Result<T> + Send + 'static,
        answer: impl FnOnce(Result<T>) + Send + 'static,
    ) -> Result<()> {
        self.queue
            .send(Message::Run(job(work, needs, answer)))
            .map_err(|_| stopped())
    }

    /// Finishes what is queued, copies the log into the file and ends the thread. A second call does nothing.
    ///
    /// # Errors
    /// When the queue does not empty in time or the file can't be brought up to date.
    pub fn stop(&self) -> Result<()> {
        let Some(thread) = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        else {
            return Ok(());
        };
        let (sender, receiver) = sync_channel(1);
        // The thread is only gone if it panicked, which the receiver below reports.
        let _ = self.queue.send(Message::Stop(sender));
        let outcome = match receiver.recv_timeout(STOP_WAIT) {
            Ok(outcome) => outcome,
            Err(RecvTimeoutError::Timeout) => {
                return Err(Error::internal(
                    "stopping the writer",
                    "it is still writing",
                ));
            }
            Err(RecvTimeoutError::Disconnected) => Err(stopped()),
        };
        thread.join().map_err(|panic| job::panicked(&*panic))?;
        outcome
    }
}

struct Loop {
    connection: Connection,
    checkpoints: Checkpoints,
    chain: Arc<ChainKeeper>,
    health: Arc<Health>,
    gate: Arc<WriteGate>,
    generation: Arc<AtomicU64>,
    figures: Arc<WriterFigures>,
    /// Whether commits wait for the disk, as they do on a connection that was just opened.
    synced: Cell<bool>,
}

impl Loop {
    fn run(self, waiting: &Receiver<Message>) {
        while let Ok(first) = waiting.recv() {
            let mut batch = Vec::new();
            let mut stop = None;
            let mut next = Some(first);
            while let Some(message) = next {
                match message {
                    Message::Run(job) => batch.push(job),
                    Message::Stop(done) => stop = Some(done),
                }
                next = if stop.is_none() && batch.len() < MAX_BATCH {
                    waiting.try_recv().ok()
                } else {
                    None
                };
            }
            self.commit(batch);
            if let Some(done) = stop {
                self.checkpoints.stop();
                let _ = done.send(checkpoints::copy_all(&self.connection));
                return;
            }
        }
    }

    /// Runs a batch and answers every job of it.
    fn commit(&self, mut batch: Vec<Box<dyn Job>>) {
        // Those who go first don't ask for a round: they are it.
        if batch.iter().any(|job| !job.needs().first)
            && let Err(refusal) = self.gate.check()
        {
            for job in batch.extract_if(.., |job| !job.needs().first) {
                job.answer(Err(refusal.clone()));
            }
        }
        if batch.is_empty() {
            return;
        }
        let changes = self
            .gate
            .is_failing()
            .then(|| self.connection.total_changes());
        let began = Instant::now();
        let outcome = self.transact(&mut batch);
        self.figures.committed(batch.len(), began, &outcome);
        match &outcome {
            Err(error) => self.gate.failed(error),
            Ok(()) if batch.iter().all(|job| job.refusal().is_some()) => {
                for error in batch.iter().filter_map(|job| job.refusal()) {
                    self.gate.failed(error);
                }
            }
            Ok(()) if changes.is_some_and(|before| before != self.connection.total_changes()) => {
                self.gate.succeeded();
            }
            Ok(()) => {}
        }
        if let Err(error) = &outcome {
            log::error!("a commit of {} writes failed: {error}", batch.len());
            if let Error::Unavailable {
                code: super::database::fault::DAMAGED,
                reason,
            } = error
            {
                self.health.set_damaged(reason);
            }
            if !self.connection.is_autocommit()
                && let Err(error) = self.connection.execute_batch("ROLLBACK")
            {
                log::error!("rolling back a failed commit: {error}");
            }
        }
        // Also after a failure: whether a commit that failed left something is not ours to guess.
        if batch.iter().any(|job| job.needs().generation) {
            self.generation.fetch_add(1, Ordering::SeqCst);
        }
        for job in batch {
            job.answer(outcome.clone());
        }
        self.checkpoints.after_commit(&self.connection);
    }

    fn transact(&self, batch: &mut [Box<dyn Job>]) -> Result<()> {
        self.health.may_write()?;
        self.set_durability(batch.iter().any(|job| job.needs().sync))?;
        self.statement("BEGIN IMMEDIATE")?;
        if let [only] = batch {
            // The transaction is its savepoint.
            let keep = self.run_job(only);
            self.fail_without_transaction()?;
            return self.statement(if keep { "COMMIT" } else { "ROLLBACK" });
        }
        for job in batch {
            self.statement("SAVEPOINT job")?;
            let keep = self.run_job(job);
            self.fail_without_transaction()?;
            if !keep {
                self.statement("ROLLBACK TO job")?;
            }
            self.statement("RELEASE job")?;
        }
        self.statement("COMMIT")
    }

    /// The job before may have begun a chain with another key.
    fn run_job(&self, job: &mut Box<dyn Job>) -> bool {
        job.run(&Writing::of(&self.connection, &self.chain.key()))
    }

    /// Chooses whether the next commit waits for the disk. In WAL mode, one that does not survives the end of the process, and the
    /// next that does covers it.
    fn set_durability(&self, sync: bool) -> Result<()> {
        if self.synced.get() == sync {
            return Ok(());
        }
        let sql = if sync {
            "PRAGMA synchronous = FULL"
        } else {
            "PRAGMA synchronous = NORMAL"
        };
        self.connection.execute_batch(sql).doing(sql)?;
        self.synced.set(sync);
        Ok(())
    }

    /// A full disk makes SQLite roll back the whole transaction, not only the statement: then the batch is lost.
    fn fail_without_transaction(&self) -> Result<()> {
        if !self.connection.is_autocommit() {
            return Ok(());
        }
        Err(Error::Unavailable {
            code: super::database::fault::DISK_FULL,
            reason: "the disk is full or refused the write; nothing was written".to_owned(),
        })
    }

    fn statement(&self, sql: &str) -> Result<()> {
        let run = || self.connection.prepare_cached(sql)?.execute([]);
        run().map(|_| ()).doing(sql)
    }
}

#[cfg(test)]
mod properties;
