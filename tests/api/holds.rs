//! What is held, for how long, and for whom: the next provider with room, extensions, request ids that come again, caps.

use serde_json::{Value, json};

use crate::support::holders::{call, policy, reservation_id, two_providers};
use crate::support::{Client, Reply, Server};

/// The limit of an answer that counts money.
#[track_caller]
fn budget(reply: &Reply) -> Value {
    let limits = reply.json()["limits"].as_array().unwrap().clone();
    let mut budgets = limits.into_iter().filter(|limit| limit["kind"] == "budget");
    budgets.next().unwrap()
}

fn charge(client: &Client, key: &str, more: &Value) -> Reply {
    let mut body = json!({ "virtual_key": key, "provider": "openai", "model": "gpt-5", "tokens": 1, "cost": 1 });
    if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
        body.extend(more.clone());
    }
    client.post("/v1/usage", &body)
}

fn extend(client: &Client, id: &str, body: &Value) -> Reply {
    client.post(&format!("/v1/reservations/{id}/extend"), body)
}

#[test]
fn a_call_without_a_provider_takes_the_next_line_that_has_room() {
    let server = Server::start();
    let client = &server.client;
    let mut policy = two_providers(&json!({}));
    policy["provider_configs"][0]["budgets"] = json!([{ "max_limit": 1, "reset_duration": "1d" }]);
    policy["provider_configs"][1]["budgets"] = json!([{ "max_limit": 2, "reset_duration": "1d" }]);
    let ada = client.make_holder("ada", &policy);
    let body = json!({ "virtual_key": ada.key, "model": "any", "estimated_cost": 1 });
    for provider in ["openai", "anthropic", "anthropic"] {
        let explained = client.post("/v1/explain", &body).expect(200).json();
        assert_eq!(
            (&explained["allowed"], &explained["provider"]),
            (&json!(true), &json!(provider))
        );
        let lines = &explained["access_profiles"][0]["providers"];
        let first = if provider == "openai" {
            "granted"
        } else {
            "budget_exceeded"
        };
        assert_eq!(
            (&lines[0]["outcome"], &lines[1]["outcome"]),
            (&json!(first), &json!("granted"))
        );
        let made = client.post("/v1/reservations", &body).expect(201).json();
        assert_eq!(made["provider"], provider);
    }
    let explained = client.post("/v1/explain", &body).expect(200).json();
    assert_eq!(explained["type"], "budget_exceeded");
    assert_eq!(
        explained["access_profiles"][0]["limits"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let refused = client.post("/v1/reservations", &body);
    assert_eq!(refused.message(), explained["message"]);
    // Whoever names the provider gets no other.
    client
        .reserve(&ada.key, &json!({ "estimated_cost": 1 }))
        .expect_refusal(402, "budget_exceeded", "budget_exceeded");
}

#[test]
fn what_would_not_be_reserved_is_not_extended_either() {
    let server = Server::start();
    let client = &server.client;
    let hold_one = |key: &str| {
        reservation_id(
            &client
                .reserve(key, &json!({ "estimated_cost": 1 }))
                .expect(201),
        )
    };
    let longer = json!({ "ttl": "10m" });
    // The provider goes.
    let ada = client.make_holder("ada", &two_providers(&json!({})));
    let held = hold_one(&ada.key);
    extend(client, &held, &longer).expect(200);
    let only = json!({ "provider_configs": [{ "provider_name": "anthropic", "all_models_allowed": true }] });
    client.change_profile(ada.profile_id, &only);
    client.propagate(ada.profile_id, &json!({ "fields": ["provider_configs"] }));
    extend(client, &held, &longer).expect_refusal(403, "provider_blocked", "provider_blocked");
    // The key goes.
    let bob = client.make_holder("bob", &policy());
    let held = hold_one(&bob.key);
    let path = format!(
        "/api/users/{}/access-profiles/virtual-keys/{}",
        bob.user_id,
        bob.key_id()
    );
    client.delete(&path).expect(200);
    extend(client, &held, &longer).expect_refusal(401, "access_not_found", "access_not_found");
    let list = client.get("/v1/reservations?limit=500").expect(200).json();
    let keys: Vec<&Value> = list["reservations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["virtual_key_id"])
        .collect();
    assert_eq!(keys, [&json!(ada.key_id()), &Value::Null]);
    client.settle(&held, 1, 1.0).expect(200);
    // The copy goes, the key stays.
    let eve = client.make_holder("eve", &policy());
    let second = client.create_profile(&json!({ "name": "second" }));
    client.assign(eve.user_id.parse().unwrap(), second["id"].as_i64().unwrap());
    let path = format!("/api/users/{}/virtual-keys", eve.user_id);
    let large = client.post(&path, &json!({})).expect(200).json();
    let held = hold_one(large["virtual_key"]["value"].as_str().unwrap());
    let path = format!(
        "/api/users/{}/access-profiles/{}",
        eve.user_id, eve.profile_id
    );
    client.delete(&path).expect(200);
    let gone = extend(client, &held, &longer).expect(409);
    assert_eq!(gone.code(), "access_profile_gone");
    client
        .delete(&format!("/v1/reservations/{held}"))
        .expect(200);
}

#[test]
fn a_request_id_of_a_reservation_that_is_over_lets_no_further_call_in() {
    let server = Server::start();
    let client = &server.client;
    let ada = client.make_holder("ada", &policy());
    let ask =
        |id: &str| client.reserve(&ada.key, &json!({ "estimated_cost": 1, "request_id": id }));
    let ids: Vec<String> = ["a", "b", "c"]
        .iter()
        .map(|id| reservation_id(&ask(id).expect(201)))
        .collect();
    // While it is open it is the same one, with what it holds now.
    extend(client, &ids[0], &json!({ "estimated_cost": 2 })).expect(200);
    let again = ask("a").expect(200);
    assert_eq!(reservation_id(&again), ids[0]);
    assert_eq!(budget(&again)["held"], 4);
    client.settle(&ids[0], 1, 0.5).expect(200);
    client
        .delete(&format!("/v1/reservations/{}", ids[1]))
        .expect(200);
    server.time.advance_seconds(3_600);
    for (id, how) in [
        ("a", "was settled"),
        ("b", "was cancelled"),
        ("c", "has expired"),
    ] {
        let over = ask(id).expect(409);
        assert_eq!(over.code(), "reservation_closed");
        assert!(over.message().contains(how), "{}", over.text);
        assert!(over.message().contains("new request_id"), "{}", over.text);
    }
    ask("d").expect(201);
}

#[test]
fn a_hold_is_capped_but_its_expiry_is_charged_as_estimated() {
    let server = Server::start();
    let client = &server.client;
    let ada = client.make_holder("ada", &policy());
    let ask = json!({ "estimated_cost": 6, "max_hold": 0.25 });
    for _ in 0..2 {
        let body = call(&ada.key, &ask);
        let explained = client.post("/v1/explain", &body).expect(200).json();
        let limits = explained["access_profiles"][0]["limits"]
            .as_array()
            .unwrap()
            .clone();
        let asked = limits
            .iter()
            .find(|limit| limit["kind"] == "budget")
            .unwrap()["asked"]
            .clone();
        assert_eq!(asked.to_string(), "0.25");
        client.reserve(&ada.key, &ask).expect(201);
    }
    let third = client.reserve(&ada.key, &ask).expect(201);
    assert_eq!(budget(&third)["held"].to_string(), "0.75");
    let more = extend(
        client,
        &reservation_id(&third),
        &json!({ "estimated_cost": 7 }),
    )
    .expect(200);
    assert_eq!(budget(&more)["held"].to_string(), "0.75");
    server.time.advance_seconds(600);
    let full = client.reserve(&ada.key, &json!({}));
    let refused = full.expect_refusal(402, "budget_exceeded", "budget_exceeded");
    assert_eq!(refused["extra_fields"]["limit"]["used"], 19);
    for wrong in [json!(0), json!(-1), json!("1")] {
        let refused = client.reserve(&ada.key, &json!({ "max_hold": wrong }));
        assert_eq!(refused.violations().len(), 1, "{}", refused.text);
    }
}

#[test]
fn a_call_that_forward_auth_has_counted_is_charged_without_counting_it_again() {
    let server = Server::start();
    let client = &server.client;
    let ada = client.make_holder("ada", &policy());
    let limit = |reply: &Reply| {
        let limits = reply.json()["limits"].as_array().unwrap().clone();
        let requests = limits
            .iter()
            .find(|limit| limit["kind"] == "requests")
            .unwrap();
        requests["used"].clone()
    };
    let counted = json!({ "request_id": "u-1", "requests": 0 });
    let first = charge(client, &ada.key, &counted).expect(201);
    assert_eq!(
        (&limit(&first), &budget(&first)["used"]),
        (&json!(0), &json!(1))
    );
    charge(client, &ada.key, &counted).expect(200);
    charge(client, &ada.key, &json!({ "request_id": "u-1" })).expect(422);
    let second = charge(client, &ada.key, &json!({ "request_id": "u-2" })).expect(201);
    assert_eq!(limit(&second), 1);
    let usage = client.get("/api/usage").expect(200).json();
    assert_eq!(
        (&usage["totals"]["calls"], &usage["totals"]["cost"]),
        (&json!(1), &json!(2))
    );
    let wrong = charge(
        client,
        &ada.key,
        &json!({ "request_id": "u-3", "requests": 2 }),
    );
    assert_eq!(wrong.violations().len(), 1, "{}", wrong.text);
}
