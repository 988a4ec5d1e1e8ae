//! Pushing parts of a profile to its copies.

use serde_json::{Value, json};

use crate::support::holders::reservation_id;
use crate::support::{Client, Server};

fn policy() -> Value {
    json!({
        "name": "p",
        "provider_configs": [{ "provider_name": "openai", "allowed_models": ["a"], "budgets": [{ "max_limit": 5, "reset_duration": "1d" }] }],
        "budgets": [{ "max_limit": 100 }],
        "rate_limit": { "token_max_limit": 10 },
        "mcp_servers": [{ "mcp_server_id": "files" }],
    })
}

/// A profile that three users hold, the first two of them in a role.
fn held(client: &Client) -> (i64, Vec<i64>, i64) {
    let profile = client.create_profile(&policy())["id"].as_i64().unwrap();
    let role = client.create_role("dev");
    let people: Vec<i64> = [Some(role), Some(role), None]
        .iter()
        .enumerate()
        .map(|(n, role)| client.create_user(&format!("u{n}"), &format!("u{n}@example.com"), *role))
        .collect();
    for user in &people {
        client.assign(*user, profile);
    }
    (profile, people, role)
}

/// Changes every field that can be pushed.
fn change_everything(client: &Client, profile: i64) {
    let change = json!({
        "provider_configs": [{ "provider_name": "openai", "allowed_models": ["b"], "budgets": [{ "max_limit": 6, "reset_duration": "1d" }] }],
        "budgets": [{ "max_limit": 200 }, { "max_limit": 50, "reset_duration": "1w" }],
        "calendar_aligned": true,
        "rate_limit": { "token_max_limit": 20 },
        "mcp_tool_groups": [{ "tool_group_id": 3 }],
        "mcp_servers": [],
        "mcp_tool_overrides": [{ "mcp_client_id": "web", "tool_name": "fetch" }],
    });
    client.change_profile(profile, &change);
}

const FIELDS: [&str; 6] = [
    "provider_configs",
    "budgets",
    "rate_limit",
    "mcp_tool_groups",
    "mcp_servers",
    "mcp_tool_overrides",
];

fn ids(people: &[i64]) -> Vec<String> {
    people.iter().map(i64::to_string).collect()
}

#[test]
fn exactly_the_named_fields_reach_exactly_the_named_users() {
    let server = Server::start();
    let client = &server.client;
    let (profile, people, role) = held(client);
    let before = client.copy_of(people[0], profile);
    change_everything(client, profile);
    assert_eq!(
        client.copy_of(people[0], profile),
        before,
        "a copy has a policy of its own"
    );
    server.time.advance_seconds(1);
    let mut copy = before.clone();
    for field in FIELDS {
        let body = json!({ "fields": [field], "user_ids": [people[0].to_string()] });
        let done = client.propagate(profile, &body);
        let expected = json!({
            "affected_users": 1, "failed_users": 0, "skipped_users": 0, "user_ids": [people[0].to_string()],
            "fields": [field], "applied": true, "vk_sync_errors": [], "changes": [], "policy_changes": [], "changes_total": 0, "would_exceed": [], "would_exceed_total": 0,
        });
        assert_eq!(done, expected, "{field}");
        let now = client.copy_of(people[0], profile);
        assert_ne!(now[field], copy[field], "{field}");
        assert_eq!(now["template_version"], 2);
        assert_eq!(now["updated_at"], "2026-06-01T12:00:01Z");
        let fields = now.as_object().unwrap().keys();
        for other in fields
            .filter(|other| !["template_version", "updated_at", field].contains(&other.as_str()))
        {
            let aligned = field == "budgets"
                && ["calendar_aligned", "provider_configs"].contains(&other.as_str());
            assert!(
                aligned || now[other] == copy[other],
                "{field} changes {other}"
            );
        }
        copy = now;
        // Once more there is nothing to do.
        let done = client.propagate(profile, &body);
        assert_eq!(
            (&done["affected_users"], &done["skipped_users"]),
            (&json!(0), &json!(1))
        );
    }
    assert_eq!(
        client.copy_of(people[1], profile)["budgets"][0]["max_limit"],
        100
    );
    let done = client.propagate(profile, &json!({ "fields": FIELDS, "group_ids": [role] }));
    assert_eq!(done["user_ids"], json!(ids(&people[1..2])));
    assert_eq!(done["skipped_users"], 1);
    let done = client.propagate(
        profile,
        &json!({ "fields": FIELDS, "user_ids": [], "group_ids": [] }),
    );
    assert_eq!(done["user_ids"], json!(ids(&people[2..])));
    let last = client.copy_of(people[2], profile);
    for field in [
        "mcp_tool_groups",
        "mcp_servers",
        "mcp_tool_overrides",
        "calendar_aligned",
    ] {
        assert_eq!(last[field], copy[field], "{field}");
    }
    assert_eq!(client.audited("propagate").len(), FIELDS.len() + 2);
}

#[test]
fn a_limit_that_keeps_its_place_keeps_its_id() {
    let server = Server::start();
    let client = &server.client;
    let (profile, people, _) = held(client);
    let before = client.copy_of(people[0], profile);
    change_everything(client, profile);
    client.propagate(profile, &json!({ "fields": FIELDS }));
    let after = client.copy_of(people[0], profile);
    assert_eq!(after["budgets"][0]["id"], before["budgets"][0]["id"]);
    assert_eq!(after["rate_limit"]["id"], before["rate_limit"]["id"]);
    let line = |copy: &Value| copy["provider_configs"][0]["budgets"][0]["id"].clone();
    assert_eq!(line(&after), line(&before));
    assert_ne!(after["budgets"][1]["id"], before["budgets"][0]["id"]);
    let ids = client.copy_of(people[1], profile);
    assert_ne!(
        ids["budgets"][0]["id"], after["budgets"][0]["id"],
        "each copy has its own"
    );
}

#[test]
fn a_dry_run_says_who_would_change_and_writes_nothing() {
    let server = Server::start();
    let client = &server.client;
    let (profile, people, _) = held(client);
    change_everything(client, profile);
    client.propagate(
        profile,
        &json!({ "fields": ["rate_limit"], "user_ids": [people[0].to_string()] }),
    );
    let generation = server.services.store.generation();
    let body = json!({ "fields": ["rate_limit", "mcp_servers"], "dry_run": true });
    let told = client.propagate(profile, &body);
    assert_eq!(server.services.store.generation(), generation);
    assert_eq!(
        (&told["applied"], &told["affected_users"]),
        (&json!(false), &json!(3))
    );
    let change = |user: i64, fields: &[&str], policy: usize| json!({ "user_id": user.to_string(), "fields": fields, "policy_change": policy, "lost_overrides": [] });
    let mut changes = told["changes"].as_array().unwrap().clone();
    changes.sort_by_key(|change| change["user_id"].as_str().unwrap().to_owned());
    assert_eq!(
        changes,
        [
            change(people[0], &["mcp_servers"], 1),
            change(people[1], &["rate_limit", "mcp_servers"], 0),
            change(people[2], &["rate_limit", "mcp_servers"], 0),
        ]
    );
    // What they share is told once.
    let shared = told["policy_changes"].as_array().unwrap();
    assert_eq!(shared.len(), 2);
    assert_eq!(
        (&shared[0]["users"], &shared[1]["users"]),
        (&json!(2), &json!(1))
    );
    let paths = |at: usize| -> Vec<&str> {
        let steps = shared[at]["patch"].as_array().unwrap();
        steps
            .iter()
            .map(|step| step["path"].as_str().unwrap())
            .collect()
    };
    assert!(
        paths(0).contains(&"/rate_limit/token_max_limit"),
        "{shared:?}"
    );
    assert!(
        !paths(1).iter().any(|path| path.starts_with("/rate_limit")),
        "{shared:?}"
    );
    assert_eq!(
        client.copy_of(people[1], profile)["rate_limit"]["token_max_limit"],
        10
    );
}

#[test]
fn who_is_not_there_is_named() {
    let server = Server::start();
    let client = &server.client;
    let (profile, _, _) = held(client);
    let outsider = client.create_person("outsider");
    let path = format!("/api/access-profiles/{profile}/propagate");
    let fields = json!(["budgets"]);
    for (body, what) in [
        (
            json!({ "fields": fields, "user_ids": ["1", outsider.to_string()] }),
            "for the user 4",
        ),
        (json!({ "fields": fields, "user_ids": ["77"] }), "user 77"),
        (json!({ "fields": fields, "group_ids": [9] }), "role 9"),
    ] {
        let reply = client.post(&path, &body);
        reply.expect_refusal(404, "not_found", "not_found");
        assert!(reply.message().contains(what), "{}", reply.text);
    }
    let reply = client.post(
        &path,
        &json!({ "fields": ["budgts", "tags"], "dryrun": true }),
    );
    assert_eq!(
        reply.violations(),
        [
            "dryrun unknown_field",
            "fields[0] unknown_propagation_field",
            "fields[1] unknown_propagation_field"
        ]
    );
    for known in FIELDS {
        assert!(reply.text.contains(known));
    }
    client
        .post(
            "/api/access-profiles/99/propagate",
            &json!({ "fields": fields }),
        )
        .expect_refusal(404, "not_found", "not_found");
    // Who holds nothing is no hindrance when a role is named.
    let empty = client.create_role("empty");
    let done = client.propagate(profile, &json!({ "fields": fields, "group_ids": [empty] }));
    assert_eq!(done["affected_users"], 0);
}

#[test]
fn the_same_propagation_sent_twice_happens_once() {
    let server = Server::start();
    let client = &server.client;
    let (profile, _, _) = held(client);
    change_everything(client, profile);
    let path = format!("/api/access-profiles/{profile}/propagate");
    let body = json!({ "fields": ["budgets"] });
    let send = || {
        client
            .send("POST", &path, &[("idempotency-key", "x")], Some(&body))
            .expect(200)
    };
    let first = send();
    assert_eq!(first.json()["affected_users"], 3);
    assert_eq!(send().text, first.text);
    let entries = client.audited("propagate");
    assert_eq!(entries.len(), 1);
    let told =
        json!({ "version": 2, "fields": ["budgets"], "affected_users": 3, "reset_usage": false });
    assert_eq!(entries[0]["new_values"], told);
}

/// A user who spent six dollars and ten tokens, and holds one dollar; answers the user, the profile and the key.
fn spender(client: &Client) -> (i64, i64, String) {
    let body = json!({
        "provider_configs": [{ "provider_name": "openai", "all_models_allowed": true, "budgets": [{ "max_limit": 50 }] }],
        "budgets": [{ "max_limit": 10 }, { "max_limit": 20, "reset_duration": "1d" }],
        "rate_limit": { "token_max_limit": 100, "request_max_limit": 100 },
    });
    let ada = client.make_holder("ada", &body);
    let held = client
        .reserve(&ada.key, &json!({ "estimated_cost": 6 }))
        .expect(201);
    client.settle(&reservation_id(&held), 10, 6.0).expect(200);
    client
        .reserve(&ada.key, &json!({ "estimated_cost": 1 }))
        .expect(201);
    (ada.user_id.parse().unwrap(), ada.profile_id, ada.key)
}

#[test]
fn usage_survives_where_a_limit_keeps_its_place_and_only_there() {
    let server = Server::start();
    let client = &server.client;
    let (user, profile, _) = spender(client);
    let spent = |copy: &Value| -> Vec<Value> {
        let budgets = copy["budgets"].as_array().unwrap().iter();
        budgets
            .map(|budget| json!([budget["max_limit"], budget["current_usage"], budget["held"]]))
            .collect()
    };
    assert_eq!(
        spent(&client.copy_of(user, profile)),
        [json!([10, 6, 1]), json!([20, 6, 1])]
    );
    client.change_profile(profile, &json!({ "budgets": [{ "max_limit": 30 }, { "max_limit": 40, "reset_duration": "1w" }], "calendar_aligned": true }));
    client.propagate(profile, &json!({ "fields": ["budgets"] }));
    let copy = client.copy_of(user, profile);
    // A new limit sees what is held at once; what was spent before it came is not its own.
    assert_eq!(spent(&copy), [json!([30, 6, 1]), json!([40, 0, 1])]);
    assert_eq!(
        copy["budgets"][0]["last_reset"], "2026-06-01T00:00:00Z",
        "the open window is adopted"
    );
    let line = copy["provider_configs"][0]["budgets"][0].clone();
    assert_eq!(
        (
            &line["current_usage"],
            &copy["rate_limit"]["token_current_usage"]
        ),
        (&json!(6), &json!(10))
    );
    // A budget that went and came back begins at nothing.
    client.change_profile(
        profile,
        &json!({ "budgets": [{ "max_limit": 20, "reset_duration": "1d" }] }),
    );
    client.propagate(profile, &json!({ "fields": ["budgets"] }));
    assert_eq!(spent(&client.copy_of(user, profile)), [json!([20, 0, 1])]);
    let server = server.restart();
    assert_eq!(
        spent(&server.client.copy_of(user, profile)),
        [json!([20, 0, 1])]
    );
}

#[test]
fn a_reset_forgets_everything_that_was_used() {
    let server = Server::start();
    let client = &server.client;
    let (user, profile, key) = spender(client);
    let body = json!({ "fields": ["mcp_servers"], "reset_usage": true });
    assert_eq!(client.propagate(profile, &body)["affected_users"], 1);
    let copy = client.copy_of(user, profile);
    for budget in [
        &copy["budgets"][0],
        &copy["budgets"][1],
        &copy["provider_configs"][0]["budgets"][0],
    ] {
        assert_eq!(
            (&budget["current_usage"], &budget["held"]),
            (&json!(0), &json!(1))
        );
    }
    assert_eq!(copy["rate_limit"]["token_current_usage"], 0);
    client
        .reserve(&key, &json!({ "estimated_cost": 9 }))
        .expect(201);
    let server = server.restart();
    let budget = server.client.copy_of(user, profile)["budgets"][0].clone();
    assert_eq!(
        (&budget["current_usage"], &budget["held"]),
        (&json!(0), &json!(10))
    );
}

#[test]
fn a_dry_run_names_who_would_be_over_a_limit_at_once() {
    let server = Server::start();
    let client = &server.client;
    let (user, profile, _) = spender(client);
    client.change_profile(profile, &json!({ "budgets": [{ "max_limit": 6.5 }, { "max_limit": 7, "reset_duration": "1d" }], "rate_limit": { "token_max_limit": 9 } }));
    let body = json!({ "fields": ["budgets", "rate_limit"], "dry_run": true });
    let copy = client.copy_of(user, profile);
    let told = client.propagate(profile, &body);
    let money = json!({
        "id": copy["budgets"][0]["id"], "scope": "total", "kind": "budget", "reset_duration": "1M",
        "used": 6, "held": 1, "effective_max_limit": 6.5,
    });
    let tokens = json!({
        "id": copy["rate_limit"]["id"], "scope": "total", "kind": "tokens", "reset_duration": "1h",
        "used": 10, "held": 0, "effective_max_limit": 9,
    });
    let mut limits = told["would_exceed"][0]["limits"]
        .as_array()
        .unwrap()
        .clone();
    limits.sort_by_key(|limit| limit["kind"].as_str().unwrap().to_owned());
    assert_eq!(
        (&told["would_exceed"][0]["user_id"], limits),
        (&json!(user.to_string()), vec![money, tokens])
    );
    // What an override adds counts, and so does a reset.
    let path = client.override_path(user, profile, &copy["budgets"][0]);
    client
        .put(&path, &json!({ "amount": 1, "mode": "forever" }))
        .expect(200);
    let told = client.propagate(profile, &body);
    assert_eq!(
        told["would_exceed"][0]["limits"].as_array().unwrap().len(),
        1
    );
    let body = json!({ "fields": ["budgets", "rate_limit"], "dry_run": true, "reset_usage": true });
    let told = client.propagate(profile, &body);
    assert_eq!(
        (&told["would_exceed"], &told["would_exceed_total"]),
        (&json!([]), &json!(0))
    );
    assert_eq!(told["changes_total"], 1);
    // With a budget goes what it was raised by.
    client.change_profile(
        profile,
        &json!({ "budgets": [{ "max_limit": 7, "reset_duration": "1d" }] }),
    );
    let told = client.propagate(profile, &body);
    assert_eq!(
        told["changes"][0]["lost_overrides"],
        json!([copy["budgets"][0]["id"]])
    );
}

#[test]
fn a_group_is_a_role_by_its_id_and_another_text_is_none() {
    let server = Server::start();
    let client = &server.client;
    let profile = client.create_budgeted("dev", 5);
    let role = client.create_role("eng");
    let path = format!("/api/access-profiles/{profile}/propagate");
    let to = |groups: Value| {
        client.post(
            &path,
            &json!({ "fields": ["budgets"], "group_ids": groups }),
        )
    };
    to(json!([role])).expect(200);
    to(json!([role.to_string()])).expect(200);
    for unknown in ["scim-group", "0", "99"] {
        let reply = to(json!([unknown]));
        reply.expect_refusal(404, "not_found", "not_found");
        assert!(reply.message().contains(unknown), "{}", reply.text);
    }
    assert_eq!(
        to(json!([role, role.to_string()])).expect(400).violations(),
        ["group_ids[1] duplicate_id"]
    );
}
