//! What a client's library sends for what nobody set never takes anything away.

use std::cell::RefCell;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

use crate::openapi::document;
use crate::support::Server;
use crate::support::people::FURNISHED_KEY;

const PROFILE: &str = "/api/access-profiles/1";

/// Something in every field.
fn rich() -> Value {
    json!({
        "name": "rich", "description": "has everything", "tags": ["a", "b"],
        "provider_configs": [
            { "provider_name": "openai", "allowed_models": ["gpt-*"], "blacklisted_models": ["gpt-3*"],
              "budgets": [{ "max_limit": 5, "reset_duration": "1d" }], "rate_limit": { "token_max_limit": 1000 } },
            { "provider_name": "anthropic", "all_models_allowed": true },
        ],
        "budgets": [{ "max_limit": 100 }, { "max_limit": 7, "reset_duration": "1Q", "reset_config": { "quarter_start_month": 4 } }],
        "rate_limit": { "token_max_limit": 5000, "request_max_limit": 60, "request_reset_duration": "1m" },
        "calendar_aligned": true, "auto_rotation_interval": "30d",
        "mcp_tool_groups": [{ "tool_group_id": 1 }], "mcp_servers": [{ "mcp_server_id": "files" }],
        "mcp_tool_overrides": [{ "mcp_client_id": "github", "tool_name": "delete", "action": "exclude" }],
    })
}

/// The members of a schema of the document that a client may set.
fn members(document: &Value, schema: &str) -> Vec<(String, Value)> {
    let properties = document["components"]["schemas"][schema]["properties"]
        .as_object()
        .unwrap();
    let settable = properties
        .iter()
        .filter(|(_, schema)| schema["readOnly"] != json!(true));
    settable
        .map(|(name, schema)| (name.clone(), schema.clone()))
        .collect()
}

#[test]
fn no_change_that_a_generator_fills_takes_a_limit_a_provider_or_a_tag() {
    let server = Server::start();
    server.client.create_tool_group("tools");
    server.client.create_profile(&rich());
    let read = || server.client.get(PROFILE).expect(200).json()["access_profile"].clone();
    let members = members(&document(&server), "AccessProfileChangeBody");
    assert_eq!(members.len(), 13);
    let fill = members.into_iter().map(|(name, schema)| {
        let mut values = vec![
            (10, Just(None)),
            (9, Just(Some(Value::Null))),
            (1, Just(Some(json!({})))),
        ];
        if let Some(default) = schema.get("default") {
            values.push((9, Just(Some(default.clone()))));
        }
        prop::strategy::Union::new_weighted(values)
            .prop_map(move |value| value.map(|value| (name.clone(), value)))
    });
    let mut runner = TestRunner::new(Config {
        cases: 200,
        failure_persistence: None,
        ..Config::default()
    });
    let before = RefCell::new(read());
    let outcomes = RefCell::new((0, 0));
    runner
        .run(&fill.collect::<Vec<_>>(), |filled| {
            let body: Map<String, Value> = filled.into_iter().flatten().collect();
            let clears = body.get("rate_limit") == Some(&Value::Null);
            let reply = server.client.put(PROFILE, &Value::Object(body.clone()));
            prop_assert!(
                [200, 400].contains(&reply.status),
                "{:?}: {}",
                body,
                reply.text
            );
            let mut after = read();
            if reply.status == 200 {
                outcomes.borrow_mut().0 += 1;
                if clears {
                    prop_assert!(after.get("rate_limit").is_none_or(Value::is_null));
                    let limits = json!({ "rate_limit": rich()["rate_limit"] });
                    server.client.put(PROFILE, &limits).expect(200);
                    after = read();
                    let mut changed = before.borrow_mut();
                    for field in ["rate_limit", "version", "updated_at"] {
                        changed[field] = after[field].clone();
                    }
                }
            } else {
                outcomes.borrow_mut().1 += 1;
            }
            prop_assert_eq!(&after, &*before.borrow(), "{:?}", body);
            Ok(())
        })
        .unwrap();
    let (taken, refused) = outcomes.into_inner();
    assert!(taken > 5 && refused > 5, "{taken} taken, {refused} refused");
}

#[test]
fn null_keeps_everything_in_every_change() {
    let server = Server::start();
    server.furnish();
    let client = &server.client;
    client
        .put(
            PROFILE,
            &json!({ "name": "first", "budgets": [{ "max_limit": 1 }] }),
        )
        .expect(200);
    let (key, _) = client.make_key("second", &["Users:View"]);
    client
        .put(
            &format!("/api/api-keys/{key}"),
            &json!({ "expires_at": "2027-01-01T00:00:00Z", "description": "why" }),
        )
        .expect(200);
    let virtual_key = format!("/api/virtual-keys/{FURNISHED_KEY}");
    client
        .put(
            &virtual_key,
            &json!({ "expires_at": "2027-01-01T00:00:00Z" }),
        )
        .expect(200);
    let document = document(&server);
    for (schema, path) in [
        ("AccessProfileChangeBody", PROFILE.to_owned()),
        ("ToolGroupChangeBody", "/api/mcp/tool-groups/1".to_owned()),
        ("RoleChangeBody", "/api/rbac/roles/1".to_owned()),
        ("UserChangeBody", "/api/users/1".to_owned()),
        ("ApiKeyChangeBody", format!("/api/api-keys/{key}")),
        ("VirtualKeyChangeBody", virtual_key),
    ] {
        let nulls: Map<String, Value> = members(&document, schema)
            .into_iter()
            .filter(|(name, _)| name != "rate_limit")
            .map(|(name, _)| (name, Value::Null))
            .collect();
        assert!(nulls.len() > 1, "{schema}");
        let before = client.get(&path).expect(200).json();
        client.put(&path, &Value::Object(nulls)).expect(200);
        assert_eq!(client.get(&path).expect(200).json(), before, "{schema}");
    }
}

#[test]
fn no_schema_of_a_change_has_a_default_and_no_list_of_a_body_may_be_null() {
    let server = Server::start();
    let document = document(&server);
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let mut changes = 0;
    for (name, schema) in schemas.iter().filter(|(name, _)| name.ends_with("Body")) {
        changes += usize::from(name.ends_with("ChangeBody"));
        for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
            if name.ends_with("ChangeBody") {
                assert!(schema.get("default").is_none(), "{name}.{field}");
                let mut schema = schema.clone();
                schema["description"] = json!("");
                assert!(!schema.to_string().contains("null"), "{name}.{field}");
            }
            assert_ne!(schema["type"], json!(["array", "null"]), "{name}.{field}");
        }
        assert!(
            !name.ends_with("Envelope") && schema.get("oneOf").is_none(),
            "{name}"
        );
    }
    assert_eq!(changes, 6);
    assert!(!schemas.keys().any(|name| name.ends_with("Envelope")));
}
