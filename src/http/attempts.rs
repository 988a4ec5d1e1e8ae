//! Attempts to authenticate, counted on a clock that only goes forward.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::throttle::{Failure, Throttle};
use crate::error::{Error, Result};

/// The throttle of one server; see [`crate::domain::throttle`].
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
        match self.throttle().wait(address, id, self.now()) {
            Some(retry_after_seconds) => Err(Error::Throttled {
                retry_after_seconds,
            }),
            None => Ok(()),
        }
    }

    /// Notes how an attempt went.
    pub fn note<T>(&self, address: IpAddr, id: &str, outcome: &Result<T>) {
        match outcome {
            Ok(_) => self.throttle().succeeded(address, id),
            Err(Error::UnknownCredential) => {
                self.throttle()
                    .failed(address, Some(id), Failure::Wrong, self.now());
            }
            // A key whose time is over, or a server that is busy, is nobody's guess.
            Err(_) => {}
        }
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
