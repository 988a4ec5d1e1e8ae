//! What clients of the contract are in the habit of: generated ones send null for whatever is not set, zeros and empty objects, and
//! know nothing of what is ours.

use serde_json::{Value, json};

use crate::support::{Client, Server};

/// A profile with something in every place.
fn full() -> Value {
    json!({
        "name": "developers", "description": "before", "tags": ["engineering"],
        "provider_configs": [{ "provider_name": "openai", "all_models_allowed": true, "budgets": [{ "max_limit": 20, "reset_duration": "1d" }] }],
        "budgets": [{ "max_limit": 100, "reset_duration": "1M" }],
        "rate_limit": { "request_max_limit": 1000, "request_reset_duration": "1h" },
        "calendar_aligned": true, "mcp_tool_groups": [{ "tool_group_id": 1 }], "mcp_servers": [{ "mcp_server_id": "wiki" }],
        "mcp_tool_overrides": [{ "mcp_client_id": "github", "tool_name": "create_issue" }]
    })
}

fn read(client: &Client) -> Value {
    client
        .get("/api/governance/access-profiles/1")
        .expect(200)
        .json()["access_profile"]
        .clone()
}

#[test]
fn null_for_what_is_not_set_takes_nothing_away() {
    let server = Server::start();
    let client = &server.client;
    client.create_profile(&full());
    let mut before = read(client);
    let unset = json!({
        "name": null, "description": "after", "tags": null, "provider_configs": null, "budgets": null, "calendar_aligned": null,
        "auto_rotation_interval": null, "next_rotation_at": null, "is_active": null, "mcp_tool_groups": null, "mcp_servers": null,
        "mcp_tool_overrides": null
    });
    client
        .put("/api/governance/access-profiles/1", &unset)
        .expect(200);
    let mut after = read(client);
    assert_eq!(after["description"], "after");
    for profile in [&mut before, &mut after] {
        for field in ["description", "version", "updated_at"] {
            profile.as_object_mut().unwrap().remove(field);
        }
    }
    assert_eq!(after, before);
}

#[test]
fn null_keeps_rotation_and_its_date_is_not_taken_away_while_it_is_on() {
    let server = Server::start();
    let client = &server.client;
    let mut body = full();
    body["auto_rotation_interval"] = json!("30d");
    client.create_profile(&body);
    let before = read(client);
    let place = "/api/governance/access-profiles/1";
    client
        .put(place, &json!({ "auto_rotation_interval": null }))
        .expect(200);
    assert_eq!(
        read(client)["auto_rotation_interval"],
        before["auto_rotation_interval"]
    );
    assert_eq!(read(client)["next_rotation_at"], before["next_rotation_at"]);
    client
        .put(place, &json!({ "next_rotation_at": null }))
        .expect(400);
    client
        .put(place, &json!({ "auto_rotation_interval": "" }))
        .expect(200);
    assert_eq!(read(client)["auto_rotation_interval"], 0);
    client
        .put(place, &json!({ "auto_rotation_interval": "1h30m" }))
        .expect(200);
    assert_eq!(
        read(client)["auto_rotation_interval"],
        5_400_000_000_000_i64
    );
}

#[test]
fn only_an_explicit_null_takes_the_rate_limit_away() {
    let server = Server::start();
    let client = &server.client;
    client.create_profile(&full());
    let place = "/api/governance/access-profiles/1";
    client
        .put(place, &json!({ "description": "after" }))
        .expect(200);
    assert!(read(client)["rate_limit"].is_object());
    client
        .put(place, &json!({ "rate_limit": null }))
        .expect(200);
    assert_eq!(read(client).get("rate_limit"), None);
}

#[test]
fn null_for_what_is_not_set_makes_a_profile_with_what_is_set() {
    let server = Server::start();
    let made = server.client.create_profile(&json!({
        "name": "bare", "description": null, "tags": null, "provider_configs": null, "budgets": null, "rate_limit": null,
        "calendar_aligned": null, "auto_rotation_interval": null, "next_rotation_at": null, "mcp_tool_groups": null,
        "mcp_servers": null, "mcp_tool_overrides": null
    }));
    assert_eq!(
        (&made["budgets"], made.get("rate_limit")),
        (&json!([]), None)
    );
}

#[test]
fn an_override_for_good_may_say_that_it_has_no_cycles() {
    let server = Server::start();
    let client = &server.client;
    let profile = client.create_budgeted("developers", 10);
    let user = client.create_person("ada");
    client.assign(user, profile);
    let budget = client.copy_of(user, profile)["budgets"][0].clone();
    let place = client.override_path(user, profile, &budget);
    for cycles in [json!(0), Value::Null] {
        let set = client
            .put(
                &place,
                &json!({ "amount": 5, "mode": "forever", "cycles": cycles }),
            )
            .expect(200)
            .json();
        assert_eq!(set["effective_max_limit"], 15);
        assert_eq!(set["budget"].get("override_anchor_reset"), None);
    }
}

#[test]
fn an_empty_reset_config_is_the_calendar_year() {
    let server = Server::start();
    let quarter = json!([{ "max_limit": 1, "reset_duration": "1Q", "reset_config": {} }]);
    let made = server.client.create_profile(
        &json!({ "name": "quarterly", "budgets": quarter, "calendar_aligned": true }),
    );
    assert_eq!(
        made["budgets"][0]["reset_config"],
        json!({ "quarter_start_month": 1 })
    );
}

#[test]
fn a_management_key_needs_a_name_alone_and_tells_its_scopes_as_ids() {
    let server = Server::start();
    let client = &server.client;
    let made = client
        .post("/api/api-keys", &json!({ "name": "n" }))
        .expect(200)
        .json();
    assert_eq!(made["api_key"]["scopes"], json!([]));
    assert!(made["key"].as_str().is_some_and(|key| !key.is_empty()));
    let permissions = client
        .get("/api/governance/rbac/permissions")
        .expect(200)
        .json();
    let all: Vec<i64> = permissions["permissions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_i64().unwrap())
        .collect();
    let first = client.get("/api/api-keys/1").expect(200).json();
    assert_eq!(first["api_key"]["scopes"], json!(all));
    let kept = client
        .put(
            "/api/api-keys/2",
            &json!({ "name": "", "scopes": [all[0]], "expires_at": null }),
        )
        .expect(200)
        .json();
    assert_eq!(
        (&kept["api_key"]["name"], &kept["api_key"]["scopes"]),
        (&json!("n"), &json!([all[0]]))
    );
}

#[test]
fn a_user_is_read_without_an_envelope() {
    let server = Server::start();
    let user = server.client.create_person("ada");
    for family in ["/api", "/api/governance"] {
        let read = server
            .client
            .get(&format!("{family}/users/{user}"))
            .expect(200)
            .json();
        assert_eq!(
            (&read["id"], &read["name"]),
            (&json!(user.to_string()), &json!("ada"))
        );
        assert_eq!(read["access_profile"], Value::Null);
    }
}

#[test]
fn lists_that_the_contract_does_not_page_come_whole() {
    let server = Server::start();
    let client = &server.client;
    for number in 0..33 {
        client.create_role(&format!("role{number}"));
        client
            .post(
                "/api/api-keys",
                &json!({ "name": format!("key{number}"), "scopes": [] }),
            )
            .expect(200);
        client.create_tool_group(&format!("group{number}"));
    }
    for (path, items, count) in [
        ("/api/governance/rbac/roles", "roles", 33),
        ("/api/api-keys", "api_keys", 34),
        ("/api/mcp/tool-groups", "mcp_tool_groups", 33),
    ] {
        let list = client.get(path).expect(200).json();
        assert_eq!(list[items].as_array().unwrap().len(), count, "{path}");
    }
    assert_eq!(
        client
            .get("/api/governance/rbac/roles?limit=2")
            .expect(200)
            .json()["roles"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn a_page_larger_than_any_is_the_largest() {
    let server = Server::start();
    let list = server
        .client
        .get("/api/governance/access-profiles?limit=1000")
        .expect(200)
        .json();
    assert_eq!(list["limit"], 500);
}

#[test]
fn users_come_by_the_number_of_the_page_under_the_older_path() {
    let server = Server::start();
    for name in ["ada", "grace", "mary"] {
        server.client.create_person(name);
    }
    let list = server
        .client
        .get("/api/users?page=2&limit=2")
        .expect(200)
        .json();
    assert_eq!(list["users"].as_array().unwrap().len(), 1);
    assert_eq!(
        (
            &list["page"],
            &list["total"],
            &list["total_pages"],
            &list["has_more"]
        ),
        (&json!(2), &json!(3), &json!(2), &json!(false))
    );
}

#[test]
fn a_filter_that_names_nothing_finds_nothing() {
    let server = Server::start();
    server.client.create_profile(&full());
    for filter in ["action=never_heard_of", "user_id=abc"] {
        let path = format!("/api/governance/access-profiles/audit-logs?{filter}");
        let list = server.client.get(&path).expect(200).json();
        assert_eq!(list["total_count"], 0, "{filter}");
    }
}

#[test]
fn what_other_clients_of_the_contract_ask_beside_is_no_error() {
    let server = Server::start();
    server
        .client
        .get("/api/governance/access-profiles?from_memory=true")
        .expect(200);
}

#[test]
fn a_role_keeps_the_rows_that_it_is_to_see() {
    let server = Server::start();
    let client = &server.client;
    let made = client
        .post(
            "/api/governance/rbac/roles",
            &json!({ "name": "devs", "dac": "team-data" }),
        )
        .expect(200)
        .json();
    assert_eq!(made["role"]["dac"], "team-data");
    let kept = client
        .put(
            "/api/governance/rbac/roles/1",
            &json!({ "description": "all" }),
        )
        .expect(200)
        .json();
    assert_eq!(kept["role"]["dac"], "team-data");
    let plain = client
        .post("/api/governance/rbac/roles", &json!({ "name": "ops" }))
        .expect(200)
        .json();
    assert_eq!(plain["role"]["dac"], "all-data");
}

#[test]
fn attaching_again_without_saying_so_leaves_the_default() {
    let server = Server::start();
    let client = &server.client;
    client.create_profile(&full());
    client.create_role("devs");
    let place = "/api/governance/access-profiles/1/roles";
    client
        .post(place, &json!({ "role_ids": [1], "is_default": true }))
        .expect(200);
    client.post(place, &json!({ "role_ids": [1] })).expect(200);
    let detail = client
        .get("/api/governance/access-profiles/1")
        .expect(200)
        .json();
    assert_eq!(detail["roles"][0]["is_default"], true);
}

#[test]
fn a_tool_group_takes_the_empty_lists_of_those_it_could_be_given_to() {
    let server = Server::start();
    let group = json!({
        "name": "reading", "tools": [{ "mcp_client_id": "github", "tool_names": ["*"] }], "virtual_key_ids": [], "team_ids": [],
        "customer_ids": [], "user_ids": [], "provider_names": [], "api_key_ids": []
    });
    let made = server
        .client
        .post("/api/mcp/tool-groups", &group)
        .expect(201)
        .json();
    assert_eq!(made["mcp_tool_group"]["team_ids"], json!([]));
    assert_eq!(
        server
            .client
            .delete("/api/mcp/tool-groups/1")
            .expect(200)
            .json()["success"],
        true
    );
}

#[test]
fn virtual_keys_of_a_user_have_names_of_their_own() {
    let server = Server::start();
    let client = &server.client;
    let profile = client.create_budgeted("developers", 10);
    let user = client.create_person("ada");
    client.assign(user, profile);
    let place = format!("/api/governance/users/{user}/virtual-keys");
    client.post(&place, &json!({ "name": "k1" })).expect(200);
    client.post(&place, &json!({ "name": "k1" })).expect(409);
    let names = [(); 2].map(|()| {
        client.post(&place, &json!({})).expect(200).json()["virtual_key"]["name"].clone()
    });
    assert_ne!(names[0], names[1]);
    // The older path ignores which of the profiles it names.
    client
        .post(
            &format!("/api/governance/users/{user}/access-profiles/777/virtual-keys"),
            &json!({}),
        )
        .expect(200);
}

#[test]
fn a_group_that_nobody_knows_is_not_there() {
    let server = Server::start();
    server.client.create_profile(&full());
    let push = json!({ "fields": ["budgets"], "group_ids": ["scim-group"] });
    server
        .client
        .post("/api/governance/access-profiles/1/propagate", &push)
        .expect(404);
}

#[test]
fn rotation_stands_still_while_a_profile_is_inactive_and_begins_anew() {
    let server = Server::start();
    let client = &server.client;
    let mut body = full();
    body["auto_rotation_interval"] = json!("30d");
    client.create_profile(&body);
    client
        .put("/api/governance/access-profiles/1/deactivate", &json!({}))
        .expect(200);
    server.time.advance_seconds(86_400);
    client
        .put("/api/governance/access-profiles/1/activate", &json!({}))
        .expect(200);
    assert_eq!(read(client)["next_rotation_at"], "2026-07-02T12:00:00Z");
}
