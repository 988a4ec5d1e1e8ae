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

#[test]
fn an_override_is_set_and_taken_away_only_if_the_copy_is_as_it_was_read() {
    let server = Server::start();
    let client = &server.client;
    client.create_budgeted("dev", 5);
    let user = client.create_person("ada");
    client.assign(user, 1);
    let copy = format!("/api/users/{user}/access-profiles/1");
    let path = client.override_path(user, 1, &client.copy_of(user, 1)["budgets"][0]);
    let before = tag(client, &copy);
    let with = |method: &str, tag: &str, amount: i64| {
        let body = (method == "PUT").then(|| json!({ "amount": amount, "mode": "forever" }));
        client.send(method, &path, &[("if-match", tag)], body.as_ref())
    };
    let set = with("PUT", &before, 1).expect(200);
    assert_eq!(set.header("etag"), Some(tag(client, &copy).as_str()));
    for method in ["PUT", "DELETE"] {
        with(method, &before, 2).expect_refusal(412, "precondition_failed", "stale_if_match");
        with(method, "nonsense", 2).expect_refusal(400, "validation_error", "malformed_if_match");
    }
    assert_eq!(client.copy_of(user, 1)["budgets"][0]["override_amount"], 1);
    let unassign = client.send("DELETE", &copy, &[("if-match", &before)], None);
    unassign.expect_refusal(412, "precondition_failed", "stale_if_match");
    let now = set.header("etag").unwrap().to_owned();
    let gone = with("DELETE", &now, 0).expect(200);
    assert_eq!(
        gone.header("etag"),
        Some(before.as_str()),
        "it is as it was"
    );
    assert_eq!(
        with("DELETE", &before, 0).expect(200).header("etag"),
        Some(before.as_str())
    );
    assert_eq!(client.audited("access_profile.remove_override").len(), 1);
}

#[test]
fn a_role_is_detached_only_if_the_profile_is_as_it_was_read() {
    let server = Server::start();
    let client = &server.client;
    let role = client.create_role("writers");
    client.create_profile(&json!({ "name": "dev" }));
    let before = tag(client, "/api/access-profiles/1");
    client.attach(1, &[role], false, false).expect(200);
    let path = format!("/api/access-profiles/1/roles/{role}");
    let detach = |tag: &str| client.send("DELETE", &path, &[("if-match", tag)], None);
    client.change_profile(1, &json!({ "description": "changed" }));
    detach(&before).expect_refusal(412, "precondition_failed", "stale_if_match");
    detach("nonsense").expect_refusal(400, "validation_error", "malformed_if_match");
    let now = tag(client, "/api/access-profiles/1");
    detach(&now).expect(200);
}
