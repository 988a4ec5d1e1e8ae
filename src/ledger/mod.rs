//! The counters: what every copy of an access profile has used and holds. Knows no HTTP.
//!
//! One thread owns all of it in memory. It takes everything that is waiting, decides it in order, and hands what is to be written to
//! the store as one closure, with the answers, which are given after the commit. Whatever changes who holds what goes through [`Ledger::change`], in
//! the same queue, so that decisions see it before the change is answered.

mod answers;
mod batch;
mod change;
mod charging;
mod commit;
mod copies;
mod counter;
mod counters;
mod counting;
mod decide;
mod directory;
mod ending;
mod extending;
mod holds;
mod known_expressions;
mod known_requests;
mod known_rules;
mod lines;
mod load;
mod mcp;
mod message;
mod near;
mod nonces;
mod open_counts;
mod orphans;
mod questions;
mod recover;
mod refuse;
mod requests;
mod reservation;
mod reservations;
mod rules;
mod seen;
mod settling;
mod tail;
mod thread;

/// The decisions themselves, in memory and without a store: for measuring them.
pub mod engine {
    pub use super::batch::{Batch, Refusals};
    pub use super::counters::{Amounts, Copy};
    pub use super::decide::Ask;
    pub use super::directory::{Key, State};
    pub use super::rules::Rules;
    pub use super::tail::Tail;
}

use std::collections::HashMap;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::oneshot;

pub use self::change::Ended;
pub use self::holds::{OpenQuery, OpenReservations};
pub use self::known_expressions::{KnownExpressions, ReadyExpressions};
use self::known_rules::KnownRules;
pub use self::message::{Counters, Decision, Ender, Extension, Pending};
use self::message::{Message, Reply, stopped};
pub use self::near::{NearLimit, NearLimits, NearQuery};
use self::seen::Seen;
use crate::domain::decision::{
    Admitted, Call, Granted, GrantedTools, Holder, Presented, ReservationId, Settled,
};
use crate::domain::explanation::Explanation;
use crate::domain::money::Money;
use crate::domain::settings::DecisionSettings;
use crate::error::{Error, Result};
use crate::store::{Seat, Store, decision_rows, former_secrets, journal};

/// What every copy has used and holds, and who may use it.
pub struct Ledger {
    store: Seat,
    queue: SyncSender<Message>,
    limit: usize,
    zone: TimeZone,
    usage_retention_days: u32,
    seen: Seen,
    expressions: Arc<KnownExpressions>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What one limit of a copy counts now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Where it counts (`limit_places`).
    pub place_id: i64,
    /// Used in the window: nanodollars, tokens or requests.
    pub used: i64,
    /// Held by open reservations, in the same unit.
    pub held: i64,
    /// When the window began, in milliseconds since 1970.
    pub window_starts_at: i64,
    /// When it ends.
    pub window_resets_at: i64,
}

impl Ledger {
    /// Loads everything that decisions depend on, and starts the thread. It asks `clock` for the time.
    ///
    /// # Errors
    /// When the database can't be read, or the system gives no thread.
    pub fn start(
        store: Arc<Store>,
        settings: &DecisionSettings,
        zone: &TimeZone,
        clock: impl Fn() -> Timestamp + Send + 'static,
    ) -> Result<Self> {
        let store = Seat::take(store)?;
        let (queue, waiting) = sync_channel(settings.queue);
        let seen = Seen::default();
        let expressions = Arc::<KnownExpressions>::default();
        let thread = thread::start(
            store.clone(),
            settings.clone(),
            zone.clone(),
            clock,
            waiting,
            seen.clone(),
            KnownRules::none(Arc::clone(&expressions)),
        )?;
        Ok(Self {
            store,
            queue,
            limit: settings.queue,
            zone: zone.clone(),
            usage_retention_days: settings.usage_retention_days,
            seen,
            expressions,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Decides on a call, and holds its estimate on every limit that applies, or on none.
    ///
    /// Answers [`Error::RequestIdReused`] when the request id came with another body, [`Error::Conflict`] when the reservation
    /// that it got before is over.
    pub fn reserve(&self, call: Call) -> Pending<Decision<Granted>> {
        self.ask(|reply| Message::Reserve(Box::new(call), reply))
    }

    /// Decides on a call without an estimate, and counts it as one request.
    pub fn admit(&self, call: Call) -> Pending<Decision<Admitted>> {
        let call = without_estimates(call);
        self.ask(|reply| Message::Admit(Box::new(call), reply))
    }

    /// Charges a call that was made without a reservation: to the first copy that grants it and has room, else to the one that it came
    /// furthest in. Refused is only a key that never was.
    ///
    /// Answers [`Error::RequestIdReused`] when the request id came with another body.
    pub fn charge(&self, call: Call, tokens: i64, cost: Money) -> Pending<Decision<Settled>> {
        let call = without_estimates(call);
        self.ask(|reply| Message::Charge(Box::new(call), tokens, cost, reply))
    }

    /// Charges what a reservation really used and frees the rest. One that has expired is charged what its hold was not, and one that
    /// was cancelled as if it had not been.
    ///
    /// Answers [`Error::NotFound`]; [`Error::Conflict`] when it was settled with other numbers;
    /// [`Error::Forbidden`] when it is another's and `by` may not end those of others.
    pub fn settle(
        &self,
        id: ReservationId,
        tokens: i64,
        cost: Money,
        by: Ender,
    ) -> Pending<Settled> {
        self.ask(|reply| Message::Settle(id, tokens, cost, by, reply))
    }

    /// Prolongs a reservation and raises its hold, both or none.
    ///
    /// Answers [`Error::NotFound`]; [`Error::Conflict`] when it is not open any more, or the user does not hold its profile any more;
    /// [`Error::Forbidden`] as [`Ledger::settle`].
    pub fn extend(
        &self,
        id: ReservationId,
        to: Extension,
        by: Ender,
    ) -> Pending<Decision<Granted>> {
        self.ask(|reply| Message::Extend(id, to, by, reply))
    }

    /// Frees a reservation whose call was never made, and takes back its request. A second time does nothing.
    ///
    /// Answers [`Error::NotFound`]; [`Error::Conflict`] when it was settled; [`Error::Forbidden`] as [`Ledger::settle`].
    pub fn cancel(&self, id: ReservationId, by: Ender) -> Pending<()> {
        self.ask(|reply| Message::Cancel(id, by, reply))
    }

    /// What [`Ledger::reserve`] would decide, and every step that leads to it, with nothing counted.
    pub fn explain(&self, call: Call) -> Pending<Explanation> {
        self.ask(|reply| Message::Explain(Box::new(call), reply))
    }

    /// The same for a key of which the caller knows the id alone: the secret of `call.key` is not looked at.
    pub fn explain_known(&self, call: Call) -> Pending<Explanation> {
        self.ask(|reply| Message::ExplainKnown(Box::new(call), reply))
    }

    /// Whose key this is, if it works.
    pub fn who(&self, key: Presented) -> Pending<Decision<Holder>> {
        self.ask(|reply| Message::Who(key, reply))
    }

    /// The tools of an MCP server that a key may call.
    pub fn mcp_tools(&self, key: Presented, server: String) -> Pending<Decision<GrantedTools>> {
        self.ask(|reply| Message::McpTools(key, server, reply))
    }

    /// Compiled expressions. Those of a policy that a change gives to somebody must be ready before it, and stay so until it is done.
    pub fn expressions(&self) -> &KnownExpressions {
        &self.expressions
    }

    /// What the limits of these copies count at `now_ms`, by copy. A copy that is gone is missing.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the ledger is stopping.
    pub fn counters_of(&self, copies: &[i64], now_ms: i64) -> Result<HashMap<i64, Vec<Counted>>> {
        let known = self
            .store
            .read(|reading| decision_rows::users_of_copies(reading, copies))?;
        let (reply, receiver) = oneshot::channel();
        self.queue
            .send(Message::Counters(known, now_ms, reply))
            .map_err(|_| stopped())?;
        let counters = receiver
            .blocking_recv()
            .unwrap_or_else(|_| Err(stopped()))?;
        Ok(counters.into_iter().collect())
    }

    /// Writes down refusals that are kept back until something else has to be written.
    pub fn flush(&self) -> Pending<()> {
        self.ask(Message::Flush)
    }

    /// Forgets what has grown too old at `now`, in small steps so that no other write waits long.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn sweep(&self, now: Timestamp) -> Result<()> {
        let now_ms = now.as_millisecond();
        let mut after = Some(0);
        while let Some(from) = after {
            after = self
                .store
                .write(move |writing| journal::prune_reservations(writing, from, now_ms))?;
        }
        let mut after = Some(0);
        while let Some(from) = after {
            after = self
                .store
                .write(move |writing| journal::prune_answers(writing, from, now_ms))?;
        }
        self.ask(Message::Pruned).wait()?;
        let today = reservations::day_of(now_ms, &self.zone).number;
        let oldest = today - i64::from(self.usage_retention_days);
        while self
            .store
            .write(move |writing| journal::prune_history(writing, oldest))?
        {}
        // Whoever uses a former secret is in the history that long.
        let kept = jiff::Span::new().hours(24 * i64::from(self.usage_retention_days));
        let oldest = now.checked_sub(kept).unwrap_or(Timestamp::MIN);
        while self
            .store
            .write(move |writing| former_secrets::prune(writing, oldest, now))?
        {}
        Ok(())
    }

    /// Answers everything that is waiting, writes down what is kept back and ends the thread. A second call does nothing.
    pub fn stop(&self) {
        let Some(thread) = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        else {
            return;
        };
        let (sender, receiver) = sync_channel(1);
        if self.queue.send(Message::Stop(sender)).is_ok() {
            // The thread is only gone without an answer if it panicked, which the join reports.
            let _ = receiver.recv();
        }
        if thread.join().is_err() {
            log::error!("the ledger's thread panicked");
        }
    }

    fn ask<T>(&self, message: impl FnOnce(Reply<T>) -> Message) -> Pending<T> {
        let (reply, receiver) = oneshot::channel();
        match self.queue.try_send(message(reply)) {
            Ok(()) => Pending::coming(receiver),
            Err(TrySendError::Full(_)) => Pending::refused(Error::Unavailable {
                code: "overloaded",
                reason: format!("{} decisions are waiting already", self.limit),
            }),
            Err(TrySendError::Disconnected(_)) => Pending::refused(stopped()),
        }
    }
}

fn without_estimates(call: Call) -> Call {
    Call {
        estimated_tokens: None,
        estimated_cost: None,
        max_hold: None,
        ..call
    }
}
