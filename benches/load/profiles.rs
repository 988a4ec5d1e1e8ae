//! Reading, searching and creating profiles in a large database, beside handlers that answer as many bytes and keep nothing, and beside
//! the same rows committed one by one; then how long a start takes.

use std::path::Path;

use super::ceiling;
use super::client::request;
use super::house::make_profiles;
use super::measure::measure;
use super::script::{InTurn, Line, NUMBER};
use super::seed::Seed;
use super::server::tollkeeper;
use super::settings::Settings;
use super::table::{Aim, Judged, Table};

/// The profile that is created everywhere, with `@NAME@` for its name.
const PROFILE: &str = include_str!("../profile.json");
/// Profiles that are read one by one, from all over the database.
const READ: usize = 10_000;
/// The line that writes; the others read.
pub const CREATE: &str = "create";
/// The 99th percentile of what people wait for, in milliseconds.
pub const MOST_P99: f64 = 50.0;
/// How many times as quickly as a loop that commits one row after the other profiles are created.
const LEAST_CREATES: f64 = 2.0;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    settings: Settings,
    /// Profiles in the database
    #[arg(long, default_value_t = 100_000)]
    profiles: usize,
    #[arg(long, value_delimiter = ',', default_value = "1,8,64")]
    connections: Vec<usize>,
}

/// A database with so many profiles, and what is asked of it.
pub fn seed(binary: &Path, profiles: usize) -> Seed {
    eprintln!("making {profiles} profiles ...");
    Seed::make(binary, |server| {
        make_profiles(server, profiles, |number| body(&name(number)));
        lines(&server.operator, profiles)
    })
}

fn lines(operator: &str, profiles: usize) -> Vec<Line> {
    let get = |query: &str| request("GET", &format!("/api/access-profiles{query}"), operator, "");
    let middle = profiles / 2;
    let scattered = (0..READ).map(|n| get(&format!("/{}", n * 7_919 % profiles + 1)));
    let one = [
        ("GET one profile", format!("/{middle}")),
        ("page of 25", String::new()),
        (
            "search, one of them",
            format!("?search={:05}", middle.saturating_sub(1)),
        ),
        (
            "search, a hundredth of them",
            format!("?search={:03}", (middle / 100).saturating_sub(1)),
        ),
        ("search, a seventh of them", "?search=turku".to_owned()),
    ];
    let one = one.map(|(name, query)| Line::new(name, InTurn::new([get(&query)])));
    let create = body(&format!("load {NUMBER}"));
    let create = request("POST", "/api/access-profiles", operator, &create);
    let others = [
        Line::new("GET, any of the profiles", InTurn::new(scattered)),
        Line::new(CREATE, InTurn::new([create])),
    ];
    one.into_iter().chain(others).collect()
}

pub fn body(name: &str) -> String {
    PROFILE.trim().replace("@NAME@", name)
}

/// A name such as `research 04211 Berlin`: some searches find a few of them, some a seventh, some all.
pub fn name(number: usize) -> String {
    let team = ["research", "support", "payments", "platform", "field"][number % 5];
    let city = ["Berlin", "Lyon", "Porto", "Turku", "Graz", "Delft", "Brno"][number % 7];
    format!("{team} {number:05} {city}")
}

/// Whether all aims are met.
pub fn run(arguments: &Arguments) -> bool {
    let settings = &arguments.settings;
    settings.pin();
    let mut table = Table::default();
    let seed = seed(&tollkeeper(), arguments.profiles);
    let server = seed.start(&settings.launch(&tollkeeper()), None);
    let started = server.process.wait_for("/ready").as_millis();
    let path = format!("/api/access-profiles/{}", arguments.profiles / 2);
    let bytes = server.ask("GET", &path, "").body.len();
    let commits = ceiling::commits(&server.data_dir(), &body("bare loop"));

    table.part("ceilings");
    let [read, create] = [("nothing", 0), ("json", seed.lines.len() - 1)].map(|(reading, line)| {
        let process = ceiling::start(settings, reading, bytes);
        let rates = arguments.connections.iter().map(|&connections| {
            let one = measure(&process, &seed.lines[line], settings.load(connections));
            table.measured(&format!("parse {reading}, answer {bytes} bytes"), &one, &[]);
            one.rate
        });
        rates.collect::<Vec<_>>()
    });
    println!("commits of a row of one profile, one by one: {commits:.0} a second");

    table.part(&format!("{} profiles", arguments.profiles));
    for line in &seed.lines {
        for (place, &connections) in arguments.connections.iter().enumerate() {
            let one = measure(&server.process, line, settings.load(connections));
            // Creating at full speed waits for the disk, and nobody waits for it.
            let judged = if line.name == CREATE {
                let aim = (connections >= 64).then_some(Aim::AtLeast(LEAST_CREATES));
                let commits = Judged {
                    what: "of the loop of commits".to_owned(),
                    value: one.rate / commits,
                    aim,
                };
                [
                    commits,
                    Judged::shown("of the ceiling", one.rate / create[place]),
                ]
            } else {
                let share = Judged::shown("of the ceiling", one.rate / read[place]);
                [Judged::p99(&one, MOST_P99), share]
            };
            table.measured(&line.name, &one, &judged);
        }
    }
    let left = server.kill();
    let server = settings.launch(&tollkeeper()).on(left);
    let [serving, checked] =
        ["/health", "/ready"].map(|path| server.process.wait_for(path).as_millis());
    println!(
        "\nready after a clean stop: {started} ms; after kill -9: serving {serving} ms, checked and ready {checked} ms"
    );
    table.all_met()
}
