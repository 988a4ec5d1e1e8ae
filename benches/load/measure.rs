//! One figure of a process under load: how much it does, how long its answers take, and what both sides take of the machine for it.

use super::generator::{Load, run};
use super::latencies::{Latencies, float};
use super::process::{Process, processor_time};
use super::script::Line;

/// Cores of a generator that is not the bottleneck on a machine with two.
const BUSY: f64 = 0.5;

pub struct Measured {
    pub connections: usize,
    /// Answers a second.
    pub rate: f64,
    pub latencies: Latencies,
    /// Processor time of the process, in microseconds an answer: what depends least on what else the machine does.
    pub processor: f64,
    /// The most memory that the process had, in MiB.
    pub peak: u64,
    /// Answers that are no 2xx or did not come, and the first of them.
    pub errors: usize,
    pub first_error: Option<String>,
    /// Cores that this tool took meanwhile.
    pub generator: f64,
}

/// Measures a line on a process.
pub fn measure(process: &Process, line: &Line, load: Load) -> Measured {
    process.forget_peak();
    let spent = || [process.id(), std::process::id()].map(processor_time);
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
        processor: its * 1e6 / answers,
        peak: process.memory().1,
        errors: outcome.refused + outcome.broken,
        first_error: outcome.first_refusal,
        generator: own / seconds,
    }
}

impl Measured {
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
