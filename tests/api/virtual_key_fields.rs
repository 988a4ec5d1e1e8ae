//! What the fields of a virtual key say, and which of them a body may change.

use serde_json::{Value, json};

use tollkeeper::domain::virtual_key::{MAX_OF_USER, NewVirtualKey};
use tollkeeper::store::virtual_keys;

use crate::support::{Client, Server};

/// A server with Ada (1), who holds the profile "dev" (1).
fn with_holder() -> Server {
    let server = Server::start();
    server.client.create_profile(&json!({ "name": "dev" }));
    server.client.create_user("Ada", "ada@example.com", None);
    server.assign(1, 1);
    server
}

fn first_key(client: &Client) -> (String, Value) {
    let key = client.get("/api/virtual-keys").json()["virtual_keys"][0].clone();
    (
        format!("/api/virtual-keys/{}", key["id"].as_str().unwrap()),
        key,
    )
}

#[test]
fn a_key_is_not_switched_off_by_a_field() {
    let server = with_holder();
    let client = &server.client;
    let (path, key) = first_key(client);
    let off = client.put(&path, &json!({ "is_active": false }));
    assert_eq!(
        off.expect(400).violations(),
        ["is_active is_active_not_changeable"]
    );
    let message = client.put(&path, &json!({ "is_active": false })).message();
    for way in ["DELETE", "expires_at", "rotate"] {
        assert!(message.contains(way), "{message}");
    }
    let made = client.post(
        "/api/users/1/virtual-keys",
        &json!({ "name": "off", "is_active": false }),
    );
    assert_eq!(
        made.expect(400).violations(),
        ["is_active is_active_not_changeable"]
    );
    client
        .post("/api/users/1/virtual-keys", &json!({ "is_active": true }))
        .expect(200);
    let other = json!({
        "user_id": "2", "is_access_profile_managed": false, "access_profile_id": 2, "is_active": "no",
        "provider_configs": [{ "provider": "openai" }], "mcp_configs": [{}], "calendar_aligned": true,
    });
    assert_eq!(
        client.put(&path, &other).expect(400).violations(),
        [
            "access_profile_id not_changeable",
            "calendar_aligned not_changeable",
            "is_access_profile_managed not_changeable",
            "is_active is_active_not_changeable",
            "mcp_configs not_changeable",
            "provider_configs not_changeable",
            "user_id not_changeable",
        ]
    );
    let mut sent = key;
    sent["name"] = json!("laptop");
    let kept = client.put(&path, &sent).expect(200).json()["virtual_key"].clone();
    assert_eq!(
        (&kept["name"], &kept["is_active"]),
        (&json!("laptop"), &json!(true))
    );
}

#[test]
fn an_expired_key_is_prolonged_with_the_state_it_had_or_gets() {
    let server = with_holder();
    let client = &server.client;
    let soon = json!({ "expires_at": "2026-06-01T12:00:10Z" });
    let made = client.post("/api/users/1/virtual-keys", &soon).json()["virtual_key"].clone();
    let path = format!("/api/virtual-keys/{}", made["id"].as_str().unwrap());
    for (active, until) in [(false, "12:00:30"), (true, "12:00:50")] {
        server.time.advance_seconds(20);
        let until = format!("2026-06-01T{until}Z");
        let body = json!({ "is_active": active, "expires_at": until });
        let key = client.put(&path, &body).expect(200).json()["virtual_key"].clone();
        assert_eq!(
            (&key["is_active"], &key["expires_at"]),
            (&json!(true), &json!(until))
        );
    }
}

#[test]
fn a_key_that_is_made_with_null_for_a_name_has_the_usual_one() {
    let server = with_holder();
    server
        .client
        .post("/api/users/1/virtual-keys", &json!({ "name": null }))
        .expect(200);
}

#[test]
fn a_key_ends_with_the_last_copy_that_it_works_with() {
    let server = Server::start();
    let client = &server.client;
    client.create_person("ada");
    for (profile, expires_at) in [
        (1, json!("2026-06-01T13:00:00Z")),
        (2, json!("2026-06-01T14:00:00Z")),
    ] {
        client.create_profile(&json!({ "name": format!("profile {profile}") }));
        let body = json!({ "access_profile_id": profile, "expires_at": expires_at });
        let given = client.post("/api/users/1/access-profiles", &body);
        given.expect(201);
    }
    let own = json!({ "expires_at": "2026-06-01T12:30:00Z" });
    client.post("/api/users/1/virtual-keys", &own).expect(200);
    let shown = || -> Vec<(Value, Value)> {
        let list = client.get("/api/virtual-keys").expect(200).json();
        let keys = list["virtual_keys"].as_array().unwrap().clone();
        keys.iter()
            .map(|key| (key["is_active"].clone(), key["expires_at"].clone()))
            .collect()
    };
    let last = json!("2026-06-01T14:00:00Z");
    let own = json!("2026-06-01T12:30:00Z");
    let states = |managed: bool, at_large: bool| {
        vec![
            (json!(managed), last.clone()),
            (json!(managed), last.clone()),
            (json!(at_large), own.clone()),
        ]
    };
    assert_eq!(shown(), states(true, true));
    server.time.advance_seconds(90 * 60);
    assert_eq!(shown(), states(true, false), "the second copy still works");
    let (path, mut key) = first_key(client);
    let tag = client.get(&path).expect(200);
    server.time.advance_seconds(30 * 60);
    assert_eq!(shown(), states(false, false));
    // What was read is sent back, and another name is no other expiry.
    key["name"] = json!("old");
    key["is_active"] = json!(false);
    let tag = [("if-match", tag.header("etag").unwrap())];
    client.send("PUT", &path, &tag, Some(&key)).expect(200);
    client
        .put(&path, &json!({ "expires_at": "2027-01-01T00:00:00Z" }))
        .expect_refusal(409, "conflict", "managed_key");
    // A copy that never ends ends no key.
    client.create_profile(&json!({ "name": "for good" }));
    client.assign(1, 3);
    assert_eq!(shown()[0], (json!(true), json!(null)));
}

#[test]
fn the_holder_sees_that_a_key_has_nothing_left_to_work_with() {
    let server = Server::start();
    let client = &server.client;
    client.create_person("ada");
    client.create_profile(&json!({ "name": "dev" }));
    let body = json!({ "access_profile_id": 1, "expires_at": "2026-06-01T13:00:00Z" });
    let given = client.post("/api/users/1/access-profiles", &body).json();
    let holder = client.with_virtual_key(given["virtual_key"]["value"].as_str().unwrap());
    server.time.advance_seconds(3_600);
    let key = holder.get("/v1/quota").expect(200).json()["virtual_key"].clone();
    assert_eq!(
        (&key["is_active"], &key["expires_at"]),
        (&json!(false), &json!("2026-06-01T13:00:00Z"))
    );
}

#[test]
fn a_user_has_no_more_keys_than_can_be_looked_after() {
    let server = with_holder();
    let client = &server.client;
    // One came with the copy.
    let made = server.change(move |work| {
        for number in 1..MAX_OF_USER - 1 {
            let key = NewVirtualKey {
                user_id: 1,
                copy_id: None,
                name: format!("key {number}"),
                description: String::new(),
                is_managed: false,
                expires_at: None,
            };
            virtual_keys::insert(work, &key, &format!("{number:012}"), [7; 32])?;
        }
        Ok(())
    });
    made.unwrap();
    let path = "/api/users/1/virtual-keys";
    client.post(path, &json!({})).expect(200);
    for path in [path, "/api/users/1/access-profiles/1/virtual-keys"] {
        let refused = client.post(path, &json!({}));
        refused.expect_refusal(409, "conflict", "too_many_virtual_keys");
        assert!(refused.message().contains("1000"), "{}", refused.message());
    }
    client
        .delete("/api/users/1/access-profiles/virtual-keys/000000000001")
        .expect(200);
    client.post(path, &json!({})).expect(200);
}
