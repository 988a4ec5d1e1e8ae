//! Reads that take long: what one caller asks for is no burden for another.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use crate::support::holders::policy;
use crate::support::wire::Wire;
use crate::support::{Client, Server, TestTime};

/// Sums up every line of the history.
const SLOW: &str = "/api/usage?group_by=user&from=2026-01-01&to=2026-06-01&limit=500";

/// A server with a history of thirty thousand lines, and the key of who has them.
fn with_long_history() -> (Server, String) {
    let mut server = Server::start();
    let key = server.client.key.clone();
    let holder = server.client.make_holder("ann", &policy());
    server.stop();
    rusqlite::Connection::open(server.data_dir().join("tollkeeper.db"))
        .unwrap()
        .execute_batch(&format!(
            "INSERT INTO usage_days (day, user_id, access_profile_id, provider, model, calls, tokens, cost)
             SELECT 20500 + value % 90, {}, {}, 'openai', 'model ' || value, 1, 2, 3 FROM generate_lines;",
            holder.user_id, holder.profile_id
        ).replace(
            "FROM generate_lines",
            "FROM (WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 30000) SELECT value FROM n)",
        ))
        .unwrap();
    let mut server = server.restart();
    server.client.key = key;
    (server, holder.key)
}

fn ask(client: &Client, path: &str) -> Wire {
    let mut wire = Wire::open(client.port);
    let key = &client.key;
    assert!(
        wire.send(
            format!(
                "GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\r\n"
            )
            .as_bytes()
        )
    );
    wire
}

/// How many of these slow reads were answered before `other` had ten small ones.
fn answered_before(slow: Vec<Wire>, other: &Client) -> usize {
    let answered = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for mut wire in slow {
            let answered = &answered;
            scope.spawn(move || {
                assert_eq!(wire.answer().status, 200);
                answered.fetch_add(1, Ordering::SeqCst);
            });
        }
        for _ in 0..10 {
            other.get("/api/users/1").expect(200);
        }
        answered.load(Ordering::SeqCst)
    })
}

#[test]
fn small_reads_are_answered_before_the_slow_ones_of_many_callers() {
    let (server, key) = with_long_history();
    let client = &server.client;
    let (_, other) = client.make_key("other", &["*"]);
    let keys: Vec<_> = (0..6)
        .map(|n| client.make_key(&format!("key {n}"), &["*"]).1)
        .collect();
    let many = keys.iter().flat_map(|key| (0..4).map(|_| ask(key, SLOW)));
    let before = answered_before(many.collect(), &other);
    assert!(before <= 8, "{before} of 24 came first");
    // One caller has one place, also for what a virtual key may ask.
    let of_one = (0..12).map(|_| ask(client, SLOW)).collect();
    let before = answered_before(of_one, &other);
    assert!(before <= 3, "{before} of 12 came first");
    let own = SLOW
        .replace("/api/usage", "/v1/quota/usage")
        .replace("user&", "model&");
    let holder = client.with_virtual_key(&key);
    let of_holder = (0..12).map(|_| ask(&holder, &own)).collect();
    let before = answered_before(of_holder, &other);
    assert!(before <= 3, "{before} of 12 came first");
}

#[test]
fn a_caller_with_very_many_slow_reads_is_told_to_send_fewer() {
    let (server, _) = with_long_history();
    let client = &server.client;
    let (_, other) = client.make_key("other", &["*"]);
    let mut sent: Vec<_> = (0..80).map(|_| ask(client, SLOW)).collect();
    let small = (0..80).map(|_| ask(client, "/api/users/1"));
    for mut wire in small.collect::<Vec<_>>() {
        assert_eq!(wire.answer().status, 200);
    }
    other.get(SLOW).expect(200);
    let mut refused = 0;
    for wire in &mut sent {
        let reply = wire.answer();
        if reply.status == 429 {
            reply.expect_refusal(429, "rate_limited", "too_many_slow_requests");
            assert_eq!(reply.header("retry-after"), Some("1"));
            refused += 1;
        } else {
            assert_eq!(reply.status, 200);
        }
    }
    assert!((1..=15).contains(&refused), "{refused}");
    client.get(SLOW).expect(200);
}

#[test]
fn a_walk_along_the_audit_log_stands_for_a_minute_and_is_continued() {
    let server = Server::start_on(
        tempfile::tempdir().unwrap(),
        TestTime::at("2026-06-01T12:00:00Z"),
    );
    let client = &server.client;
    let verify = || {
        client
            .get("/api/access-profiles/audit-logs/verify")
            .expect(200)
            .json()
    };
    client.create_profile(&json!({ "name": "one" }));
    let first = verify();
    assert_eq!(first["intact"], true);
    assert_eq!(first["walked_at"], "2026-06-01T12:00:00Z");
    let database = rusqlite::Connection::open(server.data_dir().join("tollkeeper.db")).unwrap();
    let rename = |id: i64, name: &str| {
        let changed = database.execute(
            "UPDATE audit_logs SET actor_name = ?2 WHERE id = ?1",
            (id, name),
        );
        assert_eq!(changed.unwrap(), 1);
    };
    // What was walked is not walked again at once, whoever asks; what came since is.
    rename(1, "somebody else");
    server.time.advance_seconds(59);
    client.create_profile(&json!({ "name": "two" }));
    let second = verify();
    assert_eq!(second["intact"], true);
    assert_eq!(second["walked_at"], first["walked_at"]);
    let (before, after) = (first["entries"].as_i64(), second["entries"].as_i64());
    assert_eq!(after, before.map(|entries| entries + 1));
    client.create_profile(&json!({ "name": "three" }));
    rename(after.unwrap() + 1, "somebody else");
    let third = verify();
    assert_eq!(
        (&third["intact"], third["entry"].as_i64()),
        (&json!(false), after.map(|last| last + 1))
    );
    server.time.advance_seconds(1);
    let fourth = verify();
    assert_eq!(
        (&fourth["intact"], &fourth["entry"]),
        (&json!(false), &json!(1))
    );
    assert_eq!(fourth["walked_at"], "2026-06-01T12:01:00Z");
}
