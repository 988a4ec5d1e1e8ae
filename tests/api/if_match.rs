//! `If-Match` refuses an edit when the thing has changed, not when something beside it has.

use serde_json::json;

use crate::support::{Client, Server};

fn tag(client: &Client, path: &str) -> String {
    let reply = client.get(path).expect(200);
    reply.header("etag").unwrap().to_owned()
}

/// Whether the tag from before is another one now, and still good for a change; and whether a change makes it stale.
#[track_caller]
fn beside(client: &Client, path: &str, before: &str) {
    assert_ne!(tag(client, path), before, "{path}: what is shown changed");
    client
        .send("GET", path, &[("if-none-match", before)], None)
        .expect(200);
    let put = |name: &str| {
        let body = json!({ "name": name });
        client.send("PUT", path, &[("if-match", before)], Some(&body))
    };
    put("changed").expect(200);
    put("changed again").expect_refusal(412, "precondition_failed", "stale_if_match");
}

#[test]
fn a_role_is_edited_although_somebody_joined() {
    let server = Server::start();
    let client = &server.client;
    let role = client.create_role("writers");
    let path = format!("/api/roles/{role}");
    let before = tag(client, &path);
    client.create_user("Ada", "ada@example.com", Some(role));
    client.create_profile(&json!({ "name": "dev" }));
    client.attach(1, &[role], false, false).expect(200);
    beside(client, &path, &before);
}

#[test]
fn a_user_is_edited_although_something_was_assigned() {
    let server = Server::start();
    let client = &server.client;
    let user = client.create_person("ada");
    client.create_profile(&json!({ "name": "dev" }));
    let path = format!("/api/users/{user}");
    let before = tag(client, &path);
    client.assign(user, 1);
    beside(client, &path, &before);
}

#[test]
fn a_tool_group_is_edited_although_a_profile_named_it() {
    let server = Server::start();
    let client = &server.client;
    let group = client.create_tool_group("reading");
    let path = format!("/api/mcp/tool-groups/{group}");
    let before = tag(client, &path);
    client
        .create_profile(&json!({ "name": "dev", "mcp_tool_groups": [{ "tool_group_id": group }] }));
    beside(client, &path, &before);
}
