//! Bad fields of an access profile: every violation at once, each with its JSON path, code and a sentence.

use serde_json::{Value, json};

use crate::support::Server;

const PATH: &str = "/api/access-profiles";

/// Posts each body and compares its violations, as `param code`, sorted.
fn refuses(cases: &[(Value, &[&str])]) {
    let server = Server::start();
    for (body, expected) in cases {
        let reply = server.client.post(PATH, body);
        assert_eq!(reply.status, 400, "{body}: {}", reply.text);
        assert_eq!(reply.violations(), *expected, "{body}: {}", reply.text);
        let first = reply.json()["error"]["code"].as_str().unwrap().to_owned();
        let answer = reply.expect_refusal(400, "validation_error", &first);
        for violation in answer["extra_fields"]["errors"].as_array().unwrap() {
            let message = violation["message"].as_str().unwrap();
            let begins = violation["param"]
                .as_str()
                .is_none_or(|param| message.starts_with(&format!("{param}: ")));
            assert!(begins, "{message}");
        }
    }
    let listed = server.client.get(PATH).expect(200).json();
    assert_eq!(listed["total_count"], 0, "nothing was stored");
}

/// A body with a name and one more field.
fn with(field: &str, value: &Value) -> Value {
    json!({ "name": "x", field: value })
}

fn with_budget(budget: &Value) -> Value {
    with("budgets", &json!([budget]))
}

fn with_provider(field: &str, value: &Value) -> Value {
    with(
        "provider_configs",
        &json!([{ "provider_name": "p", field: value }]),
    )
}

#[test]
fn a_name_is_required_and_has_1_to_255_visible_characters() {
    refuses(&[
        (json!({}), &["name required"]),
        (json!({ "name": null }), &["name required"]),
        (json!({ "name": "" }), &["name blank"]),
        (json!({ "name": " \t\n\u{a0} " }), &["name blank"]),
        (json!({ "name": "x".repeat(256) }), &["name too_long"]),
        (json!({ "name": "é".repeat(256) }), &["name too_long"]),
        (json!({ "name": 5 }), &["name wrong_type"]),
        (json!({ "name": ["x"] }), &["name wrong_type"]),
        (json!({ "name": "a\u{0}b" }), &["name invalid_character"]),
        (
            json!({ "name": "a\u{1b}[31mb" }),
            &["name invalid_character"],
        ),
    ]);
}

#[test]
fn an_unknown_field_is_refused_with_the_nearest_known_name() {
    refuses(&[
        (with("budget", &json!([])), &["budget unknown_field"]),
        (with("zzz", &json!(1)), &["zzz unknown_field"]),
        (with("Name", &json!("y")), &["Name unknown_field"]),
        (
            with_budget(&json!({ "max_limit": 1, "max_limits": 2 })),
            &["budgets[0].max_limits unknown_field"],
        ),
        (
            with_provider("models", &json!([])),
            &["provider_configs[0].models unknown_field"],
        ),
        (
            with("rate_limit", &json!({ "tokens": 5 })),
            &["rate_limit.tokens unknown_field"],
        ),
        (
            json!({ "access_profile": { "name": "x", "tag": [] } }),
            &["access_profile.tag unknown_field"],
        ),
        (
            json!({ "access_profile": { "name": "x" }, "role": [] }),
            &["role unknown_field"],
        ),
    ]);
    let server = Server::start();
    let reply = server.client.post(PATH, &with("budget", &json!([])));
    assert!(
        reply.message().contains("did you mean \"budgets\"?"),
        "{}",
        reply.text
    );
    let reply = server.client.post(PATH, &with("zzz", &json!([])));
    assert!(
        reply.message().contains("known here: name"),
        "{}",
        reply.text
    );
}

#[test]
fn an_amount_of_money_is_a_number_from_0_to_a_billion() {
    let refused = |value: Value| {
        (
            with_budget(&json!({ "max_limit": value })),
            &["budgets[0].max_limit out_of_range"] as &[&str],
        )
    };
    let number = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    refuses(&[
        refused(json!(-1)),
        refused(number("-0.000000001")),
        refused(number("1000000000.000000001")),
        refused(number("1e400")),
        refused(number("-1e400")),
        refused(number("1e-10")),
        (
            with_budget(&json!({})),
            &["budgets[0].max_limit required"] as &[&str],
        ),
        (
            with_budget(&json!({ "max_limit": null })),
            &["budgets[0].max_limit required"],
        ),
        (
            with_budget(&json!({ "max_limit": "5" })),
            &["budgets[0].max_limit wrong_type"],
        ),
        (
            with_budget(&json!({ "max_limit": [1] })),
            &["budgets[0].max_limit wrong_type"],
        ),
        (
            with_provider("budgets", &json!([{ "max_limit": -1 }])),
            &["provider_configs[0].budgets[0].max_limit out_of_range"],
        ),
    ]);
}

#[test]
fn a_reset_duration_is_a_count_and_a_known_unit() {
    let refused = |text: &str| {
        (
            with_budget(&json!({ "max_limit": 1, "reset_duration": text })),
            &["budgets[0].reset_duration invalid_reset_duration"] as &[&str],
        )
    };
    let mut cases: Vec<_> = [
        "",
        "h",
        "1",
        "1x",
        "0h",
        "01h",
        "-1h",
        "+1h",
        "1.5h",
        " 1h",
        "1h ",
        "1H",
        "1D",
        "1q",
        "1y",
        "1hour",
        "1d12h",
        "101Y",
        "9999999999999999999999h",
        "１h",
    ]
    .iter()
    .map(|text| refused(text))
    .collect();
    cases.push((
        with_budget(&json!({ "max_limit": 1, "reset_duration": 3600 })),
        &["budgets[0].reset_duration wrong_type"],
    ));
    cases.push((
        with("rate_limit", &json!({ "token_max_limit": 1, "token_reset_duration": "1Q", "request_max_limit": 1, "request_reset_duration": "2Q" })),
        &["rate_limit.request_reset_duration invalid_reset_duration", "rate_limit.token_reset_duration invalid_reset_duration"],
    ));
    cases.push((
        with_provider(
            "rate_limit",
            &json!({ "token_max_limit": 1, "token_reset_duration": "1Q" }),
        ),
        &["provider_configs[0].rate_limit.token_reset_duration invalid_reset_duration"],
    ));
    refuses(&cases);
}

#[test]
fn a_fiscal_quarter_needs_a_budget_of_1q() {
    let config = |duration: Value, month: Value| {
        with_budget(
            &json!({ "max_limit": 1, "reset_duration": duration, "reset_config": { "quarter_start_month": month } }),
        )
    };
    let without: &[&str] = &["budgets[0].reset_config reset_config_without_quarter"];
    let month: &[&str] = &["budgets[0].reset_config.quarter_start_month out_of_range"];
    let whole: &[&str] = &["budgets[0].reset_config.quarter_start_month wrong_type"];
    refuses(&[
        (config(json!("1M"), json!(4)), without),
        (config(json!(null), json!(4)), without),
        (config(json!("2Q"), json!(4)), without),
        (config(json!("1Q"), json!(13)), month),
        (config(json!("1Q"), json!(0)), month),
        (config(json!("1Q"), json!(-1)), month),
        (config(json!("1Q"), json!(1.5)), whole),
        (config(json!("1Q"), json!("4")), whole),
        (
            with_budget(
                &json!({ "max_limit": 1, "reset_duration": "1Q", "reset_config": { "month": 4 } }),
            ),
            &["budgets[0].reset_config.month unknown_field"],
        ),
        (
            with_budget(&json!({ "max_limit": 1, "reset_duration": "1Q", "reset_config": 4 })),
            &["budgets[0].reset_config wrong_type"],
        ),
    ]);
}

#[test]
fn the_same_thing_twice_in_a_list_is_refused_at_its_second_place() {
    refuses(&[
        (
            with(
                "provider_configs",
                &json!([{ "provider_name": "openai" }, { "provider_name": "x" }, { "provider_name": " OpenAI " }]),
            ),
            &["provider_configs[2].provider_name duplicate_provider"],
        ),
        (
            with(
                "budgets",
                &json!([{ "max_limit": 1, "reset_duration": "1d" }, { "max_limit": 2, "reset_duration": "1d" }]),
            ),
            &["budgets[1].reset_duration duplicate_reset_duration"],
        ),
        (
            with(
                "budgets",
                &json!([{ "max_limit": 1 }, { "max_limit": 2, "reset_duration": "1M" }]),
            ),
            &["budgets[1].reset_duration duplicate_reset_duration"],
        ),
        (
            with_provider("budgets", &json!([{ "max_limit": 1 }, { "max_limit": 2 }])),
            &["provider_configs[0].budgets[1].reset_duration duplicate_reset_duration"],
        ),
        (
            with(
                "mcp_tool_groups",
                &json!([{ "tool_group_id": 1 }, { "tool_group_id": 1 }]),
            ),
            &["mcp_tool_groups[1].tool_group_id duplicate_tool_group"],
        ),
        (
            with(
                "mcp_servers",
                &json!([{ "mcp_server_id": "a" }, { "mcp_server_id": "a" }]),
            ),
            &["mcp_servers[1].mcp_server_id duplicate_mcp_server"],
        ),
        (
            with(
                "mcp_tool_overrides",
                &json!([{ "mcp_client_id": "a", "tool_name": "t" }, { "mcp_client_id": "a", "tool_name": "t", "action": "exclude" }]),
            ),
            &["mcp_tool_overrides[1].tool_name duplicate_tool_override"],
        ),
    ]);
}
