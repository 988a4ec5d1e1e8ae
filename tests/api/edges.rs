//! Decisions at their edges: the largest amounts and none at all, and clocks that go back.

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

#[test]
fn the_largest_amounts_of_one_user_do_not_stop_the_decisions_of_others() {
    let server = Server::start();
    let client = &server.client;
    let (ada, bob) = (
        client.make_holder("ada", &policy()),
        client.make_holder("bob", &policy()),
    );
    for number in 0..12 {
        let most = json!({ "cost": 1_000_000_000, "tokens": 9_007_199_254_740_991_i64, "request_id": format!("u-{number}") });
        charge(client, &ada.key, &most).expect(201);
    }
    client
        .reserve(&ada.key, &json!({}))
        .expect_refusal(402, "budget_exceeded", "budget_exceeded");
    let held = client.reserve(&bob.key, &json!({ "estimated_cost": 1 }));
    client
        .settle(&reservation_id(&held.expect(201)), 1, 1.0)
        .expect(200);
    // A hold that expires is written down too, and so it is after a restart.
    let vast = two_providers(&json!({}));
    let eve = client.make_holder("eve", &vast);
    for _ in 0..12 {
        let most = json!({ "estimated_cost": 1_000_000_000, "estimated_tokens": 9_007_199_254_740_991_i64 });
        client.reserve(&eve.key, &most).expect(201);
    }
    server.time.advance_seconds(600);
    client
        .reserve(&bob.key, &json!({ "estimated_cost": 1 }))
        .expect(201);
    let server = server.restart();
    let client = &server.client;
    client
        .reserve(&bob.key, &json!({ "estimated_cost": 1 }))
        .expect(201);
    assert_eq!(
        client.get("/v1/reservations").expect(200).json()["total_count"],
        2
    );
}

#[test]
fn holds_beyond_what_a_number_can_be_leave_the_right_rest() {
    let server = Server::start();
    let client = &server.client;
    let eve = client.make_holder("eve", &two_providers(&json!({})));
    let most = json!({ "estimated_cost": 1_000_000_000 });
    let held: Vec<String> = (0..12)
        .map(|_| reservation_id(&client.reserve(&eve.key, &most).expect(201)))
        .collect();
    let budgets = json!({ "budgets": [{ "max_limit": 1, "reset_duration": "1d" }] });
    client.change_profile(eve.profile_id, &budgets);
    client.propagate(eve.profile_id, &json!({ "fields": ["budgets"] }));
    for asked in [
        json!({ "estimated_cost": 0.5 }),
        json!({ "estimated_cost": 0 }),
        json!({}),
    ] {
        let refused = client.reserve(&eve.key, &asked);
        refused.expect_refusal(402, "budget_exceeded", "budget_exceeded");
    }
    for id in &held {
        client.settle(id, 0, 0.0).expect(200);
    }
    let fits = client
        .reserve(&eve.key, &json!({ "estimated_cost": 0.5 }))
        .expect(201);
    assert_eq!(budget(&fits)["held"].to_string(), "0.5");
}

#[test]
fn a_clock_that_goes_back_revives_no_key_and_no_copy() {
    let server = Server::start();
    let client = &server.client;
    let ada = client.make_holder("ada", &policy());
    let body = json!({ "name": "short", "expires_at": "2026-06-01T13:00:00Z" });
    let path = format!("/api/users/{}/virtual-keys", ada.user_id);
    let short = client.post(&path, &body).expect(200).json();
    let short = short["virtual_key"]["value"].as_str().unwrap().to_owned();
    let profile = client.create_profile(
        &json!({ "name": "other", "provider_configs": policy()["provider_configs"] }),
    );
    let body = json!({ "access_profile_id": profile["id"], "expires_at": "2026-06-01T13:00:00Z" });
    let bob = client.create_person("bob");
    let given = client
        .post(&format!("/api/users/{bob}/access-profiles"), &body)
        .expect(201)
        .json();
    let bob = given["virtual_key"]["value"].as_str().unwrap().to_owned();
    let path = format!("/api/virtual-keys/{}/rotate", ada.key_id());
    let rotated = client
        .post(&path, &json!({ "grace": "1h" }))
        .expect(200)
        .json();
    let new = rotated["virtual_key"]["value"].as_str().unwrap().to_owned();
    for key in [&short, &bob, &ada.key] {
        client.reserve(key, &json!({})).expect(201);
    }
    server.time.advance_seconds(2 * 3_600);
    let blocked = |client: &Client| {
        for (key, status) in [(&short, 403), (&bob, 403), (&ada.key, 401)] {
            client.reserve(key, &json!({})).expect(status);
            let body = call(key, &json!({}));
            let explained = client.post("/v1/explain", &body).expect(200).json();
            assert_eq!(explained["status_code"], status);
        }
    };
    blocked(client);
    server.time.advance_seconds(-2 * 3_600);
    blocked(client);
    client.reserve(&new, &json!({})).expect(201);
    let server = server.restart();
    let client = &server.client;
    blocked(client);
    client.reserve(&new, &json!({})).expect(201);
}

#[test]
fn a_call_that_claims_to_cost_nothing_fits_a_limit_until_it_is_used_up() {
    let server = Server::start();
    let client = &server.client;
    let budgets = json!({ "budgets": [{ "max_limit": 1, "reset_duration": "1d" }] });
    let ada = client.make_holder("ada", &two_providers(&budgets));
    let free = json!({ "estimated_cost": 0 });
    client.reserve(&ada.key, &free).expect(201);
    let all_but_the_last = json!({ "estimated_cost": 0.999_999_999 });
    let held = client.reserve(&ada.key, &all_but_the_last).expect(201);
    client.reserve(&ada.key, &free).expect(201);
    let last = json!({ "estimated_cost": 0.000_000_001 });
    client.reserve(&ada.key, &last).expect(201);
    // What is held is as good as spent, and what is spent is spent.
    let used_up = |used: &str, held: &str| {
        for estimate in [free.clone(), json!({})] {
            let refused = client.reserve(&ada.key, &estimate);
            refused.expect_refusal(402, "budget_exceeded", "budget_exceeded");
            let told =
                format!("the budget of $1 every 1d (total) is used up: ${used} used, ${held} held");
            assert!(refused.message().starts_with(&told), "{}", refused.text);
        }
    };
    used_up("0", "1");
    client.settle(&reservation_id(&held), 1, 1.0).expect(200);
    used_up("1", "0.000000001");
    let explained = client.post("/v1/explain", &call(&ada.key, &free));
    let limit = explained.expect(200).json()["access_profiles"][0]["limits"][0].clone();
    assert_eq!(limit["fits"], false, "{limit}");
    let asked = [("x-bf-vk", ada.key.as_str()), ("x-model", "gpt-5")];
    client
        .raw("GET", "/v1/forward-auth", &asked, None)
        .expect(402);
    let nothing = json!({ "budgets": [{ "max_limit": 0, "reset_duration": "1d" }] });
    let bob = client.make_holder("bob", &two_providers(&nothing));
    let refused = client.reserve(&bob.key, &json!({ "estimated_cost": 0 }));
    refused.expect_refusal(402, "budget_exceeded", "budget_exceeded");
    assert!(
        refused.message().contains("lets nothing in"),
        "{}",
        refused.text
    );
    let never = client
        .reserve(&ada.key, &json!({ "estimated_cost": 1.5 }))
        .expect(402);
    assert!(never.message().contains("never fits"), "{}", never.text);
}
