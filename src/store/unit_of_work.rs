//! One unit of work: what is changed in one transaction, by whom, and what happened in it.
//!
//! A store function that changes what the management owns takes a [`Work`] and records the [`Event`] itself. What the ledger decides on
//! (users, copies, virtual keys, overrides, tool groups, policies) changes through a [`WorkInTurn`], which only the ledger can make, in
//! its own turn ([`Seat`]): so no decision is made on what is about to change. A role may be stored by any work:
//!
//! ```
//! use tollkeeper::domain::people::role::DataAccess;
//! use tollkeeper::store::{Work, people::roles};
//!
//! fn change(work: &mut Work<'_>) {
//!     let _ = roles::insert(work, "name", "description", DataAccess::Own);
//! }
//! ```
//!
//! A virtual key may be deleted in the ledger's turn, and nowhere else:
//!
//! ```
//! use tollkeeper::domain::virtual_key::VirtualKey;
//! use tollkeeper::store::{WorkInTurn, virtual_keys};
//!
//! fn change(work: &mut WorkInTurn<'_>, key: VirtualKey) {
//!     let _ = virtual_keys::delete(work, key);
//! }
//! ```
//!
//! ```compile_fail
//! use tollkeeper::domain::virtual_key::VirtualKey;
//! use tollkeeper::store::{Work, virtual_keys};
//!
//! fn change(work: &mut Work<'_>, key: VirtualKey) {
//!     let _ = virtual_keys::delete(work, key);
//! }
//! ```
//!
//! Nobody makes a turn, nor the seat of who gives turns:
//!
//! ```compile_fail
//! use tollkeeper::store::{Work, WorkInTurn};
//!
//! fn change(work: Work<'_>) {
//!     let _ = WorkInTurn(work);
//! }
//! ```
//!
//! ```compile_fail
//! use std::sync::Arc;
//! use tollkeeper::store::{Seat, Store};
//!
//! fn sit(store: Arc<Store>) {
//!     let _ = Seat(store);
//! }
//! ```

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::Timestamp;
use rusqlite::Params;

use super::followers::{Aftermath, Reload, follow};
use super::handle::Store;
use super::sql::{Reading, Writing};
use super::writer::job::{Needs, Submitted};
use crate::domain::audit::Actor;
use crate::domain::event::Event;
use crate::error::{Error, Result};

/// Who does something, when, and what it needs of its commit.
#[derive(Debug, Clone)]
pub struct Occasion {
    /// Who does it.
    pub actor: Actor,
    /// When, as it is stored.
    pub at: Timestamp,
    /// What it needs of its commit.
    pub needs: Needs,
}

impl Occasion {
    /// A usual write.
    pub fn new(actor: Actor, at: Timestamp) -> Self {
        let needs = Needs::ALL;
        Self { actor, at, needs }
    }

    /// A write that others wait for.
    pub fn first(actor: Actor, at: Timestamp) -> Self {
        let needs = Needs::FIRST;
        Self { actor, at, needs }
    }
}

/// A place in the open write transaction, and what happened there. What is written is on disk when the gate returns.
pub struct Work<'w> {
    writing: &'w Writing<'w>,
    actor: Actor,
    now: Timestamp,
    events: Vec<Event>,
}

impl<'w> Work<'w> {
    fn begin(writing: &'w Writing<'w>, actor: Actor, now: Timestamp) -> Self {
        let events = Vec::new();
        Self {
            writing,
            actor,
            now,
            events,
        }
    }

    /// Who does it.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// When.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Notes what happened. Store functions do; a use case does where one of them serves several actions.
    pub fn record(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Runs a statement.
    pub(super) fn run(&self, doing: &str, sql: &str, values: impl Params) -> Result<()> {
        self.writing.run(doing, sql, values)
    }

    /// Runs a statement; answers how many rows it changed.
    pub(super) fn change(&self, doing: &str, sql: &str, values: impl Params) -> Result<usize> {
        self.writing.change(doing, sql, values)
    }

    /// Inserts a row; answers its id.
    pub(super) fn insert(&self, doing: &str, sql: &str, values: impl Params) -> Result<i64> {
        self.writing.insert(doing, sql, values)
    }

    /// Lets everything follow from the events that belongs into this transaction.
    fn end(self) -> Result<(Reload, Aftermath)> {
        follow(self.writing, &self.actor, self.now, self.events)
    }
}

impl<'w> Deref for Work<'w> {
    type Target = Reading<'w>;

    fn deref(&self) -> &Reading<'w> {
        self.writing
    }
}

impl<'w> AsMut<Work<'w>> for Work<'w> {
    fn as_mut(&mut self) -> &mut Self {
        self
    }
}

/// A work in the ledger's turn: it may change what decisions depend on.
pub struct WorkInTurn<'w>(Work<'w>);

impl<'w> Deref for WorkInTurn<'w> {
    type Target = Work<'w>;

    fn deref(&self) -> &Work<'w> {
        &self.0
    }
}

impl DerefMut for WorkInTurn<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl<'w> AsMut<Work<'w>> for WorkInTurn<'w> {
    fn as_mut(&mut self) -> &mut Work<'w> {
        &mut self.0
    }
}

#[cfg(test)]
impl WorkInTurn<'_> {
    /// Does something without a ledger, for tests of the store.
    pub(super) fn alone<T>(
        writing: &Writing<'_>,
        work: impl FnOnce(&mut WorkInTurn<'_>) -> Result<T>,
    ) -> Result<T> {
        let actor = Actor::server("test");
        let mut turn = WorkInTurn(Work::begin(writing, actor, Timestamp::UNIX_EPOCH));
        let answer = work(&mut turn)?;
        turn.0.end().map(|_| answer)
    }
}

/// The store as the ledger has it: it writes journals, and says when it is whose turn. There is one of a store.
#[derive(Clone)]
pub struct Seat(Arc<Store>);

impl Deref for Seat {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.0
    }
}

impl Seat {
    /// The seat of the ledger, for who asks first.
    ///
    /// # Errors
    /// [`Error::Internal`] when somebody has it.
    pub fn take(store: Arc<Store>) -> Result<Self> {
        if store.seat_is_taken.swap(true, Ordering::SeqCst) {
            return Err(Error::internal("starting the ledger", "there is another"));
        }
        Ok(Self(store))
    }

    /// Runs `work` in a transaction of the ledger's turn, with what follows from it there. Answers what has to be loaded anew.
    ///
    /// # Errors
    /// What `work` answers.
    pub fn work<T>(
        &self,
        writing: &Writing<'_>,
        occasion: Occasion,
        work: impl FnOnce(&mut WorkInTurn<'_>) -> Result<T>,
    ) -> Result<(T, Reload, Aftermath)> {
        let mut turn = WorkInTurn(Work::begin(writing, occasion.actor, occasion.at));
        let answer = work(&mut turn)?;
        let (reload, aftermath) = turn.0.end()?;
        Ok((answer, reload, aftermath))
    }

    /// Runs `work` in the write transaction and answers after it is on disk.
    ///
    /// # Errors
    /// As [`Store::unit_of_work`].
    pub fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Writing<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.0.write(Needs::ALL, work)
    }

    /// Hands `work` to the writer and does not wait for it; what one thread submits runs in that order. It waits for a place in
    /// the queue.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the store is closed.
    pub fn submit<T: Send + 'static>(
        &self,
        needs: Needs,
        work: impl FnOnce(&Writing<'_>) -> Result<T> + Send + 'static,
    ) -> Result<Submitted<T>> {
        self.writer.submit(needs, work)
    }

    /// The same, but that the result is given to `answer`: on the writer's thread, and before anything else is written, so it
    /// should be quick.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the store is closed; then `answer` is not called.
    pub fn hand_over<T: Send + 'static>(
        &self,
        needs: Needs,
        work: impl FnOnce(&Writing<'_>) -> Result<T> + Send + 'static,
        answer: impl FnOnce(Result<T>) + Send + 'static,
    ) -> Result<()> {
        self.writer.hand_over(needs, work, answer)
    }
}

impl Store {
    /// Runs `work` in the write transaction, with what follows from it there, and answers after it is on disk; what follows then is for
    /// the caller. An error or a panic undoes this work alone.
    ///
    /// # Errors
    /// What `work` answers; [`Error::Unavailable`] when the queue is full, the store is closing, or the commit failed.
    pub fn unit_of_work<T: Send + 'static>(
        &self,
        occasion: Occasion,
        work: impl FnOnce(&mut Work<'_>) -> Result<T> + Send + 'static,
    ) -> Result<(T, Aftermath)> {
        let Occasion { actor, at, needs } = occasion;
        self.write(needs, move |writing| {
            let mut unit = Work::begin(writing, actor, at);
            let answer = work(&mut unit)?;
            let (reload, aftermath) = unit.end()?;
            if !reload.is_empty() {
                let what = "the ledger has to know what was changed outside its turn";
                return Err(Error::internal("ending a unit of work", what));
            }
            Ok((answer, aftermath))
        })
    }
}
