//! When a change of rights takes effect, what a management API key may not give away, and the last key that may do everything (API.md §3).

use serde_json::{Value, json};

use crate::support::{Client, Server};

const KEYS: &str = "/api/api-keys";
const PROFILES: &str = "/api/access-profiles";

fn path(id: i64) -> String {
    format!("{KEYS}/{id}")
}

#[test]
fn narrowing_and_widening_take_effect_at_once() {
    let server = Server::start();
    let (id, client) = server.client.make_key("a", &["AccessProfiles:View"]);
    client.get(PROFILES).expect(200);
    for round in 0..3 {
        server
            .client
            .put(&path(id), &json!({ "scopes": ["Users:View"] }))
            .expect(200);
        client
            .get(PROFILES)
            .expect_refusal(403, "permission_error", "missing_permission");
        server
            .client
            .put(&path(id), &json!({ "scopes": ["AccessProfiles:View"] }))
            .expect(200);
        client.get(PROFILES).expect(200);
        let until = format!("2026-06-01T12:{round}1:00Z");
        server
            .client
            .put(&path(id), &json!({ "expires_at": until }))
            .expect(200);
        client.get(PROFILES).expect(200);
        server.time.advance_seconds(600);
        server.time.advance_seconds(60);
        client
            .get(PROFILES)
            .expect_refusal(401, "authentication_error", "api_key_expired");
        // A clock that is set back does not bring it to life again; a change does.
        server.time.advance_seconds(-60);
        client
            .get(PROFILES)
            .expect_refusal(401, "authentication_error", "api_key_expired");
        server
            .client
            .put(&path(id), &json!({ "expires_at": "" }))
            .expect(200);
        client.get(PROFILES).expect(200);
    }
}

#[test]
fn a_key_gives_away_no_more_than_it_holds() {
    let server = Server::start();
    let holds = [
        "APIKeys:Create",
        "APIKeys:Update",
        "APIKeys:Delete",
        "APIKeys:View",
        "Users:View",
    ];
    let (own, weak) = server.client.make_key("weak", &holds);
    let refused = |reply: crate::support::Reply| {
        reply.expect_refusal(403, "permission_error", "permission_not_held");
    };
    let all: Vec<i64> = (1..=28).collect();
    for scopes in [
        json!(["*"]),
        json!(["Users:View", "Users:Create"]),
        json!(all),
    ] {
        refused(weak.post(KEYS, &json!({ "name": "x", "scopes": scopes })));
        refused(weak.put(&path(own), &json!({ "scopes": scopes })));
    }
    let (every, almighty_in_parts) = server.client.make_key("every", &[]);
    server
        .client
        .put(&path(every), &json!({ "scopes": all }))
        .expect(200);
    refused(almighty_in_parts.post(KEYS, &json!({ "name": "x", "scopes": ["*"] })));
    refused(almighty_in_parts.post(&format!("{}/rotate", path(1)), &json!({})));
    weak.post(KEYS, &json!({ "name": "x", "scopes": ["Users:View"] }))
        .expect(200);
    // A stronger key is out of reach, whatever is changed of it.
    let body = json!({ "name": "strong", "scopes": ["Users:Delete"], "expires_at": "2026-07-01T00:00:00Z" });
    let made = server.client.post(KEYS, &body).expect(200).json();
    let strong = made["api_key"]["id"].as_i64().unwrap();
    for later in ["2026-07-01T00:00:00.001Z", "2027-01-01T00:00:00Z", ""] {
        refused(weak.put(&path(strong), &json!({ "expires_at": later })));
    }
    refused(weak.post(&format!("{}/rotate", path(strong)), &json!({})));
    refused(weak.post(
        &format!("{}/rotate", path(strong)),
        &json!({ "grace": "1h" }),
    ));
    let with_key = server.client.with_key(made["key"].as_str().unwrap());
    with_key.get("/api/permissions").expect(200);
    for change in [
        json!({ "expires_at": "2026-06-30T00:00:00Z" }),
        json!({ "name": "weaker" }),
        json!({ "description": "weaker" }),
    ] {
        refused(weak.put(&path(strong), &change));
    }
    // The answer would show it, also where nothing is changed.
    let name = json!({ "name": "strong" });
    for (id, same) in [(1, json!({})), (strong, json!({})), (strong, name)] {
        refused(weak.put(&path(id), &same));
    }
    weak.put(&path(own), &json!({})).expect(200);
    refused(weak.delete(&path(strong)));
    // Who could narrow it could then rotate it, and act in its name.
    refused(weak.put(&path(strong), &json!({ "scopes": ["Users:View"] })));
    server
        .client
        .put(&path(strong), &json!({ "scopes": ["Users:View"] }))
        .expect(200);
    weak.put(&path(strong), &json!({ "expires_at": "" }))
        .expect(200);
    weak.post(&format!("{}/rotate", path(strong)), &json!({}))
        .expect(200);
    weak.post(&format!("{}/rotate", path(own)), &json!({}))
        .expect(200);
    weak.get(KEYS).expect(401);
}

#[test]
fn the_last_key_that_may_do_everything_for_ever_stays() {
    let server = Server::start();
    let (client, first) = (&server.client, path(1));
    client.make_key("all of today", &["AccessProfiles:View"]);
    let body =
        json!({ "name": "for a while", "scopes": ["*"], "expires_at": "2027-01-01T00:00:00Z" });
    client.post(KEYS, &body).expect(200);
    let all: Vec<i64> = (1..=28).collect();
    let before = read(client);
    for change in [
        json!({ "scopes": [] }),
        json!({ "scopes": all[1..] }),
        json!({ "expires_at": "2027-01-01T00:00:00Z" }),
    ] {
        client
            .put(&first, &change)
            .expect_refusal(409, "conflict", "last_all_powerful_key");
    }
    client
        .delete(&first)
        .expect_refusal(409, "conflict", "last_all_powerful_key");
    assert_eq!(read(client), before);
    client.get(PROFILES).expect(200);
    // Nothing is wrong with other changes and a new secret.
    client
        .put(
            &first,
            &json!({ "name": "root", "scopes": ["*"], "expires_at": "" }),
        )
        .expect(200);
    let rotated = client
        .post(&format!("{first}/rotate"), &json!({}))
        .expect(200)
        .json();
    let client = client.with_key(rotated["key"].as_str().unwrap());
    let (second, other) = client.make_key("second", &["*"]);
    client
        .put(&first, &json!({ "scopes": ["Users:View"] }))
        .expect(200);
    other
        .delete(&path(second))
        .expect_refusal(409, "conflict", "last_all_powerful_key");
    other.put(&first, &json!({ "scopes": ["*"] })).expect(200);
    other.delete(&path(second)).expect(200);
    other.get(PROFILES).expect(401);
    client.delete(&first).expect(409);
}

/// The first key with its validator.
fn read(client: &Client) -> (Value, Option<String>) {
    let reply = client.get(&path(1)).expect(200);
    (reply.json(), reply.header("etag").map(str::to_owned))
}

#[test]
fn a_key_that_is_prolonged_while_it_is_tried_again_and_again_works_at_once() {
    let server = Server::start();
    let body = json!({ "name": "retried", "scopes": ["AccessProfiles:View"], "expires_at": "2026-06-01T12:00:10Z" });
    let made = server.client.post(KEYS, &body).expect(200).json();
    let id = made["api_key"]["id"].as_i64().unwrap();
    let client = server.client.with_key(made["key"].as_str().unwrap());
    for round in 1..=5 {
        server.time.advance_seconds(60);
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while !done.load(std::sync::atomic::Ordering::SeqCst) {
                        client.get(PROFILES);
                    }
                });
            }
            client
                .get(PROFILES)
                .expect_refusal(401, "authentication_error", "api_key_expired");
            let later = format!("2026-06-01T12:0{round}:30Z");
            server
                .client
                .put(&path(id), &json!({ "expires_at": later }))
                .expect(200);
            let outcome = client.get(PROFILES);
            done.store(true, std::sync::atomic::Ordering::SeqCst);
            outcome.expect(200);
        });
    }
}
