//! Making and rotating management API keys under an `Idempotency-Key`: once, for one caller, and sealed while it is stored.

use serde_json::{Value, json};

use crate::support::{Client, Reply, Server};

const KEYS: &str = "/api/api-keys";
const PROFILES: &str = "/api/access-profiles";

fn path(id: i64) -> String {
    format!("{KEYS}/{id}")
}

#[test]
fn a_key_that_is_made_again_under_an_idempotency_key_is_the_same_key() {
    let server = Server::start();
    let body = json!({ "name": "once", "scopes": ["Users:View"] });
    let make = |client: &Client, body: &Value| {
        client.send("POST", KEYS, &[("idempotency-key", "k1")], Some(body))
    };
    let first = make(&server.client, &body).expect(200);
    assert_eq!(make(&server.client, &body).expect(200).json(), first.json());
    let other = make(
        &server.client,
        &json!({ "name": "other", "scopes": ["Users:View"] }),
    );
    other.expect_refusal(422, "idempotency_error", "idempotency_key_reused");
    // Another caller's key of the same name is another key.
    let (_, second) = server
        .client
        .make_key("second", &["APIKeys:Create", "Users:View"]);
    make(&second, &body).expect_refusal(409, "conflict", "duplicate_name");
    let theirs = make(
        &second,
        &json!({ "name": "theirs", "scopes": ["Users:View"] }),
    )
    .expect(200);
    assert_ne!(theirs.json()["key"], first.json()["key"]);
    server.time.advance_seconds(86_400);
    make(&server.client, &body).expect_refusal(409, "conflict", "duplicate_name");
}

fn rotate_once(client: &Client, id: i64, key: &str, body: &Value) -> Reply {
    client.send(
        "POST",
        &format!("{}/rotate", path(id)),
        &[("idempotency-key", key)],
        Some(body),
    )
}

#[test]
fn a_rotation_under_an_idempotency_key_happens_once() {
    let server = Server::start();
    let (id, _) = server.client.make_key("ci", &["AccessProfiles:View"]);
    let first = rotate_once(&server.client, id, "r1", &json!({ "grace": "1h" })).expect(200);
    let secret = first.json()["key"].as_str().unwrap().to_owned();
    let server = server.restart();
    let again = rotate_once(&server.client, id, "r1", &json!({ "grace": "1h" })).expect(200);
    assert_eq!(
        (&again.text, again.header("etag")),
        (&first.text, first.header("etag"))
    );
    server.client.with_key(&secret).get(PROFILES).expect(200);
    rotate_once(&server.client, id, "r1", &json!({})).expect_refusal(
        422,
        "idempotency_error",
        "idempotency_key_reused",
    );
    assert!(
        server.columns_with(&secret[21..64]).is_empty(),
        "{:?}",
        server.columns_with(&secret[21..64])
    );
    assert!(
        !server.columns_with("r1").is_empty() || !server.columns_with(&secret[8..20]).is_empty(),
        "the search finds what is there"
    );
    let next = rotate_once(&server.client, id, "r2", &json!({ "grace": "1h" })).expect(200);
    assert_ne!(next.json()["key"], secret);
    let (_, other) = server
        .client
        .make_key("other", &["APIKeys:Update", "AccessProfiles:View"]);
    let theirs = rotate_once(&other, id, "r2", &json!({ "grace": "1h" })).expect(200);
    assert_ne!(theirs.json()["key"], next.json()["key"]);
}

#[test]
fn an_answer_sealed_for_the_secret_before_is_refused_with_what_to_do() {
    let server = Server::start();
    let (own, old) = server
        .client
        .make_key("self", &["APIKeys:Update", "APIKeys:Create"]);
    let first = rotate_once(&old, own, "r1", &json!({ "grace": "1h" })).expect(200);
    let new = old.with_key(first.json()["key"].as_str().unwrap());
    assert_eq!(
        rotate_once(&old, own, "r1", &json!({ "grace": "1h" }))
            .expect(200)
            .text,
        first.text
    );
    let reply = rotate_once(&new, own, "r1", &json!({ "grace": "1h" }));
    reply.expect_refusal(409, "conflict", "sealed_for_another_secret");
    new.get("/api/permissions").expect(200);
}
