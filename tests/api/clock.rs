//! The clock jumps ahead and is put right: what had expired stays expired, what is given afterwards works.

use serde_json::{Value, json};

use crate::support::holders::{call, two_providers};
use crate::support::{Client, Server};

const DAY: i64 = 86_400;

/// Gives a new user a profile until a day of June 2026; answers the user and the virtual key.
fn give_until(client: &Client, name: &str, profile_id: i64, day: u32) -> (i64, String) {
    let user = client.create_person(name);
    let body = json!({ "access_profile_id": profile_id, "expires_at": format!("2026-06-{day}T12:00:00Z") });
    let path = format!("/api/users/{user}/access-profiles");
    let given = client.post(&path, &body).expect(201).json();
    let key = given["virtual_key"]["value"].as_str().unwrap();
    (user, key.to_owned())
}

/// What every place says about whether a user and the key work.
fn works(client: &Client, (user, key): &(i64, String)) -> [bool; 6] {
    let path = format!("/api/users/{user}/access-profiles");
    let copies = client.get(&path).expect(200).json();
    let path = format!("/api/users/{user}/virtual-keys");
    let listed = client.get(&path).expect(200).json()["virtual_keys"][0].clone();
    let id = listed["id"].as_str().unwrap();
    let shown = client
        .get(&format!("/api/virtual-keys/{id}"))
        .expect(200)
        .json();
    let explained = client
        .post("/v1/explain", &call(key, &json!({})))
        .expect(200)
        .json();
    let tools = client
        .with_virtual_key(key)
        .get("/v1/mcp/tools?mcp_server=files")
        .json();
    let is = |value: &Value| value == true;
    [
        is(&copies["access_profiles"][0]["is_active"]),
        is(&listed["is_active"]),
        is(&shown["virtual_key"]["is_active"]),
        is(&explained["allowed"]),
        is(&explained["access_profiles"][0]["is_active"]),
        client.reserve(key, &json!({})).status == 201 && tools["tools"].is_array(),
    ]
}

#[test]
fn a_jump_of_the_clock_ends_what_it_passed_and_nothing_that_comes_later() {
    let server = Server::start();
    let client = &server.client;
    let mut body = two_providers(&json!({}));
    body["name"] = json!("guests");
    let profile = client.create_profile(&body)["id"].as_i64().unwrap();
    let before = give_until(client, "ada", profile, 20);
    assert_eq!(works(client, &before), [true; 6]);
    server.time.advance_seconds(30 * DAY);
    assert_eq!(works(client, &before), [false; 6]);
    server.time.advance_seconds(-30 * DAY);
    let after = give_until(client, "bob", profile, 11);
    assert_eq!(works(client, &before), [false; 6]);
    assert_eq!(works(client, &after), [true; 6]);

    let server = server.restart();
    let client = &server.client;
    assert_eq!(works(client, &before), [false; 6]);
    assert_eq!(works(client, &after), [true; 6]);
    // It jumps again, less far.
    server.time.advance_seconds(12 * DAY);
    assert_eq!(works(client, &after), [false; 6]);
    server.time.advance_seconds(-12 * DAY);
    let last = give_until(client, "eve", profile, 11);
    let server = server.restart();
    let client = &server.client;
    assert_eq!(works(client, &before), [false; 6]);
    assert_eq!(works(client, &after), [false; 6]);
    assert_eq!(works(client, &last), [true; 6]);
    server.time.advance_seconds(10 * DAY);
    assert_eq!(works(client, &last), [false; 6]);
}
