//! Reading, changing and revoking management API keys (API.md §3).

use serde_json::{Value, json};

use crate::support::{Client, Server};

const KEYS: &str = "/api/api-keys";
const PROFILES: &str = "/api/access-profiles";

fn path(id: i64) -> String {
    format!("{KEYS}/{id}")
}

/// The key with its validator.
fn read(client: &Client, id: i64) -> (Value, String) {
    let reply = client.get(&path(id)).expect(200);
    let tag = reply.header("etag").unwrap().to_owned();
    (reply.json()["api_key"].clone(), tag)
}

#[test]
fn a_key_that_is_known_by_its_tag_is_not_sent_again() {
    let server = Server::start();
    let (id, client) = server.client.make_key("a", &["AccessProfiles:View"]);
    let (_, tag) = read(&server.client, id);
    let ask = |tags: &str| {
        server
            .client
            .send("GET", &path(id), &[("if-none-match", tags)], None)
    };
    let known = ask(&tag).expect(304);
    assert_eq!(
        (known.text.as_str(), known.header("etag")),
        ("", Some(tag.as_str()))
    );
    ask("*").expect(304);
    ask(&format!("\"x\", W/{tag}")).expect(304);
    ask("\"x\"").expect(200);
    // Being used is no change.
    client.get(PROFILES).expect(200);
    ask(&tag).expect(304);
    server
        .client
        .put(&path(id), &json!({ "description": "new" }))
        .expect(200);
    ask(&tag).expect(200);
    for bad in ["0", "-1", "x", "1.0", "99999999999999999999"] {
        let reply = server.client.get(&format!("{KEYS}/{bad}"));
        assert_eq!(reply.status, 400, "{bad}: {}", reply.text);
    }
    server
        .client
        .get(&path(999))
        .expect_refusal(404, "not_found", "not_found");
}

#[test]
fn a_whole_answer_can_be_sent_back() {
    let server = Server::start();
    let (id, _) = server.client.make_key("a", &["AccessProfiles:View"]);
    let answer = server.client.get(&path(id)).expect(200).json();
    assert!(answer["api_key"].is_object(), "{answer}");
    let sent_back = server.client.put(&path(id), &answer).expect(200).json();
    assert_eq!(sent_back["api_key"], answer["api_key"]);
}

#[test]
fn a_change_changes_what_was_sent_and_nothing_else() {
    let server = Server::start();
    let (id, _) = server.client.make_key("a", &["AccessProfiles:View"]);
    let change = |body: Value| {
        let reply = server.client.put(&path(id), &body).expect(200);
        assert_eq!(
            reply.header("etag"),
            Some(read(&server.client, id).1.as_str())
        );
        reply.json()["api_key"].clone()
    };
    let (mut expected, mut tag) = read(&server.client, id);
    for (field, sent, becomes) in [
        ("name", json!(" b "), json!("b")),
        ("name", json!("B"), json!("B")),
        ("description", json!("why"), json!("why")),
        ("description", json!(""), json!("")),
        ("scopes", json!([2]), json!([2])),
        ("scopes", json!([]), json!([])),
        (
            "expires_at",
            json!("2026-07-01T00:00:00Z"),
            json!("2026-07-01T00:00:00Z"),
        ),
        ("expires_at", json!(""), json!(null)),
        (
            "expires_at",
            json!("2026-08-01T00:00:00Z"),
            json!("2026-08-01T00:00:00Z"),
        ),
    ] {
        server.time.advance_seconds(1);
        let changed = change(json!({ field: sent }));
        expected[field] = becomes;
        if field == "scopes" {
            let names: &[&str] = match expected["scopes"].as_array().unwrap().len() {
                0 => &[],
                _ => &["AccessProfiles:Create"],
            };
            expected["scope_names"] = json!(names);
        }
        expected["updated_at"] = json!(server.time.now());
        assert_eq!(changed, expected, "{field} {sent}");
        let (stored, new_tag) = read(&server.client, id);
        assert_eq!(stored, expected);
        assert_ne!(new_tag, tag);
        tag = new_tag;
    }
    for (body, violation) in [
        (json!({ "name": " " }), "name blank"),
        (json!({ "scopes": "*" }), "scopes wrong_type"),
        (
            json!({ "expires_at": "2026-06-01T12:00:00Z" }),
            "expires_at not_in_future",
        ),
        (json!({ "expires": "" }), "expires unknown_field"),
    ] {
        assert_eq!(
            server.client.put(&path(id), &body).violations(),
            [violation],
            "{body}"
        );
    }
    server.client.make_key("other", &[]);
    let taken = server.client.put(&path(id), &json!({ "name": "OTHER" }));
    taken.expect_refusal(409, "conflict", "duplicate_name");
    assert_eq!(read(&server.client, id), (expected, tag));
}

#[test]
fn a_change_that_changes_nothing_keeps_the_tag_and_writes_nothing() {
    let server = Server::start();
    let body = json!({ "name": "a", "scopes": ["Users:View", "AccessProfiles:View"], "expires_at": "2026-07-01T00:00:00Z" });
    let id = server.client.post(KEYS, &body).expect(200).json()["api_key"]["id"]
        .as_i64()
        .unwrap();
    let before = read(&server.client, id);
    let entries = audit(&server).len();
    server.time.advance_seconds(60);
    for body in [
        json!({}),
        before.0.clone(),
        json!({ "scopes": [1, 5, 1] }),
        json!({ "expires_at": "2026-07-01T02:00:00.000+02:00" }),
        json!({ "name": " a" }),
    ] {
        let reply = server.client.put(&path(id), &body).expect(200);
        assert_eq!(
            (
                reply.json()["api_key"].clone(),
                reply.header("etag").unwrap().to_owned()
            ),
            before,
            "{body}"
        );
    }
    assert_eq!(audit(&server).len(), entries);
    // Also when its time is over.
    server.time.advance_seconds(86_400 * 60);
    server.client.put(&path(id), &before.0).expect(200);
}

#[test]
fn a_stale_or_malformed_if_match_changes_nothing() {
    let server = Server::start();
    let (id, client) = server.client.make_key("a", &["AccessProfiles:View"]);
    let (_, first) = read(&server.client, id);
    server
        .client
        .put(&path(id), &json!({ "description": "new" }))
        .expect(200);
    let (_, current) = read(&server.client, id);
    for (method, path, body) in [
        ("PUT", path(id), Some(json!({ "scopes": [] }))),
        ("POST", format!("{}/rotate", path(id)), None),
        ("DELETE", path(id), None),
    ] {
        let call = |tag: &str| {
            server
                .client
                .send(method, &path, &[("if-match", tag)], body.as_ref())
        };
        let stale = call(&first);
        stale.expect_refusal(412, "precondition_failed", "stale_if_match");
        assert_eq!(stale.header("etag"), Some(current.as_str()));
        let compressed = format!("W/\"{}-gzip\"", first.trim_matches('"'));
        call(&compressed).expect(412);
        call("nonsense").expect_refusal(400, "validation_error", "malformed_if_match");
        client.get(PROFILES).expect(200);
    }
    let put = |tag: &str, body: Value| {
        server
            .client
            .send("PUT", &path(id), &[("if-match", tag)], Some(&body))
    };
    put(
        &format!("\"x\", {current}"),
        json!({ "description": "two" }),
    )
    .expect(200);
    put("*", json!({ "description": "three" })).expect(200);
    let (_, current) = read(&server.client, id);
    server
        .client
        .send("DELETE", &path(id), &[("if-match", &current)], None)
        .expect(200);
    client.get(PROFILES).expect(401);
}

/// What the audit log says about keys, the oldest first: action, actor, values before and after.
fn audit(server: &Server) -> Vec<(String, String, String, String)> {
    let database = rusqlite::Connection::open(server.data_dir().join("tollkeeper.db")).unwrap();
    let mut statement = database
        .prepare("SELECT action, actor_id, coalesce(previous_value, ''), coalesce(new_value, '') FROM audit_logs
                  WHERE subject_kind = 'api_key' ORDER BY id")
        .unwrap();
    let rows = statement
        .query_map([], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn every_change_is_in_the_audit_log_without_secret_or_hash() {
    let server = Server::start();
    let (id, made) = server.client.make_key("a", &["Users:View"]);
    server
        .client
        .put(&path(id), &json!({ "description": "b" }))
        .expect(200);
    let rotated = server
        .client
        .post(&format!("{}/rotate", path(id)), &json!({ "grace": 60 }))
        .expect(200)
        .json();
    server.client.delete(&path(id)).expect(200);
    let log = audit(&server);
    let actions: Vec<&str> = log.iter().map(|entry| entry.0.as_str()).collect();
    assert_eq!(
        actions,
        [
            "api_key.create",
            "api_key.create",
            "api_key.update",
            "api_key.rotate",
            "api_key.revoke"
        ]
    );
    let caller = &server.client.key[8..20];
    assert!(log[1..].iter().all(|entry| entry.1 == caller), "{log:?}");
    let secrets = [
        &server.client.key,
        &made.key,
        rotated["key"].as_str().unwrap(),
    ]
    .map(|key| &key[21..64]);
    for (action, _, before, after) in &log {
        for value in [before, after]
            .into_iter()
            .filter(|value| !value.is_empty())
        {
            let value: Value = serde_json::from_str(value).unwrap();
            let mut fields: Vec<&str> = value
                .as_object()
                .unwrap()
                .keys()
                .map(String::as_str)
                .collect();
            fields.sort_unstable();
            let shown = [
                "description",
                "expires_at",
                "id",
                "name",
                "previous_key_expires_at",
                "public_id",
                "scopes",
            ];
            assert_eq!(fields, shown, "{action}");
            assert!(
                !secrets
                    .iter()
                    .any(|secret| value.to_string().contains(secret)),
                "{action}"
            );
        }
    }
}

#[test]
fn an_empty_name_keeps_the_name() {
    let server = Server::start();
    let (id, _) = server.client.make_key("a", &[]);
    let before = read(&server.client, id);
    server
        .client
        .put(&path(id), &json!({ "name": "" }))
        .expect(200);
    assert_eq!(read(&server.client, id), before);
}
