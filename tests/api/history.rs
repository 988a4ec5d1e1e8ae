//! Versions, differences, restoring, the audit log and idempotency keys.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::support::Server;

fn providers(count: usize, models: usize, salt: usize) -> Value {
    let line = |n: usize| {
        let models: Vec<_> = (0..models)
            .map(|m| format!("model-{m}-{}", (n + m + salt) % 7))
            .collect();
        json!({ "provider_name": format!("provider-{n}"), "allowed_models": models,
                "budgets": [{ "max_limit": n * salt % 50 }] })
    };
    (0..count).map(line).collect()
}

#[test]
fn fifty_versions_of_a_large_profile_are_compared_and_restored_exactly() {
    let server = Server::start();
    let client = &server.client;
    let mut profile = client
        .create_profile(&json!({ "name": "large", "provider_configs": providers(100, 20, 0) }));
    let path = format!("/api/access-profiles/{}", profile["id"]);
    let mut kept = vec![profile.clone()];
    for step in 1..50_usize {
        server.time.advance_seconds(1);
        let body = match step % 5 {
            0 => json!({ "provider_configs": providers(100 - step, 20, step) }),
            1 => {
                json!({ "budgets": [{ "max_limit": step }], "rate_limit": { "request_max_limit": step } })
            }
            2 => {
                json!({ "tags": [format!("tag-{step}")], "description": "é".repeat(step), "rate_limit": null })
            }
            3 => json!({ "provider_configs": providers(step, 20, step), "budgets": [] }),
            _ => json!({ "name": format!("large {step}"), "calendar_aligned": step % 2 == 0 }),
        };
        profile = client.put(&path, &body).expect(200).json()["access_profile"].clone();
        kept.push(profile.clone());
    }
    for (index, expected) in kept.iter().enumerate() {
        let number = index + 1;
        let version = client
            .get(&format!("{path}/versions/{number}"))
            .expect(200)
            .json()["version"]
            .clone();
        let snapshot: Value = serde_json::from_str(version["snapshot"].as_str().unwrap()).unwrap();
        assert_eq!(&snapshot, expected);
        let against = (index * 7 + 3) % kept.len();
        let diff = client
            .get(&format!(
                "{path}/versions/{number}/diff?against={}",
                against + 1
            ))
            .expect(200);
        assert_eq!(
            diff.header("content-type"),
            Some("application/json-patch+json")
        );
        let mut patched = kept[against].clone();
        let steps: json_patch::Patch = serde_json::from_str(&diff.text).unwrap();
        json_patch::patch(&mut patched, &steps).unwrap();
        assert_eq!(&patched, expected, "{against} to {index}");
        let restored = client
            .send(
                "POST",
                &format!("{path}/versions/{number}/restore"),
                &[],
                None,
            )
            .expect(200);
        let mut restored = restored.json()["access_profile"].clone();
        for field in ["version", "updated_at"] {
            restored[field] = expected[field].clone();
        }
        assert_eq!(&restored, expected);
    }
    let list = client
        .get(&format!("{path}/versions?limit=500"))
        .expect(200)
        .json();
    let numbers: Vec<i64> = list["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|version| version["version"].as_i64().unwrap())
        .collect();
    let expected: Vec<i64> = (1..=list["total_count"].as_i64().unwrap()).rev().collect();
    assert_eq!(numbers, expected);
}

#[test]
fn restoring_what_is_not_there_or_not_allowed_is_refused() {
    let server = Server::start();
    let client = &server.client;
    let profile = client.create_profile(&json!({ "name": "old name" }));
    let path = format!("/api/access-profiles/{}", profile["id"]);
    client
        .put(&path, &json!({ "name": "new name" }))
        .expect(200);
    client.create_profile(&json!({ "name": "Old Name" }));
    let restore = |number: i64| {
        client.send(
            "POST",
            &format!("{path}/versions/{number}/restore"),
            &[],
            None,
        )
    };
    assert_eq!(restore(1).expect(409).code(), "duplicate_name");
    restore(3).expect(404);
    client
        .send("POST", &format!("{path}/versions/0/restore"), &[], None)
        .expect(400);
    client.get(&format!("{path}/versions/3/diff")).expect(404);
    client
        .get(&format!("{path}/versions/1/diff?against=9"))
        .expect(404);
    client
        .get(&format!("{path}/versions/1/diff?against=x"))
        .expect(400);
    client.get("/api/access-profiles/99/audit-logs").expect(404);
}

#[test]
fn a_version_that_today_s_rules_refuse_is_not_brought_back() {
    let server = Server::start();
    let client = &server.client;
    client.create_profile(
        &json!({ "name": "strict", "tags": ["a"], "budgets": [{ "max_limit": 1 }] }),
    );
    let path = "/api/access-profiles/1";
    let changed = client.put(path, &json!({ "tags": ["b"] })).expect(200);
    // As if the rules had been others when it was written.
    rusqlite::Connection::open(server.data_dir().join("tollkeeper.db"))
        .unwrap()
        .execute(
            "UPDATE access_profile_versions SET snapshot = json_set(snapshot, '$.tags[0]', ' ', '$.budgets[0].max_limit', -1)
             WHERE access_profile_id = 1 AND version = 1",
            [],
        )
        .unwrap();
    let reply = client.send("POST", &format!("{path}/versions/1/restore"), &[], None);
    reply.expect_refusal(409, "conflict", "content_not_allowed");
    assert_eq!(
        reply.violations(),
        [
            "- content_not_allowed",
            "budgets[0].max_limit out_of_range",
            "tags[0] blank"
        ]
    );
    assert_eq!(
        client.get(path).json()["access_profile"],
        changed.json()["access_profile"]
    );
    assert_eq!(
        client.get(&format!("{path}/versions")).json()["total_count"],
        2
    );
}

#[test]
fn the_audit_log_says_who_changed_what() {
    let server = Server::start();
    let client = &server.client;
    let (_, other) = client.make_key(
        "second key",
        &["AccessProfiles:Update", "AccessProfiles:Delete"],
    );
    let profile = client.create_profile(&json!({ "name": "watched", "tags": ["a"] }));
    let path = format!("/api/access-profiles/{}", profile["id"]);
    other
        .send(
            "PUT",
            &path,
            &[("x-request-id", "req-1")],
            Some(&json!({ "tags": ["b"] })),
        )
        .expect(200);
    other.delete(&path).expect(200);
    client.create_profile(&json!({ "name": "other" }));
    let logs = client.get(&format!("{path}/audit-logs")).expect(200).json();
    assert_eq!(
        (&logs["total_count"], &logs["count"]),
        (&json!(3), &json!(3))
    );
    let update = &logs["audit_logs"][1];
    assert_eq!(update["action"], "access_profile.update");
    assert_eq!(
        (&update["actor_name"], &update["request_id"]),
        (&json!("second key"), &json!("req-1"))
    );
    assert_eq!(update["previous_value"], json!({ "tags": ["a"] }));
    assert_eq!(update["new_value"], json!({ "tags": ["b"] }));
    assert_eq!(logs["audit_logs"][2]["new_value"], profile);
    let all = |query: &str| {
        client
            .get(&format!("/api/access-profiles/audit-logs{query}"))
            .expect(200)
            .json()
    };
    assert_eq!(all("")["total_count"], 4);
    assert_eq!(all("?action=access_profile.create")["total_count"], 2);
    assert_eq!(all("?action=create")["total_count"], 2);
    for unknown in ["access_profile.creates", "delete_user", "role.attach"] {
        let refused = client.get(&format!("/api/access-profiles/audit-logs?action={unknown}"));
        let refused = refused.expect(400);
        assert_eq!(refused.violations(), ["action invalid_value"]);
        assert!(
            refused.message().contains("access_profile.create, "),
            "{}",
            refused.text
        );
    }
    assert_eq!(
        all("?action=access_profile.create&limit=1&offset=1")["audit_logs"][0]["new_value"],
        profile
    );
    assert_eq!(all("?user_id=5")["total_count"], 0);
    let verdict = all("/verify");
    assert_eq!(
        (&verdict["intact"], &verdict["entries"]),
        (&json!(true), &json!(6))
    );
}

#[test]
fn a_repeated_post_has_one_effect_and_one_answer() {
    let server = Server::start();
    let client = &server.client;
    let post = |path: &str, key: &str, body: &Value| {
        client.send("POST", path, &[("idempotency-key", key)], Some(body))
    };
    let first = post(
        "/api/access-profiles",
        "k1",
        &json!({ "name": "once", "tags": [] }),
    )
    .expect(201);
    let again = post(
        "/api/access-profiles",
        "k1",
        &json!({ "tags": [], "name": "once" }),
    )
    .expect(201);
    assert_eq!(
        (again.text.as_str(), again.header("location")),
        (first.text.as_str(), first.header("location"))
    );
    assert_eq!(again.header("etag"), first.header("etag"));
    let other = post("/api/access-profiles", "k1", &json!({ "name": "twice" })).expect(422);
    assert_eq!(other.code(), "idempotency_key_reused");
    post("/api/access-profiles", "k2", &json!({ "name": "once" })).expect(409);
    post("/api/access-profiles", "k2", &json!({ "name": "another" })).expect(201);
    post("/api/access-profiles", "", &json!({ "name": "empty key" })).expect(400);
    let clone = "/api/access-profiles/1/clone";
    let cloned = post(clone, "k1", &json!({ "name": "clone" })).expect(201);
    assert_eq!(
        post(clone, "k1", &json!({ "name": "clone" }))
            .expect(201)
            .text,
        cloned.text
    );
    let (_, stranger) = client.make_key("stranger", &["AccessProfiles:Create"]);
    stranger
        .send(
            "POST",
            "/api/access-profiles",
            &[("idempotency-key", "k1")],
            Some(&json!({ "name": "mine" })),
        )
        .expect(201);
    server.time.advance_seconds(24 * 3_600 - 1);
    post(
        "/api/access-profiles",
        "k1",
        &json!({ "name": "once", "tags": [] }),
    )
    .expect(201);
    server.time.advance_seconds(1);
    post("/api/access-profiles", "k1", &json!({ "name": "new day" })).expect(201);
}

#[test]
fn of_many_equal_posts_at_once_one_has_an_effect() {
    let server = Server::start();
    let answers: Vec<_> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..16)
            .map(|_| {
                let client = server.client.clone();
                scope.spawn(move || {
                    let body = json!({ "name": "race" });
                    client
                        .send(
                            "POST",
                            "/api/access-profiles",
                            &[("idempotency-key", "same")],
                            Some(&body),
                        )
                        .expect(201)
                        .text
                })
            })
            .collect();
        handles
            .into_iter()
            .map(|handle| handle.join().unwrap())
            .collect()
    });
    assert!(answers.iter().all(|answer| answer == &answers[0]));
    assert_eq!(
        server.client.get("/api/access-profiles").json()["total_count"],
        1
    );
}

/// Changes that each of two racing writers makes.
const EACH: usize = 500;

#[test]
fn racing_writers_with_if_match_lose_no_update_and_without_it_leave_no_gap() {
    let server = Server::start();
    let profile = server
        .client
        .create_profile(&json!({ "name": "raced", "budgets": [{ "max_limit": 0 }] }));
    let path = format!("/api/access-profiles/{}", profile["id"]);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let (client, path) = (server.client.clone(), &path);
            scope.spawn(move || {
                for _ in 0..EACH {
                    loop {
                        let read = client.get(path).expect(200);
                        let next = read.json()["access_profile"]["budgets"][0]["max_limit"]
                            .as_f64()
                            .unwrap()
                            + 1.0;
                        let body = json!({ "budgets": [{ "max_limit": next }] });
                        let tag = read.header("etag").unwrap().to_owned();
                        match client
                            .send("PUT", path, &[("if-match", &tag)], Some(&body))
                            .status
                        {
                            200 => break,
                            status => assert_eq!(status, 412),
                        }
                    }
                }
            });
        }
    });
    let counted = server.client.get(&path).json()["access_profile"].clone();
    assert_eq!(counted["budgets"][0]["max_limit"].as_f64(), Some(1000.0));
    std::thread::scope(|scope| {
        for writer in 0..2 {
            let (client, path) = (server.client.clone(), &path);
            scope.spawn(move || {
                for step in 0..EACH {
                    client
                        .put(path, &json!({ "description": format!("{writer}/{step}") }))
                        .expect(200);
                }
            });
        }
    });
    let last = server.client.get(&path).json()["access_profile"].clone();
    assert_eq!(last["version"], json!(1 + 4 * EACH));
    let mut versions = Vec::new();
    while versions.len() < 1 + 4 * EACH {
        let page = format!("{path}/versions?limit=500&offset={}", versions.len());
        let page = server.client.get(&page).expect(200).json();
        assert_ne!(page["count"], 0);
        versions.extend(page["versions"].as_array().unwrap().clone());
    }
    let numbers: Vec<_> = versions.iter().map(|one| one["version"].clone()).collect();
    let gapless: Vec<_> = (1..=1 + 4 * EACH)
        .rev()
        .map(|number| json!(number))
        .collect();
    assert_eq!(numbers, gapless);
    // Each writer's changes are all there and in its order, and the last of one of them is what holds.
    let described: Vec<String> = versions[..2 * EACH]
        .iter()
        .rev()
        .map(|one| {
            let snapshot: Value = serde_json::from_str(one["snapshot"].as_str().unwrap()).unwrap();
            snapshot["description"].as_str().unwrap().to_owned()
        })
        .collect();
    for writer in ["0/", "1/"] {
        let steps: Vec<_> = described
            .iter()
            .filter(|one| one.starts_with(writer))
            .cloned()
            .collect();
        let sent: Vec<_> = (0..EACH).map(|step| format!("{writer}{step}")).collect();
        assert_eq!(steps, sent);
    }
    assert_eq!(last["description"], json!(described.last()));
}

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

#[test]
fn a_body_that_nobody_reads_is_refused() {
    let server = Server::start();
    let client = &server.client;
    client.create_profile(&json!({ "name": "strict" }));
    for (method, step) in [
        ("PUT", "activate"),
        ("PUT", "deactivate"),
        ("POST", "versions/1/restore"),
    ] {
        let path = format!("/api/access-profiles/1/{step}");
        let sent = |body: &Value| client.send(method, &path, &[], Some(body));
        assert_eq!(
            sent(&json!({ "is_active": true })).expect(400).violations(),
            ["is_active unknown_field"]
        );
        assert_eq!(sent(&json!([])).expect(400).violations(), ["- wrong_type"]);
        sent(&json!({})).expect(200);
    }
}

#[test]
fn a_list_of_if_match_may_stand_in_several_lines() {
    let server = Server::start();
    let client = &server.client;
    client.create_profile(&json!({ "name": "lines" }));
    let path = "/api/access-profiles/1";
    let tag = client.get(path).header("etag").unwrap().to_owned();
    let put =
        |lines: &[(&str, &str)]| client.send("PUT", path, lines, Some(&json!({ "tags": ["x"] })));
    put(&[("if-match", "\"other\""), ("if-match", "\"another\"")]).expect(412);
    put(&[("if-match", "\"other\""), ("if-match", &tag)]).expect(200);
}

#[test]
fn tags_are_lists_as_http_has_them() {
    let server = Server::start();
    let client = &server.client;
    client.create_profile(&json!({ "name": "lists" }));
    let path = "/api/access-profiles/1";
    let tag = client.get(path).header("etag").unwrap().to_owned();
    let get = |lines: &[(&str, &str)]| client.send("GET", path, lines, None);
    get(&[("if-none-match", "\"other\""), ("if-none-match", &tag)]).expect(304);
    get(&[("if-none-match", &format!("\"a,b\",, {tag}"))]).expect(304);
    get(&[("if-none-match", &format!("\"a, {tag}"))]).expect(200);
    let put = |list: &str| {
        client.send(
            "PUT",
            path,
            &[("if-match", list)],
            Some(&json!({ "tags": ["x"] })),
        )
    };
    put("\"a,b\"").expect(412);
    put(",").expect(400);
    put(&format!(", \"a,b\" ,,W/\"c\", {tag},")).expect(200);
}

#[test]
fn a_version_and_a_difference_are_known_by_their_tags() {
    let server = Server::start();
    let client = &server.client;
    client.create_profile(&json!({ "name": "one" }));
    client
        .put("/api/access-profiles/1", &json!({ "name": "two" }))
        .expect(200);
    let mut tags = Vec::new();
    for path in [
        "versions/1",
        "versions/2",
        "versions/2/diff",
        "versions/2/diff?against=2",
    ] {
        let path = format!("/api/access-profiles/1/{path}");
        let shown = client.get(&path).expect(200);
        let tag = shown.header("etag").unwrap().to_owned();
        let known = client
            .send("GET", &path, &[("if-none-match", &tag)], None)
            .expect(304);
        assert_eq!(
            (known.header("etag"), known.text.as_str()),
            (Some(tag.as_str()), "")
        );
        assert!(!tags.contains(&tag), "{path}");
        tags.push(tag);
    }
}

#[test]
fn entries_about_people_are_for_keys_that_may_view_people() {
    let server = Server::start();
    let client = &server.client;
    let role = client.create_role("writers");
    client.create_user("Ada", "ada@example.com", Some(role));
    client.create_tool_group("reading");
    client.create_profile(&json!({ "name": "dev" }));
    client.assign(1, 1);
    let actions = |scopes: &[&str]| {
        let (_, reader) = client.make_key(&scopes.join(" "), scopes);
        let reply = reader.get("/api/access-profiles/audit-logs").expect(200);
        assert_eq!(
            reply.text.contains("ada@example.com"),
            scopes.contains(&"Users:View")
        );
        let list = reply.json();
        assert_eq!(list["total_count"], list["count"]);
        let mut actions: Vec<String> = list["audit_logs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["action"].as_str().unwrap().to_owned())
            .collect();
        actions.sort();
        let none = reader
            .get("/api/access-profiles/audit-logs?action=user.create")
            .expect(200);
        assert_eq!(
            none.json()["total_count"] == 0,
            !scopes.contains(&"Users:View")
        );
        actions
    };
    let seen = actions(&["AccessProfiles:View"]);
    for action in ["access_profile.assign", "access_profile.create"] {
        assert!(seen.iter().any(|one| one == action), "{seen:?}");
    }
    let of = |kind: &str, actions: &[String]| actions.iter().any(|one| one.starts_with(kind));
    assert!(!of("user.", &seen) && !of("role.", &seen) && !of("mcp_tool_group.", &seen));
    let seen = actions(&["AccessProfiles:View", "Users:View"]);
    assert!(of("user.", &seen) && !of("role.", &seen));
    let seen = actions(&["AccessProfiles:View", "Roles:View", "VirtualMCPs:View"]);
    assert!(!of("user.", &seen) && of("role.", &seen) && of("mcp_tool_group.", &seen));
}

#[test]
fn a_page_of_large_versions_ends_early_or_is_refused() {
    let server = Server::start();
    let client = &server.client;
    let models = |salt: usize| -> Value {
        let models: Vec<_> = (0..10_000)
            .map(|n| format!("{:x>80}-{n:05}-{salt:02}", ""))
            .collect();
        json!([{ "provider_name": "openai", "allowed_models": models }])
    };
    client.create_profile(&json!({ "name": "heavy", "provider_configs": models(0) }));
    let path = "/api/access-profiles/1";
    for salt in 1..20 {
        client
            .put(path, &json!({ "provider_configs": models(salt) }))
            .expect(200);
    }
    for (list, items) in [("versions", "versions"), ("audit-logs", "audit_logs")] {
        let list = format!("{path}/{list}");
        assert_eq!(
            client
                .get(&format!("{list}?limit=20"))
                .expect(400)
                .violations(),
            ["limit page_too_large"]
        );
        let mut seen = 0;
        while seen < 20 {
            let reply = client.get(&format!("{list}?offset={seen}")).expect(200);
            assert!(reply.text.len() < 20 * 1024 * 1024);
            let page = reply.json();
            let count = page[items].as_array().unwrap().len();
            assert_eq!(
                (&page["count"], &page["total_count"]),
                (&json!(count), &json!(20))
            );
            assert!(count > 0 && (seen > 0 || count < 20));
            seen += count;
        }
        assert_eq!(seen, 20);
    }
}
