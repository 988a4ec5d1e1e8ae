//! Decisions at a fixed rate, as a gateway asks for them whether or not the answers before have come: each time counts from the moment at
//! which the request was due.

use super::decisions::{DURABILITY, MOST_P99, seed};
use super::generator::{Load, Pace};
use super::measure::measure;
use super::server::tollkeeper;
use super::settings::Settings;
use super::table::{Aim, Judged, Table};

/// The least share of the rate at which answers have to come.
const LEAST: f64 = 0.99;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    settings: Settings,
    /// Requests a second
    #[arg(long, value_delimiter = ',', default_value = "1000,5000")]
    rate: Vec<u32>,
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Virtual keys in the database
    #[arg(long, default_value_t = 10_000)]
    keys: usize,
    /// What an acknowledged decision survives
    #[arg(long, default_value = "power")]
    durability: String,
}

/// Whether all aims are met.
pub fn run(arguments: &Arguments) -> bool {
    let settings = &arguments.settings;
    settings.pin();
    let mut table = Table::default();
    let seed = seed(&tollkeeper(), arguments.keys);
    let launch = settings
        .launch(&tollkeeper())
        .with(DURABILITY, &arguments.durability);
    for &rate in &arguments.rate {
        let server = seed.start(&launch, None);
        table.part(&format!("{rate} requests a second"));
        for line in &seed.lines {
            let load = Load {
                pace: Pace::PerSecond(f64::from(rate)),
                ..settings.load(arguments.connections)
            };
            let one = measure(&server.process, line, load);
            let judged = [
                Judged {
                    what: "of the rate".to_owned(),
                    value: one.rate / f64::from(rate),
                    aim: Some(Aim::AtLeast(LEAST)),
                },
                Judged::p99(&one, MOST_P99),
                Judged::shown("ms p99.9", one.latencies.at(0.999)),
                Judged::shown("ms at most", one.latencies.at(1.0)),
            ];
            table.measured(&line.name, &one, &judged);
        }
    }
    table.all_met()
}
