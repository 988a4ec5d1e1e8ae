//! One figure of a process under load: how much it does, how long its answers take, and what both sides take of the machine for it.

use super::generator::{Load, run};
use super::latencies::{Latencies, float, median};
use super::process::{Process, processor_time};
use super::script::Line;

/// Cores of a generator that is not the bottleneck on a machine with two.
const BUSY: f64 = 0.5;

pub struct Measured {
    pub connections: usize,
    /// Answers a second.
    pub rate: f64,
    pub latencies: Latencies,
    /// How long it took until the bodies of the answers began.
    pub beginnings: Latencies,
    /// The most requests that were under way at once.
    pub most_open: usize,
    /// Processor time of the process, in microseconds an answer: what depends least on what else the machine does.
    pub processor: f64,
    /// The most memory that the process had, in MiB.
    pub peak: u64,
    /// Answers that are not as they should be or did not come, and the first of them.
    pub errors: usize,
    pub first_error: Option<String>,
    /// Cores that this tool took meanwhile.
    pub generator: f64,
}

/// Measures a line on a process.
pub fn measure(process: &Process, line: &Line, load: Load) -> Measured {
    process.forget_peak();
    let spent = || [process.processor_time(), processor_time(std::process::id())];
    let before = spent();
    let outcome = run(process.port, load, || line.script());
    let after = spent();
    let [its, own] = [0, 1].map(|n| after[n].saturating_sub(before[n]).as_secs_f64());
    let answers = float(outcome.times.len());
    let seconds = outcome.elapsed.as_secs_f64();
    Measured {
        connections: load.connections,
        rate: answers / seconds,
        latencies: Latencies::new(outcome.times),
        beginnings: Latencies::new(outcome.beginnings),
        most_open: outcome.most_open,
        processor: its * 1e6 / answers,
        peak: process.memory().1,
        errors: outcome.refused + outcome.broken,
        first_error: outcome.first_refusal,
        generator: own / seconds,
    }
}

impl Measured {
    /// The medians of rounds; of answers and errors all, and of memory the most.
    pub fn of_rounds(rounds: &[Self]) -> Self {
        let middle = |figure: fn(&Self) -> f64| median(rounds.iter().map(figure));
        Self {
            connections: rounds[0].connections,
            rate: middle(|one| one.rate),
            latencies: Latencies::of_all(rounds.iter().map(|one| &one.latencies)),
            beginnings: Latencies::of_all(rounds.iter().map(|one| &one.beginnings)),
            most_open: rounds.iter().map(|one| one.most_open).max().unwrap_or(0),
            processor: middle(|one| one.processor),
            peak: rounds.iter().map(|one| one.peak).max().unwrap_or(0),
            errors: rounds.iter().map(|one| one.errors).sum(),
            first_error: rounds.iter().find_map(|one| one.first_error.clone()),
            generator: middle(|one| one.generator),
        }
    }

    /// What has to be known beside the figures: that the generator was busy, and that not all was answered as it should be.
    pub fn remarks(&self) -> impl Iterator<Item = String> {
        let errors = (self.errors > 0).then(|| {
            let first = self.first_error.as_deref().unwrap_or("no answer");
            let first: String = first.chars().take(200).collect();
            format!("{} errors: {first}", self.errors)
        });
        busy(self.generator).into_iter().chain(errors)
    }
}

/// Says so when this tool took so many cores that it may be what limits the rate.
pub fn busy(cores: f64) -> Option<String> {
    (cores > BUSY).then(|| format!("this tool took {cores:.2} cores"))
}
