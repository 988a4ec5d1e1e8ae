//! Callers at full speed, each with what costs a server most for what it costs them.

use std::time::{Duration, Instant};

use super::super::client::request;
use super::super::house::{Person, call, make_key, value};
use super::super::server::Server;
use super::Outcome;

/// How long a flood goes on.
const FLOOD: Duration = Duration::from_secs(8);
/// Threads that flood.
const THREADS: usize = 4;

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
pub fn expressions(server: &Server, _: &[Person]) -> Outcome {
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
pub fn invented_models(server: &Server, people: &[Person]) -> Outcome {
    let counts = flood(server, |thread, n| {
        let body = format!(
            r#"{{"virtual_key":"{}","provider":"openai","model":"lab-{thread}-{n}","tokens":1,"cost":0.000001,"request_id":"{thread}-{n}"}}"#,
            people[1].key
        );
        request("POST", "/v1/usage", &server.operator, &body)
    });
    let began = Instant::now();
    let mine = request(
        "GET",
        "/v1/quota/usage",
        &format!("x-bf-vk: {}", people[2].key),
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
pub fn open_reservations(server: &Server, people: &[Person]) -> Outcome {
    let counts = flood(server, |_, _| {
        request(
            "POST",
            "/v1/reservations",
            &server.operator,
            &call(&people[1].key, "gpt-5"),
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
pub fn idempotency_keys(server: &Server, people: &[Person]) -> Outcome {
    let (header, _) = make_key(server, "idempotent", &["Decisions:Create"]);
    let counts = flood(server, |thread, n| {
        let header = format!("{header}\r\nIdempotency-Key: {thread}-{n}");
        let path = if n % 2 == 0 {
            "/v1/explain"
        } else {
            "/v1/reservations"
        };
        request("POST", path, &header, &call(&people[1].key, "gpt-5"))
    });
    Outcome::of(flooded(counts))
}

/// One key asks for what takes longest, on many connections.
pub fn slow_reads(server: &Server, _: &[Person]) -> Outcome {
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
pub fn audit_walks(server: &Server, _: &[Person]) -> Outcome {
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
pub fn dead_keys(server: &Server, _: &[Person]) -> Outcome {
    let (header, id) = make_key(server, "dead", &["AccessProfiles:View"]);
    server.ask("DELETE", &format!("/api/api-keys/{id}"), "");
    floods_log(server, "/api/access-profiles", &header)
}

/// The virtual key of somebody who has left goes on at full speed.
pub fn wrong_keys(server: &Server, people: &[Person]) -> Outcome {
    server.ask("DELETE", &format!("/api/users/{}", people[1].user), "");
    floods_log(server, "/v1/quota", &format!("x-bf-vk: {}", people[1].key))
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
