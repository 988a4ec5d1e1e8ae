//! Forward-auth that holds what a call may cost, and what becomes of such a hold.

use std::thread;

use serde_json::{Value, json};
use tollkeeper::domain::settings::{OnExpiry, UnknownPrice};

use crate::support::holders::Holder;
use crate::support::{Client, Reply, Server};

const HOLD: &str = "/v1/forward-auth?hold=1";
const CHAT: &str = "/v1/forward-auth/v1/chat/completions";
const JSON: (&str, &str) = ("content-type", "application/json");

fn start() -> (Server, Holder) {
    start_with(|_| {})
}

fn start_with(change: impl FnOnce(&mut tollkeeper::config::Settings)) -> (Server, Holder) {
    let server = Server::start_with(change);
    let policy = json!({
        "provider_configs": [
            { "provider_name": "anthropic", "allowed_models": ["claude-*"] },
            { "provider_name": "openai", "allowed_models": ["gpt-4o", "mystery"] },
        ],
        "budgets": [{ "max_limit": 1, "reset_duration": "1d" }],
        "rate_limit": { "request_max_limit": 100, "request_reset_duration": "1d" },
    });
    let holder = server.client.make_holder("ada", &policy);
    (server, holder)
}

fn ask(
    client: &Client,
    path: &str,
    key: &str,
    more: &[(&str, &str)],
    body: Option<&Value>,
) -> Reply {
    let kind: &[(&str, &str)] = if body.is_some() { &[JSON] } else { &[] };
    let headers = [&[("x-api-key", key)], kind, more].concat();
    let body = body.map(|body| body.to_string().into_bytes());
    client.raw("POST", path, &headers, body.as_deref())
}

/// What is spent and held of the budget, and how many requests are counted.
fn standing(server: &Server, holder: &Holder) -> (f64, f64, f64) {
    let quota = server.client.with_virtual_key(&holder.key).get("/v1/quota");
    let copy = &quota.expect(200).json()["access_profiles"][0];
    let budget = &copy["budgets"][0];
    let number = |value: &Value| value.as_f64().unwrap();
    (
        number(&budget["current_usage"]),
        number(&budget["held"]),
        number(&copy["rate_limit"]["request_current_usage"])
            + number(&copy["rate_limit"]["request_held"]),
    )
}

fn reservation(reply: &Reply) -> String {
    reply.header("x-tollkeeper-reservation").unwrap().to_owned()
}

fn chat(max_tokens: u32) -> Value {
    json!({ "model": "gpt-4o", "max_tokens": max_tokens, "messages": [] })
}

#[test]
fn what_a_call_may_cost_is_held_until_the_gateway_settles_it() {
    let (server, holder) = start();
    let (_, gateway) = server.client.make_key("gateway", &["Decisions:Create"]);
    let (_, reader) = server.client.make_key("reader", &["Decisions:View"]);
    let held_by = |path: &str, more: &[(&str, &str)]| {
        let reply = ask(&server.client, path, &holder.key, more, Some(&chat(10_000))).expect(200);
        assert_eq!(reply.header("x-tollkeeper-provider"), Some("openai"));
        reservation(&reply)
    };
    let id = held_by(HOLD, &[]);
    let (spent, held, counted) = standing(&server, &holder);
    // 10,000 × $10 a million, and some tokens of the prompt.
    assert!(
        spent < 1e-9 && (0.1..0.101).contains(&held) && (counted - 1.0).abs() < 1e-9,
        "{held}"
    );
    reader
        .settle(&id, 8, 0.01)
        .expect_refusal(403, "permission_error", "missing_permission");
    gateway.settle(&id, 108, 0.01).expect(200);
    assert_eq!(standing(&server, &holder), (0.01, 0.0, 1.0));
    // Where the gateway appends the path, a header of its own says so.
    let id = held_by(CHAT, &[("x-tollkeeper-hold", "1")]);
    gateway
        .delete(&format!("/v1/reservations/{id}"))
        .expect(200);
    assert_eq!(standing(&server, &holder), (0.01, 0.0, 1.0));
    let usage = json!({ "usage": { "prompt_tokens": 8, "completion_tokens": 100 } });
    let id = held_by(HOLD, &[]);
    let settled = gateway
        .post(&format!("/v1/reservations/{id}/settle"), &usage)
        .expect(200);
    assert_eq!(settled.json()["reservation"]["cost"], 0.00102);
    // It is no reservation that the key made, and nobody made it for others.
    assert_eq!(
        gateway.get("/v1/reservations").expect(200).json()["total_count"],
        0
    );
    let audit = server
        .client
        .get("/api/access-profiles/audit-logs")
        .expect(200)
        .text;
    assert!(!audit.contains("reservation."), "{audit}");
}

#[test]
fn of_eight_calls_in_flight_no_more_are_let_in_than_there_is_money_for() {
    let (server, holder) = start();
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let (client, key) = (server.client.clone(), holder.key.clone());
            thread::spawn(move || ask(&client, HOLD, &key, &[], Some(&chat(29_900))).status)
        })
        .collect();
    let mut statuses: Vec<u16> = calls.into_iter().map(|call| call.join().unwrap()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 402, 402, 402, 402, 402]);
}

#[test]
fn without_a_body_the_most_that_the_model_takes_and_answers_is_held() {
    let (server, holder) = start();
    let hold = |more: &[(&str, &str)]| ask(&server.client, HOLD, &holder.key, more, None);
    // 128,000 × $2.50 and 16,384 × $10 a million.
    hold(&[("x-model", "gpt-4o")]).expect(200);
    assert_eq!(standing(&server, &holder), (0.0, 0.48384, 1.0));
    hold(&[("x-model", "openai/gpt-4o"), ("x-provider", "OpenAI")]).expect(200);
    assert_eq!(standing(&server, &holder), (0.0, 0.96768, 2.0));
    hold(&[("x-model", "gpt-5")]).expect(403);
    // What is asked of the key alone, and what costs nothing, holds nothing.
    hold(&[]).expect(200);
    let count = "/v1/forward-auth/v1/messages/count_tokens";
    let body = json!({ "model": "gpt-4o" });
    let free = ask(
        &server.client,
        count,
        &holder.key,
        &[("x-tollkeeper-hold", "1")],
        Some(&body),
    );
    assert_eq!(free.expect(200).header("x-tollkeeper-reservation"), None);
    assert_eq!(standing(&server, &holder), (0.0, 0.96768, 2.0));
}

#[test]
fn a_model_without_a_price_is_not_held() {
    let (server, holder) = start();
    let hold = |path: &str, more: &[(&str, &str)], model: &str| {
        ask(
            &server.client,
            path,
            &holder.key,
            more,
            Some(&json!({ "model": model })),
        )
    };
    hold(HOLD, &[], "mystery").expect_refusal(403, "price_unknown", "price_unknown");
    hold(HOLD, &[("x-provider", "openai")], "mystery").expect_refusal(
        403,
        "price_unknown",
        "price_unknown",
    );
    let below = hold(CHAT, &[("x-tollkeeper-hold", "1")], "mystery").expect(403);
    assert_eq!(below.code(), "price_unknown");
    // Who may not use it is told that first.
    hold(HOLD, &[], "another mystery").expect_refusal(403, "model_blocked", "model_blocked");
    hold(HOLD, &[("x-provider", "nobody")], "mystery").expect_refusal(
        403,
        "provider_blocked",
        "provider_blocked",
    );
    // What is only counted needs no price.
    hold("/v1/forward-auth", &[], "mystery").expect(200);

    let (server, holder) = start_with(|settings| settings.prices.unknown = UnknownPrice::Tokens);
    let reply = ask(
        &server.client,
        HOLD,
        &holder.key,
        &[],
        Some(&json!({ "model": "mystery", "max_tokens": 10 })),
    );
    reservation(&reply.expect(200));
}

#[test]
fn nobody_gets_a_call_back_by_having_it_held() {
    for on_expiry in [OnExpiry::Charge, OnExpiry::Release] {
        let (server, holder) = start_with(|settings| settings.decisions.on_expiry = on_expiry);
        ask(
            &server.client,
            CHAT,
            &holder.key,
            &[("x-tollkeeper-hold", "1"), ("x-model", "gpt-4o")],
            None,
        )
        .expect(200);
        server.time.advance_seconds(601);
        assert_eq!(
            standing(&server, &holder),
            (0.48384, 0.0, 1.0),
            "{on_expiry:?}"
        );
    }
}

#[test]
fn only_a_management_key_ends_what_forward_auth_holds() {
    let (server, holder) = start();
    let id = reservation(&ask(&server.client, HOLD, &holder.key, &[], Some(&chat(10))).expect(200));
    let own = server.client.with_virtual_key(&holder.key);
    own.settle(&id, 0, 0.0).expect(401);
    own.delete(&format!("/v1/reservations/{id}")).expect(401);
    // What another management key made stays its own.
    let (_, one) = server.client.make_key("one", &["Decisions:Create"]);
    let (_, other) = server.client.make_key("other", &["Decisions:Create"]);
    let made = one
        .reserve(
            &holder.key,
            &json!({ "model": "gpt-4o", "estimated_cost": 0.01 }),
        )
        .expect(201);
    let made = made.json()["reservation"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    other
        .settle(&made, 1, 0.0)
        .expect_refusal(403, "permission_error", "not_own_reservation");
    other.settle(&id, 1, 0.0).expect(200);
}
