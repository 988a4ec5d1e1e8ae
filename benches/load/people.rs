//! Pages of users, holders, virtual keys and profiles, one after the other, with a change before each of them: in a database of ten of
//! each and in a large one. Only the pages are timed, not the changes between them.

use std::time::{Duration, Instant};

use super::client::request;
use super::house::{make_people, make_profiles, value};
use super::latencies::Latencies;
use super::profiles::{self, MOST_P99};
use super::server::{Launch, Server, tollkeeper};
use super::table::{Aim, Table};

/// Requests to each list.
const ROUNDS: usize = 300;
/// The number of each in the database that the large one stands beside.
const FEW: usize = 10;

#[derive(clap::Args)]
pub struct Arguments {
    /// Users, each with a copy and a virtual key, and profiles in the large database
    #[arg(long, default_value_t = 100_000)]
    people: usize,
    /// Requests from one change to the next
    #[arg(long, default_value_t = 1)]
    change_every: usize,
}

/// Whether all aims are met.
pub fn run(arguments: &Arguments) -> bool {
    let mut table = Table::default();
    let few = ask_all(FEW, arguments);
    let many = ask_all(arguments.people, arguments);
    println!(
        "\n{:<72} {:>9} {:>9} {:>9} {:>9}  aim",
        format!(
            "requests from one change to the next: {}",
            arguments.change_every
        ),
        format!("p50 of {FEW}"),
        "p50 ms",
        "p99 ms",
        "ratio"
    );
    for ((path, few), (_, many)) in few.iter().zip(&many) {
        let [few, p50, p99] = [few.at(0.5), many.at(0.5), many.at(0.99)];
        let aim = Aim::AtMost(MOST_P99);
        println!(
            "{path:<72} {few:>9.2} {p50:>9.2} {p99:>9.2} {:>9.2}  {} {}",
            p50 / few,
            aim.words(),
            table.verdict(aim.is_met(p99)),
        );
    }
    table.all_met()
}

/// The pages of a house with so many of each, and how long they took.
fn ask_all(number: usize, arguments: &Arguments) -> Vec<(String, Latencies)> {
    eprintln!("making {number} users and profiles ...");
    let deep = arguments.people * 4 / 5;
    let pages = |paths: &[&str]| -> Vec<String> {
        let deep = deep.to_string();
        paths
            .iter()
            .map(|path| path.replace("DEEP", &deep))
            .collect()
    };
    let launch = Launch::of(&tollkeeper());

    let server = launch.fresh();
    let people = make_people(&server, number);
    let user = format!("/api/users/{}", people[1].user);
    let mut asked = ask(
        &server,
        arguments,
        &user,
        &pages(&[
            "/api/governance/users",
            "/api/governance/users?sort=-updated_at&offset=DEEP",
            "/api/governance/users?search=99",
            "/api/governance/users?search=person&sort=email&offset=DEEP",
            "/api/governance/users?access_profile_id=1",
            "/api/governance/users?access_profile_id=1&sort=email&offset=DEEP",
            "/api/access-profiles/1/users",
        ]),
    );
    let first = server.ask("GET", "/api/virtual-keys?limit=1", "").body;
    let id = value(&first)["virtual_keys"][0]["id"].clone();
    let key = format!(
        "/api/virtual-keys/{}",
        id.as_str().expect("there is a virtual key")
    );
    asked.extend(ask(
        &server,
        arguments,
        &key,
        &pages(&[
            "/api/virtual-keys",
            "/api/virtual-keys?search=zq",
            "/api/virtual-keys?search=everybody&sort=name&offset=DEEP",
        ]),
    ));

    let server = launch.fresh();
    make_profiles(&server, number, |number| {
        profiles::body(&profiles::name(number))
    });
    asked.extend(ask(
        &server,
        arguments,
        "/api/access-profiles/2",
        &pages(&[
            "/api/access-profiles",
            "/api/access-profiles?sort=-updated_at&offset=DEEP",
            "/api/access-profiles?search=a",
            "/api/access-profiles?search=turku&sort=name",
            "/api/access-profiles?tags=production&is_active=true",
        ]),
    ));
    asked
}

/// Asks for each page again and again, and renames what `changed` leads to before every so many of the requests.
fn ask(
    server: &Server,
    arguments: &Arguments,
    changed: &str,
    paths: &[String],
) -> Vec<(String, Latencies)> {
    let mut connection = server.connect();
    let mut ask = |request: &[u8]| {
        let began = Instant::now();
        let answer = connection.ask(request).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        began.elapsed()
    };
    let times = |path: &String| {
        let page = request("GET", path, &server.operator, "");
        let times: Vec<Duration> = (0..ROUNDS)
            .map(|round| {
                if round % arguments.change_every == 0 {
                    let name = format!(r#"{{"name":"Person 99 zq, as of {round}"}}"#);
                    ask(&request("PUT", changed, &server.operator, &name));
                }
                ask(&page)
            })
            .collect();
        (path.clone(), Latencies::new(times))
    };
    paths.iter().map(times).collect()
}
