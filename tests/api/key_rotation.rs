//! Giving a management API key a new secret, with and without a grace period.

use serde_json::{Value, json};

use crate::support::{Client, Server};

const KEYS: &str = "/api/api-keys";
const PROFILES: &str = "/api/access-profiles";

fn path(id: i64) -> String {
    format!("{KEYS}/{id}")
}

/// Rotates a key; answers what is shown of it and a client with the new secret.
fn rotate(client: &Client, id: i64, body: &Value) -> (Value, Client) {
    let answer = client
        .post(&format!("{}/rotate", path(id)), body)
        .expect(200)
        .json();
    (
        answer["api_key"].clone(),
        client.with_key(answer["key"].as_str().unwrap()),
    )
}

#[track_caller]
fn assert_dead(client: &Client) {
    let reply = client.get(PROFILES);
    assert_eq!(reply.status, 401, "{}", reply.text);
    assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
}

#[test]
fn without_a_grace_period_the_old_secret_is_dead_at_once() {
    let server = Server::start();
    for (number, body) in [
        None,
        Some(json!({})),
        Some(json!({ "grace": null })),
        Some(json!({ "grace": "" })),
        Some(json!({ "grace": 0 })),
        Some(json!({ "grace": "0" })),
    ]
    .into_iter()
    .enumerate()
    {
        let (id, old) = server
            .client
            .make_key(&format!("key {number}"), &["AccessProfiles:View"]);
        old.get(PROFILES).expect(200);
        let before = server.client.get(&path(id)).expect(200);
        let answer = server
            .client
            .send("POST", &format!("{}/rotate", path(id)), &[], body.as_ref())
            .expect(200)
            .json();
        let new = server.client.with_key(answer["key"].as_str().unwrap());
        assert_eq!(new.key[..21], old.key[..21], "the id stays");
        assert_ne!(new.key, old.key);
        assert_dead(&old);
        new.get(PROFILES).expect(200);
        assert_eq!(answer["api_key"]["previous_key_expires_at"], json!(null));
        assert_eq!(answer["api_key"]["id"], id);
        assert_ne!(
            server.client.get(&path(id)).header("etag"),
            before.header("etag")
        );
    }
}

#[test]
fn during_the_grace_both_secrets_work_and_after_it_the_new_one_alone() {
    let server = Server::start();
    let (id, old) = server.client.make_key("ci", &["AccessProfiles:View"]);
    old.get(PROFILES).expect(200);
    let (shown, new) = rotate(&server.client, id, &json!({ "grace": "24h" }));
    assert_eq!(shown["previous_key_expires_at"], "2026-06-02T12:00:00Z");
    let server = {
        for client in [&old, &new, &old] {
            client.get(PROFILES).expect(200);
        }
        server.restart()
    };
    let (old, new) = (
        server.client.with_key(&old.key),
        server.client.with_key(&new.key),
    );
    server.time.advance_seconds(86_399);
    for client in [&old, &new, &old, &new] {
        client.get(PROFILES).expect(200);
    }
    let shown = |server: &Server| {
        server.client.get(&path(id)).json()["api_key"]["previous_key_expires_at"].clone()
    };
    assert_eq!(shown(&server), "2026-06-02T12:00:00Z");
    server.time.advance_seconds(1);
    assert_dead(&old);
    new.get(PROFILES).expect(200);
    assert_eq!(shown(&server), json!(null));
    // A clock that is set back does not bring the old one to life again.
    server.time.advance_seconds(-60);
    assert_dead(&old);
    new.get(PROFILES).expect(200);
    server.time.advance_seconds(60);
    let server = server.restart();
    assert_dead(&server.client.with_key(&old.key));
    server.client.with_key(&new.key).get(PROFILES).expect(200);
}

#[test]
fn both_secrets_are_one_key_with_its_rights_and_its_end() {
    let server = Server::start();
    let (id, old) = server.client.make_key("ci", &["AccessProfiles:View"]);
    let (_, new) = rotate(&server.client, id, &json!({ "grace": "1w" }));
    for client in [&old, &new] {
        client.get(PROFILES).expect(200);
        client.get(KEYS).expect(403);
    }
    server
        .client
        .put(&path(id), &json!({ "scopes": ["APIKeys:View"] }))
        .expect(200);
    for client in [&old, &new] {
        client.get(PROFILES).expect(403);
        client.get(KEYS).expect(200);
    }
    server
        .client
        .put(&path(id), &json!({ "expires_at": "2026-06-01T13:00:00Z" }))
        .expect(200);
    for client in [&old, &new] {
        client.get(KEYS).expect(200);
    }
    server.time.advance_seconds(3_600);
    for client in [&old, &new] {
        assert_dead(client);
    }
    server
        .client
        .put(&path(id), &json!({ "expires_at": "" }))
        .expect(200);
    for client in [&old, &new] {
        client.get(KEYS).expect(200);
    }
    server.client.delete(&path(id)).expect(200);
    for client in [&old, &new] {
        assert_dead(client);
    }
}

#[test]
fn each_earlier_secret_works_until_its_own_time_whatever_comes_after_it() {
    let server = Server::start();
    let (id, first) = server.client.make_key("ci", &["AccessProfiles:View"]);
    let (_, second) = rotate(&server.client, id, &json!({ "grace": "2h" }));
    let (_, third) = rotate(&server.client, id, &json!({ "grace": "1h" }));
    let (shown, fourth) = rotate(&server.client, id, &json!({ "grace": "3h" }));
    assert_eq!(shown["previous_key_expires_at"], "2026-06-01T15:00:00Z");
    for works in [&first, &second, &third, &fourth] {
        works.get(PROFILES).expect(200);
    }
    let more = json!({ "grace": "1m" });
    let refused = server.client.post(&format!("{}/rotate", path(id)), &more);
    refused.expect_refusal(409, "conflict", "too_many_secrets");
    assert!(
        refused.message().contains("until 2026-06-01T13:00:00Z"),
        "{}",
        refused.text
    );
    // Without a grace period the current one ends, and no other.
    let (_, fifth) = rotate(&server.client, id, &json!({}));
    assert_dead(&fourth);
    let keys = [&first, &second, &third, &fifth].map(|key| key.key.clone());
    let works = |server: &Server| {
        keys.clone()
            .map(|key| server.client.with_key(&key).get(PROFILES).status == 200)
    };
    assert_eq!(works(&server), [true; 4]);
    server.time.advance_seconds(3_600);
    assert_eq!(works(&server), [true, false, true, true]);
    server.time.advance_seconds(3_600);
    assert_eq!(works(&server), [false, false, true, true]);
    // What has ended stays so when the clock is set back.
    server.time.advance_seconds(-7_200);
    assert_eq!(works(&server), [false, false, true, true]);
    server.time.advance_seconds(7_200);
    let server = server.restart();
    assert_eq!(works(&server), [false, false, true, true]);
    server.client.delete(&path(id)).expect(200);
    assert_eq!(works(&server), [false; 4]);
}

#[test]
fn a_grace_period_is_a_span_or_seconds_of_at_most_30_days() {
    let server = Server::start();
    for (grace, until) in [
        (json!("90s"), "2026-06-01T12:01:30Z"),
        (json!(1), "2026-06-01T12:00:01Z"),
        (json!("5m"), "2026-06-01T12:05:00Z"),
        (json!("4w"), "2026-06-29T12:00:00Z"),
        (json!("30d"), "2026-07-01T12:00:00Z"),
        (json!(2_592_000), "2026-07-01T12:00:00Z"),
    ] {
        let (id, _) = server
            .client
            .make_key(&format!("for {grace}"), &["AccessProfiles:View"]);
        let (shown, _) = rotate(&server.client, id, &json!({ "grace": grace }));
        assert_eq!(shown["previous_key_expires_at"], until);
    }
    let (id, _) = server.client.make_key("ci", &["AccessProfiles:View"]);
    let path = format!("{}/rotate", path(id));
    for (grace, code) in [
        (json!("31d"), "invalid_grace"),
        (json!("1M"), "invalid_grace"),
        (json!("-1h"), "invalid_grace"),
        (json!("soon"), "invalid_grace"),
        (json!(true), "invalid_grace"),
        (json!(2_592_001), "out_of_range"),
        (json!(-1), "out_of_range"),
        (json!(0.5), "wrong_type"),
    ] {
        let reply = server.client.post(&path, &json!({ "grace": grace }));
        assert_eq!(reply.violations(), [format!("grace {code}")], "{grace}");
    }
    assert_eq!(
        server
            .client
            .post(&path, &json!({ "grase": 1 }))
            .violations(),
        ["grase unknown_field"]
    );
    let text = [("content-type", "text/plain")];
    server.client.send("POST", &path, &text, None).expect(200);
    server
        .client
        .send("POST", &path, &text, Some(&json!({})))
        .expect(415);
}
