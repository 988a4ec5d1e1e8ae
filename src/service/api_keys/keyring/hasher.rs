//! argon2id on threads of its own, so that costly hashing never holds up the rest.
//!
//! Each thread allocates its 19 MiB once and reuses them: allocating for each hash leaves the memory with the allocator until the
//! process is killed (RELIABILITY.md). The queue is short; what does not fit is refused at once.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::Zeroizing;

use crate::domain::api_key::{HASH_LENGTH, SALT_LENGTH};
use crate::error::{Error, Result};
use crate::metrics::{Distribution, Histogram, QUICK, Tally, nanoseconds};

/// Memory of one hash in KiB, passes, and lanes: the second choice of RFC 9106 is 64 MiB; the OWASP Password Storage Cheat Sheet
/// allows 19 MiB with two passes. The secrets are 256 random bits, so this only has to be a nuisance, and an edge box has
/// little memory.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Hashes that may wait; at 15 to 30 ms each the last of them waits about a second.
const QUEUE: usize = 32;
/// A hash that waited longer is refused: its caller has probably gone.
const MAX_WAIT: Duration = Duration::from_secs(2);

struct Job {
    secret: Zeroizing<Vec<u8>>,
    salt: [u8; SALT_LENGTH],
    since: Instant,
    answer: SyncSender<Result<[u8; HASH_LENGTH]>>,
}

/// The hashing threads.
pub struct Hasher {
    queue: SyncSender<Job>,
    figures: Arc<HasherFigures>,
}

/// What is counted of hashes.
#[derive(Debug)]
pub struct HasherFigures {
    runs: Tally,
    waiting: Tally,
    refused: Tally,
    waits: Histogram,
}

impl Default for HasherFigures {
    fn default() -> Self {
        Self {
            runs: Tally::new(),
            waiting: Tally::new(),
            refused: Tally::new(),
            waits: Histogram::new(QUICK),
        }
    }
}

impl HasherFigures {
    /// How many hashes were computed since the start.
    pub fn runs(&self) -> u64 {
        self.runs.get()
    }

    /// How many wait.
    pub fn waiting(&self) -> u64 {
        self.waiting.get()
    }

    /// How many were refused because too many waited, or waited too long.
    pub fn refused(&self) -> u64 {
        self.refused.get()
    }

    /// How long each waited before it was begun or refused, in nanoseconds.
    pub fn waits(&self) -> Distribution {
        self.waits.read()
    }
}

impl Hasher {
    /// Starts the threads: one for every two processors, at most four, so that others still get work done.
    ///
    /// # Errors
    /// [`Error::Internal`] when the system gives no thread.
    pub fn start() -> Result<Self> {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let (queue, waiting) = sync_channel(QUEUE);
        let waiting = Arc::new(Mutex::new(waiting));
        let figures = Arc::<HasherFigures>::default();
        for _ in 0..(processors / 2).clamp(1, 4) {
            let (waiting, figures) = (Arc::clone(&waiting), Arc::clone(&figures));
            std::thread::Builder::new()
                .name("hasher".to_owned())
                .spawn(move || work(&waiting, &figures))
                .map_err(|error| Error::internal("starting a hashing thread", error))?;
        }
        Ok(Self { queue, figures })
    }

    /// argon2id of a secret. Blocks until it is done.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when too many wait already.
    pub fn hash(&self, secret: &[u8], salt: [u8; SALT_LENGTH]) -> Result<[u8; HASH_LENGTH]> {
        let (answer, receiver) = sync_channel(1);
        let job = Job {
            secret: Zeroizing::new(secret.to_vec()),
            salt,
            since: Instant::now(),
            answer,
        };
        self.figures.waiting.add(1);
        self.queue.try_send(job).map_err(|_| {
            self.figures.waiting.take(1);
            self.figures.refused.add(1);
            busy()
        })?;
        receiver
            .recv()
            .unwrap_or_else(|_| Err(Error::internal("hashing", "the thread is gone")))
    }

    /// What is counted of them.
    pub fn figures(&self) -> &HasherFigures {
        &self.figures
    }
}

fn busy() -> Error {
    Error::Unavailable {
        code: "overloaded",
        reason: "too many keys are being verified at once".to_owned(),
    }
}

fn work(waiting: &Mutex<Receiver<Job>>, figures: &HasherFigures) {
    let mut memory = Vec::new();
    loop {
        let next = waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        let Ok(job) = next else { return };
        let waited = job.since.elapsed();
        figures.waiting.take(1);
        figures.waits.note(nanoseconds(waited));
        let outcome = if waited > MAX_WAIT {
            figures.refused.add(1);
            Err(busy())
        } else {
            figures.runs.add(1);
            argon2id(&job.secret, &job.salt, &mut memory)
        };
        // The caller may be gone.
        let _ = job.answer.send(outcome);
    }
}

fn argon2id(secret: &[u8], salt: &[u8], memory: &mut Vec<Block>) -> Result<[u8; HASH_LENGTH]> {
    let failed = |error: argon2::Error| Error::internal("hashing", error);
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(HASH_LENGTH)).map_err(failed)?;
    memory.resize(params.block_count(), Block::new());
    let mut hash = [0; HASH_LENGTH];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(secret, salt, &mut hash, memory.as_mut_slice())
        .map_err(failed)?;
    Ok(hash)
}
