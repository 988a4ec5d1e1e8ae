//! What stops a server, played one after the other against a fresh one each, while somebody else uses it.

use std::io::Write;
use std::time::{Duration, Instant};

use super::bystander::{Latencies, beside};
use super::client::{Connection, request};
use super::house::{call, make_key, make_people, value};
use super::server::{Server, tollkeeper};

/// The 99th percentile of the other caller, in milliseconds (R18).
const MOST_P99: f64 = 50.0;
/// How long a flood goes on.
const FLOOD: Duration = Duration::from_secs(8);
/// Threads that flood.
const THREADS: usize = 4;

/// A case: what is played, and by how many MiB the process may grow meanwhile.
struct Case {
    name: &'static str,
    growth: u64,
    play: fn(&Server, &[String]) -> Outcome,
}

/// What is wrong beyond latencies and memory, and what else is worth showing.
struct Outcome {
    note: String,
    faults: Vec<String>,
}

impl Outcome {
    fn of(note: String) -> Self {
        Self {
            note,
            faults: Vec::new(),
        }
    }

    fn fault_if(mut self, wrong: bool, what: &str) -> Self {
        if wrong {
            self.faults.push(what.to_owned());
        }
        self
    }
}

const CASES: [Case; 11] = [
    Case {
        name: "half-heads",
        growth: 32,
        play: half_heads,
    },
    Case {
        name: "unread-bodies",
        growth: 32,
        play: unread_bodies,
    },
    Case {
        name: "unread-answers",
        growth: 96,
        play: unread_answers,
    },
    Case {
        name: "expressions",
        growth: 96,
        play: expressions,
    },
    Case {
        name: "invented-models",
        growth: 64,
        play: invented_models,
    },
    Case {
        name: "open-reservations",
        growth: 96,
        play: open_reservations,
    },
    Case {
        name: "idempotency-keys",
        growth: 96,
        play: idempotency_keys,
    },
    Case {
        name: "slow-reads",
        growth: 64,
        play: slow_reads,
    },
    Case {
        name: "audit-walks",
        growth: 64,
        play: audit_walks,
    },
    Case {
        name: "dead-keys",
        growth: 64,
        play: dead_keys,
    },
    Case {
        name: "wrong-keys",
        growth: 96,
        play: wrong_keys,
    },
];

/// Plays the cases that are named, or all; whether all went as they should.
pub fn run(names: &[String]) -> bool {
    println!(
        "{:<18} {:>7} {:>8} {:>8} {:>9} {:>9}  {:<7} what was done",
        "case", "others", "p50 ms", "p99 ms", "failures", "MiB more", ""
    );
    let mut met = true;
    for case in CASES {
        if names.is_empty() || names.iter().any(|name| case.name == name) {
            met &= judge(&case);
        }
    }
    met
}

fn judge(case: &Case) -> bool {
    let server = Server::start(&tollkeeper(), &[]);
    let keys = make_people(&server, 3);
    // What the server needs for the other caller at all is not the hostile one's doing.
    let ((), quiet) = beside(&server, &keys[0], || {
        std::thread::sleep(Duration::from_secs(1));
    });
    let (before, _) = server.memory();
    server.forget_peak();
    let (outcome, others) = beside(&server, &keys[0], || (case.play)(&server, &keys));
    let (_, peak) = server.memory();
    let growth = peak.saturating_sub(before);
    let mut faults = outcome.faults;
    judge_others(&others, &mut faults);
    if growth > case.growth {
        faults.push(format!("{growth} MiB more, aim {}", case.growth));
    }
    println!(
        "{:<18} {:>7} {:>8.2} {:>8.2} {:>9} {:>9}  {:<7} {} (p99 before {:.2})",
        case.name,
        others.count(),
        others.at(0.5),
        others.at(0.99),
        others.failures,
        growth,
        if faults.is_empty() { "ok" } else { "MISSED" },
        outcome.note,
        quiet.at(0.99),
    );
    for fault in &faults {
        println!("    {fault}");
    }
    faults.is_empty()
}

fn judge_others(others: &Latencies, faults: &mut Vec<String>) {
    let p99 = others.at(0.99);
    if p99 > MOST_P99 {
        faults.push(format!(
            "p99 of the other caller {p99:.1} ms, aim {MOST_P99}"
        ));
    }
    if others.failures > 0 {
        faults.push(format!("{} answers did not come", others.failures));
    }
}

/// Opens connections that `prepare` leaves half-way, reads nothing for the time `unread`, and waits until the server has closed them all.
fn held(
    server: &Server,
    number: usize,
    [unread, within]: [Duration; 2],
    prepare: impl Fn(&mut Connection),
) -> Outcome {
    let mut connections: Vec<Connection> = (0..number).map(|_| server.connect()).collect();
    for connection in &mut connections {
        prepare(connection);
    }
    let listed = server.command(&["keys", "list"]).status.success();
    let began = Instant::now();
    std::thread::sleep(unread);
    let closed = connections
        .iter_mut()
        .filter_map(|connection| {
            let left = within.checked_sub(began.elapsed())?;
            connection.stream.set_read_timeout(Some(left)).ok()?;
            connection.drain().1.then_some(())
        })
        .count();
    Outcome::of(format!(
        "{closed} of {number} connections closed within {:.1} s",
        began.elapsed().as_secs_f64()
    ))
    .fault_if(closed < number, "connections are held for ever")
    .fault_if(!listed, "the command line did not get in")
}

fn half_heads(server: &Server, _: &[String]) -> Outcome {
    held(
        server,
        800,
        [0, 13].map(Duration::from_secs),
        |connection| {
            let whole = request("GET", "/health", "Accept: */*", "");
            connection.ask(&whole).unwrap();
            connection.send(b"G").unwrap();
        },
    )
}

fn unread_bodies(server: &Server, _: &[String]) -> Outcome {
    held(
        server,
        800,
        [0, 25].map(Duration::from_secs),
        |connection| {
            let head =
            b"POST /health HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n";
            connection.send(head).unwrap();
        },
    )
}

/// Asks for large answers again and again without reading one.
fn unread_answers(server: &Server, _: &[String]) -> Outcome {
    let many = request("GET", "/openapi.json", "Accept: */*", "").repeat(20);
    // What is read is progress: it is looked after the deadline.
    held(
        server,
        300,
        [40, 45].map(Duration::from_secs),
        |connection| {
            connection.stream.set_nonblocking(true).unwrap();
            // As much as the kernel takes; the rest is not the server's matter.
            let _ = connection.stream.write(&many);
            connection.stream.set_nonblocking(false).unwrap();
        },
    )
}

/// Floods from threads with a connection each; `ask` answers the request number so and so of a thread. Answers how many of each
/// class of status came: below 300, 429, and others.
fn flood(server: &Server, ask: impl Fn(usize, usize) -> Vec<u8> + Sync) -> [usize; 3] {
    let until = Instant::now() + FLOOD;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let ask = &ask;
                scope.spawn(move || {
                    let (mut connection, mut counts, mut n) = (server.connect(), [0; 3], 0);
                    while Instant::now() < until {
                        match connection.ask(&ask(thread, n)) {
                            Ok(answer) => match answer.status {
                                ..300 => counts[0] += 1,
                                429 => counts[1] += 1,
                                _ => counts[2] += 1,
                            },
                            Err(_) => connection = server.connect(),
                        }
                        n += 1;
                    }
                    counts
                })
            })
            .collect();
        let all = threads.into_iter().map(|thread| thread.join().unwrap());
        all.fold([0; 3], |sum, counts| {
            std::array::from_fn(|n| sum[n] + counts[n])
        })
    })
}

fn flooded([good, throttled, other]: [usize; 3]) -> String {
    format!("{good} answered, {throttled} throttled, {other} refused")
}

/// Bodies full of expressions, as large as a body may be.
fn expressions(server: &Server, _: &[String]) -> Outcome {
    let (header, _) = make_key(
        server,
        "expressions",
        &["AccessProfiles:Create", "AccessProfiles:View"],
    );
    let counts = flood(server, |thread, n| {
        let one = match n % 3 {
            0 => format!("regex:(a{n}|[b-y]{{1,60}}){{1,60}}"),
            1 => format!("regex:\\\\pL{{{}}}", 50 + n % 50),
            _ => format!("regex:{}", "(x".repeat(40) + &")?".repeat(40)),
        };
        let many = vec![format!("\"{one}\""); 200].join(",");
        let body = format!(
            r#"{{"name":"hostile {thread} {n}","provider_configs":[{{"provider_name":"openai","allowed_models":[{many}]}}]}}"#
        );
        request("POST", "/api/access-profiles", &header, &body)
    });
    Outcome::of(flooded(counts))
}

/// One virtual key names a new model with every call; then somebody else reads what they used.
fn invented_models(server: &Server, keys: &[String]) -> Outcome {
    let counts = flood(server, |thread, n| {
        let body = format!(
            r#"{{"virtual_key":"{}","provider":"openai","model":"lab-{thread}-{n}","tokens":1,"cost":0.000001,"request_id":"{thread}-{n}"}}"#,
            keys[1]
        );
        request("POST", "/v1/usage", &server.operator, &body)
    });
    let began = Instant::now();
    let mine = request(
        "GET",
        "/v1/quota/usage",
        &format!("x-bf-vk: {}", keys[2]),
        "",
    );
    server.connect().ask(&mine).unwrap();
    let took = began.elapsed();
    let rows = value(
        &server
            .ask("GET", "/api/usage?group_by=model&limit=500", "")
            .body,
    )["total_count"]
        .as_u64()
        .unwrap_or(0);
    Outcome::of(format!(
        "{}; {rows} lines of history; another's read {} ms",
        flooded(counts),
        took.as_millis()
    ))
    .fault_if(
        took > Duration::from_millis(500),
        "another's read takes longer for it",
    )
    .fault_if(rows > 250, "every name has become a line")
}

/// One virtual key reserves and never settles.
fn open_reservations(server: &Server, keys: &[String]) -> Outcome {
    let counts = flood(server, |_, _| {
        request(
            "POST",
            "/v1/reservations",
            &server.operator,
            &call(&keys[1], "gpt-5"),
        )
    });
    Outcome::of(flooded(counts))
        .fault_if(counts[0] > 10_000, "more than 10,000 are open")
        .fault_if(
            counts[1] == 0,
            "the bound was not reached or does not answer 429",
        )
}

/// Every request has an idempotency key of its own, and many ask only questions.
fn idempotency_keys(server: &Server, keys: &[String]) -> Outcome {
    let (header, _) = make_key(server, "idempotent", &["Decisions:Create"]);
    let counts = flood(server, |thread, n| {
        let header = format!("{header}\r\nIdempotency-Key: {thread}-{n}");
        let path = if n % 2 == 0 {
            "/v1/explain"
        } else {
            "/v1/reservations"
        };
        request("POST", path, &header, &call(&keys[1], "gpt-5"))
    });
    Outcome::of(flooded(counts))
}

/// One key asks for what takes longest, on many connections.
fn slow_reads(server: &Server, _: &[String]) -> Outcome {
    let (header, _) = make_key(server, "reader", &["AccessProfiles:View", "Users:View"]);
    let paths = [
        "/api/usage?group_by=day,user,model&limit=500",
        "/api/usage/near-limits?limit=500",
        "/api/users?search=person&limit=500",
        "/api/access-profiles/audit-logs?limit=500",
    ];
    let counts = flood(server, |thread, n| {
        request("GET", paths[(thread + n) % paths.len()], &header, "")
    });
    Outcome::of(flooded(counts)).fault_if(counts[0] == 0, "nobody was answered")
}

/// The audit log is verified again and again at once.
fn audit_walks(server: &Server, _: &[String]) -> Outcome {
    let (header, _) = make_key(server, "auditor", &["AccessProfiles:View", "APIKeys:View"]);
    for n in 0..2_000 {
        server.ask(
            "PUT",
            "/api/access-profiles/1",
            &format!(r#"{{"description":"{n}"}}"#),
        );
    }
    let counts = flood(server, |_, _| {
        request("GET", "/api/access-profiles/audit-logs/verify", &header, "")
    });
    Outcome::of(flooded(counts))
}

/// A key that was revoked goes on at full speed.
fn dead_keys(server: &Server, _: &[String]) -> Outcome {
    let (header, id) = make_key(server, "dead", &["AccessProfiles:View"]);
    server.ask("DELETE", &format!("/api/api-keys/{id}"), "");
    floods_log(server, "/api/access-profiles", &header)
}

/// The virtual key of somebody who has left goes on at full speed.
fn wrong_keys(server: &Server, keys: &[String]) -> Outcome {
    let user = value(&server.ask("GET", "/api/users?search=person%201", "").body);
    let id = user["users"][0]["id"].clone();
    let id = id.as_str().expect("a user has an id");
    server.ask("DELETE", &format!("/api/users/{id}"), "");
    floods_log(server, "/v1/quota", &format!("x-bf-vk: {}", keys[1]))
}

fn floods_log(server: &Server, path: &str, header: &str) -> Outcome {
    let before = server.log_bytes();
    let counts = flood(server, |_, _| request("GET", path, header, ""));
    let logged = (server.log_bytes() - before) / 1024;
    // The other caller's own lines: 100 a second.
    let own = FLOOD.as_secs() * 100 * 300 / 1024;
    Outcome::of(format!("{}; {logged} KiB of log", flooded(counts)))
        .fault_if(logged > 256 + own, "the log is flooded")
}
