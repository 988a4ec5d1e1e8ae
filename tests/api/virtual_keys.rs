//! Virtual keys: issued, listed, changed, rotated and killed over HTTP. What they open is for the tests of decisions.

use serde_json::{Value, json};

use crate::support::{Client, Reply, Server};

/// A server with Ada (1), who holds the profile "dev" (1).
fn with_holder() -> Server {
    let server = Server::start();
    server.client.create_profile(&json!({ "name": "dev" }));
    server.client.create_user("Ada", "ada@example.com", None);
    server.assign(1, 1);
    server
}

fn make(client: &Client, path: &str, body: &Value) -> Value {
    client.post(path, body).expect(200).json()["virtual_key"].clone()
}

fn id_of(key: &Value) -> &str {
    key["id"].as_str().unwrap()
}

fn list(client: &Client, path: &str) -> Vec<String> {
    let list = client.get(path).expect(200).json();
    let keys = list["virtual_keys"].as_array().unwrap();
    keys.iter()
        .map(|key| key["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_key_is_shown_once_and_masked_ever_after() {
    let server = with_holder();
    let client = &server.client;
    for family in ["/api", "/api/governance"] {
        for (path, profile, name) in [
            ("users/1/virtual-keys", json!(null), "user 1"),
            (
                "users/1/access-profiles/1/virtual-keys",
                json!(1),
                "dev · user 1 (2)",
            ),
        ] {
            let made = client
                .send("POST", &format!("{family}/{path}"), &[], None)
                .expect(200);
            let key = made.json()["virtual_key"].clone();
            let (id, value) = (id_of(&key).to_owned(), key["value"].as_str().unwrap());
            assert!(
                value.starts_with(&format!("tk_vk_{id}_")) && value.len() == 68,
                "{key}"
            );
            assert_eq!(
                made.header("location"),
                Some(format!("{family}/virtual-keys/{id}").as_str())
            );
            let read = client
                .get(&format!("{family}/virtual-keys/{id}"))
                .expect(200);
            let mut expected = json!({
                "id": id,
                "name": name,
                "description": "",
                "value": format!("tk_vk_{id}_****"),
                "is_access_profile_managed": false,
                "is_active": true,
                "user_id": "1",
                "expires_at": null,
                "provider_configs": [],
                "mcp_configs": [],
                "calendar_aligned": false,
                "config_hash": null,
                "created_at": "2026-06-01T12:00:00Z",
                "updated_at": "2026-06-01T12:00:00Z",
            });
            if profile == 1 {
                expected["access_profile_id"] = profile;
            }
            assert_eq!(read.json()["virtual_key"], expected);
            let tag = read.header("etag").unwrap();
            client
                .send(
                    "GET",
                    &format!("{family}/virtual-keys/{id}"),
                    &[("if-none-match", tag)],
                    None,
                )
                .expect(304);
            client
                .delete(&format!(
                    "{family}/users/1/access-profiles/virtual-keys/{id}"
                ))
                .expect(200);
            client
                .get(&format!("{family}/virtual-keys/{id}"))
                .expect_refusal(404, "not_found", "not_found");
        }
    }
}

#[test]
fn only_who_holds_something_gets_a_key() {
    let server = with_holder();
    let client = &server.client;
    client.create_user("Bob", "bob@example.com", None);
    client.create_profile(&json!({ "name": "ops" }));
    for (path, message) in [
        (
            "users/2/virtual-keys",
            "the user 2 holds no access profile; assign one first",
        ),
        ("users/9/virtual-keys", "there is no user 9"),
        ("users/x/virtual-keys", "there is no user x"),
        (
            "users/2/access-profiles/2/virtual-keys",
            "the user 2 holds no access profile; assign one first",
        ),
    ] {
        let reply = client.post(&format!("/api/{path}"), &json!({}));
        reply.expect_refusal(404, "not_found", "not_found");
        assert_eq!(reply.message(), message);
    }
    let bad = client.post(
        "/api/users/1/virtual-keys",
        &json!({ "name": " ", "nam": 1, "expires_at": "soon" }),
    );
    assert_eq!(
        bad.expect(400).violations(),
        [
            "expires_at invalid_timestamp",
            "nam unknown_field",
            "name blank"
        ]
    );
    let past = json!({ "expires_at": "2026-06-01T12:00:00Z" });
    let bad = client.post("/api/users/1/virtual-keys", &past);
    assert_eq!(bad.expect(400).violations(), ["expires_at not_in_future"]);
}

#[test]
fn a_key_is_changed_but_a_managed_one_keeps_its_expiry() {
    let server = with_holder();
    let client = &server.client;
    let managed = client.get("/api/users/1/virtual-keys").json()["virtual_keys"][0].clone();
    assert_eq!(
        (&managed["is_access_profile_managed"], &managed["name"]),
        (&json!(true), &json!("dev · user 1"))
    );
    let path = format!("/api/virtual-keys/{}", id_of(&managed));
    let refused = client.put(&path, &json!({ "expires_at": "2027-01-01T00:00:00Z" }));
    refused.expect_refusal(409, "conflict", "managed_key");
    let mut sent = managed.clone();
    sent["name"] = json!("laptop");
    server.time.advance_seconds(1);
    let changed = client.put(&path, &sent).expect(200);
    assert_eq!(changed.json()["virtual_key"]["name"], "laptop");

    let own = make(
        client,
        "/api/users/1/virtual-keys",
        &json!({ "expires_at": "2026-06-02T00:00:00Z" }),
    );
    let path = format!("/api/virtual-keys/{}", id_of(&own));
    let before = client.get(&path).expect(200);
    let tag = before.header("etag").unwrap();
    let later = json!({ "expires_at": "2026-07-01T00:00:00Z", "description": "longer" });
    let changed = client
        .send("PUT", &path, &[("if-match", tag)], Some(&later))
        .expect(200);
    assert_eq!(
        changed.json()["virtual_key"]["expires_at"],
        "2026-07-01T00:00:00Z"
    );
    client
        .send("PUT", &path, &[("if-match", tag)], Some(&later))
        .expect_refusal(412, "precondition_failed", "stale_if_match");
    let valid = client.get(&path).expect(200);
    server.time.advance_seconds(40 * 86_400);
    let expired = client.get(&path).expect(200);
    assert_eq!(expired.json()["virtual_key"]["is_active"], false);
    assert_ne!(
        expired.header("etag"),
        valid.header("etag"),
        "what is shown has changed"
    );
    let never = client
        .put(&path, &json!({ "expires_at": "" }))
        .expect(200)
        .json();
    assert_eq!(
        (
            &never["virtual_key"]["expires_at"],
            &never["virtual_key"]["is_active"]
        ),
        (&json!(null), &json!(true))
    );
}

#[test]
fn a_rotated_key_keeps_its_id_and_shows_how_long_the_old_secret_works() {
    let server = with_holder();
    let client = &server.client;
    let managed = client.get("/api/virtual-keys").json()["virtual_keys"][0].clone();
    let path = format!("/api/virtual-keys/{}", id_of(&managed));
    let rotate = |body: &Value| {
        client
            .post(&format!("{path}/rotate"), body)
            .expect(200)
            .json()["virtual_key"]
            .clone()
    };
    let first = rotate(&json!({ "grace": "24h" }));
    assert_eq!(id_of(&first), id_of(&managed));
    assert_eq!(first["previous_value_expires_at"], "2026-06-02T12:00:00Z");
    assert_eq!(first["rotated_at"], "2026-06-01T12:00:00Z");
    let second = rotate(&json!({}));
    assert_ne!(second["value"], first["value"]);
    // The one before works as long as it was promised to.
    assert_eq!(second["previous_value_expires_at"], "2026-06-02T12:00:00Z");
    server.time.advance_seconds(86_400);
    let shown = || client.get(&path).json()["virtual_key"]["previous_value_expires_at"].clone();
    assert_eq!(shown(), json!(null));
    rotate(&json!({ "grace": 60 }));
    assert_eq!(shown(), "2026-06-02T12:01:00Z");
    server.time.advance_seconds(60);
    assert_eq!(shown(), json!(null));
    let bad = client.post(&format!("{path}/rotate"), &json!({ "grace": "31d" }));
    assert_eq!(bad.expect(400).violations(), ["grace invalid_grace"]);
    let stale = client.send(
        "POST",
        &format!("{path}/rotate"),
        &[("if-match", "\"1-0\"")],
        None,
    );
    stale.expect_refusal(412, "precondition_failed", "stale_if_match");
}

#[test]
fn keys_are_listed_searched_and_sorted() {
    let server = with_holder();
    let client = &server.client;
    client.create_user("Bob", "bob@example.com", None);
    server.assign(2, 1);
    for name in ["Größe", "b_c", "bxc"] {
        server.time.advance_seconds(1);
        make(
            client,
            "/api/users/1/virtual-keys",
            &json!({ "name": name }),
        );
    }
    let all = ["dev · user 1", "dev · user 2", "Größe", "b_c", "bxc"];
    assert_eq!(list(client, "/api/virtual-keys"), all);
    assert_eq!(
        list(client, "/api/virtual-keys?sort=-created_at&limit=2"),
        ["bxc", "b_c"]
    );
    assert_eq!(
        list(client, "/api/virtual-keys?sort=name")[..2],
        ["b_c", "bxc"]
    );
    assert_eq!(
        list(client, "/api/virtual-keys?user_id=2"),
        ["dev · user 2"]
    );
    assert_eq!(list(client, "/api/users/2/virtual-keys"), ["dev · user 2"]);
    assert_eq!(
        list(client, "/api/users/1/virtual-keys?search=GR%C3%96"),
        ["Größe"]
    );
    assert_eq!(list(client, "/api/virtual-keys?search=_"), ["b_c"]);
    assert_eq!(list(client, "/api/virtual-keys?search=b_c"), ["b_c"]);
    assert_eq!(
        list(client, "/api/virtual-keys?search=dev&user_id=2"),
        ["dev · user 2"]
    );
    let page = client.get("/api/virtual-keys?limit=2").json();
    assert_eq!(
        (&page["count"], &page["total_count"]),
        (&json!(2), &json!(5))
    );
    client
        .get("/api/users/9/virtual-keys")
        .expect_refusal(404, "not_found", "not_found");
}

#[test]
fn a_key_dies_only_under_its_own_user() {
    let server = with_holder();
    let client = &server.client;
    client.create_user("Bob", "bob@example.com", None);
    let managed = client.get("/api/virtual-keys").json()["virtual_keys"][0].clone();
    let of = |user: i64| {
        format!(
            "/api/users/{user}/access-profiles/virtual-keys/{}",
            id_of(&managed)
        )
    };
    client
        .delete(&of(2))
        .expect_refusal(404, "not_found", "not_found");
    client
        .send("DELETE", &of(1), &[("if-match", "\"1-0\"")], None)
        .expect_refusal(412, "precondition_failed", "stale_if_match");
    client.delete(&of(1)).expect(200);
    client
        .delete(&of(1))
        .expect_refusal(404, "not_found", "not_found");
    // A whole key in the path is no id, and is not repeated.
    let value = make(client, "/api/users/1/virtual-keys", &json!({}))["value"].clone();
    let reply = client.get(&format!("/api/virtual-keys/{}", value.as_str().unwrap()));
    reply.expect_refusal(404, "not_found", "not_found");
    assert_eq!(reply.message(), "there is no virtual key with this id");
}

#[test]
fn a_key_that_is_made_again_under_an_idempotency_key_is_the_same_key() {
    let server = with_holder();
    let path = "/api/users/1/virtual-keys";
    let make = |client: &Client, body: &Value| -> Reply {
        client.send("POST", path, &[("idempotency-key", "k1")], Some(body))
    };
    let first = make(&server.client, &json!({ "name": "once" })).expect(200);
    let again = make(&server.client, &json!({ "name": "once" })).expect(200);
    assert_eq!(
        (&first.text, first.header("location")),
        (&again.text, again.header("location"))
    );
    make(&server.client, &json!({})).expect_refusal(
        422,
        "idempotency_error",
        "idempotency_key_reused",
    );
    assert_eq!(list(&server.client, path), ["dev · user 1", "once"]);
}

#[test]
fn secrets_of_virtual_keys_stand_nowhere_but_in_their_answer() {
    let server = with_holder();
    let client = &server.client;
    let role = client.create_role("writers");
    let send = |path: &str, body: &Value| {
        client
            .send("POST", path, &[("idempotency-key", path)], Some(body))
            .expect(200)
    };
    let made = send("/api/users/1/virtual-keys", &json!({})).json()["virtual_key"].clone();
    let path = format!("/api/virtual-keys/{}", id_of(&made));
    let rotated =
        send(&format!("{path}/rotate"), &json!({ "grace": "1h" })).json()["virtual_key"].clone();
    client.put(&path, &json!({ "name": "renamed" })).expect(200);
    client
        .put("/api/users/1/role", &json!({ "role_id": role }))
        .expect(200);
    let actions: Vec<Value> = client
        .get("/api/access-profiles/audit-logs?user_id=1")
        .json()["audit_logs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["action"].clone())
        .collect();
    for action in [
        "virtual_key.create",
        "virtual_key.rotate",
        "virtual_key.update",
    ] {
        assert!(actions.contains(&json!(action)), "{actions:?}");
    }
    for key in [&made, &rotated] {
        let secret = &key["value"].as_str().unwrap()[19..62];
        assert_eq!(server.columns_with(secret), [""; 0]);
        for path in [
            "/api/virtual-keys",
            "/api/users/1/virtual-keys",
            "/api/users/1",
            "/api/access-profiles/audit-logs",
        ] {
            assert!(
                !client.get(path).expect(200).text.contains(secret),
                "{path}"
            );
        }
    }
    assert!(
        !server.columns_with(id_of(&made)).is_empty(),
        "the search finds what is there"
    );
}

#[test]
fn a_key_that_is_asked_for_under_another_profile_belongs_to_its_user_all_the_same() {
    let server = Server::start();
    let client = &server.client;
    client.create_budgeted("held", 5);
    client.create_budgeted("other", 5);
    let user = client.create_person("ada");
    let path = format!("/api/users/{user}/access-profiles/2/virtual-keys");
    client
        .post(&path, &json!({}))
        .expect_refusal(404, "not_found", "not_found");
    client.assign(user, 1);
    let made = client.post(&path, &json!({})).expect(200).json();
    assert_eq!(made["virtual_key"]["access_profile_id"], json!(null));
    let id = made["virtual_key"]["id"].as_str().unwrap();
    let rotate = format!("/api/virtual-keys/{id}/rotate");
    for grace in ["0s", "0", "0d"] {
        client.post(&rotate, &json!({ "grace": grace })).expect(200);
    }
    for grace in ["s", "0x", "00s"] {
        client
            .post(&rotate, &json!({ "grace": grace }))
            .expect_refusal(400, "validation_error", "invalid_grace");
    }
}

#[test]
fn the_keys_of_a_user_have_names_of_their_own() {
    let server = with_holder();
    let client = &server.client;
    let post = |body: &Value| client.post("/api/users/1/virtual-keys", body);
    post(&json!({ "name": "Laptop" })).expect(200);
    post(&json!({ "name": "LAPTOP" })).expect_refusal(409, "conflict", "duplicate_name");
    let names: Vec<Value> = (0..3)
        .map(|_| post(&json!({})).expect(200).json()["virtual_key"]["name"].clone())
        .collect();
    assert_eq!(json!(names), json!(["user 1", "user 1 (2)", "user 1 (3)"]));
    let second = client
        .get("/api/users/1/virtual-keys?search=(2)")
        .expect(200)
        .json();
    let path = format!("/api/virtual-keys/{}", id_of(&second["virtual_keys"][0]));
    let renamed = client.put(&path, &json!({ "name": "laptop" }));
    renamed.expect_refusal(409, "conflict", "duplicate_name");
    client
        .put(&path, &json!({ "name": "USER 1 (2)" }))
        .expect(200);
    // Those of another user have theirs.
    let ben = client.create_user("Ben", "ben@example.com", None);
    client.assign(ben, 1);
    let path = format!("/api/users/{ben}/virtual-keys");
    client.post(&path, &json!({ "name": "Laptop" })).expect(200);
}

#[test]
fn a_profile_in_the_path_that_the_user_does_not_hold_does_not_matter() {
    let server = with_holder();
    for profile in ["777", "x", "0"] {
        let path = format!("/api/users/1/access-profiles/{profile}/virtual-keys");
        let made = server.client.post(&path, &json!({})).expect(200).json();
        assert_eq!(
            made["virtual_key"]["access_profile_id"],
            json!(null),
            "{profile}"
        );
    }
}
