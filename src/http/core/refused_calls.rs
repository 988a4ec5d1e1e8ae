//! Calls whose own credential was refused, in the access log: the first of a kind are lines like any other, with address, key id and
//! code, and then there is a line a period that says how many there were. Whoever sends a dead key at full speed would fill the log.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::{HttpRequest, rt};

use super::context::{ACCESS_LOG, Context, Refused};
use super::log_lines;
use super::problem::Problem;
use crate::domain::values::repeats::{LeftOut, PERIOD, Repeats};
use crate::error::Error;

/// Lines of a kind that are written in a period.
const FIRST: u32 = 5;
/// Kinds that are told apart in a period.
const KINDS: usize = 1_000;
/// Kinds of one address, so that nobody who makes up ids takes the places of all others; what it tries beyond is one kind.
const OF_ADDRESS: usize = 10;
/// What stands for the ids that an address tried beyond those.
const FURTHER_IDS: &str = "*";
/// What stands for the key id where no well-formed key came.
pub const NO_ID: &str = "-";

/// What was refused lately.
pub struct RefusedCalls(Mutex<Lately>);

struct Lately {
    repeats: Repeats<Refused>,
    /// How many kinds each address has; as many addresses as kinds at most.
    of_address: HashMap<IpAddr, usize>,
    /// Whether a task waits for the end of the period, to tell what was left out.
    is_awaited: bool,
}

impl Default for RefusedCalls {
    fn default() -> Self {
        Self(Mutex::new(Lately {
            repeats: Repeats::new(FIRST, KINDS),
            of_address: HashMap::new(),
            is_awaited: false,
        }))
    }
}

impl Lately {
    /// Whether it is told as a line of its own.
    fn note(&mut self, refused: &Refused) -> bool {
        let mut kind = refused.clone();
        if !self.repeats.knows(&kind) && self.of_address.len() < KINDS {
            let kinds = self.of_address.entry(kind.from).or_default();
            if *kinds < OF_ADDRESS {
                *kinds += 1;
            } else {
                FURTHER_IDS.clone_into(&mut kind.tried_id);
            }
        }
        self.repeats.note(kind, Duration::ZERO)
    }
}

/// Notes on a request that its credential was refused with this error.
pub fn note(request: &HttpRequest, from: IpAddr, tried_id: &str, error: &Error) {
    if matches!(
        error,
        Error::Unauthenticated { .. } | Error::UnknownCredential | Error::Throttled { .. }
    ) {
        let (code, _) = Problem::from(error.clone()).reason();
        note_code(request, from, tried_id, code);
    }
}

/// The same with the code of the refusal.
pub fn note_code(request: &HttpRequest, from: IpAddr, tried_id: &str, code: &'static str) {
    if let Some(context) = Context::of(request) {
        let tried_id = tried_id.to_owned();
        // Set once a request, by its one guard.
        let _ = context.refused.set(Refused {
            from,
            tried_id,
            code,
        });
    }
}

impl RefusedCalls {
    /// Whether the call is told as a line of its own. To be called where a local task can be spawned.
    pub fn is_told(self: &Arc<Self>, refused: &Refused) -> bool {
        let mut lately = self.lately();
        let told = lately.note(refused);
        let begins = !std::mem::replace(&mut lately.is_awaited, true);
        drop(lately);
        if !told {
            log_lines::COUNTED.add(1);
        }
        if begins {
            let calls = Arc::clone(self);
            rt::spawn(async move {
                rt::time::sleep(PERIOD).await;
                calls.end();
            });
        }
        told
    }

    /// Tells what was left out until now.
    pub fn end(&self) {
        let mut lately = self.lately();
        lately.is_awaited = false;
        lately.of_address.clear();
        let left_out = lately.repeats.end();
        drop(lately);
        tell(left_out);
    }

    fn lately(&self) -> MutexGuard<'_, Lately> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell(left_out: Vec<LeftOut<Refused>>) {
    for LeftOut { what, count } in left_out {
        let seconds = PERIOD.as_secs();
        match what {
            Some(refused) => log::info!(
                target: ACCESS_LOG,
                from:% = refused.from,
                tried_id = refused.tried_id.as_str(),
                code = refused.code,
                count = count;
                "refused as often again in {seconds} s"
            ),
            None => log::info!(
                target: ACCESS_LOG,
                count = count;
                "refused from others in {seconds} s"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_makes_up_ids_hides_nobody_else() {
        let mut lately = Lately {
            repeats: Repeats::new(FIRST, KINDS),
            of_address: HashMap::new(),
            is_awaited: false,
        };
        let refused = |last: u8, tried_id: String| Refused {
            from: [192, 0, 2, last].into(),
            tried_id,
            code: "api_key_unknown",
        };
        let made_up = (0..5_000).map(|number| refused(1, format!("made-up-{number}")));
        let told = made_up.filter(|one| lately.note(one)).count();
        assert_eq!(told, OF_ADDRESS + FIRST as usize);
        assert!(lately.note(&refused(2, "careful".to_owned())));
        let counted: u32 = lately
            .repeats
            .end()
            .iter()
            .map(|left_out| left_out.count)
            .sum();
        assert_eq!(counted as usize, 5_000 - told);
    }
}
