//! What is seen of single calls: open holds, explained decisions, and the holder's own view.

use serde_json::{Value, json};

use crate::page::Page;
use crate::support::Client;

/// A user with a profile; answers their virtual key.
pub fn holder(api: &Client) -> String {
    let ada = json!({ "name": "Ada", "email": "ada@example.org" });
    api.post("/api/users", &ada).expect(200);
    api.create_profile(&json!({
        "name": "Team",
        "provider_configs": [{ "provider_name": "openai", "allowed_models": ["gpt-5*"] }],
        "budgets": [{ "max_limit": 10 }],
        "rate_limit": { "request_max_limit": 100, "request_reset_duration": "1h" }
    }));
    let body = json!({ "access_profile_id": 1 });
    let answer = api.post("/api/users/1/access-profiles", &body).expect(201);
    answer.json()["virtual_key"]["value"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn reserve(api: &Client, key: &str, cost: f64) -> Value {
    let body = json!({ "virtual_key": key, "provider": "openai", "model": "gpt-5", "estimated_tokens": 100, "estimated_cost": cost });
    api.post("/v1/reservations", &body).expect(201).json()
}

/// Calls that were made and paid.
pub fn traffic(api: &Client, key: &str) {
    let reservation = reserve(api, key, 1.0);
    let id = reservation["reservation"]["id"].as_str().unwrap();
    let settle = json!({ "tokens": 1_200, "cost": 8.5 });
    api.post(&format!("/v1/reservations/{id}/settle"), &settle)
        .expect(200);
    let refused = json!({ "virtual_key": key, "provider": "openai", "model": "o9" });
    api.post("/v1/reservations", &refused).expect(403);
    // Refusals are counted after they are answered.
    let counted = || {
        let usage = api.get("/api/usage").expect(200).json();
        usage["totals"]["refusals"]["model_blocked"] == 1
    };
    assert!(
        (0..100_000).any(|_| counted()),
        "the refusal is not counted"
    );
}

#[test]
fn an_open_hold_is_seen_and_freed() {
    let page = Page::signed_in();
    let key = holder(page.api());
    reserve(page.api(), &key, 2.0);
    page.open("/users/1");
    page.see("$2 held");
    page.open("/holds");
    page.see("openai / gpt-5");
    page.press("Free");
    page.press("Free it");
    page.see("No open hold");
    page.open("/users/1");
    page.see("$0 of $10");
    page.nothing_went_wrong();
}

#[test]
fn a_decision_is_explained_without_counting_anything() {
    let page = Page::signed_in();
    let key = holder(page.api());
    page.open("/explain");
    page.fill("Virtual key or its id", &key);
    page.fill("Provider", "openai");
    page.fill("Model", "gpt-5-mini");
    page.press("Explain");
    page.see("It would be allowed");
    page.fill("Model", "o9");
    page.press("Explain");
    page.see("It would be refused");
    page.see("model_blocked");
    page.fill("Model", "gpt-5");
    page.fill("Estimated dollars", "11");
    page.press("Explain");
    page.see("budget_exceeded");
    // A question that can't be asked leaves no older answer behind.
    page.fill("Model", "");
    page.press("Explain");
    page.gone("budget_exceeded");
    // Whoever has not got the key names it.
    page.open("/users/1");
    page.press("Explain");
    page.fill("Model", "gpt-5");
    page.press("Explain");
    page.see("It would be allowed");
    // Or as lists show it. The answer leads to whose it is.
    let keys = page.api().get("/api/virtual-keys").expect(200).json();
    let masked = keys["virtual_keys"][0]["value"].as_str().unwrap();
    page.open("/explain");
    page.fill("Virtual key or its id", masked);
    page.fill("Model", "gpt-5");
    page.press("Explain");
    page.see("It would be allowed");
    page.press("Ada");
    page.see("ada@example.org");
    let quota = page
        .api()
        .with_key(&key)
        .get("/v1/quota")
        .expect(200)
        .json();
    let budget = &quota["access_profiles"][0]["budgets"][0];
    assert_eq!(
        (&budget["held"], &budget["current_usage"]),
        (&json!(0), &json!(0))
    );
    page.nothing_went_wrong();
}

#[test]
fn the_holder_of_a_virtual_key_sees_their_own_limits_and_nothing_else() {
    let page = Page::start();
    let key = holder(page.api());
    traffic(page.api(), &key);
    page.go_to(&page.origin());
    page.fill("Key", &key);
    page.press("Sign in");
    page.see("Your usage");
    page.see("$8.50 of $10");
    page.see("1 call model blocked");
    page.gone("Access profiles");
    page.open("/profiles");
    page.see("There is no such page");
    page.press("Sign out");
    page.see("A management key opens the administration.");
    page.nothing_went_wrong();
}
