//! Requests over many connections from few threads, each of which waits for all of its connections at once.
//!
//! In a closed loop a connection asks as soon as it has its answer: what comes out is how much a server does at most. In an open loop
//! requests are due at a fixed rate, whatever has become of those before, and an answer's time counts from the moment at which its
//! request was due: a server that stands still is seen by everything that was due meanwhile, not by one request.

use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::fd::OwnedFd;

use super::exchange::Exchange;
use super::latencies::float;
use super::script::Script;

/// Threads that ask at most: more would take processors from the server.
const THREADS: usize = 2;
/// How long answers are waited for once nothing more is asked.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Clone, Copy)]
pub enum Pace {
    /// A closed loop.
    AsAnswered,
    /// An open loop of so many requests a second over all connections.
    PerSecond(f64),
}

/// How to ask, and for how long unless the script ends before.
#[derive(Clone, Copy)]
pub struct Load {
    pub connections: usize,
    pub pace: Pace,
    pub duration: Duration,
}

/// What came of it.
#[derive(Default)]
pub struct Outcome {
    pub times: Vec<Duration>,
    /// How long it took until the body of an answer began.
    pub beginnings: Vec<Duration>,
    /// The most requests that were under way at once.
    pub most_open: usize,
    /// Answers among them that the script does not accept, and what the first of them said.
    pub refused: usize,
    pub first_refusal: Option<String>,
    /// Requests whose answer did not come.
    pub broken: usize,
    /// From the beginning to the last answer.
    pub elapsed: Duration,
}

impl Outcome {
    fn and(mut self, other: Self) -> Self {
        self.times.extend(other.times);
        self.beginnings.extend(other.beginnings);
        self.most_open += other.most_open;
        self.refused += other.refused;
        self.first_refusal = self.first_refusal.or(other.first_refusal);
        self.broken += other.broken;
        self.elapsed = self.elapsed.max(other.elapsed);
        self
    }
}

/// Asks who listens on a port; `script` makes what each thread asks.
pub fn run(port: u16, load: Load, script: impl Fn() -> Box<dyn Script>) -> Outcome {
    let threads = load.connections.min(THREADS);
    std::thread::scope(|scope| {
        let asking: Vec<_> = (0..threads)
            .map(|thread| {
                let share = (load.connections + thread) / threads;
                let script = script();
                scope.spawn(move || Asking::new(port, load, share, [thread, threads], script).run())
            })
            .collect();
        let outcomes = asking.into_iter().map(|thread| thread.join().unwrap());
        outcomes.fold(Outcome::default(), Outcome::and)
    })
}

/// One thread.
struct Asking {
    port: u16,
    load: Load,
    script: Box<dyn Script>,
    /// Which of how many threads this one is: they are due in turn.
    place: [usize; 2],
    epoll: OwnedFd,
    exchanges: Vec<Exchange>,
    /// When the request under way on each connection was due.
    due: Vec<Option<Instant>>,
    /// Whether the body of its answer has begun.
    has_begun: Vec<bool>,
    idle: Vec<usize>,
    begin: Instant,
    started: usize,
    exhausted: bool,
    outcome: Outcome,
}

impl Asking {
    fn new(
        port: u16,
        load: Load,
        connections: usize,
        place: [usize; 2],
        script: Box<dyn Script>,
    ) -> Self {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).expect("there is epoll");
        let open = |index| opened(&epoll, port, index);
        Self {
            port,
            exchanges: (0..connections).map(open).collect(),
            due: vec![None; connections],
            has_begun: vec![false; connections],
            idle: (0..connections).collect(),
            load,
            script,
            place,
            epoll,
            begin: Instant::now(),
            started: 0,
            exhausted: false,
            outcome: Outcome::default(),
        }
    }

    fn run(mut self) -> Outcome {
        let give_up = self.begin + self.load.duration + PATIENCE;
        let mut events = Vec::with_capacity(256);
        self.ask_what_is_due();
        while let Some(left) = self
            .next_deadline(give_up)
            .map(|deadline| deadline.saturating_duration_since(Instant::now()))
        {
            let timeout = Timespec::try_from(left).expect("seconds are few");
            match epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&timeout)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => panic!("waiting for answers: {error}"),
            }
            for event in events.drain(..) {
                let index = usize::try_from(event.data.u64()).expect("it is one of ours");
                self.advance(index);
                self.ask_what_is_due();
            }
            self.ask_what_is_due();
        }
        self.outcome.broken += self.due.iter().flatten().count();
        if let Pace::PerSecond(_) = self.load.pace {
            // What was due and found no connection free in time.
            while self.next_due().is_some() {
                self.started += 1;
                self.outcome.broken += 1;
            }
        }
        self.outcome
    }

    /// When the next request is due, unless there will be none.
    fn next_due(&self) -> Option<Instant> {
        let due = match self.load.pace {
            Pace::AsAnswered => Instant::now(),
            Pace::PerSecond(rate) => {
                let number = self.started * self.place[1] + self.place[0];
                self.begin + Duration::from_secs_f64(float(number) / rate)
            }
        };
        (!self.exhausted && due < self.begin + self.load.duration).then_some(due)
    }

    /// Until when to wait for what comes; nothing when all is done or it has taken too long.
    fn next_deadline(&self, give_up: Instant) -> Option<Instant> {
        let next_due = self.next_due();
        let under_way = self.idle.len() < self.exchanges.len();
        if (next_due.is_none() && !under_way) || Instant::now() >= give_up {
            return None;
        }
        let next_due = next_due.filter(|_| !self.idle.is_empty());
        Some(next_due.unwrap_or(give_up).min(give_up))
    }

    fn ask_what_is_due(&mut self) {
        while let Some(&index) = self.idle.last()
            && let Some(due) = self.next_due()
            && due <= Instant::now()
        {
            if !self.script.next(&mut self.exchanges[index].request) {
                self.exhausted = true;
                return;
            }
            self.idle.pop();
            self.due[index] = Some(due);
            self.has_begun[index] = false;
            self.started += 1;
            let open = self.exchanges.len() - self.idle.len();
            self.outcome.most_open = self.outcome.most_open.max(open);
            self.advance(index);
        }
    }

    fn advance(&mut self, index: usize) {
        match self.exchanges[index].advance() {
            Ok(None) => {
                if let Some(due) = self.due[index]
                    && !self.has_begun[index]
                    && self.exchanges[index].has_begun()
                {
                    self.has_begun[index] = true;
                    self.outcome.beginnings.push(due.elapsed());
                }
                return;
            }
            Ok(Some((status, body))) => {
                let Some(due) = self.due[index].take() else {
                    return;
                };
                let took = due.elapsed();
                self.outcome.times.push(took);
                if !self.has_begun[index] {
                    self.outcome.beginnings.push(took);
                }
                self.outcome.elapsed = self.begin.elapsed();
                if !self.script.accepts(status, body) {
                    self.outcome.refused += 1;
                    self.outcome.first_refusal.get_or_insert_with(|| {
                        format!("{status} {}", String::from_utf8_lossy(body))
                    });
                }
                self.script.answered(status, body);
            }
            Err(_) => {
                self.exchanges[index] = opened(&self.epoll, self.port, index);
                // A server may close what is idle.
                if self.due[index].take().is_none() {
                    return;
                }
                self.outcome.broken += 1;
            }
        }
        self.idle.push(index);
    }
}

/// A connection that epoll tells of.
fn opened(epoll: &OwnedFd, port: u16, index: usize) -> Exchange {
    let exchange = Exchange::open(port).expect("the server takes connections");
    let tells = epoll::EventFlags::IN | epoll::EventFlags::OUT | epoll::EventFlags::ET;
    epoll::add(
        epoll,
        exchange.stream(),
        epoll::EventData::new_u64(index as u64),
        tells,
    )
    .expect("epoll takes connections");
    exchange
}
