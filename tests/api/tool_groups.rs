//! MCP tool groups, and what profiles name of them.

use serde_json::{Value, json};

use crate::support::Server;
use crate::support::holders::two_providers;

const GROUPS: &str = "/api/mcp/tool-groups";

fn unresolved(server: &Server) -> Vec<String> {
    let detail = server
        .client
        .get("/api/access-profiles/1")
        .expect(200)
        .json();
    let all = detail["unresolved_references"].as_array().unwrap();
    all.iter()
        .map(|one| {
            format!(
                "{} {}",
                one["kind"].as_str().unwrap(),
                one["id"].as_str().unwrap()
            )
        })
        .collect()
}

#[test]
fn a_tool_group_is_made_read_changed_and_deleted() {
    let server = Server::start();
    let client = &server.client;
    let body =
        json!({ "name": " reading ", "enabled": true, "tools": [{ "mcp_client_id": "github" }] });
    let made = client.post(GROUPS, &body).expect(201);
    assert_eq!(made.header("location"), Some("/api/mcp/tool-groups/1"));
    let expected = json!({
        "id": 1,
        "name": "reading",
        "description": "",
        "enabled": true,
        "tools": [{ "mcp_client_id": "github", "tool_names": [] }],
        "virtual_key_ids": [],
        "team_ids": [],
        "customer_ids": [],
        "user_ids": [],
        "provider_names": [],
        "api_key_ids": [],
        "access_profile_count": 0,
        "created_at": "2026-06-01T12:00:00Z",
        "updated_at": "2026-06-01T12:00:00Z",
    });
    assert_eq!(made.json(), json!({ "mcp_tool_group": expected }));
    let path = format!("{GROUPS}/1");
    let read = client.get(&path).expect(200);
    assert_eq!(read.json(), made.json());
    let tag = read.header("etag").unwrap().to_owned();
    client
        .send("GET", &path, &[("if-none-match", &tag)], None)
        .expect(304);
    let mut sent = expected.clone();
    sent["tools"] = json!([{ "mcp_client_id": "jira", "tool_names": ["a", "b"] }]);
    let changed = client
        .send("PUT", &path, &[("if-match", &tag)], Some(&sent))
        .expect(200);
    assert_eq!(changed.json()["mcp_tool_group"]["tools"], sent["tools"]);
    client.put(&path, &json!({ "enabled": false })).expect(200);
    assert_eq!(
        client.get(&path).json()["mcp_tool_group"]["tools"],
        sent["tools"]
    );
    client
        .send("DELETE", &path, &[("if-match", &tag)], None)
        .expect_refusal(412, "precondition_failed", "stale_if_match");
    client.delete(&path).expect(200);
    client
        .get(&path)
        .expect_refusal(404, "not_found", "not_found");
    for action in ["create", "delete"] {
        assert_eq!(client.audited(&format!("mcp_tool_group.{action}")).len(), 1);
    }
    assert_eq!(client.audited("mcp_tool_group.update").len(), 2);
}

#[test]
fn what_a_tool_group_may_not_be_is_said_all_at_once() {
    let server = Server::start();
    let client = &server.client;
    let bad = json!({
        "enabled": "yes",
        "tools": [{ "mcp_client_id": "a" }, { "mcp_client_id": "a" }, { "tool_names": [""], "tool": 1 }],
    });
    assert_eq!(
        client.post(GROUPS, &bad).expect(400).violations(),
        [
            "enabled wrong_type",
            "name required",
            "tools[1].mcp_client_id duplicate_mcp_client",
            "tools[2].mcp_client_id required",
            "tools[2].tool unknown_field",
            "tools[2].tool_names[0] blank",
        ]
    );
    let make = |name: &str| client.post(GROUPS, &json!({ "name": name, "tools": [] }));
    make("Reading").expect(201);
    make("READING").expect_refusal(409, "conflict", "duplicate_name");
    make("writing").expect(201);
    let taken = client.put(&format!("{GROUPS}/2"), &json!({ "name": "reading" }));
    taken.expect_refusal(409, "conflict", "duplicate_name");
    let list = client
        .get(&format!("{GROUPS}?search=WRIT&sort=-name"))
        .expect(200)
        .json();
    assert_eq!(
        (&list["count"], &list["mcp_tool_groups"][0]["name"]),
        (&json!(1), &json!("writing"))
    );
}

#[test]
fn what_tool_groups_name_is_known_and_drops_out_of_the_unresolved_references() {
    let server = Server::start();
    let client = &server.client;
    client.create_profile(&json!({
        "name": "dev",
        "mcp_tool_groups": [{ "tool_group_id": 1 }, { "tool_group_id": 10 }],
        "mcp_servers": [{ "mcp_server_id": "github" }, { "mcp_server_id": "jira" }],
        "mcp_tool_overrides": [{ "mcp_client_id": "slack", "tool_name": "post" }],
    }));
    let all = [
        "mcp_client slack",
        "mcp_server github",
        "mcp_server jira",
        "mcp_tool_group 1",
        "mcp_tool_group 10",
    ];
    assert_eq!(unresolved(&server), all);
    let before = client.get("/api/access-profiles/1").expect(200);
    let make = |tools: &Value| json!({ "name": "g", "enabled": true, "tools": tools });
    let tools = json!([{ "mcp_client_id": "github" }, { "mcp_client_id": "slack", "tool_names": ["post"] }]);
    client.post(GROUPS, &make(&tools)).expect(201);
    assert_eq!(
        unresolved(&server),
        ["mcp_server jira", "mcp_tool_group 10"]
    );
    let after = client.get("/api/access-profiles/1").expect(200);
    assert_ne!(before.header("etag"), after.header("etag"));
    assert_eq!(
        client.get(&format!("{GROUPS}/1")).json()["mcp_tool_group"]["access_profile_count"],
        1
    );
    client
        .put(&format!("{GROUPS}/1"), &json!({ "tools": [] }))
        .expect(200);
    assert_eq!(unresolved(&server), [all[0], all[1], all[2], all[4]]);
    client.delete(&format!("{GROUPS}/1")).expect(200);
    assert_eq!(unresolved(&server), all);
}

#[test]
fn the_next_call_is_decided_by_a_group_that_was_changed_or_deleted() {
    let server = Server::start();
    let client = &server.client;
    let group = |enabled: bool, tool: &str| json!({ "name": "tracker", "enabled": enabled, "tools": [{ "mcp_client_id": "tracker", "tool_names": [tool] }] });
    let made = client.post(GROUPS, &group(true, "read")).expect(201).json();
    let id = made["mcp_tool_group"]["id"].as_i64().unwrap();
    let path = format!("{GROUPS}/{id}");
    let granted = json!({ "mcp_tool_groups": [{ "tool_group_id": id }] });
    let holder = client.make_holder("ada", &two_providers(&granted));
    let reserve = |tool: &str| {
        let asked = json!({ "mcp_server": "tracker", "mcp_tool": tool });
        client.reserve(&holder.key, &asked).status
    };
    assert_eq!([reserve("read"), reserve("write")], [201, 403]);
    client.put(&path, &group(true, "write")).expect(200);
    assert_eq!([reserve("read"), reserve("write")], [403, 201]);
    client.put(&path, &group(false, "write")).expect(200);
    assert_eq!(reserve("write"), 403);
    client.put(&path, &group(true, "write")).expect(200);
    assert_eq!(reserve("write"), 201);
    client.delete(&path).expect(200);
    assert_eq!(reserve("write"), 403);
}

#[test]
fn a_tool_group_grants_nothing_until_it_is_enabled() {
    let server = Server::start();
    let body = json!({ "name": "reading", "tools": [{ "mcp_client_id": "github" }] });
    let made = server.client.post(GROUPS, &body).expect(201).json();
    assert_eq!(made["mcp_tool_group"]["enabled"], false);
}

#[test]
fn a_star_is_every_tool_of_a_client() {
    let server = Server::start();
    for names in [json!(["*"]), json!(["a", "*"]), json!([])] {
        let body = json!({ "name": names.to_string(), "tools": [{ "mcp_client_id": "c", "tool_names": names }] });
        let made = server.client.post(GROUPS, &body).expect(201).json();
        assert_eq!(made["mcp_tool_group"]["tools"][0]["tool_names"], json!([]));
    }
}

#[test]
fn a_tool_group_is_attached_to_nothing_but_access_profiles() {
    let server = Server::start();
    let lists = [
        "virtual_key_ids",
        "team_ids",
        "customer_ids",
        "user_ids",
        "provider_names",
        "api_key_ids",
    ];
    let mut body = json!({ "name": "reading", "tools": [] });
    for list in lists {
        body[list] = json!([]);
    }
    let made = server.client.post(GROUPS, &body).expect(201).json();
    for list in lists {
        assert_eq!(made["mcp_tool_group"][list], json!([]), "{list}");
        let attached = json!({ list: ["1"] });
        let refused = server
            .client
            .put(&format!("{GROUPS}/1"), &attached)
            .expect(400);
        assert_eq!(refused.violations(), [format!("{list} not_supported")]);
    }
}
