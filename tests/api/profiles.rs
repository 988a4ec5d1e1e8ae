//! Creating an access profile and reading it back: the contract's example, a real policy, every default, names and validators.

use std::sync::Barrier;

use serde_json::{Value, json};

use crate::support::Server;

const FAMILIES: [&str; 2] = ["/api/access-profiles", "/api/governance/access-profiles"];

#[test]
fn a_created_profile_is_read_back_the_same_under_both_paths() {
    let server = Server::start();
    for (path, name) in FAMILIES.into_iter().zip(["one", "two"]) {
        let created = server
            .client
            .post(
                path,
                &json!({ "name": name, "budgets": [{ "max_limit": 12.5 }] }),
            )
            .expect(201);
        let profile = &created.json()["access_profile"];
        assert_eq!(
            created.header("location").unwrap(),
            format!("{path}/{}", profile["id"])
        );
        for family in FAMILIES {
            let read = server
                .client
                .get(&format!("{family}/{}", profile["id"]))
                .expect(200);
            assert_eq!(&read.json()["access_profile"], profile);
            assert_eq!(read.header("etag"), created.header("etag"));
        }
    }
}

/// The example object of the contract that this API is compatible with, as it is published.
fn seed_example() -> Value {
    serde_json::from_str(include_str!("seed_example.json")).unwrap()
}

/// Every field of `expected` is in `found`, with a value of the same kind; what the server does not set has the same value.
fn assert_has_all(found: &Value, expected: &Value, place: &str) {
    const SET_BY_SERVER: [&str; 9] = [
        "id",
        "version",
        "scope",
        "current_usage",
        "last_reset",
        "token_current_usage",
        "request_current_usage",
        "created_at",
        "updated_at",
    ];
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            for (name, expected) in expected {
                let here = format!("{place}.{name}");
                let found = found
                    .get(name)
                    .unwrap_or_else(|| panic!("{here} is missing"));
                if SET_BY_SERVER.contains(&name.as_str()) {
                    assert_eq!(
                        std::mem::discriminant(found),
                        std::mem::discriminant(expected),
                        "{here}"
                    );
                } else {
                    assert_has_all(found, expected, &here);
                }
            }
        }
        (Value::Array(found), Value::Array(expected)) => {
            assert_eq!(found.len(), expected.len(), "{place}");
            for (found, expected) in found.iter().zip(expected) {
                assert_has_all(found, expected, &format!("{place}[]"));
            }
        }
        _ => assert_eq!(found, expected, "{place}"),
    }
}

#[test]
fn the_example_of_the_contract_is_accepted_as_it_stands_and_answered_with_every_field() {
    let example = seed_example();
    for path in FAMILIES {
        for body in [&example, &example["access_profile"]] {
            let server = Server::start();
            let created = server.client.post(path, body).expect(201);
            let answer = created.json();
            assert_has_all(&answer, &example, "");
            assert_eq!(answer["access_profile"]["id"], 1, "the sent id is ignored");
            assert_eq!(answer["access_profile"]["version"], 1);
            assert_eq!(
                answer["access_profile"]["created_at"],
                "2026-06-01T12:00:00Z"
            );
            assert_eq!(answer["access_profile"]["budgets"][0]["current_usage"], 0);
            assert_eq!(answer["access_profile"]["budgets"][0]["scope"], "total");
            assert_eq!(
                answer["access_profile"]["provider_configs"][0]["budgets"][0]["scope"],
                "provider:<string>"
            );
            for family in FAMILIES {
                let read = server.client.get(&format!("{family}/1")).expect(200).json();
                assert_eq!(read["access_profile"], answer["access_profile"]);
            }
        }
    }
}

#[test]
fn an_answer_can_be_sent_again_as_a_new_profile() {
    let server = Server::start();
    let profile = server.client.create_profile(&real_policy());
    let path = format!("{}/{}", FAMILIES[0], profile["id"]);
    let mut answer = server.client.get(&path).expect(200).json();
    answer["access_profile"]["name"] = json!("copy");
    let copy = server.client.create_profile(&answer);
    assert_ne!(copy["id"], profile["id"]);
    assert_ne!(copy["budgets"][0]["id"], profile["budgets"][0]["id"]);
    assert_eq!(
        copy["provider_configs"][0]["allowed_models"],
        profile["provider_configs"][0]["allowed_models"]
    );
}

/// Five providers with eight models each, stacked budgets, limits on every level, and MCP grants of every kind.
fn real_policy() -> Value {
    let providers = ["openai", "anthropic", "bedrock", "vertex", "mistral"];
    let lines: Vec<Value> = providers
        .iter()
        .enumerate()
        .map(|(at, provider)| {
            let models: Vec<String> = (0..7).map(|n| format!("{provider}-model-{n}")).chain([format!("regex:{provider}-(small|large)-.*")]).collect();
            json!({
                "provider_name": provider, "all_models_allowed": at == 4, "allowed_models": models,
                "blacklisted_models": ["*-preview"],
                "budgets": [
                    { "max_limit": 5.25, "reset_duration": "1h" }, { "max_limit": 40, "reset_duration": "1d" },
                    { "max_limit": 500, "reset_duration": "1M" },
                    { "max_limit": 1200.5, "reset_duration": "1Q", "reset_config": { "quarter_start_month": 4 } }],
                "rate_limit": { "token_max_limit": 100_000, "token_reset_duration": "1m", "request_max_limit": 60, "request_reset_duration": "1m" }
            })
        })
        .collect();
    json!({
        "name": "Engineering", "description": "Everything that the engineers need", "is_active": true, "tags": ["engineering", "eu", "2026"],
        "provider_configs": lines,
        "budgets": [
            { "max_limit": 10, "reset_duration": "1h" }, { "max_limit": 100, "reset_duration": "1d" },
            { "max_limit": 1500, "reset_duration": "1M" },
            { "max_limit": 4000, "reset_duration": "1Q", "reset_config": { "quarter_start_month": 2 } }],
        "rate_limit": { "token_max_limit": 1_000_000, "token_reset_duration": "1h", "request_max_limit": 1000, "request_reset_duration": "1d" },
        "calendar_aligned": true, "auto_rotation_interval": 2_592_000_000_000_000_i64, "next_rotation_at": "2026-06-15T00:00:00Z",
        "mcp_tool_groups": [{ "tool_group_id": 7 }, { "tool_group_id": 9 }],
        "mcp_servers": [{ "mcp_server_id": "github" }, { "mcp_server_id": "jira" }],
        "mcp_tool_overrides": [
            { "mcp_client_id": "slack", "tool_name": "post_message", "action": "exclude" },
            { "mcp_client_id": "github", "tool_name": "create_issue", "action": "include" }]
    })
}

#[test]
fn a_real_policy_keeps_every_line_in_order() {
    let server = Server::start();
    let policy = real_policy();
    let profile = server.client.create_profile(&policy);
    assert_has_all(&profile, &policy, "");
    assert_eq!(profile["provider_configs"].as_array().unwrap().len(), 5);
    let mut ids: Vec<String> = Vec::new();
    let lines = profile["provider_configs"].as_array().unwrap();
    for (line, provider) in lines
        .iter()
        .zip(policy["provider_configs"].as_array().unwrap())
    {
        let scope = format!("provider:{}", provider["provider_name"].as_str().unwrap());
        for budget in line["budgets"].as_array().unwrap() {
            assert_eq!(budget["scope"], scope);
            ids.push(budget["id"].as_str().unwrap().to_owned());
        }
        ids.push(line["rate_limit"]["id"].as_str().unwrap().to_owned());
        ids.push(line["id"].as_i64().unwrap().to_string());
    }
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(
        (all, ids.len()),
        (30, 30),
        "every part has an id of its own"
    );
    let path = format!("{}/{}", FAMILIES[1], profile["id"]);
    let read = server.client.get(&path).expect(200).json();
    assert_eq!(read["access_profile"], profile);
    // The whole of it survives a restart as well.
    let server = server.restart();
    let client = &server.client;
    assert_eq!(client.get(&path).expect(200).json(), read);
}

#[test]
fn every_field_that_is_left_out_or_null_has_its_default() {
    let server = Server::start();
    let expected = |id: i64, name: &str| {
        json!({
            "id": id, "name": name, "description": "", "is_active": true, "version": 1, "tags": [], "provider_configs": [],
            "budgets": [], "calendar_aligned": false, "auto_rotation_interval": 0, "next_rotation_at": null,
            "last_rotation_at": null, "mcp_tool_groups": [], "mcp_servers": [], "mcp_tool_overrides": [],
            "created_at": "2026-06-01T12:00:00Z", "updated_at": "2026-06-01T12:00:00Z"
        })
    };
    assert_eq!(
        server.client.create_profile(&json!({ "name": "least" })),
        expected(1, "least")
    );
    let nulls = json!({
        "name": "nulls", "description": null, "is_active": null, "tags": null, "provider_configs": null, "budgets": null,
        "rate_limit": null, "calendar_aligned": null, "auto_rotation_interval": null, "next_rotation_at": null,
        "mcp_tool_groups": null, "mcp_servers": null, "mcp_tool_overrides": null
    });
    assert_eq!(server.client.create_profile(&nulls), expected(2, "nulls"));
    let inner = server.client.create_profile(&json!({
        "name": "inner", "is_active": false, "provider_configs": [{ "provider_name": "p" }], "budgets": [{ "max_limit": 0 }],
        "rate_limit": { "request_max_limit": 5 }, "mcp_tool_overrides": [{ "mcp_client_id": "c", "tool_name": "t" }]
    }));
    assert_eq!(inner["is_active"], false);
    assert_eq!(
        inner["provider_configs"],
        json!([{ "id": 1, "provider_name": "p", "all_models_allowed": false, "allowed_models": [], "blacklisted_models": [],
                 "budgets": [] }])
    );
    let now = "2026-06-01T12:00:00Z";
    assert_eq!(
        inner["budgets"],
        json!([{ "id": "budget-2", "max_limit": 0, "reset_duration": "1M", "scope": "total",
                 "current_usage": 0, "last_reset": now }])
    );
    assert_eq!(
        inner["rate_limit"],
        json!({ "id": "rate-limit-3", "token_max_limit": null, "request_max_limit": 5,
                "request_reset_duration": "1h", "token_current_usage": 0, "request_current_usage": 0,
                "token_last_reset": now, "request_last_reset": now })
    );
    assert_eq!(inner["mcp_tool_overrides"][0]["action"], "include");
}

#[test]
fn twenty_concurrent_creates_of_one_name_make_one_profile() {
    let server = Server::start();
    let start = Barrier::new(20);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..20)
            .map(|at| {
                let (client, start) = (server.client.clone(), &start);
                scope.spawn(move || {
                    start.wait();
                    let reply = client.post(FAMILIES[at % 2], &json!({ "name": "only" }));
                    if reply.status == 409 {
                        reply.expect_refusal(409, "conflict", "duplicate_name");
                    }
                    reply.status
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let count = |status| statuses.iter().filter(|found| **found == status).count();
    assert_eq!((count(201), count(409)), (1, 19), "{statuses:?}");
    let listed = server.client.get(FAMILIES[0]).expect(200).json();
    assert_eq!(listed["total_count"], 1);
}
