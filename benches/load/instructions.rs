//! How many instructions a decision takes: callgrind counts them, so that steps of one percent can be seen on a machine whose speed
//! changes by twenty. What a start costs cancels out, because each figure is the difference of two runs.

use std::path::Path;

use super::client::{Connection, request};
use super::house::{Person, call, make_people, value};
use super::server::{Launch, tollkeeper};

/// Virtual keys that are used in turn.
const PEOPLE: usize = 50;
/// Requests of the shorter and of the longer run, over all connections.
const REQUESTS: [usize; 2] = [500, 2_500];
/// How many more instructions a decision may take than with the other binary.
const MOST: f64 = 1.03;

type Ask = fn(&mut Connection, &Asker<'_>, usize);

/// What is asked, on how many connections at once.
const LINES: [(&str, Ask); 5] = [
    ("reserve", reserve),
    ("reserve and settle", settle),
    ("usage", usage),
    ("forward-auth", forward),
    ("explain", explain),
];

/// Who asks, and with whose keys.
struct Asker<'a> {
    operator: &'a str,
    people: &'a [Person],
}

/// Counts for the binary of this build, and for another one beside it; whether the aim is met.
pub fn run(other: Option<&Path>) -> bool {
    println!("instructions a request, callgrind{}", " ".repeat(12));
    println!(
        "{:<20} {:>6} {:>12} {:>12} {:>7}",
        "", "conns", "this", "other", "ratio"
    );
    let mut met = true;
    for (name, ask) in LINES {
        for connections in [1, 16] {
            let this = instructions(&tollkeeper(), ask, connections);
            let Some(other) = other else {
                println!("{name:<20} {connections:>6} {this:>12.0}");
                continue;
            };
            let before = instructions(other, ask, connections);
            let ratio = this / before;
            met &= ratio <= MOST;
            println!("{name:<20} {connections:>6} {this:>12.0} {before:>12.0} {ratio:>7.3}");
        }
    }
    if other.is_some() {
        println!(
            "aim: at most {MOST}; {}",
            if met { "met" } else { "MISSED" }
        );
    }
    met
}

/// Instructions a request: what the longer run took more than the shorter, by what it asked more.
#[expect(clippy::cast_precision_loss, reason = "far below what a float holds")]
fn instructions(binary: &Path, ask: Ask, connections: usize) -> f64 {
    let [short, long] = REQUESTS.map(|requests| counted(binary, ask, connections, requests));
    long.saturating_sub(short) as f64 / (REQUESTS[1] - REQUESTS[0]) as f64
}

fn counted(binary: &Path, ask: Ask, connections: usize, requests: usize) -> u64 {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("callgrind");
    let wrapper = [
        "valgrind".to_owned(),
        "--tool=callgrind".to_owned(),
        "--quiet".to_owned(),
        "--fair-sched=try".to_owned(),
        format!("--callgrind-out-file={}", out.display()),
    ];
    let server = Launch::of(binary).under(&wrapper).fresh();
    let people = make_people(&server, PEOPLE);
    let asker = Asker {
        operator: &server.operator,
        people: &people,
    };
    std::thread::scope(|scope| {
        for number in 0..connections {
            let (server, asker) = (&server, &asker);
            scope.spawn(move || {
                let mut connection = server.connect();
                for n in (number..requests).step_by(connections) {
                    ask(&mut connection, asker, n);
                }
            });
        }
    });
    server.stop();
    let text = std::fs::read_to_string(out).unwrap();
    let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
    total
        .expect("callgrind says its totals")
        .trim()
        .parse()
        .unwrap()
}

impl Asker<'_> {
    fn key(&self, n: usize) -> &str {
        &self.people[n % self.people.len()].key
    }

    fn post(&self, connection: &mut Connection, path: &str, body: &str) -> String {
        let answer = connection
            .ask(&request("POST", path, self.operator, body))
            .unwrap();
        assert!(
            answer.status < 300,
            "{path}: {} {}",
            answer.status,
            answer.body
        );
        answer.body
    }
}

fn reserve(connection: &mut Connection, asker: &Asker<'_>, n: usize) {
    asker.post(connection, "/v1/reservations", &call(asker.key(n), "gpt-5"));
}

fn settle(connection: &mut Connection, asker: &Asker<'_>, n: usize) {
    let made = asker.post(connection, "/v1/reservations", &call(asker.key(n), "gpt-5"));
    let id = value(&made)["reservation"]["id"].clone();
    let path = format!("/v1/reservations/{}/settle", id.as_str().unwrap());
    asker.post(connection, &path, r#"{"tokens":950,"cost":0.0098}"#);
}

fn usage(connection: &mut Connection, asker: &Asker<'_>, n: usize) {
    let body = format!(
        r#"{{"virtual_key":"{}","provider":"openai","model":"gpt-5","tokens":950,"cost":0.0098,"request_id":"request-{n}"}}"#,
        asker.key(n)
    );
    asker.post(connection, "/v1/usage", &body);
}

fn explain(connection: &mut Connection, asker: &Asker<'_>, n: usize) {
    asker.post(connection, "/v1/explain", &call(asker.key(n), "gpt-5"));
}

fn forward(connection: &mut Connection, asker: &Asker<'_>, n: usize) {
    let headers = format!(
        "x-api-key: {}\r\nx-provider: openai\r\nx-model: gpt-5",
        asker.key(n)
    );
    let answer = connection
        .ask(&request("GET", "/v1/forward-auth", &headers, ""))
        .unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
}
