//! What clients of the contract rely on in answers about access profiles: members that are there, left out, or of another type than ours
//! was.

use serde_json::{Value, json};

use crate::support::{Client, Server};

const PROFILES: &str = "/api/access-profiles";

fn parsed(text: &Value) -> Value {
    serde_json::from_str(text.as_str().unwrap()).unwrap()
}

fn names(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

/// A profile as it is made, listed and read alone.
fn shown(client: &Client, body: &Value) -> [Value; 3] {
    let made = client.create_profile(body);
    let path = format!("{PROFILES}/{}", made["id"]);
    let read = client.get(&path).expect(200).json()["access_profile"].clone();
    let list = client
        .get(&format!("{PROFILES}?limit=1&sort=-id"))
        .expect(200)
        .json();
    [made, read, list["access_profiles"][0].clone()]
}

#[test]
fn a_profile_and_a_provider_line_without_a_rate_limit_leave_it_out() {
    let server = Server::start();
    let body = json!({ "name": "x", "provider_configs": [{ "provider_name": "openai" }] });
    for profile in shown(&server.client, &body) {
        assert_eq!(profile.get("rate_limit"), None);
        assert_eq!(profile["provider_configs"][0].get("rate_limit"), None);
        assert_eq!(profile["next_rotation_at"], json!(null));
        assert!(profile.get("next_rotation_at").is_some());
    }
}

#[test]
fn a_budget_that_is_not_of_a_quarter_has_no_reset_config() {
    let server = Server::start();
    let quarter = json!({ "max_limit": 1, "reset_duration": "1Q", "reset_config": { "quarter_start_month": 4 } });
    let body =
        json!({ "name": "x", "budgets": [{ "max_limit": 1, "reset_duration": "1M" }, quarter] });
    for profile in shown(&server.client, &body) {
        let budgets = profile["budgets"].as_array().unwrap();
        let month = budgets
            .iter()
            .find(|one| one["reset_duration"] == "1M")
            .unwrap();
        let quarter = budgets
            .iter()
            .find(|one| one["reset_duration"] == "1Q")
            .unwrap();
        assert_eq!(month.get("reset_config"), None);
        assert_eq!(quarter["reset_config"], json!({ "quarter_start_month": 4 }));
    }
}

#[test]
fn a_rate_limit_of_tokens_alone_has_no_reset_duration_of_requests() {
    let server = Server::start();
    let body = json!({ "name": "x", "rate_limit": { "token_max_limit": 1_000, "token_reset_duration": "1h" } });
    for profile in shown(&server.client, &body) {
        let limit = &profile["rate_limit"];
        assert_eq!(limit["token_reset_duration"], "1h");
        assert_eq!(limit.get("request_reset_duration"), None);
        assert_eq!(limit.get("request_max_limit"), Some(&json!(null)));
    }
}

#[test]
fn a_refusal_that_is_about_no_value_has_no_param() {
    let server = Server::start();
    let refused = server.client.get(&format!("{PROFILES}/99")).expect(404);
    assert_eq!(names(&refused.json()["error"]), ["code", "message", "type"]);
    let refused = server.client.post(PROFILES, &json!({})).expect(400);
    assert_eq!(refused.json()["error"]["param"], "name");
}

#[test]
fn the_budget_of_an_override_is_one_of_the_governance_section() {
    let server = Server::start();
    let client = &server.client;
    let (profile, user) = (
        client.create_budgeted("dev", 10),
        client.create_person("ada"),
    );
    let copy = client.assign(user, profile)["access_profile"].clone();
    let path = client.override_path(user, profile, &copy["budgets"][0]);
    let given = [
        (
            json!({ "amount": 5, "mode": "cycles", "cycles": 2 }),
            json!([5, "cycles", 2, 2, "2026-06-01T12:00:00Z"]),
        ),
        (
            json!({ "amount": 5, "mode": "forever" }),
            json!([5, "forever", null, null, null]),
        ),
    ];
    let raised = [
        "amount",
        "mode",
        "cycles_remaining",
        "cycles_total",
        "anchor_reset",
    ];
    let overrides = |budget: &Value| -> Value {
        let members = raised.map(|name| budget.get(format!("override_{name}")).cloned());
        // What is left out is shown as null here alone.
        assert!(!members.contains(&Some(Value::Null)), "{budget}");
        members.into_iter().map(|member| json!(member)).collect()
    };
    let mut answers: Vec<(Value, Value)> = given
        .map(|(body, expected)| (client.put(&path, &body).expect(200).json(), expected))
        .to_vec();
    let removed = client.delete(&path).expect(200).json();
    answers.push((removed, json!([null, null, null, null, null])));
    for (answer, expected) in answers {
        let budget = &answer["budget"];
        for member in [
            "id",
            "max_limit",
            "reset_duration",
            "last_reset",
            "current_usage",
        ] {
            assert!(
                budget.get(member).is_some_and(|value| !value.is_null()),
                "{member}: {budget}"
            );
        }
        assert_eq!(budget.get("config_hash"), Some(&json!(null)));
        assert_eq!(budget["created_at"], "2026-06-01T12:00:00Z");
        assert_eq!(budget["updated_at"], "2026-06-01T12:00:00Z");
        assert_eq!(budget.get("reset_config"), None);
        assert_eq!(overrides(budget), expected, "{budget}");
    }
}

#[test]
fn a_version_has_a_number_of_its_own_the_names_of_then_and_who_changed_it() {
    let server = Server::start();
    let client = &server.client;
    for name in ["one", "two"] {
        let made = client.create_profile(&json!({ "name": name, "description": "first" }));
        let path = format!("{PROFILES}/{}", made["id"]);
        client
            .put(
                &path,
                &json!({ "name": format!("{name} renamed"), "description": "" }),
            )
            .expect(200);
    }
    let mut ids = Vec::new();
    for (profile, name) in [(1, "one"), (2, "two")] {
        let list = client
            .get(&format!("{PROFILES}/{profile}/versions"))
            .expect(200)
            .json();
        for (at, number, named, about) in [
            (0, 2, format!("{name} renamed"), ""),
            (1, 1, name.to_owned(), "first"),
        ] {
            let version = &list["versions"][at];
            let path = format!("{PROFILES}/{profile}/versions/{number}");
            assert_eq!(client.get(&path).expect(200).json()["version"], *version);
            let expected = json!([profile, number, named, about, "initial"]);
            let told = [
                "access_profile_id",
                "version",
                "name",
                "description",
                "changed_by",
            ];
            assert_eq!(
                told.map(|member| version[member].clone()).to_vec(),
                *expected.as_array().unwrap()
            );
            assert_eq!(parsed(&version["snapshot"])["name"], named);
            ids.push(version["id"].as_i64().unwrap());
        }
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 4, "no id twice");
}

#[test]
fn an_entry_of_the_audit_trail_has_the_members_of_the_contract_and_its_values_as_texts() {
    let server = Server::start();
    let client = &server.client;
    let made = client.create_profile(&json!({ "name": "watched", "tags": ["a"] }));
    client
        .put(
            &format!("{PROFILES}/{}", made["id"]),
            &json!({ "tags": ["b"] }),
        )
        .expect(200);
    let log = client
        .get(&format!("{PROFILES}/1/audit-logs"))
        .expect(200)
        .json();
    let [update, create] = [&log["audit_logs"][0], &log["audit_logs"][1]];
    let members = [
        "access_profile_id",
        "action",
        "actor",
        "created_at",
        "id",
        "metadata",
        "new_values",
        "previous_values",
        "user_id",
    ];
    assert_eq!(names(update), members);
    assert_eq!(update["actor"], "initial");
    assert_eq!(parsed(&update["previous_values"]), json!({ "tags": ["a"] }));
    assert_eq!(parsed(&update["new_values"]), json!({ "tags": ["b"] }));
    assert_eq!(create["previous_values"], json!(null));
    assert_eq!(parsed(&create["new_values"]), made);
    assert_eq!(
        names(&parsed(&create["metadata"])),
        ["actor_id", "request_id"]
    );
    assert_eq!(
        (&create["access_profile_id"], &create["user_id"]),
        (&json!(1), &json!(null))
    );
}

#[test]
fn the_nine_actions_of_the_contract_are_told_and_found_without_a_prefix_and_others_with_one() {
    let server = Server::start();
    let client = &server.client;
    let profile = client.create_budgeted("dev", 5);
    let path = format!("{PROFILES}/{profile}");
    let (role, user) = (client.create_role("writers"), client.create_person("ada"));
    client.attach(profile, &[role], false, false).expect(200);
    client.delete(&format!("{path}/roles/{role}")).expect(200);
    client.assign(user, profile);
    client
        .put(&path, &json!({ "budgets": [{ "max_limit": 6 }] }))
        .expect(200);
    client.propagate(profile, &json!({ "fields": ["budgets"] }));
    for way in ["deactivate", "activate"] {
        client.put(&format!("{path}/{way}"), &json!({})).expect(200);
    }
    let cloned = client
        .post(&format!("{path}/clone"), &json!({ "name": "other" }))
        .expect(201)
        .json();
    client
        .delete(&format!("{PROFILES}/{}", cloned["access_profile"]["id"]))
        .expect(200);
    client.delete(&format!("/api/users/{user}")).expect(200);
    let found = |query: &str| {
        let log = client
            .get(&format!("{PROFILES}/audit-logs?{query}"))
            .expect(200)
            .json();
        log["audit_logs"].as_array().unwrap().clone()
    };
    for action in [
        "create",
        "update",
        "delete",
        "propagate",
        "attach_role",
        "detach_role",
        "clone",
        "activate",
        "deactivate",
        "access_profile.assign",
        "user.delete",
    ] {
        let entries = found(&format!("action={action}"));
        assert_eq!(entries.len(), 1, "{action}: {entries:?}");
        assert_eq!(entries[0]["action"], action);
    }
    let prefixed: Vec<_> = found("limit=500")
        .into_iter()
        .filter(|one| one["action"].as_str().unwrap().contains('.'))
        .collect();
    for entry in prefixed {
        let action = entry["action"].as_str().unwrap();
        assert!(
            [
                "access_profile.assign",
                "access_profile.unassign",
                "role.create",
                "user.create",
                "user.delete"
            ]
            .contains(&action),
            "{action}"
        );
    }
    for nothing in [
        "action=creates",
        "action=attach_roles",
        "action=%F0%9F%A6%80",
        "user_id=abc",
        "user_id=01",
        "user_id=-1",
    ] {
        assert_eq!(found(nothing), [json!(null); 0], "{nothing}");
    }
    assert_eq!(
        found(&format!("user_id={user}&action=user.create")).len(),
        1
    );
}

#[test]
fn a_list_that_the_contract_does_not_page_is_answered_whole_when_no_page_is_asked_for() {
    let server = Server::start();
    let client = &server.client;
    let profile = client.create_budgeted("dev", 5);
    let user = client.create_person("ada");
    client.assign(user, profile);
    for number in 0..30 {
        client.create_role(&format!("role {number}"));
        client.create_tool_group(&format!("group {number}"));
        client.make_key(&format!("key {number}"), &[]);
        let change = json!({ "description": format!("change {number}") });
        client
            .put(&format!("{PROFILES}/{profile}"), &change)
            .expect(200);
        client
            .post(&format!("/api/users/{user}/virtual-keys"), &json!({}))
            .expect(200);
        let other = client.create_budgeted(&format!("dev {number}"), 5);
        client.assign(user, other);
    }
    for (list, items) in [
        ("/api/rbac/roles", "roles"),
        ("/api/roles", "roles"),
        ("/api/mcp/tool-groups", "mcp_tool_groups"),
        ("/api/api-keys", "api_keys"),
        ("/api/access-profiles/1/versions", "versions"),
        ("/api/users/1/virtual-keys", "virtual_keys"),
        ("/api/users/1/access-profiles", "access_profiles"),
    ] {
        let page = |query: &str| {
            let page = client.get(&format!("{list}{query}")).expect(200).json();
            (
                page[items].as_array().unwrap().len(),
                page["total_count"].as_u64().unwrap(),
                page["limit"].clone(),
            )
        };
        let (count, total, limit) = page("");
        assert!(
            count >= 30 && total == count as u64,
            "{list}: {count} of {total}"
        );
        assert_eq!(limit, 500, "{list}");
        assert_eq!(page("?offset=1").0, 25, "{list}");
        assert_eq!(page("?limit=3").0, 3, "{list}");
    }
    // Those that it pages begin with a page.
    assert_eq!(
        client.get("/api/virtual-keys").expect(200).json()["count"],
        25
    );
}
