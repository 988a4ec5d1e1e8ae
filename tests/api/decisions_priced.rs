//! Reservations that are priced here from the size of a call, and charges from what its provider told.

use serde_json::{Value, json};
use tollkeeper::domain::settings::UnknownPrice;

use crate::support::holders::{Holder, call, policy, reservation_id, two_providers};
use crate::support::{Reply, Server};

/// Somebody who may use every model of two providers for $10 a day, and a gateway.
fn start() -> (Server, Holder) {
    let server = Server::start();
    let holder = make(&server);
    (server, holder)
}

fn make(server: &Server) -> Holder {
    let budget = json!({ "budgets": [{ "max_limit": 10, "reset_duration": "1d" }] });
    server.client.make_holder("ada", &two_providers(&budget))
}

/// What is expected and held of a reservation that is made so.
#[track_caller]
fn reserved(server: &Server, holder: &Holder, more: &Value) -> Value {
    let client = &server.client;
    let id = reservation_id(&client.reserve(&holder.key, more).expect(201));
    let open = client.get("/v1/reservations").expect(200).json();
    let open = open["reservations"].as_array().unwrap().clone();
    let found = open.iter().find(|one| one["id"] == id.as_str()).unwrap();
    json!([
        found["estimated_tokens"],
        found["estimated_cost"],
        found["held_cost"]
    ])
}

/// The step of an explanation that says what was estimated.
#[track_caller]
fn estimate(server: &Server, holder: &Holder, more: &Value) -> Value {
    let body = call(&holder.key, more);
    let explained = server.client.post("/v1/explain", &body).expect(200).json();
    assert_eq!(explained["steps"][0]["step"], "virtual_key");
    assert_eq!(explained["steps"][1]["step"], "estimate", "{explained}");
    explained["steps"][1].clone()
}

fn detail(step: &Value) -> &str {
    step["detail"].as_str().unwrap()
}

/// The version of the list of prices.
fn version() -> String {
    let list = tollkeeper::domain::price::list::PriceList::embedded().unwrap();
    list.version().to_string()
}

fn settle(server: &Server, id: &str, body: &Value) -> Reply {
    let path = format!("/v1/reservations/{id}/settle");
    server.client.post(&path, body)
}

fn reserve(server: &Server, holder: &Holder, more: &Value) -> String {
    reservation_id(&server.client.reserve(&holder.key, more).expect(201))
}

/// What was charged: tokens, cost, and who says so.
fn charged(reply: &Reply) -> Value {
    let body = reply.json();
    let made = &body["reservation"];
    json!([made["tokens"], made["cost"], made["priced_by"]])
}

fn use_of(holder: &Holder, id: &str, more: &Value) -> Value {
    let mut body = call(&holder.key, more);
    body["request_id"] = id.into();
    body
}

#[test]
fn a_call_of_a_known_size_is_held_at_the_most_that_it_may_cost() {
    let (server, holder) = start();
    for (more, expected) in [
        // $1.25 a million of input, $10 of output.
        (
            json!({ "prompt_tokens": 1000, "max_tokens": 500 }),
            json!([1500, 0.00625, 0.00625]),
        ),
        (json!({ "max_tokens": 500 }), json!([500, 0.005, 0.005])),
        // The greatest output of the model is 128,000.
        (
            json!({ "prompt_tokens": 1000, "max_hold": 0.5 }),
            json!([129_000, 1.28125, 0.5]),
        ),
        // What is sent goes before.
        (
            json!({ "prompt_tokens": 1000, "max_tokens": 500, "estimated_tokens": 7 }),
            json!([7, 0.00625, 0.00625]),
        ),
        (
            json!({ "prompt_tokens": 1000, "estimated_cost": 0.25 }),
            json!([129_000, 0.25, 0.25]),
        ),
        (
            json!({ "prompt_tokens": 1000, "estimated_cost": 0, "estimated_tokens": 0 }),
            json!([0, 0, 0]),
        ),
        // Without a provider that of the name counts, and without one there no cost is known.
        (
            json!({ "provider": null, "model": "openai/gpt-5", "prompt_tokens": 1000, "max_tokens": 500 }),
            json!([1500, 0.00625, 0.00625]),
        ),
        (
            json!({ "provider": null, "prompt_tokens": 1000, "max_tokens": 500 }),
            json!([1500, null, 0]),
        ),
        (
            json!({ "provider": null, "prompt_tokens": 1000 }),
            json!([33_768, null, 0]),
        ),
        // Nothing is made up where nothing is said.
        (json!({}), json!([null, null, 0])),
    ] {
        assert_eq!(reserved(&server, &holder, &more), expected, "{more}");
    }
}

#[test]
fn an_explanation_says_what_bounds_the_output_and_who_says_what_it_costs() {
    let (server, holder) = start();
    let told = |more: &Value| estimate(&server, &holder, more);
    let sent = told(&json!({ "prompt_tokens": 1000, "max_tokens": 500 }));
    assert_eq!(
        (&sent["outcome"], &sent["subject"]),
        (&json!("estimated"), &json!("gpt-5"))
    );
    let version = version();
    assert_eq!(
        detail(&sent),
        format!(
            "1000 input and at most 500 output tokens (max_tokens as sent): at most $0.00625 by {version}"
        )
    );
    let greatest = told(&json!({ "prompt_tokens": 1000 }));
    assert!(
        detail(&greatest)
            .starts_with("1000 input and at most 128000 output tokens (the greatest output"),
        "{greatest}"
    );
    let nobody = told(&json!({ "provider": null, "prompt_tokens": 1 }));
    assert!(
        detail(&nobody).contains("32768 output tokens ([proxy] assumed_output"),
        "{nobody}"
    );
    assert!(detail(&nobody).contains("no provider is named"), "{nobody}");
    let sent = told(&json!({ "prompt_tokens": 1, "estimated_cost": 1 }));
    assert!(detail(&sent).ends_with("estimated_cost as sent"), "{sent}");
}

#[test]
fn a_call_without_a_price_is_refused_unless_it_is_refused_anyhow_or_its_cost_is_sent() {
    let server = Server::start();
    let client = &server.client;
    let mut policy = policy();
    policy["provider_configs"][0]["allowed_models"] = json!(["our-own"]);
    let holder = client.make_holder("ada", &policy);
    let sized = json!({ "model": "our-own", "prompt_tokens": 5, "max_tokens": 5 });
    let refused = client.reserve(&holder.key, &sized);
    let body = refused.expect_refusal(403, "price_unknown", "price_unknown");
    let message = body["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("our-own") && message.contains("[prices]"),
        "{message}"
    );
    let explained = client.post("/v1/explain", &call(&holder.key, &sized));
    let explained = explained.expect(200).json();
    assert_eq!(
        (
            &explained["allowed"],
            &explained["status_code"],
            &explained["type"],
            &explained["message"],
            &explained["steps"][1]["outcome"],
        ),
        (
            &json!(false),
            &json!(403),
            &json!("price_unknown"),
            &json!(message),
            &json!("price_unknown")
        )
    );
    // Nothing was held, and what refuses it otherwise comes first.
    let blocked = json!({ "model": "their-own", "prompt_tokens": 5 });
    client
        .reserve(&holder.key, &blocked)
        .expect_refusal(403, "model_blocked", "model_blocked");
    let explained = client.post("/v1/explain", &call(&holder.key, &blocked));
    assert_eq!(explained.expect(200).json()["type"], "model_blocked");
    client
        .reserve("tk_vk_x", &sized)
        .expect_refusal(401, "access_not_found", "access_not_found");
    let open = client.get("/v1/reservations").expect(200).json();
    assert_eq!(open["total_count"], 0);
    for more in [
        json!({ "model": "our-own" }),
        json!({ "model": "our-own", "prompt_tokens": 5, "max_tokens": 5, "estimated_cost": 0.1 }),
    ] {
        client.reserve(&holder.key, &more).expect(201);
    }
}

#[test]
fn models_without_a_price_count_in_tokens_alone_where_the_operator_says_so() {
    let server = Server::start_with(|settings| settings.prices.unknown = UnknownPrice::Tokens);
    let holder = make(&server);
    let sized = json!({ "model": "our-own", "prompt_tokens": 5 });
    assert_eq!(reserved(&server, &holder, &sized), json!([32_773, null, 0]));
    let step = estimate(&server, &holder, &sized);
    assert!(detail(&step).contains("[prices] unknown"), "{step}");
    let id = reserve(&server, &holder, &sized);
    let told = json!({ "usage": { "prompt_tokens": 5, "completion_tokens": 2 } });
    let settled = settle(&server, &id, &told).expect(200);
    assert_eq!(charged(&settled), json!([7, 0, null]));
    let body = use_of(
        &holder,
        "r",
        &json!({ "model": "our-own", "usage": { "total_tokens": 9 } }),
    );
    let used = server.client.post("/v1/usage", &body).expect(201);
    assert_eq!(charged(&used), json!([9, 0, null]));
}

#[test]
fn usage_is_charged_in_the_form_in_which_its_provider_told_it() {
    let (server, holder) = start();
    let version = version();
    let chat = json!({
        "prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100, "something": { "else": [1] },
        "prompt_tokens_details": { "cached_tokens": 400 }, "completion_tokens_details": { "reasoning_tokens": 60 }
    });
    let responses = json!({
        "input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100,
        "input_tokens_details": { "cached_tokens": 400 }, "output_tokens_details": { "reasoning_tokens": 60 }
    });
    let gemini = json!({
        "promptTokenCount": 1000, "candidatesTokenCount": 40, "thoughtsTokenCount": 60, "cachedContentTokenCount": 400
    });
    let anthropic = json!({
        "input_tokens": 600, "cache_read_input_tokens": 400, "cache_creation_input_tokens": 0, "output_tokens": 100
    });
    let all = [
        // 600 × $1.25, 400 × $0.125 and 100 × $10 a million.
        ("openai", "gpt-5", &chat, 0.0018),
        ("openai", "gpt-5", &responses, 0.0018),
        ("openai", "gemini-2.5-pro", &gemini, 0.0018),
        // 600 × $3, 400 × $0.30 and 100 × $15 a million.
        ("anthropic", "claude-sonnet-4-5", &anthropic, 0.00342),
    ];
    for (at, (provider, model, usage, cost)) in all.into_iter().enumerate() {
        let named = json!({ "provider": provider, "model": model });
        let id = reserve(&server, &holder, &named);
        let mut body = json!({ "usage": usage });
        if model.starts_with("gemini") {
            body["provider"] = "gemini".into();
        }
        let settled = settle(&server, &id, &body).expect(200);
        assert_eq!(charged(&settled), json!([1100, cost, version]), "{model}");
        // Settling it again is the same; with other usage it is not.
        let again = settle(&server, &id, &body).expect(200);
        assert_eq!(charged(&again), json!([1100, cost, version]), "{model}");
        if !model.starts_with("gemini") {
            let mut body = use_of(&holder, &format!("r{at}"), &named);
            body["usage"] = usage.clone();
            let used = server.client.post("/v1/usage", &body).expect(201);
            assert_eq!(charged(&used), json!([1100, cost, version]), "{model}");
        }
    }
    let usage = "/api/usage?group_by=model";
    let usage = server.client.get(usage).expect(200).json();
    let rows = usage["usage"].as_array().unwrap();
    assert_eq!(rows.len(), 3, "{usage}");
    for row in rows {
        let calls = row["calls"].as_i64().unwrap();
        assert_eq!(
            json!([
                row["tokens"],
                row["input_tokens"],
                row["cached_input_tokens"],
                row["output_tokens"]
            ]),
            json!([1100 * calls, 1000 * calls, 400 * calls, 100 * calls])
        );
    }
}

#[test]
fn numbers_that_are_sent_go_before_those_of_usage() {
    let (server, holder) = start();
    let usage = json!({ "prompt_tokens": 1000, "completion_tokens": 100 });
    let version = version();
    for (at, (more, expected)) in [
        (json!({ "cost": 0.5 }), json!([1100, 0.5, null])),
        (json!({ "tokens": 7 }), json!([7, 0.00225, version])),
        (json!({ "tokens": 7, "cost": 0.5 }), json!([7, 0.5, null])),
        (
            json!({ "tokens": null, "cost": null }),
            json!([1100, 0.00225, version]),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let mut body = more.clone();
        body["usage"] = usage.clone();
        let id = reserve(&server, &holder, &json!({}));
        let settled = settle(&server, &id, &body).expect(200);
        assert_eq!(charged(&settled), expected, "{body}");
        let body = use_of(&holder, &format!("r{at}"), &body);
        let used = server.client.post("/v1/usage", &body).expect(201);
        assert_eq!(charged(&used), expected, "{body}");
    }
}

#[test]
fn a_call_that_another_answered_is_priced_by_that_and_kept_under_its_own_name() {
    let (server, holder) = start();
    let id = reserve(&server, &holder, &json!({}));
    let body = json!({
        "provider": "anthropic", "model": "claude-sonnet-4-5",
        "usage": { "input_tokens": 1000, "output_tokens": 100, "cache_read_input_tokens": 0 }
    });
    let settled = settle(&server, &id, &body).expect(200);
    assert_eq!(charged(&settled), json!([1100, 0.0045, version()]));
    assert_eq!(settled.json()["provider"], "openai");
    let usage = "/api/usage?group_by=provider,model";
    let usage = server.client.get(usage).expect(200).json();
    let rows = usage["usage"].as_array().unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (&rows[0]["provider"], &rows[0]["model"]),
        (&json!("openai"), &json!("gpt-5"))
    );
}

#[test]
fn a_cost_that_nobody_knows_is_asked_for() {
    let (server, holder) = start();
    let id = reserve(&server, &holder, &json!({ "model": "our-own" }));
    let told = json!({ "usage": { "prompt_tokens": 5, "completion_tokens": 2 } });
    let refused = settle(&server, &id, &told);
    let body = refused.expect_refusal(400, "validation_error", "price_unknown");
    assert_eq!(body["error"]["param"], "cost");
    let used = use_of(
        &holder,
        "r",
        &json!({ "model": "our-own", "usage": { "total_tokens": 9 } }),
    );
    let refused = server.client.post("/v1/usage", &used);
    refused.expect_refusal(400, "validation_error", "price_unknown");
    // Neither was charged, and both are once the cost is there.
    let mut told = told;
    told["cost"] = json!(0.25);
    let settled = settle(&server, &id, &told).expect(200);
    assert_eq!(charged(&settled), json!([7, 0.25, null]));
    let mut used = used;
    used["cost"] = json!(0.5);
    let used = server.client.post("/v1/usage", &used).expect(201);
    assert_eq!(charged(&used), json!([9, 0.5, null]));
    // What is wrong in it is named in it.
    let wrong = json!({ "usage": { "prompt_tokens": -1 } });
    let body =
        settle(&server, &id, &wrong).expect_refusal(400, "validation_error", "invalid_count");
    assert_eq!(body["error"]["param"], "usage.prompt_tokens");
    let neither = settle(&server, &id, &json!({}));
    neither.expect_refusal(400, "validation_error", "required");
}

#[test]
fn what_is_priced_here_is_decided_and_charged_once() {
    let (server, holder) = start();
    let client = &server.client;
    let sized =
        |tokens: i64| json!({ "request_id": "r", "prompt_tokens": tokens, "max_tokens": 5 });
    let first = client.reserve(&holder.key, &sized(5)).expect(201);
    let again = client.reserve(&holder.key, &sized(5)).expect(200);
    let id = reservation_id(&first);
    assert_eq!(reservation_id(&again), id);
    client.reserve(&holder.key, &sized(6)).expect(422);

    let told =
        |tokens: i64| json!({ "usage": { "prompt_tokens": tokens, "completion_tokens": 1 } });
    let settled = settle(&server, &id, &told(10)).expect(200);
    assert_eq!(
        charged(&settle(&server, &id, &told(10)).expect(200)),
        charged(&settled)
    );
    settle(&server, &id, &told(11)).expect_refusal(409, "conflict", "already_settled");

    let used = |tokens: i64| use_of(&holder, "u", &told(tokens));
    let first = client.post("/v1/usage", &used(10)).expect(201);
    let again = client.post("/v1/usage", &used(10)).expect(200);
    assert_eq!(charged(&again), charged(&first));
    client.post("/v1/usage", &used(11)).expect(422);
}

#[test]
fn what_was_settled_with_a_cost_is_the_same_with_usage_of_as_many_tokens() {
    let (server, holder) = start();
    let id = reserve(&server, &holder, &json!({}));
    settle(&server, &id, &json!({ "tokens": 11, "cost": 0.5 })).expect(200);
    let told = json!({ "usage": { "prompt_tokens": 10, "completion_tokens": 1 } });
    let again = settle(&server, &id, &told).expect(200);
    assert_eq!(charged(&again), json!([11, 0.5, null]));
}

#[test]
fn only_who_may_end_a_reservation_has_its_use_priced() {
    let (server, holder) = start();
    let id = reserve(&server, &holder, &json!({}));
    let (_, other) = server.client.make_key("other", &["Decisions:Create"]);
    let told = json!({ "usage": { "prompt_tokens": 10, "completion_tokens": 1 } });
    let path = format!("/v1/reservations/{id}/settle");
    assert_eq!(other.post(&path, &told).status, 403);
    let unknown = "res_0000000000000000000000";
    settle(&server, unknown, &told).expect_refusal(404, "not_found", "not_found");
    settle(&server, &id, &told).expect(200);
}

#[test]
fn a_reservation_costs_what_it_did_when_it_was_made_also_after_it_has_expired() {
    let prices = tempfile::tempdir().unwrap();
    let file = prices.path().join("prices.toml");
    let entry = |rate: i64, from: &str| {
        format!(
            "[[price]]\nprovider = 'openai'\nmodel = 'our-own'\nrates = {{ input = {rate}, output = 0 }}\nvalid_from = '{from}'\n"
        )
    };
    let text = entry(1, "2026-06-01T00:00:00Z") + &entry(2, "2026-06-01T12:30:00Z");
    std::fs::write(&file, text).unwrap();
    let server = Server::start_with(|settings| {
        settings.prices.file = Some(file);
        settings.proxy.assumed_output = 50;
    });
    let holder = make(&server);
    let sized = json!({ "model": "our-own", "prompt_tokens": 1000 });
    let step = estimate(&server, &holder, &sized);
    assert_eq!(
        detail(&step),
        "1000 input and at most 50 output tokens ([proxy] assumed_output, because the greatest output of the model is not known): \
         at most $0.001 by overlay:openai/our-own@2026-06-01T00:00:00Z"
    );
    let ids: Vec<String> = (0..2).map(|_| reserve(&server, &holder, &sized)).collect();
    server.time.advance_seconds(3_600);
    let told = json!({ "usage": { "prompt_tokens": 2000, "completion_tokens": 1 } });
    for id in ids {
        let settled = settle(&server, &id, &told).expect(200);
        let expected = json!([2001, 0.002, "overlay:openai/our-own@2026-06-01T00:00:00Z"]);
        assert_eq!(charged(&settled), expected);
    }
    // What is charged without a reservation costs what it does now.
    let mut body = use_of(&holder, "r", &told);
    body["model"] = "our-own".into();
    let used = server.client.post("/v1/usage", &body).expect(201);
    let expected = json!([2001, 0.004, "overlay:openai/our-own@2026-06-01T12:30:00Z"]);
    assert_eq!(charged(&used), expected);
}
