//! One verification for many requests that bring the same token at once: a gateway that reconnects with sixty connections costs
//! one argon2id run, not sixty.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::domain::api_key::ApiKey;
use crate::error::{Error, Result};

/// What tells verifications apart: the token's tag, and how often keys had changed. Who comes after a change never shares a
/// verification that began before it.
pub type Flight = ([u8; 32], u64);

type Outcome = Result<Arc<ApiKey>>;

#[derive(Default)]
struct Seat {
    outcome: Mutex<Option<Outcome>>,
    landed: Condvar,
}

/// The verifications that are under way.
#[derive(Default)]
pub struct Flights(Mutex<HashMap<Flight, Arc<Seat>>>);

impl Flights {
    /// Runs `verify`, or waits for the outcome of one that is under way for the same token.
    ///
    /// # Errors
    /// What `verify` answers.
    pub fn join(&self, flight: Flight, verify: impl FnOnce() -> Outcome) -> Outcome {
        let (seat, first) = {
            let mut flights = self.flights();
            let known = flights.get(&flight).cloned();
            let first = known.is_none();
            (
                known.unwrap_or_else(|| Arc::clone(flights.entry(flight).or_default())),
                first,
            )
        };
        if first {
            let landing = Landing {
                flights: self,
                flight,
                seat: &seat,
            };
            let outcome = verify();
            landing.with(outcome.clone());
            return outcome;
        }
        let mut outcome = seat.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(outcome) = &*outcome {
                return outcome.clone();
            }
            outcome = seat
                .landed
                .wait(outcome)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn flights(&self) -> MutexGuard<'_, HashMap<Flight, Arc<Seat>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends a flight whatever happens, a panic included: nobody waits for ever.
struct Landing<'f> {
    flights: &'f Flights,
    flight: Flight,
    seat: &'f Seat,
}

impl Landing<'_> {
    fn with(&self, outcome: Outcome) {
        self.seat
            .outcome
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(outcome);
    }
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        self.with(Err(Error::internal(
            "verifying a key",
            "the verification panicked",
        )));
        self.flights.flights().remove(&self.flight);
        self.seat.landed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn many_that_come_together_share_one_verification() {
        let (flights, runs) = (Flights::default(), AtomicUsize::new(0));
        let waiting = std::sync::Barrier::new(8);
        std::thread::scope(|scope| {
            for number in 0..8_u8 {
                let (flights, runs, waiting) = (&flights, &runs, &waiting);
                scope.spawn(move || {
                    waiting.wait();
                    let outcome = flights.join(([number / 4; 32], 0), || {
                        runs.fetch_add(1, Ordering::SeqCst);
                        // Long enough for the others to come, whatever the scheduler does: until they have all been here.
                        while Arc::strong_count(
                            flights.flights().get(&([number / 4; 32], 0)).unwrap(),
                        ) < 5
                        {
                            std::thread::yield_now();
                        }
                        Err(Error::UnknownCredential)
                    });
                    assert!(matches!(outcome, Err(Error::UnknownCredential)));
                });
            }
        });
        assert_eq!(runs.load(Ordering::SeqCst), 2);
        assert!(flights.flights().is_empty());
    }

    #[test]
    fn a_verification_that_panics_lands_too() {
        let flights = Flights::default();
        let panicking =
            std::panic::AssertUnwindSafe(|| flights.join(([1; 32], 0), || panic!("on purpose")));
        assert!(std::panic::catch_unwind(panicking).is_err());
        assert!(flights.flights().is_empty());
        let other = flights.join(([1; 32], 0), || Err(Error::UnknownCredential));
        assert!(matches!(other, Err(Error::UnknownCredential)));
    }
}
