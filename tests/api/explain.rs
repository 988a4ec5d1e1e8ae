//! Explanations: the decision and every step that led to it, with nothing counted.

use serde_json::{Value, json};

use crate::support::Server;
use crate::support::holders::{call, policy};

#[test]
fn an_explanation_names_every_step_and_counts_nothing() {
    let server = Server::start();
    let client = &server.client;
    let mut policy = policy();
    policy["provider_configs"][0]["budgets"] = json!([{ "max_limit": 3, "reset_duration": "1M" }]);
    policy["mcp_servers"] = json!([{ "mcp_server_id": "files" }]);
    let holder = client.make_holder("ada", &policy);
    let ask = json!({ "estimated_tokens": 20, "estimated_cost": 0.5, "mcp_server": "files", "mcp_tool": "read" });
    let explain = |more: &Value| {
        client
            .post("/v1/explain", &call(&holder.key, more))
            .expect(200)
            .json()
    };
    let first = explain(&ask);
    assert_eq!(explain(&ask), first);
    assert_eq!(
        (&first["allowed"], &first["status_code"], &first["type"]),
        (&json!(true), &json!(201), &json!(null))
    );
    assert_eq!(first["virtual_key"]["id"], holder.key_id());
    assert_eq!(first["virtual_key"]["status"], "active");
    assert_eq!(first["user_id"], holder.user_id.as_str());
    let profile = &first["access_profiles"][0];
    assert_eq!(profile["access_profile_id"], holder.profile_id);
    assert_eq!(profile["name"], "profile of ada");
    assert_eq!(profile["template_version"], 1);
    assert_eq!(profile["outcome"], "granted");
    let line = json!({ "provider": "openai", "outcome": "granted", "rule": "allowed_models", "pattern": "gpt-5*" });
    assert_eq!(profile["providers"], json!([line]));
    assert_eq!(
        profile["mcp"],
        json!({ "outcome": "granted", "rule": "mcp_servers" })
    );
    let limits = profile["limits"].as_array().unwrap();
    assert_eq!(limits.len(), 4);
    let of_line = limits
        .iter()
        .find(|limit| limit["scope"] == "provider:openai")
        .unwrap();
    assert_eq!(
        (&of_line["asked"], &of_line["fits"], &of_line["max_limit"]),
        (&json!(0.5), &json!(true), &json!(3))
    );
    let steps: Vec<&Value> = first["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| &step["step"])
        .collect();
    let expected = [
        "virtual_key",
        "access_profile",
        "provider",
        "mcp",
        "limit",
        "limit",
        "limit",
        "limit",
    ];
    assert_eq!(
        steps,
        expected
            .iter()
            .map(|step| json!(step))
            .collect::<Vec<_>>()
            .iter()
            .collect::<Vec<_>>()
    );
}

#[test]
fn an_explained_refusal_is_the_one_that_a_reservation_gets() {
    let server = Server::start();
    let client = &server.client;
    let holder = client.make_holder("ada", &policy());
    for more in [
        json!({ "model": "claude" }),
        json!({ "model": "gpt-5-pro" }),
        json!({ "provider": "nobody" }),
        json!({ "mcp_server": "files" }),
        json!({ "estimated_cost": 10.5 }),
        json!({ "estimated_tokens": 10_001 }),
        json!({ "virtual_key": "garbage" }),
        json!({ "virtual_key": null }),
    ] {
        let body = call(&holder.key, &more);
        let explained = client.post("/v1/explain", &body).expect(200).json();
        let refused = client.post("/v1/reservations", &body);
        assert_eq!(explained["allowed"], false);
        assert_eq!(explained["status_code"], refused.status, "{more}");
        assert_eq!(explained["type"], refused.json()["type"], "{more}");
        assert_eq!(explained["message"], refused.message(), "{more}");
    }
    let blocked = client
        .post(
            "/v1/explain",
            &call(&holder.key, &json!({ "model": "gpt-5-pro" })),
        )
        .expect(200)
        .json();
    let line = &blocked["access_profiles"][0]["providers"][0];
    assert_eq!(
        (&line["rule"], &line["pattern"]),
        (&json!("blacklisted_models"), &json!("gpt-5-pro"))
    );
    assert_eq!(
        client.post("/v1/explain", &json!({})).violations(),
        ["model required"]
    );
}

#[test]
fn a_key_may_be_named_by_its_id_by_whoever_has_not_got_its_secret() {
    let server = Server::start();
    let client = &server.client;
    let holder = client.make_holder("ada", &policy());
    let explain = |body: &Value| client.post("/v1/explain", body);
    let named = |id: &str, model: &str| json!({ "virtual_key_id": id, "model": model });
    let told = |body: &Value| explain(body).expect(200).json();
    let presented = call(&holder.key, &json!({ "provider": null }));
    let by_key = told(&presented);
    assert_eq!(told(&named(holder.key_id(), "gpt-5")), by_key);
    let body = named(holder.key_id(), "claude");
    assert_eq!(told(&body)["type"], "model_blocked");
    let unknown = told(&named("000000000000", "gpt-5"));
    assert_eq!(unknown["type"], "access_not_found");
    let mut both = presented;
    both["virtual_key_id"] = json!(holder.key_id());
    assert_eq!(
        explain(&both).violations(),
        ["virtual_key_id two_virtual_keys"]
    );
    assert_eq!(
        explain(&named("nonsense", "gpt-5")).violations(),
        ["virtual_key_id invalid_id"]
    );
    // A reservation is for whoever has the key.
    let refused = client.post("/v1/reservations", &named(holder.key_id(), "gpt-5"));
    assert_eq!(refused.violations(), ["virtual_key_id unknown_field"]);
}

#[test]
fn providers_that_were_not_asked_for_say_nothing() {
    let server = Server::start();
    let client = &server.client;
    let mut policy = policy();
    policy["provider_configs"] = json!([
        { "provider_name": "openai", "all_models_allowed": true },
        { "provider_name": "anthropic", "all_models_allowed": true }
    ]);
    let holder = client.make_holder("ada", &policy);
    let body = call(&holder.key, &json!({ "provider": "Anthropic" }));
    let told = client.post("/v1/explain", &body).expect(200).json();
    let line =
        json!({ "provider": "anthropic", "outcome": "granted", "rule": "all_models_allowed" });
    assert_eq!(told["access_profiles"][0]["providers"], json!([line]));
    assert!(!told.to_string().contains("provider_blocked"), "{told}");
}

#[test]
fn names_in_an_explanation_are_those_of_now() {
    let server = Server::start();
    let client = &server.client;
    let holder = client.make_holder("ada", &policy());
    let told = || {
        let body = json!({ "virtual_key_id": holder.key_id(), "model": "gpt-5" });
        let told = client.post("/v1/explain", &body).expect(200).json();
        let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
        [
            name(&told["virtual_key"]),
            name(&told["access_profiles"][0]),
        ]
    };
    let before = told();
    assert_eq!(told(), before);
    let key = format!("/api/virtual-keys/{}", holder.key_id());
    client.put(&key, &json!({ "name": "laptop" })).expect(200);
    let profile = format!("/api/access-profiles/{}", holder.profile_id);
    client.put(&profile, &json!({ "name": "crew" })).expect(200);
    assert_eq!(told(), ["laptop", "crew"]);
}
