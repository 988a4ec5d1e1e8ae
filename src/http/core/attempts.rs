//! Attempts to authenticate, counted on a clock that only goes forward.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::credential::throttle::{BadKeys, Failure, Throttle};
use crate::domain::decision::Presented;
use crate::error::{Error, Result};

/// The throttle of one server; see [`crate::domain::credential::throttle`].
pub struct Attempts {
    began: Instant,
    throttle: Mutex<Throttle>,
}

impl Default for Attempts {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            throttle: Mutex::default(),
        }
    }
}

impl Attempts {
    /// Goes on if an attempt from there may be made; `id` is the key id of a well-formed token.
    ///
    /// # Errors
    /// [`Error::Throttled`].
    pub fn check(&self, address: IpAddr, id: Option<&str>) -> Result<()> {
        throttled(self.throttle().wait(address, id, self.now()))
    }

    /// Notes how an attempt went.
    pub fn note<T>(&self, address: IpAddr, id: &str, outcome: &Result<T>) {
        match outcome {
            Ok(_) => self.throttle().succeeded(address, id),
            // A secret that was right once took a run too.
            Err(Error::UnknownCredential | Error::Unauthenticated { .. }) => {
                self.throttle()
                    .failed(address, Some(id), Failure::Wrong, self.now());
            }
            // A server that is busy is nobody's guess.
            Err(_) => {}
        }
    }

    /// Notes that a key came which is known to be dead.
    ///
    /// # Errors
    /// [`Error::Throttled`] when it comes again and again.
    pub fn dead(&self, address: IpAddr, id: &str) -> Result<()> {
        self.check(address, Some(id))?;
        self.throttle()
            .failed(address, Some(id), Failure::Dead, self.now());
        Ok(())
    }

    /// Notes a token that is no token.
    pub fn malformed(&self, address: IpAddr) {
        self.throttle()
            .failed(address, None, Failure::Malformed, self.now());
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn throttle(&self) -> MutexGuard<'_, Throttle> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Virtual keys that don't work, as credentials of calls; see [`BadKeys`].
pub struct BadHolders {
    began: Instant,
    /// Whether there are none: then nobody has to look.
    none: AtomicBool,
    keys: Mutex<BadKeys>,
}

impl Default for BadHolders {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            none: AtomicBool::new(true),
            keys: Mutex::default(),
        }
    }
}

impl BadHolders {
    /// Whether no key failed since the start.
    pub fn is_empty(&self) -> bool {
        self.none.load(Ordering::Relaxed)
    }

    /// Goes on unless this very key failed too often from there.
    ///
    /// # Errors
    /// [`Error::Throttled`].
    pub fn check(&self, address: IpAddr, key: &Presented) -> Result<()> {
        let now = self.began.elapsed();
        throttled(
            self.keys()
                .wait(address, key.public_id, key.secret_hash, now),
        )
    }

    /// Notes that a key failed.
    ///
    /// # Errors
    /// [`Error::Throttled`] when its id fails too often there.
    pub fn failed(&self, address: IpAddr, key: &Presented) -> Result<()> {
        let now = self.began.elapsed();
        self.none.store(false, Ordering::Relaxed);
        throttled(
            self.keys()
                .failed(address, key.public_id, key.secret_hash, now),
        )
    }

    fn keys(&self) -> MutexGuard<'_, BadKeys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn throttled(wait: Option<u64>) -> Result<()> {
    wait.map_or(Ok(()), |retry_after_seconds| {
        Err(Error::Throttled {
            retry_after_seconds,
        })
    })
}
