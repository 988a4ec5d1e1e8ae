//! Decisions at a fixed rate while a backup of a large database is made: how long that takes, and what those notice who ask meanwhile.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use rusqlite::{Connection, params};

use super::decisions::{DURABILITY, seed};
use super::generator::{Load, Pace};
use super::latencies::float;
use super::measure::{Measured, measure};
use super::server::{Server, tollkeeper};
use super::settings::Settings;
use super::table::{Judged, Table};

/// The 99th percentile while a backup is made, in milliseconds.
const MOST_P99: f64 = 25.0;
/// Bytes that a day of one model of one user takes, about, with its place in the index.
const LINE: i64 = 830;
/// Days of history, which end before those that are in memory.
const DAYS: std::ops::Range<i64> = 20..80;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    settings: Settings,
    /// How large the database is, in MiB
    #[arg(long, default_value_t = 1_024)]
    size: i64,
    /// Requests a second
    #[arg(long, default_value_t = 1_000)]
    rate: u32,
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
    let seed = seed(&tollkeeper(), arguments.keys);
    let database = seed.data_dir().join("tollkeeper.db");
    eprintln!("making a database of {} MiB ...", arguments.size);
    fill(&database, arguments.size << 20, arguments.keys);
    let launch = settings
        .launch(&tollkeeper())
        .with(DURABILITY, &arguments.durability);
    let server = seed.start(&launch, None);
    let mut table = Table::default();
    let rate = f64::from(arguments.rate);
    table.part(&format!("{rate} requests a second"));
    let line = seed
        .lines
        .iter()
        .find(|line| line.name == "reserve and settle")
        .expect("it is one of the lines of decisions");
    let load = || Load {
        pace: Pace::PerSecond(rate),
        ..settings.load(arguments.connections)
    };
    let mut add = |name: &str, one: &Measured| {
        let judged = [
            Judged::p99(one, MOST_P99),
            Judged::shown("ms p99.9", one.latencies.at(0.999)),
            Judged::shown("ms at most", one.latencies.at(1.0)),
        ];
        table.measured(name, one, &judged);
    };
    add("alone", &measure(&server.process, line, load()));
    let (rounds, made) = std::thread::scope(|scope| {
        let making = scope.spawn(|| make(&server));
        let mut rounds = Vec::new();
        while !making.is_finished() {
            rounds.push(measure(&server.process, line, load()));
        }
        (rounds, making.join().expect("the backup is made"))
    });
    add("while a backup is made", &Measured::of_rounds(&rounds));
    let length = database.metadata().map_or(0, |metadata| metadata.len());
    let (took, path) = made;
    println!(
        "a backup of {:.0} MiB: {:.1} s",
        float(usize::try_from(length >> 20).unwrap_or(0)),
        took.as_secs_f64()
    );
    let began = Instant::now();
    let verified = server.command(&["verify", &path]);
    assert!(verified.status.success(), "{verified:?}");
    let took = began.elapsed().as_secs_f64();
    println!("a check whether it can be restored: {took:.1} s");
    table.all_met()
}

/// Has a backup made; answers how long that took, and where it is.
fn make(server: &Server) -> (Duration, String) {
    let began = Instant::now();
    let made = server.command(&["backup", "--json"]);
    let took = began.elapsed();
    assert!(made.status.success(), "{made:?}");
    let made: serde_json::Value = serde_json::from_slice(&made.stdout).expect("JSON");
    let path = made["path"].as_str().expect("a path");
    (took, path.to_owned())
}

/// Gives a database a history of that size.
fn fill(database: &Path, bytes: i64, users: usize) {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let today = since.expect("it is after 1970").as_secs().cast_signed() / 86_400;
    let users = i64::try_from(users).expect("a number of users");
    let connection = Connection::open(database).expect("a database");
    let lines = bytes / LINE / (DAYS.end - DAYS.start);
    connection
        .execute_batch("PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF; BEGIN")
        .expect("a transaction");
    for ago in DAYS.rev() {
        connection
            .execute(
                "WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < ?1)
                 INSERT INTO usage_days (day, user_id, access_profile_id, provider, model, calls, tokens, cost)
                 SELECT ?2, n * ?3 / ?1 + 1, 1, 'openai', n || hex(randomblob(170)), 1, 1, 1 FROM numbers",
                params![lines, today - ago, users],
            )
            .expect("lines of history");
    }
    connection
        .execute_batch("COMMIT; PRAGMA journal_mode = WAL")
        .expect("a commit");
}
