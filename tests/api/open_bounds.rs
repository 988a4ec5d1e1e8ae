//! How many reservations one virtual key and one management key may have open.

use serde_json::json;

use crate::support::holders::{reservation_id, two_providers};
use crate::support::{Reply, Server};

fn bounded(per_virtual_key: u32, per_management_key: u32) -> Server {
    Server::start_with(|settings| {
        settings.decisions.max_open_per_virtual_key = per_virtual_key;
        settings.decisions.max_open_per_management_key = per_management_key;
    })
}

#[track_caller]
fn too_many(reply: &Reply, setting: &str) {
    reply.expect_refusal(429, "rate_limited", "too_many_open_reservations");
    assert!(reply.message().contains(setting), "{}", reply.text);
    assert!(reply.header("retry-after").is_some(), "{reply:?}");
}

#[test]
fn a_virtual_key_has_so_many_reservations_open_and_no_more_and_others_are_not_held_up() {
    let server = bounded(3, 100);
    let client = &server.client;
    let ada = client.make_holder("ada", &two_providers(&json!({})));
    let bob = client.make_holder("bob", &two_providers(&json!({})));
    let ask = || client.reserve(&ada.key, &json!({}));
    let held: Vec<_> = (0..3).map(|_| reservation_id(&ask().expect(201))).collect();
    too_many(&ask(), "max_open_per_virtual_key");
    client.reserve(&bob.key, &json!({})).expect(201);
    // What is reported and what forward-auth counts holds nothing.
    let body = json!({ "virtual_key": ada.key, "provider": "openai", "model": "m", "tokens": 1, "cost": 1, "request_id": "u" });
    client.post("/v1/usage", &body).expect(201);
    let holder = client.with_virtual_key(&ada.key);
    holder
        .send("GET", "/v1/forward-auth", &[("x-model", "m")], None)
        .expect(200);
    client.settle(&held[0], 1, 0.0).expect(200);
    ask().expect(201);
    too_many(&ask(), "max_open_per_virtual_key");
    client
        .delete(&format!("/v1/reservations/{}", held[1]))
        .expect(200);
    ask().expect(201);
    server.time.advance_seconds(600);
    ask().expect(201);
}

#[test]
fn a_management_key_has_so_many_reservations_open_and_others_have_their_own() {
    let server = bounded(100, 2);
    let keys: Vec<_> = ["ada", "bob", "eve"]
        .map(|name| {
            server
                .client
                .make_holder(name, &two_providers(&json!({})))
                .key
        })
        .into();
    let (_, first) = server.client.make_key("first", &["Decisions:Create"]);
    let (_, second) = server.client.make_key("second", &["Decisions:Create"]);
    first.reserve(&keys[0], &json!({})).expect(201);
    first.reserve(&keys[1], &json!({})).expect(201);
    too_many(
        &first.reserve(&keys[2], &json!({})),
        "max_open_per_management_key",
    );
    second.reserve(&keys[2], &json!({})).expect(201);
}
