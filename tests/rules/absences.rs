//! What is not there: which value of a body names it, and which paths are no ids.

use serde_json::json;

use crate::support::Server;

#[test]
fn what_a_body_names_and_is_not_there_is_found_by_its_path() {
    let server = Server::start();
    let client = &server.client;
    client.create_profile(&json!({ "name": "dev" }));
    client.create_role("writers");
    client.create_person("ada");
    client.create_person("bob");
    client.assign(1, 1);
    let eve = json!({ "name": "Eve", "email": "eve@example.com", "role_id": 99 });
    let fields = ["budgets"];
    for (method, path, body, param) in [
        ("POST", "/api/users", eve, "role_id"),
        (
            "PUT",
            "/api/users/1/role",
            json!({ "role_id": 99 }),
            "role_id",
        ),
        (
            "POST",
            "/api/access-profiles/1/roles",
            json!({ "role_ids": [1, 999] }),
            "role_ids[1]",
        ),
        (
            "POST",
            "/api/users/1/access-profiles",
            json!({ "access_profile_id": 99 }),
            "access_profile_id",
        ),
        (
            "POST",
            "/api/access-profiles/1/propagate",
            json!({ "fields": fields, "user_ids": ["1", "99"] }),
            "user_ids[1]",
        ),
        (
            "POST",
            "/api/access-profiles/1/propagate",
            json!({ "fields": fields, "user_ids": ["2"] }),
            "user_ids[0]",
        ),
        (
            "POST",
            "/api/access-profiles/1/propagate",
            json!({ "fields": fields, "group_ids": [1, 99] }),
            "group_ids[1]",
        ),
    ] {
        let reply = client.send(method, path, &[], Some(&body));
        let error = reply.expect_refusal(404, "not_found", "not_found")["error"].clone();
        assert_eq!(error["param"], param, "{path}");
        let message = error["message"].as_str().unwrap();
        assert!(
            message.starts_with(&format!("{param}: there is no ")),
            "{message}"
        );
    }
    // All of them are named, at the path of the first.
    for (path, body, message) in [
        (
            "/api/access-profiles/1/roles",
            json!({ "role_ids": [7, 1, 8] }),
            "role_ids[0]: there is no role 7; role_ids[2]: there is no role 8",
        ),
        (
            "/api/access-profiles/1/propagate",
            json!({ "fields": fields, "group_ids": [9, 1, 8] }),
            "group_ids[0]: there is no role 9; group_ids[2]: there is no role 8",
        ),
        (
            "/api/access-profiles/1/propagate",
            json!({ "fields": fields, "user_ids": ["1", "98", "2", "99"] }),
            "user_ids[1]: there is no user 98; user_ids[2]: there is no copy of the access profile 1 for the user 2; \
             user_ids[3]: there is no user 99",
        ),
    ] {
        let refused = client.post(path, &body);
        refused.expect_refusal(404, "not_found", "not_found");
        assert_eq!(refused.message(), message);
    }
    let unknown = client.put("/api/users/99/role", &json!({ "role_id": 1 }));
    let error = unknown.expect_refusal(404, "not_found", "not_found")["error"].clone();
    assert_eq!(error.get("param"), None, "the path names it");
}

#[test]
fn a_thing_has_one_path() {
    let server = Server::start();
    server.furnish();
    let client = &server.client;
    for path in [
        "/api/users/01",
        "/api/users/+1",
        "/api/users/0000001",
        "/api/roles/01",
        "/api/access-profiles/01",
        "/api/mcp/tool-groups/01",
        "/api/api-keys/01",
        "/api/users/1/access-profiles/01",
        "/api/users/01/access-profiles/1",
        "/api/users/1/access-profiles/+1",
    ] {
        client
            .get(path)
            .expect_refusal(404, "not_found", "not_found");
    }
}

#[test]
fn what_is_no_id_of_a_profile_that_a_user_holds_is_not_there() {
    let server = Server::start();
    server.furnish();
    let client = &server.client;
    for (method, path) in [
        ("GET", "/api/users/1/access-profiles/virtual-keys"),
        ("DELETE", "/api/users/1/access-profiles/virtual-keys"),
        (
            "DELETE",
            "/api/users/1/access-profiles/x/budgets/budget-1-1/override",
        ),
    ] {
        let reply = client.send(method, path, &[], None);
        reply.expect_refusal(404, "not_found", "not_found");
    }
}

#[test]
fn who_holds_nothing_is_said_to() {
    let server = Server::start();
    server.client.create_person("ada");
    let reply = server.client.post("/api/users/1/virtual-keys", &json!({}));
    reply.expect_refusal(404, "not_found", "not_found");
    assert_eq!(
        reply.message(),
        "the user 1 holds no access profile; assign one first"
    );
}
