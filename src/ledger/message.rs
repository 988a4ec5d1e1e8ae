//! What is asked of the ledger's thread, and how the answer comes back.

use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc::SyncSender;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::oneshot;

use super::holds::{OpenQuery, OpenSlice};
use super::{Counted, Ended, NearLimit};
use crate::domain::audit::Actor;
use crate::domain::decision::{
    Admitted, Call, Granted, GrantedTools, Holder, Presented, Refusal, ReservationId, Settled,
};
use crate::domain::explanation::Explanation;
use crate::domain::money::Money;
use crate::error::{Error, Result};
use crate::store::followers::Reload;
use crate::store::{Needs, Seat, Writing};

/// A decision: let in, or refused.
pub type Decision<T> = std::result::Result<T, Refusal>;

/// What a reservation is extended by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extension {
    /// What the call will take in all; the hold only grows.
    pub estimated_tokens: Option<i64>,
    /// What the call will cost in all; the hold only grows.
    pub estimated_cost: Option<Money>,
    /// How long it is held from now on; the setting's time if not given.
    pub ttl: Option<Duration>,
}

/// Who settles, extends or cancels a reservation: the management key that made it, or one that may do it for others.
#[derive(Debug, Clone)]
pub struct Ender {
    /// The management key (`api_keys.id`); 0 is the operator over the control socket.
    pub api_key_id: i64,
    /// Who the audit log says it was when the reservation is another's. Without it only the key's own are there for it.
    pub for_others: Option<Box<Actor>>,
}

impl Ender {
    /// A management key that is after a reservation of its own, as gateways are.
    pub fn own(api_key_id: i64) -> Self {
        Self {
            api_key_id,
            for_others: None,
        }
    }
}

/// The live counters of some copies, by copy.
pub type Counters = Vec<(i64, Vec<Counted>)>;

/// Where an answer goes.
pub type Reply<T> = oneshot::Sender<Result<T>>;

/// What is asked.
pub enum Message {
    /// May this call be made? Holds its estimate.
    Reserve(Box<Call>, Reply<Decision<Granted>>),
    /// May this call be made? Counts one request and holds nothing.
    Admit(Box<Call>, Reply<Decision<Admitted>>),
    /// This call was made.
    Charge(Box<Call>, i64, Money, Reply<Decision<Settled>>),
    /// This is what it really used.
    Settle(ReservationId, i64, Money, Ender, Reply<Settled>),
    /// It takes longer, or more.
    Extend(ReservationId, Extension, Ender, Reply<Decision<Granted>>),
    /// It was never made.
    Cancel(ReservationId, Ender, Reply<()>),
    /// Why would it be let in, or not?
    Explain(Box<Call>, Reply<Explanation>),
    /// The same for a key that is named, not presented.
    ExplainKnown(Box<Call>, Reply<Explanation>),
    /// Which of the next holds after this number are open?
    Open(OpenQuery, i64, Reply<OpenSlice>),
    /// Whose key is this?
    Who(Presented, Reply<Decision<Holder>>),
    /// Which tools of an MCP server may this key call?
    McpTools(Presented, String, Reply<Decision<GrantedTools>>),
    /// What do these copies (user, copy) count at this time?
    Counters(Vec<(i64, i64)>, i64, Reply<Counters>),
    /// Which limits of these copies (user, copy) are almost used up at this time?
    Near(Vec<(i64, i64)>, i64, Reply<Vec<NearLimit>>),
    /// Change who holds what.
    Change(Box<dyn Change>),
    /// End this in memory, although it can't be written down.
    End(Ended, SyncSender<()>),
    /// What was ended like that is written down.
    EndsStored(SyncSender<()>),
    /// Write down what is kept back.
    Flush(Reply<()>),
    /// Old request ids were forgotten.
    Pruned(Reply<()>),
    /// Answer everything before this, and end.
    Stop(SyncSender<()>),
}

/// A change of who holds what, the type of its answer forgotten.
pub trait Change: Send {
    /// What runs in the transaction, at most once.
    fn work(&mut self) -> Option<ChangeWork>;
    /// What it needs of its commit.
    fn needs(&self) -> Needs;
    /// Tells the caller, once it is committed and has taken effect, or is lost.
    fn answer(self: Box<Self>, outcome: Result<()>);
}

/// What a change does in its transaction; answers what has to be loaded anew.
pub type ChangeWork = Box<dyn FnOnce(&Writing<'_>, &Seat) -> Result<Reload> + Send>;

/// An answer that is on its way: a future, or waited for with [`Pending::wait`].
pub struct Pending<T>(Way<T>);

enum Way<T> {
    Coming(oneshot::Receiver<Result<T>>),
    Refused(Option<Error>),
}

impl<T> Pending<T> {
    /// An answer that comes from the other end.
    pub(super) fn coming(receiver: oneshot::Receiver<Result<T>>) -> Self {
        Self(Way::Coming(receiver))
    }

    /// Nobody will answer.
    pub(super) fn refused(error: Error) -> Self {
        Self(Way::Refused(Some(error)))
    }

    /// Blocks until the answer is there; not for async code.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the queue is full, the ledger is stopping, or the disk refused the journal.
    pub fn wait(self) -> Result<T> {
        match self.0 {
            Way::Coming(receiver) => receiver.blocking_recv().unwrap_or_else(|_| Err(stopped())),
            Way::Refused(error) => Err(error.unwrap_or_else(stopped)),
        }
    }
}

impl<T> Future for Pending<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        match &mut self.0 {
            Way::Coming(receiver) => Pin::new(receiver)
                .poll(context)
                .map(|answer| answer.unwrap_or_else(|_| Err(stopped()))),
            Way::Refused(error) => Poll::Ready(Err(error.take().unwrap_or_else(stopped))),
        }
    }
}

/// The ledger takes no more.
pub(super) fn stopped() -> Error {
    Error::Unavailable {
        code: "shutting_down",
        reason: "the server is shutting down".to_owned(),
    }
}
