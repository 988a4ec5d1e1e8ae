//! The connections of one worker, and the sweep that ends those whose client keeps the server waiting.
//!
//! A timer for each head, body and answer would cost every request. So time is counted in ticks, a connection only notes the tick at
//! which something began, and one task looks through all of them a few times within the shortest deadline.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::rt;
use tokio::time::{MissedTickBehavior, interval};

use super::places::Places;
use super::progress::{Ending, Progress, Stage, Waits};
use super::worker::{Tick, Worker};
use crate::domain::settings::Deadlines;

/// How many ticks there are within the shortest deadline.
const TICKS: u32 = 20;
/// Longest tick.
const MAX_TICK: Duration = Duration::from_millis(500);
/// How long a client may have kept the server waiting, in ticks, before it has to give its place to others.
const GIVES_WAY_AFTER: Tick = 2;

/// The connections of one worker.
pub struct Connections {
    worker: Rc<Worker>,
    deadlines: Deadlines,
    /// How many bytes large answers of all workers may hold together before those are given up that nobody reads.
    most_held: usize,
    all: RefCell<Vec<Weak<Progress>>>,
    started: Instant,
    tick: Duration,
    sweeping: Cell<bool>,
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
            worker: Rc::new(Worker::new(places)),
            deadlines,
            most_held,
            all: RefCell::default(),
            started: Instant::now(),
            tick: (shortest / TICKS).clamp(Duration::from_millis(1), MAX_TICK),
            sweeping: Cell::new(false),
        })
    }

    pub(super) fn worker(&self) -> &Rc<Worker> {
        &self.worker
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
        self.worker
            .set_now(Tick::try_from(ticks).unwrap_or(Tick::MAX));
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
            self.give_up_answers();
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
        self.worker.now().saturating_sub(since)
    }

    fn end(&self, one: &Progress, ending: Ending) {
        self.worker.places.begins_to_leave();
        one.end(ending);
    }

    /// Ends connections for those that wait for a place: strangers first, idle ones last, and among their like those whose clients have
    /// kept the server waiting for longest.
    pub(super) fn give_way(&self) {
        let count = self.worker.places.short_of();
        if count == 0 {
            return;
        }
        let mut waiting: Vec<_> = self
            .alive()
            .into_iter()
            .filter_map(|one| Some((one.waits()?, one)))
            .filter(|((_, since), _)| self.age(*since) >= GIVES_WAY_AFTER)
            .map(|((waits, since), one)| ((Turn::of(&one, waits), since), one))
            .collect();
        waiting.sort_unstable_by_key(|(order, _)| *order);
        for (_, one) in waiting.into_iter().take(count) {
            self.end(&one, Ending::GivesWay);
        }
    }

    /// A large answer on a connection holds these bytes until it is sent.
    pub fn hold(&self, one: &Progress, bytes: usize) {
        one.hold(bytes);
        self.give_up_answers();
    }

    /// While large answers hold too much, gives up those of which nothing is read, the one that stood still for longest first. Whoever
    /// reads is not cut off, however much is held.
    fn give_up_answers(&self) {
        if self.worker.places.held() <= self.most_held {
            return;
        }
        let mut still: Vec<_> = self
            .alive()
            .into_iter()
            .filter(|one| one.is_holding())
            .filter_map(|one| match one.waits()? {
                (Waits::Reading, since) => Some((since, one)),
                _ => None,
            })
            .filter(|(since, _)| self.age(*since) >= GIVES_WAY_AFTER)
            .collect();
        still.sort_unstable_by_key(|(since, _)| *since);
        for (_, one) in still {
            if self.worker.places.held() <= self.most_held {
                return;
            }
            one.release();
            self.end(&one, Ending::GivesWay);
        }
    }
}

/// Who gives way before whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    /// No request of it was ever answered.
    Stranger,
    /// It is late with something.
    Late,
    /// It is kept open for the next request, as gateways do.
    Idle,
}

impl Turn {
    fn of(one: &Progress, waits: Waits) -> Self {
        match waits {
            Waits::Idle => Self::Idle,
            _ if one.was_served() => Self::Late,
            _ => Self::Stranger,
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::http::connection::BodyLength;

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
            let one = Progress::new(Rc::clone(&worker.worker));
            worker.worker.set_now(3);
            one.enter(stage);
            let last = 3 + ticks(limit).unwrap();
            for (now, late) in [(3, false), (last, false), (last + 1, true)] {
                worker.worker.set_now(now);
                assert_eq!(worker.is_late(&one), late, "{stage:?} at {now}");
            }
            // An answer that is not read has a deadline of its own, from the last byte that was.
            one.was_written();
            one.was_not_taken();
            let last = worker.worker.now() + ticks(seconds(30)).unwrap();
            for (now, late) in [(last, false), (last + 1, true)] {
                worker.worker.set_now(now);
                assert_eq!(worker.is_late(&one), late, "unread at {now}");
            }
            one.was_written();
            assert!(!worker.is_late(&one));
        }
        let open = Progress::new(Rc::clone(&worker.worker));
        open.enter(Stage::Open);
        worker.worker.set_now(Tick::MAX);
        assert!(!worker.is_late(&open), "the server is waited for");
    }

    fn among<const COUNT: usize>(worker: &Rc<Connections>) -> [Rc<Progress>; COUNT] {
        std::array::from_fn(|_| {
            let one = Rc::new(Progress::new(Rc::clone(&worker.worker)));
            worker.all.borrow_mut().push(Rc::downgrade(&one));
            one
        })
    }

    #[test]
    fn strangers_give_way_before_those_that_were_served_and_one_for_each_that_waits() {
        let places = Arc::new(Places::new(0));
        let worker = Connections::new(Deadlines::default(), Arc::clone(&places), 0);
        let other = Connections::new(Deadlines::default(), Arc::clone(&places), 0);
        let mut all = Vec::from(among::<3>(&worker));
        let [elsewhere] = among(&other);
        for (now, one) in (1..).zip(&all) {
            worker.worker.set_now(now);
            one.begin(BodyLength::None);
            one.answered();
        }
        let [idle, late, open] = [&all[0], &all[1], &all[2]];
        idle.enter(Stage::Idle);
        late.enter(Stage::Head);
        open.begin(BodyLength::None);
        let strangers = among::<2>(&worker);
        for one in &strangers {
            one.enter(Stage::Head);
        }
        all.extend(strangers);
        worker.worker.set_now(10);
        other.worker.set_now(10);
        let mut given = Vec::new();
        for _ in 0..4 {
            assert!(places.take(|| worker.give_way()).now_or_never().is_none());
            // One is leaving, so nobody else has to.
            assert!(places.take(|| other.give_way()).now_or_never().is_none());
            assert_eq!(elsewhere.ending(), None);
            given.extend(all.iter().position(|one| one.ending().is_some()));
            all.retain(|one| one.ending().is_none());
        }
        assert_eq!(given, [3, 3, 1, 0]);
        assert_eq!(all.len(), 1, "the server is waited for");
    }

    #[test]
    fn a_large_answer_is_given_up_when_nobody_reads_it_and_not_otherwise() {
        let worker = Connections::new(Deadlines::default(), Arc::new(Places::new(1)), 10);
        let [reading, still, stiller, newest] = among(&worker);
        worker.hold(&reading, 100);
        worker.hold(&stiller, 6);
        stiller.was_not_taken();
        worker.worker.set_now(1);
        worker.hold(&still, 6);
        still.was_not_taken();
        worker.worker.set_now(9);
        reading.was_not_taken();
        let given_up = |one: &Progress| one.ending().is_some();
        assert!(!given_up(&stiller));
        worker.hold(&newest, 1);
        let all = [&reading, &newest, &still, &stiller].map(|one| given_up(one));
        assert_eq!(all, [false, false, true, true]);
        // Only as many as it takes.
        reading.release();
        let [still, stiller] = among(&worker);
        worker.hold(&stiller, 5);
        stiller.was_not_taken();
        worker.worker.set_now(10);
        worker.hold(&still, 5);
        still.was_not_taken();
        worker.worker.set_now(20);
        newest.release();
        worker.hold(&newest, 1);
        assert_eq!([&still, &stiller].map(|one| given_up(one)), [false, true]);
    }
}
