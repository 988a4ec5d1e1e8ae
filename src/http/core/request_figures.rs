//! What is counted of requests. Each worker has figures of its own, so that none waits for another; whoever shows them adds them up.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foldhash::HashMap;
use smallvec::SmallVec;

use super::route_path::RouteGroup;
use crate::metrics::{Distribution, QUICK, nanoseconds};

/// How a request was answered: its method and status.
type Answered = (&'static str, u16);

/// What was counted.
#[derive(Debug, Clone)]
pub struct Counted {
    /// Requests by route, and how they were answered.
    pub requests: HashMap<Box<str>, SmallVec<[(Answered, u64); 2]>>,
    /// How long the heads of answers took, by the places of groups in [`RouteGroup::ALL`], in nanoseconds.
    pub durations: [Distribution; RouteGroup::ALL.len()],
    /// Credentials that were refused, by code.
    pub refused_credentials: HashMap<&'static str, u64>,
}

impl Default for Counted {
    fn default() -> Self {
        Self {
            requests: HashMap::default(),
            durations: RouteGroup::ALL.map(|_| Distribution::new(QUICK)),
            refused_credentials: HashMap::default(),
        }
    }
}

impl Counted {
    fn note(&mut self, route: &str, answered: Answered, count: u64) {
        let Some(known) = self.requests.get_mut(route) else {
            let first = SmallVec::from_iter([(answered, count)]);
            self.requests.insert(route.into(), first);
            return;
        };
        match known.iter_mut().find(|(known, _)| *known == answered) {
            Some((_, known)) => *known += count,
            None => known.push((answered, count)),
        }
    }

    fn add(&mut self, other: &Self) {
        for (route, all) in &other.requests {
            for (answered, count) in all {
                self.note(route, *answered, *count);
            }
        }
        for (sum, more) in self.durations.iter_mut().zip(&other.durations) {
            sum.add(more);
        }
        for (code, count) in &other.refused_credentials {
            *self.refused_credentials.entry(code).or_default() += count;
        }
    }
}

/// The figures of one worker. Nothing of another thread lies beside them.
#[derive(Default)]
#[repr(align(128))]
pub struct WorkerFigures(Mutex<Counted>);

impl WorkerFigures {
    /// Counts a request whose answer has begun. `refused` is the code of its own credential's refusal.
    pub fn note(
        &self,
        (route, group): (&str, RouteGroup),
        answered: Answered,
        took: Duration,
        refused: Option<&'static str>,
    ) {
        let mut counted = self.counted();
        counted.note(route, answered, 1);
        counted.durations[group as usize].note(nanoseconds(took));
        if let Some(code) = refused {
            *counted.refused_credentials.entry(code).or_default() += 1;
        }
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The figures of all workers.
#[derive(Default)]
pub struct RequestFigures(Mutex<Vec<Arc<WorkerFigures>>>);

impl RequestFigures {
    /// Figures for one more worker.
    pub fn join(&self) -> Arc<WorkerFigures> {
        let figures = Arc::<WorkerFigures>::default();
        self.workers().push(Arc::clone(&figures));
        figures
    }

    /// What all workers counted.
    pub fn read(&self) -> Counted {
        let workers = self.workers().clone();
        let mut sum = Counted::default();
        for worker in workers {
            // A copy, so that the worker goes on meanwhile.
            let counted = worker.counted().clone();
            sum.add(&counted);
        }
        sum
    }

    fn workers(&self) -> MutexGuard<'_, Vec<Arc<WorkerFigures>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_workers_count_is_added_up() {
        let all = RequestFigures::default();
        let workers = [all.join(), all.join()];
        let route = ("/v1/quota", RouteGroup::Decisions);
        for worker in &workers {
            worker.note(route, ("GET", 200), Duration::from_millis(1), None);
            let refused = Some("access_not_found");
            worker.note(route, ("GET", 401), Duration::from_millis(9), refused);
        }
        workers[0].note(route, ("GET", 200), Duration::from_mins(1), None);
        let counted = all.read();
        let expected = [(("GET", 200), 3), (("GET", 401), 2)];
        assert_eq!(counted.requests["/v1/quota"].as_slice(), expected);
        let durations = &counted.durations[RouteGroup::Decisions as usize];
        assert_eq!(durations.counts.iter().sum::<u64>(), 5);
        assert_eq!(durations.counts.last(), Some(&1));
        assert_eq!(counted.refused_credentials["access_not_found"], 2);
    }
}
