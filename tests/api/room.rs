//! What is said where there is no room, and what gives room back.

use serde_json::{Value, json};
use tollkeeper::domain::settings::OnExpiry;

use crate::support::holders::{Holder, call, policy, reservation_id, two_providers};
use crate::support::{Client, Reply, Server};

fn extend(client: &Client, id: &str, cost: f64) -> Reply {
    let body = json!({ "estimated_cost": cost });
    client.post(&format!("/v1/reservations/{id}/extend"), &body)
}

fn charge(client: &Client, holder: &Holder, cost: f64, request_id: &str) -> Reply {
    let more = json!({ "tokens": 1, "cost": cost, "request_id": request_id });
    client.post("/v1/usage", &call(&holder.key, &more))
}

/// Calls, and refusals by reason, of everybody in all.
fn totals(client: &Client) -> Value {
    client.get("/api/usage").expect(200).json()["totals"].clone()
}

#[track_caller]
fn wait_seconds(refused: &Reply) -> i64 {
    let header = refused.header("retry-after").unwrap().parse().unwrap();
    let ms = refused.json()["extra_fields"]["retry_after_ms"].as_i64();
    assert_eq!(ms, Some(header * 1_000));
    header
}

/// A refusal that waiting does not change.
#[track_caller]
fn expect_never(refused: &Reply, by_how_much: &str) {
    assert_eq!(refused.header("retry-after"), None, "{}", refused.text);
    let extra = &refused.json()["extra_fields"];
    assert_eq!(extra["retry_after_ms"], Value::Null);
    let message = refused.message();
    assert!(message.contains(by_how_much), "{message}");
    assert!(!message.contains("resets at"), "{message}");
}

#[test]
fn an_extension_is_refused_as_a_reservation_is_but_is_not_told_to_wait() {
    let server = Server::start();
    let client = &server.client;
    let budgets = json!({ "budgets": [{ "max_limit": 5, "reset_duration": "1m" }, { "max_limit": 5, "reset_duration": "1d" }] });
    let ada = client.make_holder("ada", &two_providers(&budgets));
    let made = client.reserve(&ada.key, &json!({ "estimated_cost": 4 }));
    let id = reservation_id(&made.expect(201));
    let other = client.reserve(&ada.key, &json!({ "estimated_cost": 1 }));
    other.expect(201);
    let reserved = client.reserve(&ada.key, &json!({ "estimated_cost": 2 }));
    let reserved = reserved.expect(402);
    let extended = extend(client, &id, 4.5).expect(402);
    // Both name the one that resets last.
    assert_eq!(wait_seconds(&reserved), 86_400);
    expect_never(&extended, "no later one gives it room");
    assert_eq!(
        reserved.json()["extra_fields"]["limit"],
        extended.json()["extra_fields"]["limit"]
    );
    assert!(
        extended.message().contains("$0.5 asked for"),
        "{}",
        extended.text
    );
    // What comes on top fits into the limit by itself, but the whole does not.
    let extended = extend(client, &id, 5.5).expect(402);
    expect_never(&extended, "$0.5 more than the whole limit");
    assert_eq!(totals(client)["refusals"]["budget_exceeded"], 3);
}

#[test]
fn a_refusal_says_when_the_last_limit_without_room_resets() {
    let server = Server::start();
    let client = &server.client;
    let limits = json!({
        "budgets": [{ "max_limit": 1, "reset_duration": "1m" }],
        "rate_limit": { "request_max_limit": 1, "request_reset_duration": "1d" }
    });
    let ada = client.make_holder("ada", &two_providers(&limits));
    client
        .reserve(&ada.key, &json!({ "estimated_cost": 1 }))
        .expect(201);
    let refused = client
        .reserve(&ada.key, &json!({ "estimated_cost": 1 }))
        .expect(402);
    assert_eq!(wait_seconds(&refused), 86_400);
    assert_eq!(
        refused.json()["extra_fields"]["limit"]["reset_duration"],
        "1m"
    );
}

#[test]
fn the_refusal_of_a_limit_of_nothing_says_what_every_other_says() {
    let server = Server::start();
    let client = &server.client;
    let nothing = json!({ "budgets": [{ "max_limit": 0, "reset_duration": "1d" }] });
    let ada = client.make_holder("ada", &two_providers(&nothing));
    let refused = client
        .reserve(&ada.key, &json!({ "estimated_cost": 1 }))
        .expect(402);
    assert_eq!(
        refused.message(),
        "the budget of $0 every 1d (total) has no room: $0 used, $0 held, $1 asked for; it lets nothing in, however \
         long one waits: have it raised"
    );
    expect_never(&refused, "it lets nothing in");
}

#[test]
fn a_call_that_is_larger_than_a_limit_is_not_told_to_wait() {
    let server = Server::start_with(|settings| settings.decisions.rate_limit_headers = true);
    let client = &server.client;
    let limits = json!({
        "budgets": [{ "max_limit": 3, "reset_duration": "10s" }, { "max_limit": 2, "reset_duration": "1d" },
                    { "max_limit": 9, "reset_duration": "1M" }],
        "rate_limit": { "token_max_limit": 100, "token_reset_duration": "10s",
                        "request_max_limit": 1, "request_reset_duration": "10s" }
    });
    let ada = client.make_holder("ada", &two_providers(&limits));
    // It fits to the last nanodollar and token, and one more never does, however soon the window ends.
    let fits = json!({ "estimated_cost": 2, "estimated_tokens": 100 });
    let held = reservation_id(&client.reserve(&ada.key, &fits).expect(201));
    client
        .delete(&format!("/v1/reservations/{held}"))
        .expect(200);
    let refused = client.reserve(&ada.key, &json!({ "estimated_tokens": 101 }));
    expect_never(&refused.expect(429), "1 more than the whole limit");
    // Of several that are too small the smallest is named.
    let refused = client.reserve(&ada.key, &json!({ "estimated_cost": 3.000_000_001 }));
    let refused = refused.expect(402);
    expect_never(&refused, "$1.000000001 more than the whole limit");
    assert_eq!(refused.json()["extra_fields"]["limit"]["max_limit"], 2);
    assert!(refused.header("ratelimit").is_some());
    // What is only used up at present does not hide what never fits.
    client.reserve(&ada.key, &fits).expect(201);
    let both = json!({ "estimated_cost": 2, "estimated_tokens": 101 });
    let refused = client.reserve(&ada.key, &both);
    expect_never(&refused.expect(429), "1 more than the whole limit");
    // Forward-auth says the same, and one request more than there are at present is told to wait.
    let asked = |headers: &[(&str, &str)]| client.raw("GET", "/v1/forward-auth", headers, None);
    let key = ("x-api-key", ada.key.as_str());
    wait_seconds(&asked(&[key, ("x-model", "gpt-5")]));
    let nothing = json!({ "budgets": [{ "max_limit": 0, "reset_duration": "10s" }] });
    let bob = client.make_holder("bob", &two_providers(&nothing));
    let key = ("x-api-key", bob.key.as_str());
    let refused = asked(&[key, ("x-model", "gpt-5")]).expect(402);
    expect_never(&refused, "it lets nothing in");
}

#[test]
fn who_has_a_line_or_a_profile_that_will_have_room_is_told_when() {
    let server = Server::start();
    let client = &server.client;
    let small = json!({ "provider_configs": [
        { "provider_name": "openai", "all_models_allowed": true, "budgets": [{ "max_limit": 1, "reset_duration": "1d" }] },
        { "provider_name": "azure", "all_models_allowed": true, "budgets": [{ "max_limit": 5, "reset_duration": "1h" }] }
    ] });
    let ada = client.make_holder("ada", &small);
    let body = json!({ "estimated_cost": 4, "provider": null });
    client.reserve(&ada.key, &body).expect(201);
    let refused = client.reserve(&ada.key, &body).expect(402);
    assert_eq!(wait_seconds(&refused), 3_600);
    // The same among profiles: the first is too small for the call, the second is used up for a minute.
    let first = json!({ "budgets": [{ "max_limit": 1, "reset_duration": "1d" }] });
    let bob = client.make_holder("bob", &two_providers(&first));
    let mut second =
        two_providers(&json!({ "budgets": [{ "max_limit": 5, "reset_duration": "1m" }] }));
    second["name"] = json!("larger");
    let second = client.create_profile(&second)["id"].as_i64().unwrap();
    client.assign(bob.user_id.parse().unwrap(), second);
    client
        .reserve(&bob.key, &json!({ "estimated_cost": 4 }))
        .expect(201);
    let refused = client.reserve(&bob.key, &json!({ "estimated_cost": 4 }));
    let refused = refused.expect(402);
    assert_eq!(wait_seconds(&refused), 60);
    assert_eq!(refused.json()["extra_fields"]["access_profile_id"], second);
}

#[test]
fn a_hold_that_is_released_gives_its_request_back() {
    let server = Server::start_with(|settings| settings.decisions.on_expiry = OnExpiry::Release);
    let client = &server.client;
    let ada = client.make_holder("ada", &policy());
    let mut ids = Vec::new();
    for _ in 0..5 {
        let made = client.reserve(&ada.key, &json!({ "estimated_cost": 1 }));
        ids.push(reservation_id(&made.expect(201)));
    }
    client.reserve(&ada.key, &json!({})).expect(429);
    server.time.advance_seconds(600);
    let used = || {
        let path = format!("/api/users/{}/access-profiles", ada.user_id);
        let copy = client.get(&path).expect(200).json()["access_profiles"][0].clone();
        copy["rate_limit"]["request_current_usage"]
            .as_i64()
            .unwrap()
    };
    client.get("/v1/reservations").expect(200);
    assert_eq!((used(), totals(client)["calls"].as_i64()), (0, Some(0)));
    // It was made after all, and so was its request; the others were not.
    client.settle(&ids[0], 1, 1.0).expect(200);
    client.settle(&ids[0], 1, 1.0).expect(200);
    let cancelled = client.delete(&format!("/v1/reservations/{}", ids[1]));
    cancelled.expect(200);
    assert_eq!((used(), totals(client)["calls"].as_i64()), (1, Some(1)));
}

#[test]
fn a_request_id_means_one_reservation_and_one_charge() {
    let server = Server::start();
    let client = &server.client;
    let ada = client.make_holder("ada", &policy());
    let made = client.reserve(&ada.key, &json!({ "request_id": "q1" }));
    let id = reservation_id(&made.expect(201));
    client.delete(&format!("/v1/reservations/{id}")).expect(200);
    charge(client, &ada, 1.0, "q1").expect(201);
    charge(client, &ada, 1.0, "q1").expect(200);
    client
        .reserve(&ada.key, &json!({ "request_id": "q1" }))
        .expect(409);
    for other in [
        charge(client, &ada, 2.0, "q1"),
        client.reserve(&ada.key, &json!({ "request_id": "q1", "model": "o3" })),
    ] {
        let other = other.expect(422).json();
        assert_eq!(other["error"]["param"], "request_id");
        let message = other["error"]["message"].as_str().unwrap();
        assert!(message.starts_with("this request_id"), "{message}");
    }
}

#[test]
fn the_list_of_holds_says_what_is_held() {
    let server = Server::start();
    let client = &server.client;
    let ada = client.make_holder("ada", &policy());
    let more = json!({ "estimated_cost": 0.9, "max_hold": 0.1, "estimated_tokens": 7 });
    client.reserve(&ada.key, &more).expect(201);
    let hold = client.get("/v1/reservations").expect(200).json()["reservations"][0].clone();
    assert_eq!(hold["estimated_cost"].to_string(), "0.9");
    assert_eq!(hold["held_cost"].to_string(), "0.1");
    assert_eq!(hold["held_tokens"], 7);
}

#[test]
fn the_history_is_grouped_by_the_names_of_its_fields() {
    let server = Server::start();
    let client = &server.client;
    let ada = client.make_holder("ada", &policy());
    charge(client, &ada, 1.0, "q1").expect(201);
    let rows = |groups: &str| {
        client
            .get(&format!("/api/usage?group_by={groups}"))
            .expect(200)
            .json()["usage"]
            .clone()
    };
    assert_eq!(
        rows("user_id,access_profile_id"),
        rows("user,access_profile")
    );
    assert_eq!(rows("user_id")[0]["user_id"], json!(ada.user_id));
    assert_eq!(client.get("/api/usage?group_by=provider_id").status, 400);
}
