//! What the holder of a virtual key sees of what binds it.

use serde_json::{Value, json};

use crate::support::Server;
use crate::support::holders::{call, reservation_id};

fn policy() -> Value {
    json!({
        "provider_configs": [{ "provider_name": "openai", "all_models_allowed": true }],
        "budgets": [{ "max_limit": 10 }],
        "rate_limit": { "token_max_limit": 1000, "request_max_limit": 5 }
    })
}

#[test]
fn a_holder_sees_limits_use_and_holds_of_every_copy() {
    let server = Server::start();
    let client = &server.client;
    let ada = client.make_holder("ada", &policy());
    let user: i64 = ada.user_id.parse().unwrap();
    let other = client.create_budgeted("other", 3);
    client.assign(user, other);
    let held = client
        .reserve(
            &ada.key,
            &json!({ "estimated_tokens": 100, "estimated_cost": 2 }),
        )
        .expect(201);
    client.settle(&reservation_id(&held), 40, 1.5).expect(200);
    client
        .reserve(
            &ada.key,
            &json!({ "estimated_tokens": 10, "estimated_cost": 0.5 }),
        )
        .expect(201);

    let me = client.with_virtual_key(&ada.key);
    let answer = me.get("/v1/quota").expect(200);
    let quota = answer.json();
    let name = "profile of ada · user 1";
    assert_eq!(
        quota["virtual_key"],
        json!({ "id": ada.key_id(), "name": name, "is_active": true, "expires_at": null })
    );
    assert_eq!(quota["user_id"], ada.user_id);
    assert_eq!(quota["access_profiles"], json!(client.copies_of(user)));
    let of_page = ["count", "total_count", "limit", "offset"].map(|field| quota[field].clone());
    assert_eq!(of_page, [2, 2, 25, 0].map(|number| json!(number)));
    let second = me.get("/v1/quota?limit=1&offset=1").expect(200).json();
    assert_eq!(second["access_profiles"][0], quota["access_profiles"][1]);
    assert_eq!(
        (&second["count"], &second["total_count"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(
        me.get("/v1/quota?limit=0").expect(400).violations(),
        ["limit out_of_range"]
    );
    let budget = &quota["access_profiles"][0]["budgets"][0];
    assert_eq!(
        (
            &budget["current_usage"],
            &budget["held"],
            &budget["effective_max_limit"]
        ),
        (&json!(1.5), &json!(0.5), &json!(10))
    );
    let limit = &quota["access_profiles"][0]["rate_limit"];
    assert_eq!(
        (
            &limit["token_current_usage"],
            &limit["token_held"],
            &limit["request_current_usage"]
        ),
        (&json!(40), &json!(10), &json!(1))
    );
    let tag = answer.header("etag").unwrap().to_owned();
    me.send("GET", "/v1/quota", &[("if-none-match", &tag)], None)
        .expect(304);
    // Every place where clients of AI providers put their key.
    for place in ["x-api-key", "x-goog-api-key", "api-key", "x-bf-vk"] {
        let reply = client
            .with_key("")
            .send("GET", "/v1/quota", &[(place, &ada.key)], None);
        assert_eq!(reply.expect(200).text, answer.text, "{place}");
    }
}

#[test]
fn a_key_that_was_rotated_works_within_its_grace_and_one_that_is_gone_does_not() {
    let server = Server::start();
    let client = &server.client;
    let ada = client.make_holder("ada", &policy());
    let (old, path) = (
        client.with_virtual_key(&ada.key),
        format!("/api/virtual-keys/{}/rotate", ada.key_id()),
    );
    client.post(&path, &json!({ "grace": "1h" })).expect(200);
    old.get("/v1/quota").expect(200);
    server.time.advance_seconds(3_600);
    old.get("/v1/quota")
        .expect_refusal(401, "access_not_found", "access_not_found");
    let ben = client.make_holder("ben", &policy());
    let me = client.with_virtual_key(&ben.key);
    me.get("/v1/quota").expect(200);
    client
        .delete(&format!("/api/users/{}", ben.user_id))
        .expect(200);
    me.get("/v1/quota")
        .expect_refusal(401, "access_not_found", "access_not_found");
}

#[test]
fn management_keys_are_refused_there_and_virtual_keys_everywhere_else() {
    let server = Server::start();
    let client = &server.client;
    let ada = client.make_holder("ada", &policy());
    let reply = client.get("/v1/quota");
    reply.expect_refusal(401, "access_not_found", "access_not_found");
    for kind in ["management API key", "virtual key"] {
        assert!(reply.message().contains(kind), "{}", reply.text);
    }
    client.with_key("").get("/v1/quota").expect_refusal(
        401,
        "virtual_key_required",
        "virtual_key_required",
    );
    for path in [
        "/api/users",
        "/api/access-profiles",
        "/api/users/1/access-profiles",
    ] {
        let reply = client.with_virtual_key(&ada.key).get(path);
        reply.expect_refusal(401, "authentication_error", "wrong_credential_kind");
    }
}

#[test]
fn a_key_that_goes_while_it_asks_is_not_known() {
    let server = Server::start();
    let ada = server.client.make_holder("ada", &policy());
    // As between the moment when the ledger knew it and that in which it is read.
    let database = rusqlite::Connection::open(server.data_dir().join("tollkeeper.db")).unwrap();
    database.execute("DELETE FROM virtual_keys", []).unwrap();
    let gone = server.client.with_virtual_key(&ada.key).get("/v1/quota");
    gone.expect_refusal(401, "access_not_found", "access_not_found");
}

const OF_KEY: &str = "/api/governance/virtual-keys/quota";

#[test]
fn the_contracts_quota_shows_every_limit_with_whose_it_is_and_which_models_used_it() {
    let server = Server::start();
    let client = &server.client;
    let limits = |tokens: u64, requests: u64| json!({ "token_max_limit": tokens, "request_max_limit": requests });
    let ada = client.make_holder(
        "ada",
        &json!({
            "provider_configs": [{
                "provider_name": "openai", "all_models_allowed": true, "budgets": [{ "max_limit": 5 }], "rate_limit": limits(90, 80)
            }],
            "budgets": [{ "max_limit": 10 }],
            "rate_limit": limits(1000, 5)
        }),
    );
    let second = client.create_profile(&json!({
        "name": "second",
        "provider_configs": [{ "provider_name": "anthropic", "allowed_models": ["claude*"], "blacklisted_models": ["claude-1"] }],
        "rate_limit": limits(30, 100)
    }))["id"].as_i64().unwrap();
    client.assign(ada.user_id.parse().unwrap(), second);
    for (model, cost) in [("gpt-5", 1.5), ("gpt-5", 0.25), ("gpt-4o", 1.0)] {
        let usage = json!({ "model": model, "tokens": 7, "cost": cost, "request_id": format!("{model} {cost}") });
        client
            .post("/v1/usage", &call(&ada.key, &usage))
            .expect(201);
    }

    let quota = client
        .with_virtual_key(&ada.key)
        .get(OF_KEY)
        .expect(200)
        .json();
    assert_eq!(quota["virtual_key_name"], "profile of ada · user 1");
    assert_eq!(
        (&quota["is_active"], &quota["model_configs"]),
        (&json!(true), &json!([]))
    );
    let budget = &quota["budgets"][0];
    let used = json!([
        { "model": "gpt-4o", "provider": "openai", "total_requests": 1, "total_tokens": 7, "total_cost": 1 },
        { "model": "gpt-5", "provider": "openai", "total_requests": 2, "total_tokens": 14, "total_cost": 1.75 }
    ]);
    assert_eq!(budget["per_model_usage"], used);
    assert_eq!(
        [
            &budget["current_usage"],
            &budget["max_limit"],
            &budget["config_hash"]
        ],
        [&json!(2.75), &json!(10), &json!(null)]
    );
    assert_eq!(
        [&budget["source_type"], &budget["source_name"]],
        [&json!("access_profile"), &json!("profile of ada")]
    );
    let shown = quota["rate_limits"].as_array().unwrap();
    assert_eq!(shown.len(), 2);
    assert_eq!(shown[1]["source_id"], json!(second.to_string()));
    // 1,000 - 21 tokens and 2 requests are left of the first, 30 tokens and 100 requests of the second.
    let tightest = &quota["rate_limit"];
    assert_eq!(
        [
            &tightest["token_max_limit"],
            &tightest["token_current_usage"],
            &tightest["request_max_limit"],
            &tightest["request_current_usage"],
            &tightest["source_type"]
        ],
        [&json!(30), &json!(0), &json!(5), &json!(3), &json!(null)]
    );
    let [openai, anthropic] = [0, 1].map(|at| &quota["provider_configs"][at]);
    assert_eq!(
        [
            &openai["provider"],
            &openai["allowed_models"],
            &openai["virtual_key_id"],
            &openai["keys"]
        ],
        [
            &json!("openai"),
            &json!(["*"]),
            &json!(ada.key_id()),
            &json!(null)
        ]
    );
    assert_eq!(openai["budgets"][0]["per_model_usage"], used);
    assert_eq!(openai["rate_limit_id"], openai["rate_limit"]["id"]);
    assert_eq!(
        [
            &anthropic["allowed_models"],
            &anthropic["blacklisted_models"],
            &anthropic["budgets"]
        ],
        [&json!(["claude*"]), &json!(["claude-1"]), &json!([])]
    );
}

#[test]
fn the_contracts_quota_tells_models_apart_only_where_the_history_can() {
    let server = Server::start();
    let client = &server.client;
    let ada = client.make_holder(
        "ada",
        &json!({
            "provider_configs": [{ "provider_name": "openai", "all_models_allowed": true }],
            "budgets": [{ "max_limit": 10, "reset_duration": "1h" }, { "max_limit": 10, "reset_duration": "1d" }]
        }),
    );
    let spend = |request: &str| {
        let usage = json!({ "model": "gpt-5", "tokens": 7, "cost": 1, "request_id": request });
        client
            .post("/v1/usage", &call(&ada.key, &usage))
            .expect(201);
    };
    spend("first");
    server.time.advance_seconds(90 * 60);
    spend("second");
    let quota = client
        .with_virtual_key(&ada.key)
        .get(OF_KEY)
        .expect(200)
        .json();
    let used: Vec<_> = quota["budgets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|budget| {
            (
                budget["reset_duration"].clone(),
                budget["current_usage"].clone(),
                budget["per_model_usage"].as_array().unwrap().len(),
            )
        })
        .collect();
    assert_eq!(
        used,
        [(json!("1h"), json!(1), 0), (json!("1d"), json!(2), 1)]
    );
}

#[test]
fn the_contracts_quota_needs_a_key_that_somebody_has_and_shows_one_that_has_expired() {
    let server = Server::start();
    let client = &server.client;
    let ada = client.make_holder("ada", &policy());
    client.with_key("").get(OF_KEY).expect(401);
    client.get(OF_KEY).expect(401);
    let path = format!("/api/governance/users/{}/virtual-keys", ada.user_id);
    let brief = json!({ "name": "brief", "expires_at": "2026-06-01T13:00:00Z" });
    let brief = client.post(&path, &brief).expect(200).json();
    server.time.advance_seconds(2 * 3_600);
    let me = client.with_virtual_key(brief["virtual_key"]["value"].as_str().unwrap());
    assert_eq!(me.get(OF_KEY).expect(200).json()["is_active"], false);
    me.get("/v1/quota").expect(403);
}
