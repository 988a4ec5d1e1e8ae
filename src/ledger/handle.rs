//! What others know of the ledger: every question that can be asked, each with the type of its answer.

use std::collections::HashMap;
use std::sync::mpsc::{TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::clock::SharedHighWater;
use super::ending::{Ender, FoundReservation};
use super::engine::{Counts, Decision, Extension, NearLimit, OpenQuery, Rules};
use super::figures::{DecidedOn, LedgerFigures};
use super::known_expressions::KnownExpressions;
use super::known_rules::KnownRules;
use super::message::LedgerMessage;
use super::queue::LedgerQueue;
use super::reply::{Pending, stopped};
use super::runtime::{self, Batch, Runtime};
use super::thread;
use crate::domain::decision::amounts::PricedUse;
use crate::domain::decision::explanation::Explanation;
use crate::domain::decision::{
    Admitted, Call, Granted, GrantedTools, Holder, OpenReservation, Presented, ReservationId,
    Settled,
};
use crate::domain::settings::DecisionSettings;
use crate::error::{Error, Result};
use crate::store::{Seat, Store};

/// What every copy has used and holds, and who may use it.
pub struct Ledger {
    pub(super) store: Seat,
    pub(super) queue: LedgerQueue,
    limit: usize,
    pub(super) zone: TimeZone,
    pub(super) usage_retention_days: u32,
    pub(super) shared_high_water: SharedHighWater,
    expressions: Arc<KnownExpressions>,
    pub(super) thread: Mutex<Option<JoinHandle<()>>>,
}

/// A page of open reservations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenReservations {
    /// Those of the page.
    pub reservations: Vec<OpenReservation>,
    /// How many there are in all.
    pub total: usize,
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
        let shared_high_water = SharedHighWater::default();
        let expressions = Arc::<KnownExpressions>::default();
        let figures = Arc::<LedgerFigures>::default();
        let thread = thread::start(
            store.clone(),
            settings.clone(),
            zone.clone(),
            clock,
            (waiting, Arc::clone(&figures)),
            shared_high_water.clone(),
            KnownRules::none(Arc::clone(&expressions)),
        )?;
        Ok(Self {
            store,
            queue: LedgerQueue::new(queue, figures),
            limit: settings.queue,
            zone: zone.clone(),
            usage_retention_days: settings.usage_retention_days,
            shared_high_water,
            expressions,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Decides on a call, and holds its estimate on every limit that applies, or on none.
    ///
    /// Answers [`Error::RequestIdReused`] when the request id came with another body, [`Error::Conflict`] when the reservation
    /// that it got before is over.
    pub fn reserve(&self, call: Call) -> Pending<Decision<Granted>> {
        self.ask(move |runtime, batch| runtime.reserve(batch, &call))
    }

    /// Decides on a call without an estimate, and counts it as one request.
    pub fn admit(&self, call: Call) -> Pending<Decision<Admitted>> {
        let call = call.without_estimates();
        self.ask(move |runtime, batch| runtime.admit(batch, &call))
    }

    /// Charges a call that was made without a reservation: to the first copy that grants it and has room, else to the one that it came
    /// furthest in. Refused is only a key that never was.
    ///
    /// Answers [`Error::RequestIdReused`] when the request id came with another body.
    pub fn charge(&self, call: Call, used: impl Into<PricedUse>) -> Pending<Decision<Settled>> {
        let PricedUse { spent, priced_by } = used.into();
        let mut call = call.without_estimates();
        call.particulars.set_priced_by(priced_by);
        self.ask(move |runtime, batch| runtime.charge(batch, &call, spent))
    }

    /// Charges what a reservation really used and frees the rest. One that has expired is charged what its hold was not, and one that
    /// was cancelled as if it had not been.
    ///
    /// Answers [`Error::NotFound`]; [`Error::Conflict`] when it was settled with other numbers;
    /// [`Error::Forbidden`] when it is another's and `by` may not end those of others.
    pub fn settle(
        &self,
        id: ReservationId,
        used: impl Into<PricedUse>,
        by: Ender,
    ) -> Pending<Settled> {
        let used = used.into();
        self.ask(move |runtime, batch| runtime.settle(batch, id, used.clone(), &by))
    }

    /// A reservation, for one who may end it. Answers errors as [`Ledger::settle`].
    pub fn reservation(&self, id: ReservationId, by: Ender) -> Pending<FoundReservation> {
        self.ask(move |runtime, batch| runtime.find_reservation(batch, id, &by))
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
        self.ask(move |runtime, batch| runtime.extend(batch, id, to, &by))
    }

    /// Frees a reservation whose call was never made, and takes back its request. A second time does nothing.
    ///
    /// Answers [`Error::NotFound`]; [`Error::Conflict`] when it was settled; [`Error::Forbidden`] as [`Ledger::settle`].
    pub fn cancel(&self, id: ReservationId, by: Ender) -> Pending<()> {
        self.ask(move |runtime, batch| runtime.cancel(batch, id, &by))
    }

    /// What [`Ledger::reserve`] would decide, and every step that leads to it, with nothing counted.
    pub fn explain(&self, call: Call) -> Pending<Explanation> {
        self.ask(move |runtime, batch| Ok(runtime.state.explain(&call, batch.now_ms)))
    }

    /// The same for a key of which the caller knows the id alone: the secret of `call.key` is not looked at.
    pub fn explain_known(&self, call: Call) -> Pending<Explanation> {
        self.ask(move |runtime, batch| Ok(runtime.state.explain_known(&call, batch.now_ms)))
    }

    /// Whose key this is, if it works.
    pub fn who(&self, key: Presented) -> Pending<Decision<Holder>> {
        self.ask(move |runtime, batch| Ok(runtime.state.who(&key, batch.now_ms)))
    }

    /// Whose key this is, its time over or not.
    pub fn whose(&self, key: Presented) -> Pending<Decision<Holder>> {
        self.ask(move |runtime, batch| Ok(runtime.state.whose(&key, batch.now_ms)))
    }

    /// The provider, without regard to case, that would carry a call which costs nothing. Nothing is counted but a refusal.
    pub fn carrier(&self, call: Call) -> Pending<Decision<Arc<str>>> {
        self.ask(move |runtime, batch| {
            let found = runtime.state.carrier(&call, batch.now_ms);
            let found = found.map_err(|refused| runtime.refuse(batch, &call.model, *refused));
            batch.decided(DecidedOn::FreeCall, &found);
            Ok(found)
        })
    }

    /// The rules by which a key may use models.
    pub fn rules(&self, key: Presented) -> Pending<Decision<Vec<Arc<Rules>>>> {
        self.ask(move |runtime, batch| Ok(runtime.state.rules(&key, batch.now_ms)))
    }

    /// The tools of an MCP server that a key may call.
    pub fn mcp_tools(&self, key: Presented, server: String) -> Pending<Decision<GrantedTools>> {
        self.ask(move |runtime, batch| Ok(runtime.state.mcp_tools(&key, &server, batch.now_ms)))
    }

    /// What the ledger counts of itself.
    pub fn figures(&self) -> &LedgerFigures {
        self.queue.figures()
    }

    /// Most questions that may wait.
    pub fn queue_limit(&self) -> usize {
        self.limit
    }

    /// Compiled expressions. Those of a policy that a change gives to somebody must be ready before it, and stay so until it is done.
    pub fn expressions(&self) -> &KnownExpressions {
        &self.expressions
    }

    /// What the limits of these copies (user, copy) count at `now_ms`, by copy. A copy that is gone is missing. Blocks.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the ledger is stopping.
    pub fn counts_of(&self, copies: Vec<(i64, i64)>, now_ms: i64) -> Result<HashMap<i64, Counts>> {
        let counts =
            self.ask_waiting(move |runtime, _| Ok(runtime.state.counts(&copies, now_ms)))?;
        Ok(counts.into_iter().collect())
    }

    /// The limits of these copies (user, copy) that are almost used up at `now_ms`. Blocks, and so do all decisions: ask for few copies
    /// at a time.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the ledger is stopping.
    pub fn near_limits_of(&self, copies: Vec<(i64, i64)>, now_ms: i64) -> Result<Vec<NearLimit>> {
        self.ask_waiting(move |runtime, _| Ok(runtime.state.near_limits(&copies, now_ms)))
    }

    /// A page of open reservations, the oldest first. Blocks.
    ///
    /// # Errors
    /// When the ledger is stopping.
    pub fn open_reservations(&self, query: OpenQuery) -> Result<OpenReservations> {
        let (mut page, mut left, mut after) = (OpenReservations::default(), query, Some(0));
        while let Some(from) = after {
            let slice = self.ask_waiting(move |runtime, _| {
                let state = &runtime.state;
                Ok(state.reservations.slice(left, from, &state.directory))
            })?;
            left.offset = left.offset.saturating_sub(slice.matching);
            left.limit -= slice.found.len();
            page.total += slice.matching;
            page.reservations.extend(slice.found);
            after = slice.next;
            // How many there are of everybody is known without counting.
            let past = query.offset >= slice.open || left.limit == 0;
            if query.user_id.is_none() && query.own_of.is_none() && past {
                page.total = slice.open;
                break;
            }
        }
        Ok(page)
    }

    /// The time by which a copy expires: the latest that the clock showed since it was made.
    pub fn time_of_copy(&self, copy_id: i64, now: Timestamp) -> Timestamp {
        let latest = self
            .shared_high_water
            .look()
            .of_copy(copy_id, now.as_millisecond());
        Timestamp::from_millisecond(latest).map_or(now, |latest| latest.max(now))
    }

    /// The time by which a virtual key expires: the latest that the clock showed since it was made.
    pub fn time_of_key(&self, key_id: i64, now: Timestamp) -> Timestamp {
        let latest = self
            .shared_high_water
            .look()
            .of_key(key_id, now.as_millisecond());
        Timestamp::from_millisecond(latest).map_or(now, |latest| latest.max(now))
    }

    /// Writes down refusals that are kept back until something else has to be written.
    pub fn flush(&self) -> Pending<()> {
        self.ask(|_, batch| {
            batch.flush = true;
            batch.catch_up = true;
            Ok(())
        })
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
        if self.queue.send(LedgerMessage::Stop(sender)).is_ok() {
            // The thread is only gone without an answer if it panicked, which the join reports.
            let _ = receiver.recv();
        }
        if thread.join().is_err() {
            log::error!("the ledger's thread panicked");
        }
    }

    pub(super) fn ask<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Runtime, &mut Batch) -> Result<T> + Send + 'static,
    ) -> Pending<T> {
        let (question, answer) = runtime::ask(work);
        match self.queue.try_send(LedgerMessage::Question(question)) {
            Ok(()) => Pending::coming(answer),
            Err(TrySendError::Full(_)) => Pending::refused(Error::Unavailable {
                code: "overloaded",
                reason: format!("{} decisions are waiting already", self.limit),
            }),
            Err(TrySendError::Disconnected(_)) => Pending::refused(stopped()),
        }
    }

    /// Waits for room in the queue, and for the answer.
    fn ask_waiting<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Runtime, &mut Batch) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (question, answer) = runtime::ask(work);
        self.queue
            .send(LedgerMessage::Question(question))
            .map_err(|_| stopped())?;
        answer.blocking_recv().unwrap_or_else(|_| Err(stopped()))
    }
}
