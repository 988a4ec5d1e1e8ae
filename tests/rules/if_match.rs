//! `If-Match` refuses an edit when the thing has changed, not when something beside it has; and the lists of tags in it.

use serde_json::{Value, json};

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
