//! What was read is changed in one field and sent back.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::support::Server;

const FIELDS: [&str; 12] = [
    "name",
    "description",
    "tags",
    "provider_configs",
    "budgets",
    "rate_limit",
    "calendar_aligned",
    "auto_rotation_interval",
    "next_rotation_at",
    "mcp_tool_groups",
    "mcp_servers",
    "mcp_tool_overrides",
];

fn any_budgets() -> impl Strategy<Value = Value> {
    let money = (0_i64..1_000_000_000_000).prop_map(|nanos| {
        let text = format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000);
        serde_json::from_str::<Value>(&text).unwrap()
    });
    let durations = prop::sample::subsequence(vec!["1h", "6h", "1d", "1w", "1M", "1Q", "1Y"], 0..4);
    let month = prop::option::of(1..=12);
    (durations, prop::collection::vec((money, month), 4)).prop_map(|(durations, limits)| {
        let pairs = durations.into_iter().zip(limits);
        pairs
            .map(|(duration, (limit, month))| {
                let config = month
                    .filter(|_| duration == "1Q")
                    .map(|month| json!({ "quarter_start_month": month }));
                json!({ "max_limit": limit, "reset_duration": duration, "reset_config": config })
            })
            .collect::<Value>()
    })
}

fn any_rate_limit() -> impl Strategy<Value = Value> {
    let duration = || prop::option::of(prop::sample::select(vec!["1m", "1h", "2d", "1M"]));
    let limit = (
        1_i64..1_000_000,
        duration(),
        prop::option::of((1_i64..1_000_000, duration())),
    );
    prop::option::of(limit).prop_map(|limit| {
        limit.map_or(Value::Null, |(tokens, every, requests)| {
            let (requests, other) = requests.unzip();
            json!({
                "token_max_limit": tokens, "token_reset_duration": every,
                "request_max_limit": requests, "request_reset_duration": other.flatten(),
            })
        })
    })
}

fn any_providers() -> impl Strategy<Value = Value> {
    let names = || prop::collection::btree_set("[a-z]{1,8}", 0..4);
    let parts = (any_budgets(), any_rate_limit(), any::<bool>(), names());
    (names(), prop::collection::vec(parts, 4)).prop_map(|(names, parts)| {
        let lines = names.into_iter().zip(parts);
        lines
            .map(|(name, (budgets, limit, all, blocked))| {
                json!({ "provider_name": name, "budgets": budgets, "rate_limit": limit, "all_models_allowed": all,
                        "allowed_models": [name], "blacklisted_models": blocked })
            })
            .collect::<Value>()
    })
}

/// MCP grants; no server is one of which an override takes a tool.
fn any_grants() -> impl Strategy<Value = (Value, Value, Value)> {
    let names = || prop::collection::btree_set("[a-z]{1,4}", 0..4);
    let groups = prop::collection::btree_set(1_i64..50, 0..4);
    (groups, names(), names(), any::<bool>()).prop_map(|(groups, servers, tools, include)| {
        let groups = groups.iter().map(|id| json!({ "tool_group_id": id }));
        let servers = servers
            .iter()
            .map(|name| json!({ "mcp_server_id": format!("server-{name}") }));
        let action = if include { "include" } else { "exclude" };
        let tools = tools.iter().map(|name| {
            json!({ "mcp_client_id": format!("client-{name}"), "tool_name": name, "action": action })
        });
        (groups.collect(), servers.collect(), tools.collect())
    })
}

fn any_policy() -> impl Strategy<Value = Value> {
    let limits = (any_budgets(), any_rate_limit(), any_providers());
    let texts = ("\\PC{0,20}", prop::collection::vec("[a-zé]{1,5}", 0..4));
    let rotation = (1_i64..1_000, 2..=30);
    (limits, texts, any::<bool>(), rotation, any_grants()).prop_map(
        |(
            (budgets, limit, providers),
            (description, tags),
            aligned,
            (hours, day),
            (groups, servers, tools),
        )| {
            json!({
                "budgets": budgets, "rate_limit": limit, "provider_configs": providers, "description": description,
                "tags": tags, "calendar_aligned": aligned, "auto_rotation_interval": hours * 3_600_000_000_000,
                "next_rotation_at": format!("2026-06-{day:02}T00:00:00Z"), "mcp_tool_groups": groups,
                "mcp_servers": servers, "mcp_tool_overrides": tools,
            })
        },
    )
}

/// Without the ids that the server gives.
fn without_ids(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(without_ids).collect(),
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, _)| *name != "id");
            let kept = kept.map(|(name, value)| (name.clone(), without_ids(value)));
            Value::Object(kept.collect())
        }
        other => other.clone(),
    }
}

#[test]
fn what_is_read_changed_in_one_field_and_sent_back_changes_that_and_nothing_else() {
    let server = Server::start();
    let client = &server.client;
    let mut runner = TestRunner::new(Config {
        cases: 96,
        failure_persistence: None,
        ..Config::default()
    });
    let strategy = (
        any_policy(),
        any_policy(),
        prop::sample::select(FIELDS.to_vec()),
        any::<bool>(),
    );
    // The runner wants a closure that can be called often; the names must differ all the same.
    let count = std::cell::Cell::new(0);
    runner
        .run(&strategy, |(mut policy, mut other, field, enveloped)| {
            count.set(count.get() + 1);
            policy["name"] = json!(format!("profile {}", count.get()));
            other["name"] = json!(format!("other {}", count.get()));
            let profile = client.create_profile(&policy);
            let path = format!("/api/access-profiles/{}", profile["id"]);
            let put = |body: &Value| {
                let whole = json!({ "access_profile": body });
                let body = if enveloped { &whole } else { body };
                client.put(&path, body).expect(200).json()["access_profile"].clone()
            };
            prop_assert_eq!(&put(&profile), &profile);
            // What the field looks like with the new value: as in a profile that was made with it.
            let mut wanted = client.create_profile(&other);
            if field == "name" {
                wanted["name"] = json!(format!("renamed {}", count.get()));
            }
            let mut edited = profile.clone();
            edited[field] = wanted[field].clone();
            let changed = put(&edited);
            prop_assert_eq!(
                without_ids(&changed[field]),
                without_ids(&wanted[field]),
                "{}",
                field
            );
            for (name, value) in profile.as_object().unwrap() {
                if name != field && name != "version" && name != "updated_at" {
                    prop_assert_eq!(&changed[name], value, "{}", name);
                }
            }
            Ok(())
        })
        .unwrap();
}
