//! The connections of one worker, and the sweep that ends those whose client keeps the server waiting.
//!
//! A timer for each head, body and answer would cost every request. So time is counted in ticks, a connection only notes the tick at
//! which something began, and one task looks through all of them a few times within the shortest deadline.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::rt;
use memchr::memmem::Finder;
use tokio::time::{MissedTickBehavior, interval};

use super::last_bytes::EMPTY_LINE;
use super::places::Places;
use super::progress::{Ending, Progress, Stage, Waits};
use crate::domain::settings::Deadlines;

/// A number of ticks since the worker started.
pub(super) type Tick = u32;

/// How many ticks there are within the shortest deadline.
const TICKS: u32 = 20;
/// Longest tick.
const MAX_TICK: Duration = Duration::from_millis(500);
/// How long a client may have kept the server waiting, in ticks, before it has to give its place to others.
const GIVES_WAY_AFTER: Tick = 2;
/// How many connections give way at once, so that they are not looked for one by one.
const GIVE_WAY: usize = 16;

/// The connections of one worker.
pub struct Connections {
    deadlines: Deadlines,
    places: Arc<Places>,
    /// How many bytes large answers may hold together before the oldest of them are given up.
    most_held: usize,
    held: Cell<usize>,
    answers_held: Cell<u64>,
    all: RefCell<Vec<Weak<Progress>>>,
    /// Connections that were ended here and are not gone yet.
    leaving: Cell<usize>,
    started: Instant,
    tick: Duration,
    now: Cell<Tick>,
    sweeping: Cell<bool>,
    empty_line: Finder<'static>,
}

impl Connections {
    /// Of a worker that shares these places with others.
    pub fn new(deadlines: Deadlines, places: Arc<Places>, most_held: usize) -> Rc<Self> {
        let Deadlines {
            head,
            body,
            answer,
            idle,
        } = deadlines;
        let shortest = head.min(body).min(answer).min(idle);
        Rc::new(Self {
            deadlines,
            places,
            most_held,
            held: Cell::new(0),
            answers_held: Cell::new(0),
            all: RefCell::default(),
            leaving: Cell::new(0),
            started: Instant::now(),
            tick: (shortest / TICKS).clamp(Duration::from_millis(1), MAX_TICK),
            now: Cell::new(0),
            sweeping: Cell::new(false),
            empty_line: Finder::new(EMPTY_LINE),
        })
    }

    pub(super) fn places(&self) -> &Arc<Places> {
        &self.places
    }

    pub(super) fn now(&self) -> Tick {
        self.now.get()
    }

    /// Where a head ends among these bytes.
    pub(super) fn find_head_end(&self, bytes: &[u8]) -> Option<usize> {
        let at = self.empty_line.find(bytes)?;
        Some(at + self.empty_line.needle().len())
    }

    /// A connection has a place: its first head is waited for.
    pub(super) fn admit(self: &Rc<Self>, progress: &Rc<Progress>) {
        self.read_clock();
        progress.enter(Stage::Head);
        self.all.borrow_mut().push(Rc::downgrade(progress));
        if !self.sweeping.replace(true) {
            rt::spawn(Rc::clone(self).sweep());
        }
    }

    fn read_clock(&self) {
        let ticks = self.started.elapsed().as_nanos() / self.tick.as_nanos();
        self.now.set(Tick::try_from(ticks).unwrap_or(Tick::MAX));
    }

    /// Looks through the connections at each tick while there are any.
    async fn sweep(self: Rc<Self>) {
        let mut ticks = interval(self.tick);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.read_clock();
            let mut all = self.all.borrow_mut();
            all.retain(|one| one.strong_count() > 0);
            if all.is_empty() {
                self.sweeping.set(false);
                return;
            }
            drop(all);
            for one in self.alive() {
                if self.is_late(&one) {
                    self.end(&one, Ending::Late);
                }
            }
            self.give_way();
        }
    }

    /// Those that are not about to end.
    fn alive(&self) -> Vec<Rc<Progress>> {
        let all = self.all.borrow();
        let alive = all.iter().filter_map(Weak::upgrade);
        alive.filter(|one| one.ending().is_none()).collect()
    }

    fn is_late(&self, one: &Progress) -> bool {
        let Some((waits, since)) = one.waits() else {
            return false;
        };
        let limit = match waits {
            Waits::Head => self.deadlines.head,
            Waits::Body => self.deadlines.body,
            Waits::Reading => self.deadlines.answer,
            Waits::Idle => self.deadlines.idle,
        };
        // A tick has begun when it is noted, so one more makes sure that nobody is cut short.
        u128::from(self.age(since)) > limit.as_nanos().div_ceil(self.tick.as_nanos())
    }

    fn age(&self, since: Tick) -> Tick {
        self.now.get().saturating_sub(since)
    }

    fn end(&self, one: &Progress, ending: Ending) {
        self.leaving.set(self.leaving.get() + 1);
        one.end(ending);
    }

    /// A connection that was ended here is gone.
    pub(super) fn has_gone(&self) {
        self.leaving.set(self.leaving.get() - 1);
    }

    /// Ends connections for those that wait for a place: the ones whose clients have kept the server waiting for longest.
    pub(super) fn give_way(&self) {
        if self.places.waiting() <= self.leaving.get() {
            return;
        }
        let mut waiting: Vec<(Tick, Rc<Progress>)> = self
            .alive()
            .into_iter()
            .filter_map(|one| one.waits().map(|(_, since)| (since, one)))
            .filter(|(since, _)| self.age(*since) >= GIVES_WAY_AFTER)
            .collect();
        let count = GIVE_WAY.max(self.places.waiting()).min(waiting.len());
        if count < waiting.len() {
            waiting.select_nth_unstable_by_key(count, |(since, _)| *since);
        }
        for (_, one) in waiting.drain(..count) {
            self.end(&one, Ending::GivesWay);
        }
    }

    pub(super) fn next_in_order(&self) -> u64 {
        let number = self.answers_held.get() + 1;
        self.answers_held.set(number);
        number
    }

    /// Another large answer holds these bytes. If there are too many, the oldest ones are given up with their connections.
    pub(super) fn hold(&self, bytes: usize) {
        self.held.set(self.held.get() + bytes);
        if self.held.get() <= self.most_held {
            return;
        }
        let mut holding: Vec<(u64, usize, Rc<Progress>)> = self
            .alive()
            .into_iter()
            .map(|one| (one.held(), one))
            .filter(|((bytes, _), _)| *bytes > 0)
            .map(|((bytes, number), one)| (number, bytes, one))
            .collect();
        holding.sort_unstable_by_key(|(number, ..)| *number);
        // The newest one goes out, however large it is.
        holding.pop();
        let mut excess = self.held.get() - self.most_held;
        for (_, bytes, one) in holding {
            if excess == 0 {
                return;
            }
            excess = excess.saturating_sub(bytes);
            self.end(&one, Ending::GivesWay);
        }
    }

    pub(super) fn release(&self, bytes: usize) {
        self.held.set(self.held.get() - bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_late_after_its_deadline_and_not_before() {
        let seconds = Duration::from_secs;
        let deadlines = Deadlines::default();
        let worker = Connections::new(deadlines, Arc::new(Places::new(1)), 0);
        let ticks = |limit: Duration| Tick::try_from(limit.as_millis() / MAX_TICK.as_millis());
        for (stage, limit) in [
            (Stage::Head, seconds(10)),
            (Stage::Body, seconds(10)),
            (Stage::Idle, seconds(75)),
        ] {
            let one = Progress::new(Rc::clone(&worker));
            worker.now.set(3);
            one.enter(stage);
            let last = 3 + ticks(limit).unwrap();
            for (now, late) in [(3, false), (last, false), (last + 1, true)] {
                worker.now.set(now);
                assert_eq!(worker.is_late(&one), late, "{stage:?} at {now}");
            }
            // An answer that is not read has a deadline of its own, from the last byte that was.
            one.was_written();
            one.was_not_taken();
            let last = worker.now() + ticks(seconds(30)).unwrap();
            for (now, late) in [(last, false), (last + 1, true)] {
                worker.now.set(now);
                assert_eq!(worker.is_late(&one), late, "unread at {now}");
            }
            one.was_written();
            assert!(!worker.is_late(&one));
        }
        let open = Progress::new(Rc::clone(&worker));
        open.enter(Stage::Open);
        worker.now.set(Tick::MAX);
        assert!(!worker.is_late(&open), "the server is waited for");
    }
}
