//! What the machine gives at best, for `load.sh` to stand beside what the server gives: a handler that answers a constant, one
//! that parses the same body, and a loop that commits the same insert one by one. Also fills a database to measure on.
//!
//! Not a benchmark by itself: `cargo bench` runs it without a command, and then it only says so.

#[path = "ceiling/holders.rs"]
mod holders;
#[path = "ceiling/pages.rs"]
mod pages;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::web::{self, Bytes};
use actix_web::{App, HttpResponse, HttpServer};
use jiff::tz::TimeZone;
use rusqlite::{Connection, params};
use tollkeeper::domain::access_profile::AccessProfile;
use tollkeeper::domain::access_profile_input::AccessProfileInput;
use tollkeeper::domain::audit::Actor;
use tollkeeper::domain::event::Creation;
use tollkeeper::domain::json;
use tollkeeper::domain::settings::DecisionSettings;
use tollkeeper::error::Result;
use tollkeeper::ledger::Ledger;
use tollkeeper::service::keyring::Keyring;
use tollkeeper::service::revocations::Revocations;
use tollkeeper::service::sign_in::SignInCodes;
use tollkeeper::service::{self, Clock, Services, first_start};
use tollkeeper::store::directory::{DataDirectory, Owned};
use tollkeeper::store::{Store, Work};

/// The profile that is created everywhere, with `@NAME@` for its name.
const PROFILE: &str = include_str!("profile.json");
const SCHEMA: &str = include_str!("../migrations/V1__access_profiles.sql");
/// Profiles in one transaction while a database is filled.
const BATCH: u32 = 2_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["constant", address, bytes] => constant(address, bytes.parse().unwrap()),
        ["parse", address, bytes] => parse(address, bytes.parse().unwrap()),
        ["commits", directory, seconds] => commits(Path::new(directory), seconds.parse().unwrap()),
        ["ask", address, bytes] => ask(address, bytes.parse().unwrap()),
        ["holders", data_dir, people] => {
            holders::seed(Path::new(data_dir), people.parse().unwrap());
        }
        ["pages", url, key, every, changed, paths @ ..] => {
            pages::ask(url, key, every.parse().unwrap(), changed, paths);
        }
        ["seed", data_dir, profiles] => seed(Path::new(data_dir), profiles.parse().unwrap()),
        _ => println!(
            "ceilings for benches/load.sh: constant, parse, ask, commits, seed, holders, pages"
        ),
    }
}

/// Answers every request with the same bytes.
fn constant(address: &str, bytes: usize) {
    let body = Bytes::from(vec![b'x'; bytes]);
    serve(address, move |config| {
        let body = body.clone();
        config.default_service(web::to(move || {
            let answer = json_answer(body.clone());
            async move { answer }
        }));
    });
}

/// Parses the body as JSON, and answers the same bytes.
fn parse(address: &str, bytes: usize) {
    let constant = Bytes::from(vec![b'x'; bytes]);
    serve(address, move |config| {
        let constant = constant.clone();
        config.default_service(web::to(move |body: Bytes| {
            let answer = match serde_json::from_slice::<serde_json::Value>(&body) {
                Ok(parsed) if parsed.is_object() => json_answer(constant.clone()),
                _ => HttpResponse::BadRequest().finish(),
            };
            async move { answer }
        }));
    });
}

/// The body of a reservation, as a handler without any rules would read it.
#[derive(serde::Deserialize)]
#[expect(dead_code, reason = "it is only read")]
struct AskedCall {
    virtual_key: String,
    provider: Option<String>,
    model: String,
    mcp_server: Option<String>,
    mcp_tool: Option<String>,
    estimated_tokens: Option<i64>,
    estimated_cost: Option<f64>,
    request_id: Option<String>,
}

/// Parses the body of a reservation, and answers the same bytes.
fn ask(address: &str, bytes: usize) {
    let constant = Bytes::from(vec![b'x'; bytes]);
    serve(address, move |config| {
        let constant = constant.clone();
        config.default_service(web::to(move |body: Bytes| {
            let answer = match serde_json::from_slice::<AskedCall>(&body) {
                Ok(_) => json_answer(constant.clone()),
                Err(_) => HttpResponse::BadRequest().finish(),
            };
            async move { answer }
        }));
    });
}

fn json_answer(body: Bytes) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(body)
}

fn serve(address: &str, configure: impl FnOnce(&mut web::ServiceConfig) + Clone + Send + 'static) {
    let workers = std::thread::available_parallelism().unwrap().get();
    let server = HttpServer::new(move || App::new().configure(configure.clone()))
        .workers(workers)
        .bind(address)
        .unwrap()
        .run();
    actix_web::rt::System::new().block_on(server).unwrap();
}

/// Commits the rows of one new profile after another, as fast as one connection can; prints how many a second. First the
/// profile's JSON alone in a table of its own, then everything that the server writes for it.
fn commits(directory: &Path, seconds: u64) {
    let body = PROFILE.trim().replace("@NAME@", "bare loop");
    let now = jiff::Timestamp::now();
    let input = AccessProfileInput::parse_new(&json::parse(body.as_bytes()).unwrap(), now).unwrap();
    let snapshot = {
        let mut next = 0;
        let mut number = || {
            next += 1;
            next
        };
        let profile = AccessProfile::create(1, input, &mut number, now).unwrap();
        serde_json::to_string(&profile).unwrap()
    };
    let connection = Connection::open(directory.join("commits.db")).unwrap();
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16384;",
        )
        .unwrap();
    connection.execute_batch(SCHEMA).unwrap();
    connection
        .execute_batch("CREATE TABLE bare (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, json TEXT NOT NULL) STRICT")
        .unwrap();
    connection.set_prepared_statement_cache_capacity(64);
    let one_row = one_by_one(seconds, |id| insert_one_row(&connection, id, &snapshot));
    let all_rows = one_by_one(seconds, |id| insert_all_rows(&connection, id, &snapshot));
    println!("{one_row} {all_rows}");
}

fn one_by_one(seconds: u64, mut commit: impl FnMut(i64)) -> u64 {
    let (began, limit) = (Instant::now(), Duration::from_secs(seconds));
    let mut done = 0;
    while began.elapsed() < limit {
        done += 1;
        commit(done);
    }
    u64::try_from(done).unwrap() * 1_000 / u64::try_from(began.elapsed().as_millis()).unwrap()
}

fn insert_one_row(connection: &Connection, id: i64, snapshot: &str) {
    let mut insert = connection
        .prepare_cached("INSERT INTO bare (id, name, json) VALUES (?1, ?2, ?3)")
        .unwrap();
    insert
        .execute(params![id, format!("bare loop {id}"), snapshot])
        .unwrap();
}

fn insert_all_rows(connection: &Connection, id: i64, snapshot: &str) {
    let run = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
        connection
            .prepare_cached(sql)
            .unwrap()
            .execute(values)
            .unwrap();
    };
    let name = format!("bare loop {id}");
    let description = format!(
        "What the {name} may use: chat models of two providers, the ticket tools, and a monthly budget."
    );
    run("BEGIN IMMEDIATE", &[]);
    run(
        "INSERT INTO access_profiles VALUES (?1, ?2, ?2, ?3, 1, 1, 0, 0)",
        &[&id, &name, &description],
    );
    run(
        "INSERT INTO access_profile_search (rowid, name, description) VALUES (?1, ?2, ?3)",
        &[&id, &name, &description],
    );
    for tag in ["production", "europe"] {
        run(
            "INSERT INTO access_profile_tags VALUES (?1, ?2)",
            &[&tag, &id],
        );
    }
    for kind in ["mcp_tool_group", "mcp_server", "mcp_client"] {
        run(
            "INSERT INTO access_profile_references VALUES (?1, ?2, 'x')",
            &[&id, &kind],
        );
    }
    run(
        "INSERT INTO access_profile_versions VALUES (?1, 1, ?2, 0, 'bench')",
        &[&id, &snapshot],
    );
    run(
        "UPDATE sequences SET next_value = next_value + 1 WHERE name = 'policy_part'",
        &[],
    );
    run(
        "INSERT INTO audit_logs VALUES (?1, 0, 'a', 'b', 'access_profile.create', 'access_profile', ?1, ?1, NULL, NULL, NULL, 'r', zeroblob(32))",
        &[&id],
    );
    run("COMMIT", &[]);
}

/// What the server works with, on a data directory, with the first key made.
fn services(data_dir: &Path) -> Services {
    let Owned::Ours(directory) = DataDirectory::own(data_dir).unwrap() else {
        panic!("{} is in use", data_dir.display());
    };
    let clock = Clock::new(jiff::Timestamp::now);
    let revocations = Revocations::open(&directory).unwrap();
    let store = Arc::new(Store::open(Arc::new(directory), clock.now()).unwrap());
    let keyring = Keyring::start().unwrap();
    let ledger = Ledger::start(
        Arc::clone(&store),
        &DecisionSettings::default(),
        &TimeZone::UTC,
        jiff::Timestamp::now,
    )
    .unwrap();
    let services = Services {
        store,
        ledger,
        keyring,
        sign_in_codes: SignInCodes::default(),
        clock,
        revocations,
        time_zone: jiff::tz::TimeZone::UTC,
    };
    first_start::make_first_key(&services, None).unwrap();
    services
}

fn close(services: &Services) {
    services.ledger.stop();
    services.store.close(services.clock.now()).unwrap();
}

/// Makes a data directory with so many profiles, exactly as the server would have made them.
fn seed(data_dir: &Path, profiles: u32) {
    let services = services(data_dir);
    for first in (0..profiles).step_by(usize::try_from(BATCH).unwrap()) {
        let batch = move |work: &mut Work<'_>| {
            (first..profiles.min(first + BATCH)).try_for_each(|number| create(work, number))
        };
        services.write(Actor::server("seed"), batch).unwrap();
    }
    close(&services);
}

fn create(work: &mut Work<'_>, number: u32) -> Result<()> {
    let body = PROFILE.trim().replace("@NAME@", &name(number));
    let input = AccessProfileInput::parse_new(&json::parse(body.as_bytes())?, work.now())?;
    service::access_profiles::insert(work, input, Creation::New).map(drop)
}

/// A name such as `research 04211 Berlin`: some searches find a few of them, some a fifth, some all.
fn name(number: u32) -> String {
    let team = ["research", "support", "payments", "platform", "field"][number as usize % 5];
    let city = ["Berlin", "Lyon", "Porto", "Turku", "Graz", "Delft", "Brno"][number as usize % 7];
    format!("{team} {number:05} {city}")
}
