//! Reserving, settling, charging, explaining and forward-auth, beside a handler that reads the same body and decides nothing: everything
//! with the first number of virtual keys and each durability, then reservations alone with the other numbers.

use std::collections::HashMap;
use std::path::Path;

use super::ceiling;
use super::client::request;
use super::house::{Person, call, make_people};
use super::measure::{Measured, measure};
use super::script::{InTurn, Line, NUMBER, Settling};
use super::seed::Seed;
use super::server::{Server, tollkeeper};
use super::settings::Settings;
use super::table::{Aim, Judged, Table};

/// The setting for which a write is acknowledged after its sync (power) or after its commit (process).
pub const DURABILITY: &str = "TOLLKEEPER_DECISIONS__DURABILITY";
/// Keys that are used at most, from all over the database.
const USED: usize = 10_000;
/// The 99th percentile at [`MANY`] connections, in milliseconds.
pub const MOST_P99: f64 = 8.0;
/// The least share of what the handler answers that decides nothing, at so many connections.
const SHARES: [(usize, f64); 2] = [(64, 0.40), (MANY, 0.50)];
const MANY: usize = 256;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    settings: Settings,
    /// Virtual keys in the databases; everything is measured with the first number (a million takes minutes to make)
    #[arg(long, value_delimiter = ',', default_value = "10000,10,1000000")]
    keys: Vec<usize>,
    #[arg(long, value_delimiter = ',', default_value = "1,64,256")]
    connections: Vec<usize>,
    /// What an acknowledged decision survives
    #[arg(long, value_delimiter = ',', default_value = "power,process")]
    durability: Vec<String>,
}

/// A database with so many virtual keys, and the five questions.
pub fn seed(binary: &Path, keys: usize) -> Seed {
    eprintln!("making {keys} virtual keys ...");
    Seed::make(binary, |server| {
        let people = make_people(server, keys);
        let used: Vec<_> = people.iter().step_by(keys.div_ceil(USED)).collect();
        lines(&server.operator, &used)
    })
}

fn lines(operator: &str, people: &[&Person]) -> Vec<Line> {
    let post = |path: &str, body: &dyn Fn(&str) -> String| {
        InTurn::new(
            people
                .iter()
                .map(|person| request("POST", path, operator, &body(&person.key))),
        )
    };
    let call = |key: &str| call(key, "gpt-5");
    let charge = |key: &str| {
        format!(
            r#"{{"virtual_key":"{key}","provider":"openai","model":"gpt-5","tokens":950,"cost":0.0098,"request_id":"call-{NUMBER}"}}"#
        )
    };
    let settle = |id: &str| {
        let path = format!("/v1/reservations/{id}/settle");
        request("POST", &path, operator, r#"{"tokens":950,"cost":0.0098}"#)
    };
    let forward = people.iter().map(|person| {
        let headers = format!(
            "x-api-key: {}\r\nx-provider: openai\r\nx-model: gpt-5",
            person.key
        );
        request("GET", "/v1/forward-auth", &headers, "")
    });
    let reserve = post("/v1/reservations", &call);
    vec![
        Line::new("reserve", reserve.clone()),
        Line::new("reserve and settle", Settling::new(reserve, settle)),
        Line::new("usage", post("/v1/usage", &charge)),
        Line::new("explain", post("/v1/explain", &call)),
        Line::new("forward-auth", InTurn::new(forward)),
    ]
}

/// Whether all aims are met.
pub fn run(arguments: &Arguments) -> bool {
    arguments.settings.pin();
    let mut table = Table::default();
    let (keys, others) = arguments.keys.split_first().expect("there is a default");
    let first = seed(&tollkeeper(), *keys);
    let ceiling = measure_ceiling(arguments, &first, &mut table);
    let mut reserve = Rates::new();
    for durability in &arguments.durability {
        let server = start(arguments, &first, durability);
        table.part(&format!("{keys} keys, durability {durability}"));
        for line in &first.lines {
            for &connections in &arguments.connections {
                let one = measure(&server.process, line, arguments.settings.load(connections));
                table.measured(&line.name, &one, &judged(&one, &ceiling));
                if line.name == "reserve" {
                    reserve.entry(connections).or_insert(one.rate);
                }
            }
        }
    }
    for &other in others {
        let seed = seed(&tollkeeper(), other);
        let server = start(arguments, &seed, &arguments.durability[0]);
        let ready = server.process.wait_for("/ready").as_millis();
        let (memory, _) = server.process.memory();
        table.part(&format!("{other} keys, ready in {ready} ms, {memory} MiB"));
        let line = &seed.lines[0];
        for &connections in &arguments.connections {
            let one = measure(&server.process, line, arguments.settings.load(connections));
            let mut judged = judged(&one, &ceiling);
            let share = one.rate / reserve[&connections];
            judged.push(Judged::shown(format!("of that with {keys} keys"), share));
            table.measured(&line.name, &one, &judged);
        }
    }
    table.all_met()
}

fn start(arguments: &Arguments, seed: &Seed, durability: &str) -> Server {
    let launch = arguments.settings.launch(&tollkeeper());
    seed.start(&launch.with(DURABILITY, durability), None)
}

/// Answers a second at so many connections.
type Rates = HashMap<usize, f64>;

/// Reads the same bodies, and answers as many bytes as a reservation has.
fn measure_ceiling(arguments: &Arguments, seed: &Seed, table: &mut Table) -> Rates {
    let reserve = &seed.lines[0];
    let bytes = {
        let server = start(arguments, seed, &arguments.durability[0]);
        let mut request = Vec::new();
        reserve.script().next(&mut request);
        server.connect().ask(&request).unwrap().body.len()
    };
    table.part("ceiling");
    let process = ceiling::start(&arguments.settings, "call", bytes);
    let rates = arguments.connections.iter().map(|&connections| {
        let one = measure(&process, reserve, arguments.settings.load(connections));
        table.measured(&format!("parse the call, answer {bytes} bytes"), &one, &[]);
        (connections, one.rate)
    });
    rates.collect()
}

fn judged(one: &Measured, ceiling: &Rates) -> Vec<Judged> {
    let aim = SHARES
        .iter()
        .find(|(connections, _)| *connections == one.connections);
    let share = one.rate / ceiling[&one.connections];
    let aim = aim.map(|(_, share)| Aim::AtLeast(*share));
    let mut judged = vec![Judged {
        what: "of the ceiling".to_owned(),
        value: share,
        aim,
    }];
    if one.connections == MANY {
        judged.push(Judged::p99(one, MOST_P99));
    }
    judged
}
