//! Bad limits, patterns, grants and types in an access profile, and many violations in one answer.

use serde_json::{Value, json};

use crate::support::Server;

const PATH: &str = "/api/access-profiles";

#[track_caller]
fn refuses(server: &Server, field: &str, value: &Value, expected: &[&str]) {
    let reply = server
        .client
        .post(PATH, &json!({ "name": "x", field: value }));
    assert_eq!(reply.status, 400, "{field} {value}: {}", reply.text);
    assert_eq!(
        reply.violations(),
        expected,
        "{field} {value}: {}",
        reply.text
    );
}

#[test]
fn a_limit_on_tokens_or_requests_is_a_whole_number_of_1_or_more() {
    let server = Server::start();
    for name in ["token_max_limit", "request_max_limit"] {
        for (value, code) in [
            (json!(0), "out_of_range"),
            (json!(-1), "out_of_range"),
            (json!(9_007_199_254_740_992_i64), "out_of_range"),
            (
                serde_json::from_str("99999999999999999999").unwrap(),
                "out_of_range",
            ),
            (json!(1.5), "wrong_type"),
            (json!("5"), "wrong_type"),
            (json!(true), "wrong_type"),
        ] {
            refuses(
                &server,
                "rate_limit",
                &json!({ name: value }),
                &[&format!("rate_limit.{name} {code}")],
            );
        }
    }
}

#[test]
fn a_pattern_that_cannot_work_is_refused_where_it_stands() {
    let server = Server::start();
    for pattern in [
        "regex:",
        "regex:(",
        "regex:a)(b",
        "regex:[z-a]",
        "regex:(a{500}){500}",
    ] {
        for list in ["allowed_models", "blacklisted_models"] {
            let place = format!("provider_configs[0].{list}[1] invalid_pattern");
            refuses(
                &server,
                "provider_configs",
                &json!([{ "provider_name": "p", list: ["*", pattern] }]),
                &[&place],
            );
        }
    }
    refuses(
        &server,
        "provider_configs",
        &json!([{ "provider_name": "p", "allowed_models": ["", 1, "x".repeat(10_000)] }]),
        &[
            "provider_configs[0].allowed_models[0] blank",
            "provider_configs[0].allowed_models[1] wrong_type",
            "provider_configs[0].allowed_models[2] too_long",
        ],
    );
}

#[test]
fn a_grant_of_a_whole_server_leaves_no_room_for_an_exclude_on_it() {
    let server = Server::start();
    let body = |action: &str| {
        json!({ "name": action, "mcp_servers": [{ "mcp_server_id": "github" }], "mcp_tool_overrides": [
            { "mcp_client_id": "jira", "tool_name": "close", "action": "exclude" },
            { "mcp_client_id": "github", "tool_name": "push", "action": action }] })
    };
    let reply = server.client.post(PATH, &body("exclude"));
    reply.expect_refusal(400, "validation_error", "exclude_on_granted_server");
    assert_eq!(
        reply.violations(),
        ["mcp_tool_overrides[1] exclude_on_granted_server"]
    );
    assert!(reply.message().contains("\"github\""), "{}", reply.text);
    server.client.post(PATH, &body("include")).expect(201);
    refuses(
        &server,
        "mcp_tool_overrides",
        &json!([{ "mcp_client_id": "a", "tool_name": "t", "action": "deny" }]),
        &["mcp_tool_overrides[0].action invalid_action"],
    );
}

#[test]
fn mcp_links_name_their_target() {
    let server = Server::start();
    refuses(
        &server,
        "mcp_tool_groups",
        &json!([{}, { "tool_group_id": "1" }, { "tool_group_id": 0 }]),
        &[
            "mcp_tool_groups[0].tool_group_id required",
            "mcp_tool_groups[1].tool_group_id wrong_type",
            "mcp_tool_groups[2].tool_group_id out_of_range",
        ],
    );
    refuses(
        &server,
        "mcp_servers",
        &json!([{}, "x", { "mcp_server_id": " " }]),
        &[
            "mcp_servers[0].mcp_server_id required",
            "mcp_servers[1] wrong_type",
            "mcp_servers[2].mcp_server_id blank",
        ],
    );
    refuses(
        &server,
        "mcp_tool_overrides",
        &json!([{}]),
        &[
            "mcp_tool_overrides[0].mcp_client_id required",
            "mcp_tool_overrides[0].tool_name required",
        ],
    );
}

#[test]
fn every_field_refuses_another_type() {
    let server = Server::start();
    for field in [
        "tags",
        "provider_configs",
        "budgets",
        "mcp_tool_groups",
        "mcp_servers",
        "mcp_tool_overrides",
    ] {
        for value in [json!("x"), json!({}), json!(1), json!(true)] {
            refuses(&server, field, &value, &[&format!("{field} wrong_type")]);
        }
    }
    for (field, value) in [
        ("description", json!(1)),
        ("is_active", json!("yes")),
        ("is_active", json!(1)),
        ("calendar_aligned", json!("true")),
        ("rate_limit", json!([])),
        ("rate_limit", json!(5)),
    ] {
        refuses(&server, field, &value, &[&format!("{field} wrong_type")]);
    }
    refuses(
        &server,
        "description",
        &json!("x".repeat(10_001)),
        &["description too_long"],
    );
    refuses(
        &server,
        "tags",
        &json!([" ", "x".repeat(256), 5, null]),
        &[
            "tags[0] blank",
            "tags[1] too_long",
            "tags[2] wrong_type",
            "tags[3] wrong_type",
        ],
    );
    refuses(
        &server,
        "tags",
        &json!(vec!["t"; 10_001]),
        &["tags too_many"],
    );
    refuses(
        &server,
        "provider_configs",
        &json!([{ "all_models_allowed": 1 }]),
        &[
            "provider_configs[0].all_models_allowed wrong_type",
            "provider_configs[0].provider_name required",
        ],
    );
}

#[test]
fn all_violations_of_a_body_come_in_one_answer_with_the_first_in_front() {
    let server = Server::start();
    let reply = server.client.post(
        PATH,
        &json!({
            "name": " ", "colour": "red", "tags": ["ok", 1],
            "provider_configs": [
                { "provider_name": "a", "budgets": [{ "max_limit": -1 }], "allowed_models": ["regex:("] },
                { "provider_name": "A", "rate_limit": { "token_max_limit": 0, "token_reset_duration": "1Q" } }],
            "budgets": [{ "max_limit": 1 }, { "reset_duration": "1M", "reset_config": { "quarter_start_month": 13 } }],
            "auto_rotation_interval": "5m", "next_rotation_at": "2020-01-01T00:00:00Z",
            "mcp_servers": [{ "mcp_server_id": "s" }],
            "mcp_tool_overrides": [{ "mcp_client_id": "s", "tool_name": "t", "action": "exclude" }]
        }),
    );
    reply.expect_refusal(400, "validation_error", "blank");
    assert_eq!(
        reply.violations(),
        [
            "auto_rotation_interval out_of_range",
            "budgets[1].max_limit required",
            "budgets[1].reset_config reset_config_without_quarter",
            "budgets[1].reset_config.quarter_start_month out_of_range",
            "budgets[1].reset_duration duplicate_reset_duration",
            "colour unknown_field",
            "mcp_tool_overrides[0] exclude_on_granted_server",
            "name blank",
            "next_rotation_at not_in_future",
            "provider_configs[0].allowed_models[0] invalid_pattern",
            "provider_configs[0].budgets[0].max_limit out_of_range",
            "provider_configs[1].provider_name duplicate_provider",
            "provider_configs[1].rate_limit.token_max_limit out_of_range",
            "provider_configs[1].rate_limit.token_reset_duration invalid_reset_duration",
            "tags[1] wrong_type",
        ]
    );
}
