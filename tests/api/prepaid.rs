//! Budgets that never reset: a sum that is topped up by raising it.

use serde_json::{Value, json};

use crate::support::holders::{Holder, call, reservation_id, two_providers};
use crate::support::{Client, Reply, Server};

const YEAR: i64 = 365 * 86_400;
const ASSIGNED: &str = "2026-06-01T12:00:00Z";

/// So many prepaid dollars, and a dollar of openai alone.
fn prepaid(dollars: f64) -> Value {
    let mut policy =
        two_providers(&json!({ "budgets": [{ "max_limit": dollars, "reset_duration": "never" }] }));
    policy["provider_configs"][0]["budgets"] =
        json!([{ "max_limit": 1, "reset_duration": "never" }]);
    policy
}

fn spend(client: &Client, holder: &Holder, cost: f64) {
    let id = reservation_id(&ask(client, holder, cost).expect(201));
    client.settle(&id, 10, cost).expect(200);
}

fn ask(client: &Client, holder: &Holder, cost: f64) -> Reply {
    client.reserve(&holder.key, &json!({ "estimated_cost": cost }))
}

/// The same of the other provider.
fn ask_other(client: &Client, holder: &Holder, cost: f64) -> Reply {
    let other =
        json!({ "provider": "anthropic", "model": "claude-sonnet", "estimated_cost": cost });
    client.reserve(&holder.key, &other)
}

fn budgets(copy: &Value) -> [Value; 2] {
    [
        copy["budgets"][0].clone(),
        copy["provider_configs"][0]["budgets"][0].clone(),
    ]
}

fn copy(client: &Client, holder: &Holder) -> Value {
    client.copy_of(holder.user_id.parse().unwrap(), holder.profile_id)
}

#[test]
fn years_restarts_and_the_calendar_reset_nothing_of_it() {
    let server = Server::start();
    let ada = server.client.make_holder("ada", &prepaid(2.0));
    let id = reservation_id(&ask(&server.client, &ada, 0.75).expect(201));
    let settled = server.client.settle(&id, 10, 0.75).expect(200).json();
    let server = server.restart();
    let again = server.client.settle(&id, 10, 0.75).expect(200).json();
    assert_eq!(again, settled);
    server.time.advance_seconds(3 * YEAR);
    let server = server.restart();
    let client = &server.client;
    let aligned = json!({ "calendar_aligned": true });
    client.change_profile(ada.profile_id, &aligned);
    client.propagate(ada.profile_id, &json!({ "fields": ["budgets"] }));
    for budget in budgets(&copy(client, &ada)) {
        assert_eq!(budget["current_usage"], 0.75);
        assert_eq!(budget["last_reset"], ASSIGNED);
        assert_eq!(budget["reset_duration"], "never");
        assert_eq!(budget.get("resets_at"), None);
    }
    ask(client, &ada, 0.26).expect(402);
    spend(client, &ada, 0.25);
    ask(client, &ada, 0.01).expect(402);
}

#[test]
fn nobody_is_told_to_wait_for_it() {
    let server = Server::start_with(|settings| settings.decisions.rate_limit_headers = true);
    let client = &server.client;
    let ada = client.make_holder("ada", &prepaid(2.0));
    let granted = ask(client, &ada, 0.9).expect(201);
    for limit in granted.json()["limits"].as_array().unwrap() {
        assert_eq!(limit.get("resets_at"), None, "{limit}");
    }
    let policies = granted.header("ratelimit-policy").unwrap();
    assert!(!policies.contains(";w="), "{policies}");
    assert!(!granted.header("ratelimit").unwrap().contains(";t="));
    client
        .settle(&reservation_id(&granted), 10, 0.9)
        .expect(200);

    let refused = ask(client, &ada, 0.2);
    let body = refused.expect_refusal(402, "budget_exceeded", "budget_exceeded");
    assert_eq!(refused.header("retry-after"), None);
    assert_eq!(body["extra_fields"].get("retry_after_ms"), None);
    assert_eq!(body["extra_fields"]["limit"].get("resets_at"), None);
    assert_eq!(
        refused.message(),
        "the prepaid budget of $1 (provider:openai) has no room: $0.9 used, $0 held, $0.2 asked for; it never resets: have it raised"
    );
    // Beside another limit without room, too: waiting for that is in vain.
    let me = client.with_virtual_key(&ada.key);
    spend(client, &ada, 0.1);
    let headers = [("x-provider", "openai"), ("x-model", "gpt-5")];
    let path = "/v1/forward-auth/v1/chat/completions";
    let answer = me.send("POST", path, &headers, None).expect(402);
    assert_eq!(answer.header("retry-after"), None);
    let message = answer.message();
    let text =
        "Your prepaid budget of $1 for openai is used up, and it does not come back by itself.";
    assert!(message.starts_with(text), "{message}");
    let reported = json!({ "cost": 0.5, "tokens": 1, "request_id": "beyond" });
    let charged = client.post("/v1/usage", &call(&ada.key, &reported));
    let outside = &charged.expect(201).json()["outside_policy"];
    let said = outside["message"].as_str().unwrap();
    assert!(said.contains("it never resets"), "{said}");
}

#[test]
fn a_limit_that_comes_back_is_told_of_where_another_profile_has_one() {
    let server = Server::start();
    let client = &server.client;
    let ada = client.make_holder("ada", &prepaid(1.0));
    let mut monthly = two_providers(&json!({ "budgets": [{ "max_limit": 1 }] }));
    monthly["name"] = json!("monthly");
    let monthly = client.create_profile(&monthly)["id"].as_i64().unwrap();
    client.assign(ada.user_id.parse().unwrap(), monthly);
    spend(client, &ada, 1.0);
    spend(client, &ada, 1.0);
    let refused = ask(client, &ada, 0.1).expect(402);
    assert_eq!(refused.json()["extra_fields"]["access_profile_id"], monthly);
    assert!(refused.header("retry-after").is_some());
}

#[test]
fn explanations_quotas_and_what_is_near_its_limit_show_no_end() {
    let server = Server::start();
    let client = &server.client;
    let ada = client.make_holder("ada", &prepaid(2.0));
    spend(client, &ada, 0.9);
    server.time.advance_seconds(YEAR);
    let asked = call(&ada.key, &json!({ "estimated_cost": 0.05 }));
    let explained = client.post("/v1/explain", &asked).expect(200).json();
    assert_eq!(explained["allowed"], true);
    for limit in explained["access_profiles"][0]["limits"]
        .as_array()
        .unwrap()
    {
        assert_eq!(
            (&limit["used"], limit.get("resets_at")),
            (&json!(0.9), None)
        );
    }
    let steps = explained["steps"].as_array().unwrap();
    let last = steps.last().unwrap()["detail"].as_str().unwrap();
    assert_eq!(last, "0.9 used + 0 held + 0.05 asked of 1, never resets");

    let near = client.get("/api/usage/near-limits").expect(200).json();
    assert_eq!(near["total_count"], 1);
    let near = &near["limits"][0];
    assert_eq!((&near["share"], near.get("resets_at")), (&json!(0.9), None));
    assert_eq!(near["reset_duration"], "never");

    let me = client.with_virtual_key(&ada.key);
    let quota = me.get("/v1/quota").expect(200).json();
    assert_eq!(quota["access_profiles"], json!([copy(client, &ada)]));
    let quota = me.get("/api/governance/virtual-keys/quota");
    let quota = quota.expect(200).json();
    for budget in [
        &quota["budgets"][0],
        &quota["provider_configs"][0]["budgets"][0],
    ] {
        assert_eq!(budget["reset_duration"], "never");
        assert_eq!(budget["last_reset"], ASSIGNED);
        assert_eq!(budget.get("resets_at"), None);
        assert_eq!(budget["per_model_usage"][0]["total_cost"], 0.9);
    }
}

#[test]
fn topping_it_up_keeps_what_was_used() {
    let server = Server::start();
    let client = &server.client;
    let ada = client.make_holder("ada", &prepaid(0.5));
    let user: i64 = ada.user_id.parse().unwrap();
    spend(client, &ada, 0.5);
    ask(client, &ada, 0.1).expect(402);
    let id = budgets(&copy(client, &ada))[0]["id"].clone();
    let raised = json!({ "budgets": [{ "max_limit": 0.9, "reset_duration": "never" }] });
    client.change_profile(ada.profile_id, &raised);
    client.propagate(ada.profile_id, &json!({ "fields": ["budgets"] }));
    let [budget, _] = budgets(&copy(client, &ada));
    assert_eq!(
        [
            &budget["id"],
            &budget["current_usage"],
            &budget["max_limit"]
        ],
        [&id, &json!(0.5), &json!(0.9)]
    );
    ask(client, &ada, 0.41).expect(402);
    spend(client, &ada, 0.4);
    // For one user alone it is topped up for good; there are no windows to count.
    let path = client.override_path(user, ada.profile_id, &budget);
    let counted = json!({ "amount": 1, "mode": "cycles", "cycles": 2 });
    let refused = client.put(&path, &counted);
    assert_eq!(refused.violations(), ["mode cycles_without_reset"]);
    assert!(
        refused.message().contains("\"forever\""),
        "{}",
        refused.text
    );
    let for_good = json!({ "amount": 1, "mode": "forever" });
    client.put(&path, &for_good).expect(200);
    server.time.advance_seconds(5 * YEAR);
    let server = server.restart();
    let client = &server.client;
    ask_other(client, &ada, 1.01).expect(402);
    ask_other(client, &ada, 1.0).expect(201);
    // By hand alone it begins anew.
    let anew = json!({ "fields": ["budgets"], "reset_usage": true });
    client.propagate(ada.profile_id, &anew);
    assert_eq!(budgets(&copy(client, &ada))[0]["current_usage"], 0);
}

#[test]
fn what_can_not_be_prepaid_is_refused_with_words() {
    let server = Server::start();
    let client = &server.client;
    let refused = |policy: &Value| {
        let mut body = policy.clone();
        body["name"] = json!("p");
        let reply = client.post("/api/access-profiles", &body);
        (reply.violations(), reply.message())
    };
    for kind in ["token", "request"] {
        let mut limit = json!({});
        limit[format!("{kind}_max_limit")] = json!(5);
        limit[format!("{kind}_reset_duration")] = json!("never");
        let (violations, message) = refused(&json!({ "rate_limit": limit }));
        let place = format!("rate_limit.{kind}_reset_duration invalid_reset_duration");
        assert_eq!(violations, [place]);
        assert!(message.contains("is for budgets only"), "{message}");
    }
    let budget = |duration: &str| json!({ "max_limit": 5, "reset_duration": duration });
    let twice = json!({ "budgets": [budget("never"), budget("1M"), budget("never")] });
    let (violations, message) = refused(&twice);
    assert_eq!(
        violations,
        ["budgets[2].reset_duration duplicate_reset_duration"]
    );
    assert!(message.contains("never resets"), "{message}");
    let mut fiscal = budget("never");
    fiscal["reset_config"] = json!({ "quarter_start_month": 4 });
    let (violations, _) = refused(&json!({ "budgets": [fiscal] }));
    assert_eq!(
        violations,
        ["budgets[0].reset_config reset_config_without_quarter"]
    );
    for wrong in ["Never", "never ", "1never", "0s"] {
        let (violations, message) = refused(&json!({ "budgets": [budget(wrong)] }));
        assert_eq!(
            violations,
            ["budgets[0].reset_duration invalid_reset_duration"]
        );
        assert!(message.contains("or \"never\""), "{message}");
    }
}
