//! What a batch of decisions writes, and what of it is read again. Amounts are tokens, nanodollars or requests, times milliseconds
//! since 1970.

use std::sync::Arc;

use jiff::Timestamp;

use super::amounts::TokenSplit;
use super::{Party, RequestId};
use crate::domain::audit::NewAuditEntry;
use crate::domain::decision::reservation::Reservation;
use crate::domain::limits::clock_high_water::HighWater;
use crate::error::{Error, Result};

/// Everything that a batch of decisions writes.
#[derive(Debug, Default)]
pub struct Journal {
    /// Reservations, in the order in which it happened.
    pub entries: Vec<Entry>,
    /// Counters that were touched, each once, as they are after the batch; the tail says so until their rows follow.
    pub tail_counters: Vec<TailCounter>,
    /// What lines of the history lack after the batch, until it is added to them.
    pub tail_usage: Vec<TailUsage>,
    /// The number of that row of the tail.
    pub tail_id: i64,
    /// Counters whose rows follow now.
    pub counters: Vec<CounterRow>,
    /// What is added to lines of the history now; those of a user, profile and day stand together.
    pub usage: Vec<UsageLine<UsageSum>>,
    /// Counters that were closed, as they are now. They are few, and not in the tail.
    pub closed_counters: Vec<ClosedCounter>,
    /// Closed counters of which nothing is open any more.
    pub ended_counters: Vec<CounterName>,
    /// Rows of the tail up to this one say nothing more that the tables do not say; 0 when there are none.
    pub tail_over: i64,
    /// Answers to calls with a request id.
    pub answers: Vec<CallAnswer>,
    /// What the audit log tells of the batch.
    pub audited: Vec<(Timestamp, NewAuditEntry)>,
    /// What is added to the history of refusals, each the reason and how often; those of a user, profile and day stand together.
    pub refusals: Vec<UsageLine<(&'static str, i64)>>,
    /// The number of what happens next.
    pub next_number: i64,
    /// The number of the oldest reservation that is open; that of what happens next when none is.
    pub open_from: i64,
    /// The latest times that the clock has shown.
    pub high_water: HighWater,
}

impl Journal {
    /// Adds a counter as it is now, or that it is gone.
    pub fn add_counter(&mut self, name: CounterName, now: Option<TailCounter>) {
        let until = name.until;
        match now {
            Some(counter) if until == NOT_CLOSED => self.tail_counters.push(counter),
            Some((_, row)) => self.closed_counters.push(ClosedCounter { row, until }),
            // The row goes with what counted there.
            None if until == NOT_CLOSED => {}
            None => self.ended_counters.push(name),
        }
    }
}

/// Everything that the tail says, to be brought into the tables as one.
#[derive(Debug, Default)]
pub struct CatchUp {
    /// Counters as they are now.
    pub counters: Vec<CounterRow>,
    /// What lines of the history lack; those of a user, profile and day stand together.
    pub usage: Vec<UsageLine<UsageSum>>,
}

/// A counter, with the user whose copy it belongs to.
pub type TailCounter = (i64, CounterRow);
/// A line of the history, and what its row lacks: nothing when it was added there.
pub type TailUsage = (UsageKey, UsageSum);

/// One thing that happened to a reservation.
#[derive(Debug)]
pub enum Entry {
    /// It was made.
    Made(ReservationRow),
    /// It was extended, and is this now.
    Extended(Arc<Reservation>),
    /// It is over, or what it was charged is mended.
    Finished(Arc<Reservation>, ReservationEnd),
}

/// How a reservation stands in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReservationState {
    /// It is held.
    Open,
    /// It was charged what it used.
    Settled,
    /// Its call was never made.
    Cancelled,
    /// Nobody said in time what it used.
    Expired,
}

impl ReservationState {
    /// How it is stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Settled => "settled",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// The state that is stored like this.
    ///
    /// # Errors
    /// [`Error::Internal`] for every other text.
    pub fn parse(name: &str) -> Result<Self> {
        [Self::Open, Self::Settled, Self::Cancelled, Self::Expired]
            .into_iter()
            .find(|state| state.name() == name)
            .ok_or_else(|| Error::internal("reading a reservation", "unknown state"))
    }
}

/// How a reservation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReservationEnd {
    /// Never open.
    pub state: ReservationState,
    /// What was charged when it expired.
    pub expired: Option<Charge>,
    /// What it really used.
    pub settled: Option<Charge>,
    /// When its state last changed.
    pub finished_at: i64,
    /// Who ended it.
    pub by: Party,
}

/// A charge, and its number in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge {
    /// Its number in the journal.
    pub number: i64,
    /// Tokens.
    pub tokens: i64,
    /// Nanodollars.
    pub cost: i64,
}

/// A reservation as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservationRow {
    /// Its record.
    pub record: Arc<Reservation>,
    /// How it ended; none while it is open.
    pub end: Option<ReservationEnd>,
}

/// A counter as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CounterRow {
    /// The copy.
    pub copy_id: i64,
    /// Where it counts.
    pub place_id: i64,
    /// Nanodollars, tokens or requests.
    pub settled: i64,
    /// When the window began.
    pub starts_at: i64,
    /// When it ends.
    pub resets_at: i64,
    /// How the windows lie.
    pub window_rule: u8,
    /// Calls that were let in from this number on belong to its window.
    pub let_in_from: i64,
    /// Of these, only what the journal holds from this number on counts: a later one where the use was reset by hand.
    pub counted_from: i64,
}

/// One of all counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CounterName {
    /// The copy.
    pub copy_id: i64,
    /// Where it counts.
    pub place_id: i64,
    /// The number up to which calls belong to its window, that one excluded; [`NOT_CLOSED`] in the window that was used last.
    pub until: i64,
}

/// Nothing has closed the counter yet.
pub const NOT_CLOSED: i64 = i64::MAX;

/// A counter that was closed while reservations of its window are open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClosedCounter {
    /// As it is stored.
    pub row: CounterRow,
    /// The number up to which calls belong to its window, that one excluded.
    pub until: i64,
}

/// The answer to a call with a request id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallAnswer {
    /// The key it came with.
    pub virtual_key_id: i64,
    /// The gateway's id of the call, and the hash of what was asked.
    pub request: RequestId,
    /// JSON.
    pub answer: String,
    /// When it was given.
    pub created_at: i64,
}

/// A line of the history.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UsageKey {
    /// Days since 1970-01-01 in the configured zone.
    pub day: i64,
    /// Whose use it is.
    pub user_id: i64,
    /// The profile; 0 when the call did not get that far.
    pub access_profile_id: i64,
    /// The provider; empty when the call did not get that far.
    pub provider: Arc<str>,
    /// The model; empty when no pattern covers it.
    pub model: Arc<str>,
}

/// In place of the model, and the provider, of lines that are counted together because too many names came that stand in no policy.
/// Nobody can send it: a name has no control characters.
pub const FOLDED: &str = "\u{1}other";

/// A line of the history as it comes into its table.
#[derive(Debug, Clone)]
pub struct UsageLine<T> {
    /// Which line it is.
    pub key: UsageKey,
    /// Which of its names stand in the policy.
    pub named: Named,
    /// What is added to it.
    pub added: T,
}

/// Which names of a line stand in the policy that it is about. The others a caller could make up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// None.
    Nothing,
    /// The provider has a line, and the model is one that its patterns cover or not.
    Provider,
    /// The model too, literally; or there is no name.
    Both,
}

/// What is added to a line of the history.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UsageSum {
    /// Calls.
    pub calls: i64,
    /// Tokens.
    pub tokens: i64,
    /// Nanodollars.
    pub cost: i64,
    /// Which tokens these were.
    pub split: TokenSplit,
}

impl UsageSum {
    /// Both together; what has grown beyond every number stays there.
    pub fn plus(self, other: Self) -> Self {
        Self {
            calls: self.calls + other.calls,
            tokens: self.tokens.saturating_add(other.tokens),
            cost: self.cost.saturating_add(other.cost),
            split: self.split.plus(other.split),
        }
    }
}
