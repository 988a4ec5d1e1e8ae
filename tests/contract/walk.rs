//! Every operation of the contract that is there, called as a typical client calls it, under both families of paths.

use serde_json::{Value, json};

use crate::client::ContractClient;
use crate::operations::operations;
use crate::support::Server;

fn id(value: &Value) -> String {
    match value {
        Value::String(id) => id.clone(),
        id => id.to_string(),
    }
}

fn walk(family: &'static str) {
    let server = Server::start();
    let mut it = ContractClient::new(&server.client, family);
    profiles(&mut it);
    let user = people(&mut it);
    copies(&mut it, &user);
    keys_of_users(&mut it, &user);
    api_keys(&mut it);
    tool_groups(&mut it);
    endings(&mut it, &user);
    let missed: Vec<String> = operations()
        .into_iter()
        .filter(|one| one.answer.is_some())
        .filter(|one| {
            !it.called()
                .contains(&(one.method.clone(), one.path.clone()))
        })
        .map(|one| format!("{} {}", one.method, one.path))
        .collect();
    assert!(missed.is_empty(), "nobody calls:\n{}", missed.join("\n"));
    it.finish();
}

#[test]
fn every_operation_answers_as_the_contract_says_under_the_paths_of_the_seed() {
    walk("/api");
}

#[test]
fn every_operation_answers_as_the_contract_says_under_the_newer_paths() {
    walk("/api/governance");
}

/// Profiles with much and with little in them: what is absent must be left out, not null.
fn profiles(it: &mut ContractClient<'_>) {
    it.post(
        "P/access-profiles",
        &json!({
            "name": "developers", "description": "What developers may use", "tags": ["engineering"],
            "provider_configs": [{ "provider_name": "openai", "allowed_models": ["gpt-5*"],
                                   "budgets": [{ "max_limit": 20, "reset_duration": "1d" }],
                                   "rate_limit": { "token_max_limit": 10_000, "token_reset_duration": "1h" } },
                                 { "provider_name": "anthropic", "all_models_allowed": true }],
            "budgets": [{ "max_limit": 100.5, "reset_duration": "1M" },
                        { "max_limit": 250, "reset_duration": "1Q", "reset_config": { "quarter_start_month": 4 } }],
            "rate_limit": { "request_max_limit": 1000, "request_reset_duration": "1h" },
            "calendar_aligned": true, "auto_rotation_interval": "30d",
            "mcp_tool_groups": [{ "tool_group_id": 1 }], "mcp_servers": [{ "mcp_server_id": "wiki" }],
            "mcp_tool_overrides": [{ "mcp_client_id": "github", "tool_name": "create_issue", "action": "include" }]
        }),
    );
    it.post("P/access-profiles", &json!({ "name": "bare" }));
    it.post("P/access-profiles", &json!({ "name": "tokens", "rate_limit": { "token_max_limit": 1000, "token_reset_duration": "1h" } }));
    it.get("P/access-profiles");
    it.get("P/access-profiles?limit=2&offset=1&search=e&is_active=true");
    let read = it.get("P/access-profiles/1");
    it.put(
        "P/access-profiles/1",
        &json!({ "description": "What developers may use from today on" }),
    );
    // What was read is edited and sent back.
    let mut edited = read["access_profile"].clone();
    edited["tags"] = json!(["engineering", "remote"]);
    let changed = it.put("P/access-profiles/1", &edited);
    it.expect(
        "budgets keep their ids",
        changed["access_profile"]["budgets"][0]["id"] == read["access_profile"]["budgets"][0]["id"],
    );
    it.post("P/access-profiles/1/clone", &json!({ "name": "testers" }));
    it.put("P/access-profiles/4/deactivate", &json!({}));
    it.put("P/access-profiles/4/activate", &json!({}));
    it.get("P/access-profiles/1/versions");
    it.get("P/access-profiles/1/versions/1");
    it.refused(
        400,
        "POST",
        "P/access-profiles",
        Some(&json!({ "name": "" })),
    );
    it.refused(404, "GET", "P/access-profiles/777", None);
    it.refused(
        409,
        "POST",
        "P/access-profiles",
        Some(&json!({ "name": "Developers" })),
    );
}

/// Roles and users; answers the id of one.
fn people(it: &mut ContractClient<'_>) -> String {
    for (base, name) in [("P/rbac/roles", "developers"), ("P/roles", "writers")] {
        let made = it.post(
            base,
            &json!({ "name": name, "description": "Everybody who writes code" }),
        );
        let role = id(&made["role"]["id"]);
        it.get(base);
        it.get(&format!("{base}/{role}"));
        it.put(
            &format!("{base}/{role}"),
            &json!({ "description": "", "revision": made["role"]["revision"] }),
        );
        let permissions = format!("{base}/{role}/permissions");
        it.put(&permissions, &json!({ "permission_ids": [1, 5] }));
        it.get(&permissions);
    }
    for catalogue in ["permissions", "resources", "operations"] {
        it.get(&format!("P/rbac/{catalogue}"));
        it.get(&format!("P/{catalogue}"));
    }
    it.get("P/users/me/permissions");
    it.post(
        "P/access-profiles/1/roles",
        &json!({ "role_ids": [1], "is_default": true, "apply_to_existing": true }),
    );
    let made = it.post(
        "P/users",
        &json!({ "name": "Ada Lovelace", "email": "ada@example.com", "role_id": 1 }),
    );
    let user = id(&made["user"]["id"]);
    it.post(
        "P/users",
        &json!({ "name": "Grace Hopper", "email": "grace@example.com" }),
    );
    it.get("/api/governance/users");
    it.get("/api/users");
    it.get("/api/users?page=2&limit=1&search=a");
    let read = it.get(&format!("P/users/{user}"));
    it.expect(
        "the profile of the role is held",
        read["access_profile"]["name"] == "developers",
    );
    it.get("P/users/2");
    it.put("P/users/2/role", &json!({ "role_id": 1 }));
    user
}

fn copies(it: &mut ContractClient<'_>, user: &str) {
    let held = it.get(&format!("P/users/{user}/access-profiles"));
    let budget = id(&held["access_profiles"][0]["budgets"][0]["id"]);
    let over = format!("P/users/{user}/access-profiles/1/budgets/{budget}/override");
    it.put(
        &over,
        &json!({ "amount": 25, "mode": "cycles", "cycles": 2 }),
    );
    it.get(&format!("P/users/{user}/access-profiles"));
    it.put(&over, &json!({ "amount": 5, "mode": "forever" }));
    it.get(&format!("P/users/{user}/access-profiles"));
    it.delete(&over);
    let pushed = it.post(
        "P/access-profiles/1/propagate",
        &json!({ "fields": ["budgets", "rate_limit"] }),
    );
    it.expect(
        "two users hold it",
        pushed["affected_users"].as_i64().unwrap_or(-1)
            + pushed["skipped_users"].as_i64().unwrap_or(-1)
            == 2,
    );
    it.get("P/access-profiles/1/audit-logs");
    it.get("P/access-profiles/1/audit-logs?action=attach_role");
    it.get("P/access-profiles/audit-logs?limit=2&offset=1");
    it.get(&format!("P/access-profiles/audit-logs?user_id={user}"));
    it.get("P/access-profiles/1");
}

fn keys_of_users(it: &mut ContractClient<'_>, user: &str) {
    let place = format!("P/users/{user}");
    let made = it.post(
        &format!("{place}/virtual-keys"),
        &json!({ "name": "laptop" }),
    );
    let key = id(&made["virtual_key"]["id"]);
    it.post(
        &format!("{place}/access-profiles/1/virtual-keys"),
        &json!({}),
    );
    it.get(&format!("{place}/virtual-keys"));
    it.get("P/virtual-keys");
    it.get(&format!("P/virtual-keys/{key}"));
    let secret = id(&made["virtual_key"]["value"]);
    it.get_as(&secret, "/api/governance/virtual-keys/quota");
    it.put(
        &format!("P/virtual-keys/{key}"),
        &json!({ "description": "on the new laptop" }),
    );
    it.post(&format!("P/virtual-keys/{key}/rotate"), &json!({}));
    it.delete(&format!("{place}/access-profiles/virtual-keys/{key}"));
}

fn api_keys(it: &mut ContractClient<'_>) {
    it.get("/api/api-keys");
    let made = it.post("/api/api-keys", &json!({ "name": "ci", "scopes": [1, 2] }));
    it.expect("scopes are ids", made["api_key"]["scopes"] == json!([1, 2]));
    let key = format!("/api/api-keys/{}", id(&made["api_key"]["id"]));
    it.get(&key);
    it.put(&key, &json!({ "scopes": [1] }));
    it.delete(&key);
}

fn tool_groups(it: &mut ContractClient<'_>) {
    let made = it.post("P/mcp/tool-groups", &json!({ "name": "reading", "tools": [{ "mcp_client_id": "github", "tool_names": ["get_issue"] }] }));
    let group = format!("P/mcp/tool-groups/{}", id(&made["mcp_tool_group"]["id"]));
    it.get("P/mcp/tool-groups");
    it.get(&group);
    it.put(&group, &json!({ "enabled": true }));
    it.delete(&group);
}

fn endings(it: &mut ContractClient<'_>, user: &str) {
    it.refused(409, "DELETE", "P/access-profiles/1", None);
    it.delete("P/access-profiles/1/roles/1");
    it.delete(&format!("P/users/{user}/access-profiles/1"));
    it.delete(&format!("P/users/{user}"));
    it.delete("P/users/2");
    it.delete("P/rbac/roles/1");
    it.delete("P/roles/2");
    it.delete("P/access-profiles/1");
    it.refused(404, "GET", "P/access-profiles/1", None);
}
