//! Changing, cloning, retiring and restoring access profiles.

use serde_json::{Value, json};

use crate::support::{Client, Server};

fn large_profile(name: &str) -> Value {
    json!({
        "name": name,
        "description": "a policy with everything",
        "tags": ["a", "b"],
        "provider_configs": [
            { "provider_name": "openai", "allowed_models": ["gpt-4o", "regex:o[13].*"], "blacklisted_models": ["*preview*"],
              "budgets": [{ "max_limit": 10 }, { "max_limit": 1.5, "reset_duration": "1h" }],
              "rate_limit": { "token_max_limit": 1000, "token_reset_duration": "1m" } },
            { "provider_name": "anthropic", "all_models_allowed": true },
        ],
        "budgets": [{ "max_limit": 100 }, { "max_limit": 300, "reset_duration": "1Q", "reset_config": { "quarter_start_month": 2 } }],
        "rate_limit": { "request_max_limit": 60, "request_reset_duration": "1m" },
        "auto_rotation_interval": "30d",
        "mcp_tool_groups": [{ "tool_group_id": 7 }],
        "mcp_servers": [{ "mcp_server_id": "files" }],
        "mcp_tool_overrides": [{ "mcp_client_id": "web", "tool_name": "fetch", "action": "exclude" }],
    })
}

fn path(profile: &Value) -> String {
    format!("/api/access-profiles/{}", profile["id"])
}

fn read(client: &Client, profile: &Value) -> Value {
    client.get(&path(profile)).expect(200).json()["access_profile"].clone()
}

/// Without what every change changes.
fn policy(profile: &Value) -> Value {
    let mut profile = profile.clone();
    let fields = profile.as_object_mut().unwrap();
    for field in ["version", "updated_at"] {
        fields.remove(field);
    }
    // What is cleared with `null` is left out then.
    if fields.get("rate_limit").is_some_and(Value::is_null) {
        fields.remove("rate_limit");
    }
    profile
}

#[test]
fn every_field_can_be_changed_by_sending_the_whole_object_back() {
    let server = Server::start();
    let client = &server.client;
    let mut profile = client.create_profile(&large_profile("whole"));
    let edits = json!({
        "name": "renamed", "description": "", "tags": ["c"], "calendar_aligned": true,
        "provider_configs": [], "budgets": [], "rate_limit": null, "auto_rotation_interval": 3_600_000_000_000_i64,
        "next_rotation_at": "2026-06-20T00:00:00Z", "mcp_tool_groups": [], "mcp_servers": [{ "mcp_server_id": "other" }],
        "mcp_tool_overrides": [],
    });
    for (field, value) in edits.as_object().unwrap() {
        server.time.advance_seconds(1);
        let mut edited = profile.clone();
        edited[field] = value.clone();
        let answer = client.put(&path(&profile), &edited).expect(200);
        let changed = answer.json()["access_profile"].clone();
        assert_eq!(policy(&changed), policy(&edited), "{field}");
        assert_eq!(
            changed["version"],
            json!(profile["version"].as_i64().unwrap() + 1),
            "{field}"
        );
        assert_eq!(changed["updated_at"], json!(server.time.now()), "{field}");
        assert_eq!(read(client, &profile), changed, "{field}");
        assert_eq!(
            client.get(&path(&profile)).header("etag"),
            answer.header("etag")
        );
        profile = changed;
    }
}

#[test]
fn a_change_that_changes_nothing_makes_no_version_and_no_audit_entry() {
    let server = Server::start();
    let client = &server.client;
    let profile = client.create_profile(&large_profile("same"));
    server.time.advance_seconds(60);
    let detail = client.get(&path(&profile)).json();
    for body in [
        profile.clone(),
        detail,
        json!({}),
        json!({ "name": "  same " }),
    ] {
        let answer = client.put(&path(&profile), &body).expect(200);
        assert_eq!(answer.json()["access_profile"], profile);
    }
    client
        .put(&format!("{}/activate", path(&profile)), &json!({}))
        .expect(200);
    assert_eq!(
        client.get(&format!("{}/versions", path(&profile))).json()["total_count"],
        1
    );
    assert_eq!(
        client.get(&format!("{}/audit-logs", path(&profile))).json()["total_count"],
        1
    );
}

#[test]
fn a_budget_that_keeps_its_place_keeps_its_id() {
    let server = Server::start();
    let client = &server.client;
    let profile = client.create_profile(&large_profile("places"));
    let changed = client
        .put(&path(&profile), &json!({
            "budgets": [{ "max_limit": 5, "reset_duration": "1d" }, { "max_limit": 200 }],
            "provider_configs": [{ "provider_name": "OpenAI", "budgets": [{ "max_limit": 11 }] }],
        }))
        .expect(200)
        .json()["access_profile"]
        .clone();
    assert_eq!(changed["budgets"][1]["id"], profile["budgets"][0]["id"]);
    assert!(changed["budgets"][0]["id"] != profile["budgets"][1]["id"]);
    assert_eq!(
        changed["provider_configs"][0]["id"],
        profile["provider_configs"][0]["id"]
    );
    assert_eq!(
        changed["provider_configs"][0]["budgets"][0]["id"],
        profile["provider_configs"][0]["budgets"][0]["id"]
    );
    assert_eq!(
        changed["provider_configs"][0]["budgets"][0]["scope"],
        "provider:OpenAI"
    );
}

#[test]
fn changes_are_refused_with_their_places() {
    let server = Server::start();
    let client = &server.client;
    client.create_profile(&json!({ "name": "taken" }));
    let profile = client.create_profile(&large_profile("refused"));
    let refused = |body: Value| client.put(&path(&profile), &body).expect(400).violations();
    let many = |count: usize, item: fn(usize) -> Value| (0..count).map(item).collect::<Vec<_>>();
    assert_eq!(
        refused(json!({ "is_active": false })),
        ["is_active is_active_not_changeable"]
    );
    assert_eq!(refused(json!({ "name": "" })), ["name blank"]);
    assert_eq!(
        refused(json!({ "tags": many(51, |n| json!(n.to_string())) })),
        ["tags too_many"]
    );
    let providers = many(101, |n| json!({ "provider_name": n.to_string() }));
    assert_eq!(
        refused(json!({ "provider_configs": providers })),
        ["provider_configs too_many"]
    );
    let budgets = many(
        101,
        |n| json!({ "max_limit": 1, "reset_duration": format!("{}s", n + 1) }),
    );
    assert_eq!(refused(json!({ "budgets": budgets })), ["budgets too_many"]);
    let granted = json!({ "mcp_servers": [{ "mcp_server_id": "web" }] });
    assert_eq!(
        refused(granted),
        ["mcp_tool_overrides[0] exclude_on_granted_server"]
    );
    let past = json!({ "next_rotation_at": "2020-01-01T00:00:00Z" });
    assert_eq!(refused(past), ["next_rotation_at not_in_future"]);
    let clash = client
        .put(&path(&profile), &json!({ "name": "TAKEN" }))
        .expect(409);
    assert_eq!(
        (
            clash.code().as_str(),
            clash.json()["error"]["param"].as_str()
        ),
        ("duplicate_name", Some("name"))
    );
    client
        .put("/api/access-profiles/999", &json!({}))
        .expect(404);
    assert_eq!(read(client, &profile), profile);
}

#[test]
fn everything_that_is_wrong_with_a_change_is_said_at_once_and_where_it_was_sent() {
    let server = Server::start();
    let client = &server.client;
    let profile = client.create_profile(&large_profile("at once"));
    let tags: Vec<_> = (0..51).map(|n| n.to_string()).collect();
    let wrong = json!({
        "is_active": false, "tags": tags, "next_rotation_at": "2020-01-01T00:00:00Z",
        "mcp_servers": [{ "mcp_server_id": "web" }], "calendar_aligned": "yes",
    });
    let expected = [
        "calendar_aligned wrong_type",
        "is_active is_active_not_changeable",
        "mcp_tool_overrides[0] exclude_on_granted_server",
        "next_rotation_at not_in_future",
        "tags too_many",
    ];
    let sent = |body: &Value| client.put(&path(&profile), body).expect(400).violations();
    assert_eq!(sent(&wrong), expected);
    assert_eq!(
        sent(&json!({ "access_profile": wrong })),
        expected.map(|one| format!("access_profile.{one}"))
    );
    // What a list that is wrong was to grant is not guessed.
    assert_eq!(
        sent(&json!({ "mcp_servers": [{ "mcp_server_id": "web" }, {}] })),
        ["mcp_servers[1].mcp_server_id required"]
    );
    assert_eq!(read(client, &profile), profile);
}

#[test]
fn the_tag_of_a_refusal_is_the_one_that_reading_answers() {
    let server = Server::start();
    let client = &server.client;
    let profile = client.create_profile(&json!({ "name": "held" }));
    let role = client.create_role("writers");
    client.attach(1, &[role], false, false).expect(200);
    client.create_person("ada");
    client.assign(1, 1);
    let tag = client
        .get(&path(&profile))
        .header("etag")
        .unwrap()
        .to_owned();
    let stale = [("if-match", "\"1-00000000\"")];
    for (method, step, body) in [
        ("PUT", "", Some(json!({ "tags": ["x"] }))),
        ("PUT", "/deactivate", None),
        ("POST", "/versions/1/restore", None),
        ("DELETE", "", None),
    ] {
        let reply = client.send(
            method,
            &format!("{}{step}", path(&profile)),
            &stale,
            body.as_ref(),
        );
        reply.expect_refusal(412, "precondition_failed", "stale_if_match");
        assert_eq!(reply.header("etag"), Some(tag.as_str()), "{method} {step}");
        assert!(reply.message().contains(&tag), "{}", reply.text);
    }
    let right = [("if-match", tag.as_str())];
    client
        .send(
            "PUT",
            &path(&profile),
            &right,
            Some(&json!({ "tags": ["x"] })),
        )
        .expect(200);
}

#[test]
fn caps_are_for_changes_alone() {
    let server = Server::start();
    let client = &server.client;
    let many = |count: usize, item: fn(usize) -> Value| (0..count).map(item).collect::<Vec<_>>();
    let budgets = many(
        101,
        |n| json!({ "max_limit": 1, "reset_duration": format!("{}s", n + 1) }),
    );
    let large = json!({
        "name": "large", "tags": many(51, |n| json!(n.to_string())), "budgets": budgets,
        "provider_configs": many(101, |n| json!({ "provider_name": n.to_string() })),
    });
    let profile = client.create_profile(&large);
    assert_eq!(
        client
            .put(&path(&profile), &profile)
            .expect(400)
            .violations(),
        [
            "budgets too_many",
            "provider_configs too_many",
            "tags too_many"
        ]
    );
    let line = json!([{ "provider_name": "openai", "budgets": large["budgets"] }]);
    assert_eq!(
        client
            .put(&path(&profile), &json!({ "provider_configs": line }))
            .expect(400)
            .violations(),
        ["provider_configs[0].budgets too_many"]
    );
    client
        .post(
            &format!("{}/clone", path(&profile)),
            &json!({ "name": "copy" }),
        )
        .expect(201);
    client
        .put(
            &path(&profile),
            &json!({ "tags": [], "budgets": [], "provider_configs": [] }),
        )
        .expect(200);
    let restored = client
        .send(
            "POST",
            &format!("{}/versions/1/restore", path(&profile)),
            &[],
            None,
        )
        .expect(200)
        .json()["access_profile"]
        .clone();
    assert_eq!(policy(&restored), policy(&profile));
}

#[test]
fn a_stale_if_match_is_refused_with_the_current_tag() {
    let server = Server::start();
    let client = &server.client;
    let profile = client.create_profile(&json!({ "name": "tagged" }));
    let first = client
        .get(&path(&profile))
        .header("etag")
        .unwrap()
        .to_owned();
    let put = |tag: &str, name: &str| {
        client.send(
            "PUT",
            &path(&profile),
            &[("if-match", tag)],
            Some(&json!({ "name": name })),
        )
    };
    let second = put(&first, "second")
        .expect(200)
        .header("etag")
        .unwrap()
        .to_owned();
    let stale = put(&first, "third").expect(412);
    assert_eq!(
        (stale.header("etag"), stale.code().as_str()),
        (Some(second.as_str()), "stale_if_match")
    );
    put("third", "third").expect(400);
    put("*", "third").expect(200);
    client
        .send("DELETE", &path(&profile), &[("if-match", &second)], None)
        .expect(412);
    client
        .send(
            "PUT",
            &format!("{}/deactivate", path(&profile)),
            &[("if-match", &second)],
            None,
        )
        .expect(412);
    client.delete(&path(&profile)).expect(200);
}

#[test]
fn activation_is_a_version_and_idempotent() {
    let server = Server::start();
    let client = &server.client;
    let profile = client.create_profile(&json!({ "name": "switch" }));
    for (step, active, version) in [
        ("deactivate", false, 2),
        ("deactivate", false, 2),
        ("activate", true, 3),
        ("activate", true, 3),
    ] {
        let answer = client
            .send("PUT", &format!("{}/{step}", path(&profile)), &[], None)
            .expect(200)
            .json();
        assert_eq!(answer["access_profile"]["is_active"], json!(active));
        assert_eq!(answer["access_profile"]["version"], json!(version));
    }
}

#[test]
fn a_clone_has_the_policy_under_fresh_ids() {
    let server = Server::start();
    let client = &server.client;
    let original = client.create_profile(&large_profile("original"));
    let clone = |body: Value| client.post(&format!("{}/clone", path(&original)), &body);
    let answer = clone(json!({ "name": "copy" })).expect(201);
    let copy = answer.json()["access_profile"].clone();
    assert_eq!(answer.header("location"), Some(path(&copy).as_str()));
    assert_eq!(read(client, &copy), copy);
    assert_eq!(
        (&copy["version"], &copy["name"], &copy["description"]),
        (&json!(1), &json!("copy"), &original["description"])
    );
    for place in [
        "/budgets/0/id",
        "/provider_configs/0/id",
        "/provider_configs/0/rate_limit/id",
        "/rate_limit/id",
        "/id",
    ] {
        assert_ne!(
            copy.pointer(place).unwrap(),
            original.pointer(place).unwrap(),
            "{place}"
        );
    }
    let mut expected = original.clone();
    let mut found = copy.clone();
    for profile in [&mut expected, &mut found] {
        strip(profile);
        profile["name"] = json!("");
    }
    assert_eq!(found, expected);
    clone(json!({ "name": "COPY" })).expect(409);
    assert_eq!(
        clone(json!({ "nme": "x" })).expect(400).violations(),
        ["name required", "nme unknown_field"]
    );
    client
        .post("/api/access-profiles/999/clone", &json!({ "name": "x" }))
        .expect(404);
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.remove("id");
            map.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

#[test]
fn a_deleted_profile_is_gone_and_its_name_is_free() {
    let server = Server::start();
    let client = &server.client;
    let profile = client.create_profile(&large_profile("gone"));
    client.delete(&path(&profile)).expect(200);
    for reply in [
        client.delete(&path(&profile)),
        client.get(&path(&profile)),
        client.get(&format!("{}/versions", path(&profile))),
        client.put(&path(&profile), &json!({})),
    ] {
        reply.expect(404);
    }
    assert_eq!(
        client.get("/api/access-profiles?search=gone").json()["total_count"],
        0
    );
    assert_eq!(
        client.get("/api/access-profiles?tags=a").json()["total_count"],
        0
    );
    let again = client.create_profile(&large_profile("gone"));
    assert_ne!(again["id"], profile["id"]);
    let logs = client
        .get(&format!("{}/audit-logs", path(&profile)))
        .expect(200)
        .json();
    let actions: Vec<_> = logs["audit_logs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["action"].clone())
        .collect();
    assert_eq!(actions, ["delete", "create"]);
    let parsed = |text: &Value| serde_json::from_str::<Value>(text.as_str().unwrap()).unwrap();
    assert_eq!(parsed(&logs["audit_logs"][0]["previous_values"]), profile);
    assert_eq!(parsed(&logs["audit_logs"][1]["new_values"]), profile);
    client
        .get(&format!("{}/versions/1", path(&profile)))
        .expect(404);
}

#[test]
fn search_and_filters_follow_a_change() {
    let server = Server::start();
    let client = &server.client;
    let profile = client.create_profile(&large_profile("before"));
    client
        .put(
            &path(&profile),
            &json!({ "name": "after", "description": "", "tags": ["new"] }),
        )
        .expect(200);
    let total = |query: &str| {
        client.get(&format!("/api/access-profiles?{query}")).json()["total_count"].clone()
    };
    for (query, expected) in [
        ("search=before", 0),
        ("search=after", 1),
        ("search=policy", 0),
        ("tags=a", 0),
        ("tags=new", 1),
    ] {
        assert_eq!(total(query), expected, "{query}");
    }
    client
        .send("PUT", &format!("{}/deactivate", path(&profile)), &[], None)
        .expect(200);
    assert_eq!(
        (total("is_active=true"), total("is_active=false")),
        (json!(0), json!(1))
    );
}
