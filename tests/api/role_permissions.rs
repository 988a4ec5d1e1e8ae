//! What roles are permitted, which is kept for gateways, and the revision by which a change of a role is refused when somebody else made
//! one (API.md §5).

use serde_json::{Value, json};

use crate::support::{Client, Server};

/// The path of a new role, and that of its permissions.
fn role(client: &Client, name: &str) -> (String, String) {
    let path = format!("/api/rbac/roles/{}", client.create_role(name));
    let permissions = format!("{path}/permissions");
    (path, permissions)
}

fn permit(client: &Client, permissions: &str, ids: &[i64]) {
    client
        .put(permissions, &json!({ "permission_ids": ids }))
        .expect(200);
}

/// The names of what a role is permitted, in order.
fn permitted(client: &Client, permissions: &str) -> Vec<String> {
    let list = client.get(permissions).expect(200).json();
    let all = list["permissions"].as_array().unwrap();
    assert_eq!(
        (&list["count"], &list["total_count"]),
        (&json!(all.len()), &json!(all.len()))
    );
    all.iter()
        .map(|one| one["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_permissions_of_a_role_are_the_set_that_was_sent_last_under_all_paths() {
    let server = Server::start();
    let client = &server.client;
    for (at, family) in [
        "/api/rbac/roles",
        "/api/governance/rbac/roles",
        "/api/roles",
        "/api/governance/roles",
    ]
    .into_iter()
    .enumerate()
    {
        let id = client.create_role(&format!("role {at}"));
        let path = format!("{family}/{id}/permissions");
        assert_eq!(permitted(client, &path), [""; 0]);
        let sent = json!({ "permission_ids": [5, 1, 5] });
        let message = client.put(&path, &sent).expect(200).json();
        assert!(message["message"].as_str().unwrap().contains("role"));
        assert_eq!(
            client.get(&path).json()["permissions"],
            json!([
                { "id": 1, "name": "AccessProfiles:View", "resource": "AccessProfiles", "operation": "View" },
                { "id": 5, "name": "Users:View", "resource": "Users", "operation": "View" },
            ])
        );
        permit(client, &path, &[9]);
        assert_eq!(permitted(client, &path), ["Roles:View"]);
        permit(client, &path, &[]);
        assert_eq!(permitted(client, &path), [""; 0]);
    }
}

#[test]
fn every_permission_is_not_those_of_later_versions_too() {
    let server = Server::start();
    let client = &server.client;
    let (_, permissions) = role(client, "all of today");
    let catalogue = client.get("/api/rbac/permissions").json();
    let all = catalogue["permissions"].as_array().unwrap();
    let ids: Vec<i64> = all.iter().map(|one| one["id"].as_i64().unwrap()).collect();
    permit(client, &permissions, &ids);
    let names: Vec<&str> = all
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(permitted(client, &permissions), names);
    let entry = &client.audited("role.update")[0];
    assert!(!entry.to_string().contains('*'), "{entry}");
}

#[test]
fn ids_of_no_permission_are_named_and_nothing_is_stored() {
    let server = Server::start();
    let client = &server.client;
    let (_, permissions) = role(client, "writers");
    permit(client, &permissions, &[1]);
    let put = |body: &Value| client.put(&permissions, body);
    for (body, violations) in [
        (
            json!({ "permission_ids": [2, 0, "Users:View", 9999, null] }),
            vec![
                "permission_ids[1] out_of_range",
                "permission_ids[2] wrong_type",
                "permission_ids[3] unknown_permission",
                "permission_ids[4] wrong_type",
            ],
        ),
        (json!({}), vec!["permission_ids required"]),
        (
            json!({ "permission_ids": null }),
            vec!["permission_ids required"],
        ),
        (
            json!({ "permission_ids": "*" }),
            vec!["permission_ids wrong_type"],
        ),
        (
            json!({ "permission_id": [1], "permission_ids": [] }),
            vec!["permission_id unknown_field"],
        ),
    ] {
        assert_eq!(put(&body).expect(400).violations(), violations, "{body}");
    }
    assert_eq!(permitted(client, &permissions), ["AccessProfiles:View"]);
    for path in [
        "/api/roles/999/permissions",
        "/api/rbac/roles/999/permissions",
    ] {
        client
            .get(path)
            .expect_refusal(404, "not_found", "not_found");
        client
            .put(path, &json!({ "permission_ids": [] }))
            .expect_refusal(404, "not_found", "not_found");
    }
}

#[test]
fn permissions_of_a_role_are_told_in_the_audit_log_and_gone_with_it() {
    let server = Server::start();
    let client = &server.client;
    let (path, permissions) = role(client, "writers");
    permit(client, &permissions, &[1, 5]);
    // What changes nothing is not told.
    permit(client, &permissions, &[5, 1]);
    let told = client.audited("role.update");
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["previous_values"]["permissions"], json!([]));
    assert_eq!(
        told[0]["new_values"]["permissions"],
        json!(["AccessProfiles:View", "Users:View"])
    );
    client.delete(&path).expect(200);
    client
        .get(&permissions)
        .expect_refusal(404, "not_found", "not_found");
    let (_, again) = role(client, "writers");
    assert_eq!(permitted(client, &again), [""; 0]);
}

#[test]
fn what_a_role_is_permitted_gives_nobody_anything_here() {
    let server = Server::start();
    let client = &server.client;
    let id = client.create_role("admins");
    let permissions = format!("/api/roles/{id}/permissions");
    let own = |of: &Client| of.get("/api/users/me/permissions").expect(200).json();
    let (_, key) = client.make_key("viewer", &["Roles:View"]);
    client.create_user("Ada", "ada@example.com", Some(id));
    let before = own(&key);
    permit(client, &permissions, &[1, 2, 3, 4]);
    assert_eq!(own(&key), before);
    key.get("/api/access-profiles")
        .expect_refusal(403, "permission_error", "missing_permission");
    // Who may look at roles sees it, and may not change it.
    assert_eq!(permitted(&key, &permissions).len(), 4);
    key.put(&permissions, &json!({ "permission_ids": [] }))
        .expect_refusal(403, "permission_error", "missing_permission");
}

#[test]
fn a_change_of_another_revision_of_a_role_is_refused_and_says_which_is_todays() {
    let server = Server::start();
    let client = &server.client;
    let (path, permissions) = role(client, "writers");
    let read = client.get(&path).expect(200).json()["role"].clone();
    assert_eq!(read["revision"], 1);
    assert_eq!(client.get(&permissions).json()["revision"], 1);
    // What was read is edited and sent back, and then is what somebody else has read.
    let mut edited = read.clone();
    edited["description"] = json!("who write");
    let changed = client.put(&path, &edited).expect(200).json();
    assert_eq!(changed["role"]["revision"], 2);
    for (place, body) in [
        (&path, edited.clone()),
        (&path, json!({ "role": edited })),
        (&path, json!({ "revision": 3, "name": "w" })),
        (
            &permissions,
            json!({ "permission_ids": [1], "revision": 1 }),
        ),
    ] {
        let reply = client.put(place, &body);
        let refused = reply.expect_refusal(412, "precondition_failed", "stale_revision");
        assert_eq!(refused["error"]["param"], "revision");
        assert!(reply.message().contains("is now 2"), "{}", reply.text);
        let tag = client.get(&path).header("etag").unwrap().to_owned();
        assert_eq!(reply.header("etag"), Some(tag.as_str()));
    }
    let body = json!({ "permission_ids": [1], "revision": 2 });
    client.put(&permissions, &body).expect(200);
    assert_eq!(client.get(&path).json()["role"]["revision"], 3);
    // Without one, and with none, the change is made whatever the role is now.
    for body in [
        json!({ "name": "w" }),
        json!({ "name": "x", "revision": null }),
    ] {
        client.put(&path, &body).expect(200);
    }
    for wrong in [json!(0), json!("1"), json!(1.5)] {
        client.put(&path, &json!({ "revision": wrong })).expect(400);
    }
    // A new role has none that could be meant.
    let body = json!({ "name": "readers", "revision": 7 });
    assert_eq!(
        client.post("/api/roles", &body).expect(200).json()["role"]["revision"],
        1
    );
}

#[test]
fn the_revision_of_a_role_counts_its_changes_and_not_who_is_in_it() {
    let server = Server::start();
    let client = &server.client;
    let (path, permissions) = role(client, "writers");
    let revision = || client.get(&path).json()["role"]["revision"].clone();
    client.create_user("Ada", "ada@example.com", Some(1));
    client.create_profile(&json!({ "name": "dev" }));
    client.attach(1, &[1], true, true).expect(200);
    assert_eq!(revision(), 1);
    client.put(&path, &json!({ "name": "writers" })).expect(200);
    permit(client, &permissions, &[]);
    assert_eq!(revision(), 1, "neither changes anything");
    permit(client, &permissions, &[1]);
    client.put(&path, &json!({ "dac": "own-data" })).expect(200);
    assert_eq!(revision(), 3);
}

#[test]
fn if_match_of_the_role_guards_its_permissions_too() {
    let server = Server::start();
    let client = &server.client;
    let (path, permissions) = role(client, "writers");
    let read = client.get(&permissions).expect(200);
    let tag = read.header("etag").unwrap().to_owned();
    assert_eq!(client.get(&path).header("etag"), Some(tag.as_str()));
    client
        .send("GET", &permissions, &[("if-none-match", &tag)], None)
        .expect(304);
    let body = json!({ "permission_ids": [1] });
    let put = |tag: &str| client.send("PUT", &permissions, &[("if-match", tag)], Some(&body));
    let changed = put(&tag).expect(200);
    put(&tag).expect_refusal(412, "precondition_failed", "stale_if_match");
    put(changed.header("etag").unwrap()).expect(200);
}
