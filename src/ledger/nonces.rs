//! Random halves of reservation ids, taken from the system many at a time.

use crate::error::{Error, Result};

const AT_ONCE: usize = 4_096;

/// A stock of random numbers.
pub struct Nonces {
    bytes: Vec<u8>,
    used: usize,
}

impl Nonces {
    /// An empty stock.
    pub fn new() -> Self {
        Self {
            bytes: vec![0; AT_ONCE],
            used: AT_ONCE,
        }
    }

    /// The next one.
    ///
    /// # Errors
    /// [`Error::Internal`] when the system has no randomness.
    pub fn next(&mut self) -> Result<i64> {
        if self.used == AT_ONCE {
            getrandom::fill(&mut self.bytes)
                .map_err(|error| Error::internal("reading randomness", error))?;
            self.used = 0;
        }
        let mut nonce = [0; 8];
        nonce.copy_from_slice(&self.bytes[self.used..self.used + 8]);
        self.used += 8;
        Ok(i64::from_ne_bytes(nonce))
    }
}
