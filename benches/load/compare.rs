//! This binary beside another one: both are started in turn, each time on a fresh copy of the same directory, and what stands in the
//! table are the medians of all rounds, so that a machine whose speed changes changes both.
//!
//! The directories are made by the other binary, which may be older and then could not open what this one has made.

use std::path::PathBuf;

use super::changes;
use super::decisions::{self, DURABILITY};
use super::latencies::median;
use super::measure::{Measured, busy, measure};
use super::profiles::{self, CREATE, MOST_P99};
use super::script::Line;
use super::seed::Seed;
use super::server::tollkeeper;
use super::settings::Settings;
use super::table::{Aim, Table};

/// The least share of the other binary's rate: of decisions, and of management, where it is enough that nobody waits.
const LEAST_OF_DECISIONS: f64 = 0.95;
const LEAST_OF_MANAGEMENT: f64 = 0.5;

#[derive(clap::Args)]
pub struct Arguments {
    /// The binary to compare with
    other: PathBuf,
    /// What is compared
    #[arg(value_enum, default_values = ["decisions", "profiles", "changes"])]
    subjects: Vec<Subject>,
    #[command(flatten)]
    settings: Settings,
    /// How often each binary is measured
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Virtual keys in the database of the decisions
    #[arg(long, default_value_t = 10_000)]
    keys: usize,
    /// Profiles in the database of the profiles
    #[arg(long, default_value_t = 100_000)]
    profiles: usize,
    /// What an acknowledged decision survives
    #[arg(long, default_value = "power")]
    durability: String,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Subject {
    Decisions,
    Profiles,
    Changes,
}

/// What is compared on one directory.
struct Comparison {
    seed: Seed,
    connections: &'static [usize],
    /// The least share of the other binary's rate.
    share: Option<f64>,
    /// The 99th percentile, in milliseconds.
    p99: Option<f64>,
}

impl Subject {
    fn comparison(self, arguments: &Arguments) -> Comparison {
        let other = &arguments.other;
        match self {
            Self::Decisions => Comparison {
                seed: decisions::seed(other, arguments.keys),
                connections: &[64, 256],
                share: Some(LEAST_OF_DECISIONS),
                p99: None,
            },
            Self::Profiles => Comparison {
                seed: profiles::seed(other, arguments.profiles),
                connections: &[64],
                share: Some(LEAST_OF_MANAGEMENT),
                p99: Some(MOST_P99),
            },
            Self::Changes => Comparison {
                seed: changes::seed(other),
                connections: &[8],
                share: None,
                p99: Some(MOST_P99),
            },
        }
    }
}

/// Whether all aims are met.
pub fn run(arguments: &Arguments) -> bool {
    arguments.settings.pin();
    let mut table = Table::default();
    println!(
        "{:<42} {:>5} {:>9} {:>9} {:>6} {:>9} {:>9} {:>9} {:>9}",
        "medians",
        "conns",
        "other/s",
        "this/s",
        "ratio",
        "p99 other",
        "this, ms",
        "cpu other",
        "this, us"
    );
    for subject in &arguments.subjects {
        let comparison = subject.comparison(arguments);
        let mut rounds = [Vec::new(), Vec::new()];
        for round in 0..arguments.rounds {
            // Neither is always the first.
            for which in [round % 2, 1 - round % 2] {
                eprintln!(
                    "round {} of {}, {} binary ...",
                    round + 1,
                    arguments.rounds,
                    ["other", "this"][which]
                );
                rounds[which].push(measure_all(arguments, &comparison, which));
            }
        }
        for (place, (line, connections)) in comparison.figures().enumerate() {
            let [other, this] = [0, 1].map(|which| {
                let rounds = rounds[which].iter();
                rounds.map(|round| &round[place]).collect::<Vec<_>>()
            });
            comparison.judge(&mut table, line, connections, [&other, &this]);
        }
    }
    table.all_met()
}

/// Measures one of the two binaries once.
fn measure_all(arguments: &Arguments, comparison: &Comparison, which: usize) -> Vec<Measured> {
    let binary = [arguments.other.clone(), tollkeeper()][which].clone();
    let launch = arguments
        .settings
        .launch(&binary)
        .with(DURABILITY, &arguments.durability);
    let server = comparison.seed.start(&launch, None);
    let figures = comparison.figures();
    let figures = figures.map(|(line, connections)| {
        measure(&server.process, line, arguments.settings.load(connections))
    });
    figures.collect()
}

impl Comparison {
    fn figures(&self) -> impl Iterator<Item = (&Line, usize)> {
        let lines = self.seed.lines.iter();
        lines.flat_map(|line| {
            self.connections
                .iter()
                .map(move |&connections| (line, connections))
        })
    }

    fn judge(&self, table: &mut Table, line: &Line, connections: usize, rounds: [&[&Measured]; 2]) {
        let medians = |figure: fn(&Measured) -> f64| {
            rounds.map(|rounds| median(rounds.iter().map(|one| figure(one))))
        };
        let rate = medians(|one| one.rate);
        let p99 = medians(|one| one.latencies.at(0.99));
        let processor = medians(|one| one.processor);
        let generator = medians(|one| one.generator);
        let errors = rounds.map(|rounds| rounds.iter().map(|one| one.errors).sum::<usize>());
        let ratio = rate[1] / rate[0];
        let share = self
            .share
            .map(|share| ("ratio", Aim::AtLeast(share), ratio));
        // Creating at full speed waits for the disk, and nobody waits for it.
        let p99_aim = self.p99.filter(|_| line.name != CREATE);
        let p99_aim = p99_aim.map(|most| ("p99", Aim::AtMost(most), p99[1]));
        let aims = || share.iter().chain(&p99_aim);
        let met = errors == [0, 0] && aims().all(|(_, aim, value)| aim.is_met(*value));
        let words = aims().map(|(what, aim, _)| format!("{what} {}", aim.words()));
        let busy = busy(generator[0].max(generator[1]));
        let wrong =
            (errors != [0, 0]).then(|| format!("errors: other {}, this {}", errors[0], errors[1]));
        let words: Vec<_> = words.chain(busy).chain(wrong).collect();
        println!(
            "{:<42} {connections:>5} {:>9.0} {:>9.0} {ratio:>6.2} {:>9.2} {:>9.2} {:>9.0} {:>9.0}  {:<6}  {}",
            line.name,
            rate[0],
            rate[1],
            p99[0],
            p99[1],
            processor[0],
            processor[1],
            table.verdict(met),
            words.join("; "),
        );
    }
}
