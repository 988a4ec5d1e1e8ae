//! Contenders measured in turn, round after round, so that a machine whose speed changes changes all of them.

use super::contender::Contender;
use super::others::ALONE;
use super::upstream::Shape;
use crate::generator::{Load, Pace};
use crate::latencies::median;
use crate::measure::{Measured, measure};
use crate::table::{Aim, Judged, Table};

/// What the first answers of a part take longer is not measured.
const WARMING: std::time::Duration = std::time::Duration::from_millis(300);

/// What was measured of all, in their order.
pub struct Rounds {
    names: Vec<&'static str>,
    /// A list for each, with a figure for each round.
    figures: Vec<Vec<Measured>>,
}

/// What was measured of one of them, beside the others.
pub struct Row<'r> {
    all: &'r Rounds,
    at: usize,
}

impl Rounds {
    pub fn measure(all: &[&Contender<'_>], shape: Shape, load: Load, rounds: usize) -> Self {
        let lines: Vec<_> = all.iter().map(|one| one.line(shape)).collect();
        let measure = |at: usize, load| measure(all[at].process(shape), &lines[at], load);
        let mut figures: Vec<Vec<_>> = all.iter().map(|_| Vec::new()).collect();
        for at in 0..all.len() {
            let warming = Load {
                pace: Pace::AsAnswered,
                duration: WARMING,
                connections: load.connections.min(64),
            };
            measure(at, warming);
        }
        for round in 0..rounds {
            for n in 0..all.len() {
                // None is always the first.
                let at = (n + round) % all.len();
                figures[at].push(measure(at, load));
            }
        }
        Self {
            names: all.iter().map(|one| one.name).collect(),
            figures,
        }
    }

    /// Prints a line for each with what `judge` says of it; only ours, which is the last, is judged.
    pub fn show(self, table: &mut Table, judge: impl Fn(&Row<'_>) -> Vec<Judged>) {
        for at in 0..self.names.len() {
            let row = Row { all: &self, at };
            let judged = judge(&row);
            let one = Measured::of_rounds(row.figures());
            if row.is_ours() {
                table.measured(self.names[at], &one, &judged);
            } else {
                table.shown(self.names[at], &one, &judged);
            }
        }
    }
}

impl Row<'_> {
    pub fn is_ours(&self) -> bool {
        self.at + 1 == self.all.names.len()
    }

    pub fn figures(&self) -> &[Measured] {
        &self.all.figures[self.at]
    }

    /// A figure as a multiple of what another one has; nothing where that one does not take part. It is no number, which meets no aim,
    /// where that one had errors.
    pub fn times(&self, other: &str, figure: impl Fn(&Measured) -> f64) -> Option<f64> {
        let other = self.all.names.iter().position(|name| *name == other)?;
        let pairs = self.figures().iter().zip(&self.all.figures[other]);
        let times = pairs.map(|(own, other)| {
            if other.errors > 0 {
                f64::NAN
            } else {
                figure(own) / figure(other)
            }
        });
        let times: Vec<_> = times.collect();
        let failed = times.iter().any(|times| times.is_nan());
        Some(if failed {
            f64::NAN
        } else {
            median(times.into_iter())
        })
    }

    /// The milliseconds at a quantile that are not the upstream's own.
    pub fn added(&self, share: f64, what: &str, aim: Option<Aim>) -> Judged {
        let alone = self.all.names.iter().position(|name| *name == ALONE);
        let alone = &self.all.figures[alone.expect("the upstream takes part")];
        let pairs = self.figures().iter().zip(alone);
        let added = pairs.map(|(own, alone)| own.latencies.at(share) - alone.latencies.at(share));
        Judged {
            what: format!("ms added {what}"),
            value: median(added),
            aim,
        }
    }
}
