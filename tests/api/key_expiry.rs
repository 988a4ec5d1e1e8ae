//! A key that expires gives nothing away for longer than it works itself (API.md §3).

use serde_json::{Value, json};

use crate::support::{Client, Reply, Server};

const KEYS: &str = "/api/api-keys";
const OWN: &str = "2026-07-01T00:00:00Z";

fn path(id: i64) -> String {
    format!("{KEYS}/{id}")
}

/// A key that works until [`OWN`] and holds these permissions, with its id.
fn expiring(server: &Server, scopes: &Value) -> (i64, Client) {
    make(&server.client, "expiring", scopes, Some(OWN))
}

fn make(client: &Client, name: &str, scopes: &Value, expires_at: Option<&str>) -> (i64, Client) {
    let body = json!({ "name": name, "scopes": scopes, "expires_at": expires_at });
    let made = client.post(KEYS, &body).expect(200).json();
    (
        made["api_key"]["id"].as_i64().unwrap(),
        client.with_key(made["key"].as_str().unwrap()),
    )
}

/// The refusal names the last instant that would be allowed, for people and for programs.
#[track_caller]
fn refused(reply: &Reply) {
    reply.expect_refusal(403, "permission_error", "beyond_own_expiry");
    let body = reply.json();
    assert_eq!(body["extra_fields"]["latest_expires_at"], OWN, "{body}");
    assert!(reply.message().contains(OWN), "{body}");
}

#[test]
fn a_key_that_expires_makes_no_key_that_works_longer() {
    let server = Server::start();
    let (_, client) = expiring(&server, &json!(["*"]));
    let sent = |expires_at: &Value| {
        let mut body = json!({ "name": "child", "scopes": [] });
        if !expires_at.is_null() {
            body["expires_at"] = expires_at.clone();
        }
        client.post(KEYS, &body)
    };
    for later in ["2026-07-01T00:00:00.001Z", "2027-01-01T00:00:00Z", ""] {
        refused(&sent(&json!(later)));
    }
    // Left out is never, and so is null.
    refused(&sent(&Value::Null));
    refused(&client.post(
        KEYS,
        &json!({ "name": "child", "scopes": [], "expires_at": null }),
    ));
    let once = [("idempotency-key", "one")];
    let body = json!({ "name": "child", "scopes": [] });
    refused(&client.send("POST", KEYS, &once, Some(&body)));
    let (_, child) = make(&client, "child", &json!([]), Some(OWN));
    child.get("/api/session").expect(200);
    // A key that never expires may make any.
    make(&server.client, "eternal", &json!([]), None);
}

#[test]
fn a_key_that_expires_prolongs_no_key_beyond_itself() {
    let server = Server::start();
    let (own, client) = expiring(&server, &json!(["*"]));
    let (soon, _) = make(
        &server.client,
        "soon",
        &json!([]),
        Some("2026-06-15T00:00:00Z"),
    );
    for id in [own, soon] {
        for later in ["2026-07-01T00:00:00.001Z", "2027-01-01T00:00:00Z", ""] {
            refused(&client.put(&path(id), &json!({ "expires_at": later })));
        }
    }
    client
        .put(&path(soon), &json!({ "expires_at": OWN }))
        .expect(200);
    // Others that work longer may be renamed and shortened, but not be given more.
    let (long, _) = make(
        &server.client,
        "long",
        &json!([]),
        Some("2027-01-01T00:00:00Z"),
    );
    let (eternal, _) = make(&server.client, "eternal", &json!(["Users:View"]), None);
    for id in [long, eternal] {
        client
            .put(&path(id), &json!({ "description": "noted" }))
            .expect(200);
        refused(&client.put(
            &path(id),
            &json!({ "scopes": ["Users:View", "Users:Delete"] }),
        ));
    }
    client
        .put(&path(eternal), &json!({ "scopes": [] }))
        .expect(200);
    client
        .put(
            &path(long),
            &json!({ "expires_at": "2026-12-01T00:00:00Z" }),
        )
        .expect(200);
    client
        .put(
            &path(long),
            &json!({ "expires_at": OWN, "scopes": ["Users:View"] }),
        )
        .expect(200);
}

#[test]
fn a_key_that_expires_gets_no_secret_that_works_longer() {
    let server = Server::start();
    let (own, client) = expiring(&server, &json!(["*"]));
    let (eternal, holder) = make(&server.client, "eternal", &json!([]), None);
    for body in [json!({}), json!({ "grace": "30d" })] {
        let rotate = format!("{}/rotate", path(eternal));
        let reply = client.post(&rotate, &body);
        refused(&reply);
        let message = reply.message();
        assert!(
            message.contains("`tollkeeper keys rotate`") && !message.contains("expires_at"),
            "{message}"
        );
        refused(&client.send("POST", &rotate, &[("idempotency-key", "one")], Some(&body)));
    }
    holder.get("/api/session").expect(200);
    // Of itself it may have another, which works as long as it does; the old one too, whatever the grace.
    let rotated = client
        .post(&format!("{}/rotate", path(own)), &json!({ "grace": "30d" }))
        .expect(200)
        .json();
    let renewed = client.with_key(rotated["key"].as_str().unwrap());
    assert_eq!(rotated["api_key"]["expires_at"], OWN);
    server.time.advance_seconds(29 * 86_400 + 43_200);
    for dead in [&client, &renewed] {
        dead.get("/api/session")
            .expect_refusal(401, "authentication_error", "api_key_expired");
    }
}

#[test]
fn nobody_changes_or_revokes_a_key_that_holds_more() {
    let server = Server::start();
    let holds = [
        "APIKeys:Create",
        "APIKeys:Update",
        "APIKeys:Delete",
        "APIKeys:View",
        "Users:View",
    ];
    let (_, weak) = server.client.make_key("weak", &holds);
    let (strong, stronger) = make(
        &server.client,
        "strong",
        &json!(["Users:View", "Users:Delete"]),
        Some("2027-01-01T00:00:00Z"),
    );
    let before = server.client.get(&path(strong)).expect(200).json();
    for change in [
        json!({ "name": "other" }),
        json!({ "description": "other" }),
        json!({ "expires_at": "2026-06-02T00:00:00Z" }),
        json!({ "expires_at": "" }),
        json!({ "scopes": ["Users:View"] }),
    ] {
        let reply = weak.put(&path(strong), &change);
        reply.expect_refusal(403, "permission_error", "permission_not_held");
        assert!(reply.message().contains("Users:Delete"), "{}", reply.text);
    }
    for id in [strong, 1] {
        weak.delete(&path(id))
            .expect_refusal(403, "permission_error", "permission_not_held");
        weak.post(&format!("{}/rotate", path(id)), &json!({}))
            .expect_refusal(403, "permission_error", "permission_not_held");
    }
    assert_eq!(server.client.get(&path(strong)).expect(200).json(), before);
    stronger.get("/api/session").expect(200);
    // Nor does who sends what is there already get to read it.
    weak.put(&path(strong), &json!({ "name": "strong" }))
        .expect_refusal(403, "permission_error", "permission_not_held");
    let (equal, _) = server.client.make_key("equal", &["Users:View"]);
    weak.put(&path(equal), &json!({ "name": "renamed" }))
        .expect(200);
    weak.delete(&path(equal)).expect(200);
}

#[test]
fn the_audit_log_tells_keys_of_one_name_apart_by_their_ids() {
    let server = Server::start();
    let scopes = ["AccessProfiles:View", "AccessProfiles:Create"];
    let mut ids = Vec::new();
    for round in 0..2 {
        let (id, client) = server.client.make_key("deploy", &scopes);
        client.create_profile(&json!({ "name": format!("p{round}") }));
        ids.push(json!(&client.key[8..20]));
        server.client.delete(&path(id)).expect(200);
    }
    let made = server.client.audited("create");
    for (entry, id) in made.iter().zip(ids.iter().rev()) {
        assert_eq!(
            (&entry["actor"], &entry["metadata"]["actor_id"]),
            (&json!("deploy"), id)
        );
    }
    assert_eq!(made.len(), 2);
}
