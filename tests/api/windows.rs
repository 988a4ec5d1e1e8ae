//! A call belongs to the windows in which it was let in, wherever that is told.

use serde_json::{Value, json};

use crate::support::holders::{Holder, call, reservation_id, two_providers};
use crate::support::{Client, Reply, Server};

/// A dollar and 100 tokens a minute.
fn a_minute() -> Value {
    two_providers(&json!({
        "budgets": [{ "max_limit": 1, "reset_duration": "1m" }],
        "rate_limit": { "token_max_limit": 100, "token_reset_duration": "1m" }
    }))
}

fn reserve(client: &Client, holder: &Holder, tokens: i64, cost: f64) -> Reply {
    let asked = json!({ "estimated_tokens": tokens, "estimated_cost": cost });
    client.reserve(&holder.key, &asked)
}

fn extend(client: &Client, id: &str, body: &Value) -> Reply {
    client.post(&format!("/v1/reservations/{id}/extend"), body)
}

/// What is used and held of the budget and of the tokens: where the copy is shown, in the quota of the key, and where a call is explained.
fn told(client: &Client, holder: &Holder) -> [[Value; 4]; 3] {
    let of_copy = |copy: &Value| {
        let (budget, rates) = (&copy["budgets"][0], &copy["rate_limit"]);
        [
            budget["current_usage"].clone(),
            budget["held"].clone(),
            rates["token_current_usage"].clone(),
            rates["token_held"].clone(),
        ]
    };
    let quota = client.with_virtual_key(&holder.key).get("/v1/quota");
    let quota = quota.expect(200).json();
    let asked = call(&holder.key, &json!({}));
    let explained = client.post("/v1/explain", &asked).expect(200).json();
    let limits = explained["access_profiles"][0]["limits"].as_array();
    let limits = limits.unwrap_or_else(|| panic!("{explained}"));
    let limit = |kind: &str| limits.iter().find(|limit| limit["kind"] == kind).unwrap();
    let (budget, tokens) = (limit("budget"), limit("tokens"));
    [
        of_copy(&client.copy_of(holder.user_id.parse().unwrap(), holder.profile_id)),
        of_copy(&quota["access_profiles"][0]),
        [
            &budget["used"],
            &budget["held"],
            &tokens["used"],
            &tokens["held"],
        ]
        .map(Value::clone),
    ]
}

#[track_caller]
fn assert_told(client: &Client, holder: &Holder, budget: (f64, f64), tokens: (i64, i64)) {
    for told in told(client, holder) {
        let dollars = [&told[0], &told[1]].map(|value| value.as_f64().unwrap());
        assert_eq!((dollars[0], dollars[1]), budget);
        assert_eq!([&told[2], &told[3]], [&json!(tokens.0), &json!(tokens.1)]);
    }
}

/// Day, calls, tokens and dollars of the history.
fn days(client: &Client) -> Vec<(String, i64, i64, f64)> {
    let list = client.get("/api/usage?group_by=day").expect(200).json();
    let rows = list["usage"].as_array().unwrap().iter();
    rows.map(|row| {
        let number = |name: &str| row[name].as_i64().unwrap();
        let day = row["day"].as_str().unwrap().to_owned();
        (
            day,
            number("calls"),
            number("tokens"),
            row["cost"].as_f64().unwrap(),
        )
    })
    .collect()
}

#[test]
fn a_long_call_starves_no_later_window() {
    let server = Server::start();
    let client = &server.client;
    let ada = client.make_holder("ada", &a_minute());
    let long = reservation_id(&reserve(client, &ada, 80, 0.6).expect(201));
    reserve(client, &ada, 80, 0.6).expect(402);
    assert_told(client, &ada, (0.0, 0.6), (0, 80));
    server.time.advance_seconds(60);
    assert_told(client, &ada, (0.0, 0.0), (0, 0));
    let near = client.get("/api/usage/near-limits").expect(200).json();
    assert_eq!(near["total_count"], 0);
    let next = reservation_id(&reserve(client, &ada, 100, 1.0).expect(201));
    // The list of what is open shows both.
    let open = client.get("/v1/reservations").expect(200).json();
    assert_eq!(open["total_count"], 2);
    let settled = client.settle(&long, 500, 5.0).expect(200).json();
    assert_eq!(settled["limits"][0]["used"], 0);
    assert_told(client, &ada, (0.0, 1.0), (0, 100));
    client.settle(&next, 90, 0.5).expect(200);
    assert_told(client, &ada, (0.5, 0.0), (90, 0));
}

#[test]
fn an_extension_must_fit_into_the_window_of_its_call_after_a_restart_too() {
    let server = Server::start();
    let client = &server.client;
    let ada = client.make_holder("ada", &a_minute());
    let long = reservation_id(&reserve(client, &ada, 10, 0.5).expect(201));
    let other = reservation_id(&reserve(client, &ada, 10, 0.3).expect(201));
    server.time.advance_seconds(60);
    let next = reservation_id(&reserve(client, &ada, 10, 0.9).expect(201));
    let server = server.restart();
    let client = &server.client;
    let refused = extend(client, &long, &json!({ "estimated_cost": 0.8 }));
    refused.expect_refusal(402, "budget_exceeded", "budget_exceeded");
    assert_eq!(refused.header("retry-after"), None);
    let limit = &refused.json()["extra_fields"]["limit"];
    assert_eq!(limit["resets_at"], "2026-06-01T12:01:00Z");
    assert_eq!((&limit["used"], &limit["held"]), (&json!(0), &json!(0.8)));
    assert!(
        refused
            .message()
            .contains("make a new reservation for the rest"),
        "{}",
        refused.text
    );
    extend(
        client,
        &long,
        &json!({ "estimated_cost": 0.7, "ttl": "1h" }),
    )
    .expect(200);
    client.settle(&other, 10, 0.1).expect(200);
    extend(client, &long, &json!({ "estimated_cost": 0.9 })).expect(200);
    extend(client, &long, &json!({ "estimated_cost": 0.91 })).expect(402);
    assert_told(client, &ada, (0.0, 0.9), (0, 10));
    let server = server.restart();
    let client = &server.client;
    extend(client, &long, &json!({ "estimated_cost": 0.91 })).expect(402);
    client.settle(&next, 10, 0.9).expect(200);
    client.settle(&long, 10, 0.9).expect(200);
    assert_told(client, &ada, (0.9, 0.0), (10, 0));
}

#[test]
fn what_is_settled_late_is_charged_and_told_where_the_call_was_let_in() {
    let server = Server::start();
    let client = &server.client;
    let ada = client.make_holder("ada", &a_minute());
    server.time.advance_seconds(11 * 3_600 + 3_590);
    let expiring = reservation_id(&reserve(client, &ada, 80, 0.6).expect(201));
    server.time.advance_seconds(1_200);
    let of_first_of_june = |calls, tokens, cost| ("2026-06-01".to_owned(), calls, tokens, cost);
    assert_told(client, &ada, (0.0, 0.0), (0, 0));
    assert_eq!(days(client), [of_first_of_june(1, 80, 0.6)]);
    // Its windows are long gone: the history alone is corrected.
    client.settle(&expiring, 300, 3.0).expect(200);
    assert_told(client, &ada, (0.0, 0.0), (0, 0));
    assert_eq!(days(client), [of_first_of_june(1, 300, 3.0)]);
    // What was never let in belongs to the time of its report.
    let report = json!({ "tokens": 7, "cost": 0.5, "request_id": "late" });
    client
        .post("/v1/usage", &call(&ada.key, &report))
        .expect(201);
    assert_told(client, &ada, (0.5, 0.0), (7, 0));
    let second = ("2026-06-02".to_owned(), 1, 7, 0.5);
    let both = [of_first_of_june(1, 300, 3.0), second];
    assert_eq!(days(client), both);
    let server = server.restart();
    assert_eq!(days(&server.client), both);
}

#[test]
fn a_provider_that_answers_in_the_place_of_another_moves_no_call() {
    let server = Server::start();
    let client = &server.client;
    let mut policy = a_minute();
    for line in 0..2 {
        policy["provider_configs"][line]["budgets"] =
            json!([{ "max_limit": 1, "reset_duration": "1m" }]);
    }
    let ada = client.make_holder("ada", &policy);
    let price = |per_million: f64| {
        let price = json!({ "rates": { "input": per_million, "output": per_million } });
        client.put("/api/prices/anthropic/claude", &price)
    };
    price(1_000.0).expect(200);
    let id = reservation_id(&reserve(client, &ada, 10, 0.6).expect(201));
    server.time.advance_seconds(60);
    let usage = json!({ "input_tokens": 10, "output_tokens": 10 });
    let answered = json!({ "provider": "anthropic", "model": "claude", "usage": usage });
    let settle = client.post(&format!("/v1/reservations/{id}/settle"), &answered);
    settle.expect(200);
    assert_told(client, &ada, (0.0, 0.0), (0, 0));
    let copy = client.copy_of(ada.user_id.parse().unwrap(), ada.profile_id);
    for line in 0..2 {
        let budget = &copy["provider_configs"][line]["budgets"][0];
        assert_eq!(
            (&budget["current_usage"], &budget["held"]),
            (&json!(0), &json!(0))
        );
    }
    let list = client
        .get("/api/usage?group_by=provider")
        .expect(200)
        .json();
    let line = &list["usage"][0];
    assert_eq!(
        (&line["provider"], &line["cost"]),
        (&json!("openai"), &json!(0.02))
    );
}

#[test]
fn the_document_says_that_a_month_that_is_over_can_still_move() {
    let server = Server::start();
    let document = server.client.get("/openapi.json").expect(200).json();
    let says = |path: &str, method: &str| {
        let text = document["paths"][path][method]["description"].as_str();
        text.unwrap().to_owned()
    };
    assert!(says("/api/usage", "get").contains("a day or month that is over can still move"));
    let settle = says("/v1/reservations/{reservation}/settle", "post");
    assert!(settle.contains("in the windows in which the call was let in"));
}
