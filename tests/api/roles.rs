//! Roles: their life over HTTP, and what is refused.

use serde_json::{Value, json};

use crate::support::Server;

const ROLES: &str = "/api/rbac/roles";

fn names(server: &Server, parameters: &str) -> Vec<String> {
    let list = server
        .client
        .get(&format!("{ROLES}?{parameters}"))
        .expect(200)
        .json();
    let items = list["roles"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_role_is_made_read_changed_and_deleted_under_all_paths() {
    let server = Server::start();
    let client = &server.client;
    for family in [
        ROLES,
        "/api/governance/rbac/roles",
        "/api/roles",
        "/api/governance/roles",
    ] {
        let body = json!({ "name": " Writers ", "description": "who write" });
        let made = client.post(family, &body).expect(200);
        let role = made.json()["role"].clone();
        let path = format!("{family}/{}", role["id"]);
        assert_eq!(made.header("location"), Some(path.as_str()));
        let expected = json!({
            "id": role["id"],
            "name": "Writers",
            "description": "who write",
            "dac": "all-data",
            "created_by_user_id": null,
            "is_system_role": false,
            "user_count": 0,
            "access_profiles": [],
            "revision": 1,
            "created_at": "2026-06-01T12:00:00Z",
            "updated_at": "2026-06-01T12:00:00Z",
        });
        assert_eq!(role, expected);
        let read = client.get(&path).expect(200);
        assert_eq!(read.json()["role"], expected);
        let tag = read.header("etag").unwrap().to_owned();
        assert_eq!(made.header("etag"), Some(tag.as_str()));
        client
            .send("GET", &path, &[("if-none-match", &tag)], None)
            .expect(304);
        // What was read can be sent back.
        let mut sent = role.clone();
        sent["description"] = json!("");
        let changed = client
            .send("PUT", &path, &[("if-match", &tag)], Some(&sent))
            .expect(200);
        assert_eq!(changed.json()["role"]["description"], "");
        client
            .send("DELETE", &path, &[("if-match", &tag)], None)
            .expect_refusal(412, "precondition_failed", "stale_if_match");
        client.delete(&path).expect(200);
        client
            .get(&path)
            .expect_refusal(404, "not_found", "not_found");
    }
}

#[test]
fn a_role_needs_a_name_of_its_own() {
    let server = Server::start();
    let client = &server.client;
    let bad = client.post(ROLES, &json!({ "name": "", "descripton": "x" }));
    assert_eq!(
        bad.expect(400).violations(),
        ["descripton unknown_field", "name blank"]
    );
    client.create_role("Größe");
    let other = client.create_role("other");
    for reply in [
        client.post(ROLES, &json!({ "name": "GRÖẞE" })),
        client.post(ROLES, &json!({ "name": "GRÖßE" })),
        client.put(&format!("{ROLES}/{other}"), &json!({ "name": "größe" })),
    ] {
        reply.expect_refusal(409, "conflict", "duplicate_name");
    }
}

#[test]
fn a_role_that_users_have_stays_and_the_first_ten_of_them_are_named() {
    let server = Server::start();
    let client = &server.client;
    let role = client.create_role("writers");
    let users: Vec<String> = (0..12)
        .map(|at| {
            client
                .create_user("u", &format!("u{at}@example.com"), Some(role))
                .to_string()
        })
        .collect();
    let path = format!("{ROLES}/{role}");
    let body = client
        .delete(&path)
        .expect_refusal(409, "conflict", "role_in_use");
    assert_eq!(
        body["extra_fields"],
        json!({ "user_count": 12, "user_ids": users[..10] })
    );
    assert!(
        body["error"]["message"]
            .as_str()
            .unwrap()
            .starts_with("12 users have")
    );
    for user in &users {
        client.delete(&format!("/api/users/{user}")).expect(200);
    }
    client.delete(&path).expect(200);
    assert_eq!(client.audited("role.delete").len(), 1);
    assert_eq!(
        client.audited("role.create")[0]["new_values"]["name"],
        "writers"
    );
}

#[test]
fn roles_are_searched_and_sorted() {
    let server = Server::start();
    let client = &server.client;
    for (name, description) in [("b", "100% x"), ("A", "who write"), ("c_d", "")] {
        client
            .post(ROLES, &json!({ "name": name, "description": description }))
            .expect(200);
        server.time.advance_seconds(1);
    }
    assert_eq!(names(&server, ""), ["b", "A", "c_d"]);
    assert_eq!(names(&server, "sort=name"), ["A", "b", "c_d"]);
    assert_eq!(names(&server, "sort=-created_at"), ["c_d", "A", "b"]);
    assert_eq!(names(&server, "search=WRITE"), ["A"]);
    assert_eq!(names(&server, "search=%25"), ["b"]);
    assert_eq!(names(&server, "search=_"), ["c_d"]);
    let page = client
        .get(&format!("{ROLES}?limit=1&offset=1"))
        .expect(200)
        .json();
    assert_eq!(
        (&page["count"], &page["total_count"]),
        (&json!(1), &json!(3))
    );
}

#[test]
fn a_role_is_made_once_under_an_idempotency_key() {
    let server = Server::start();
    let make = |body: &Value| {
        server
            .client
            .send("POST", ROLES, &[("idempotency-key", "k1")], Some(body))
    };
    let first = make(&json!({ "name": "once" })).expect(200);
    let again = make(&json!({ "name": "once" })).expect(200);
    assert_eq!(
        (first.text.as_str(), first.header("location")),
        (again.text.as_str(), again.header("location"))
    );
    make(&json!({ "name": "other" })).expect_refusal(
        422,
        "idempotency_error",
        "idempotency_key_reused",
    );
    assert_eq!(names(&server, ""), ["once"]);
}

#[test]
fn whose_data_a_role_sees_is_kept_for_the_gateway() {
    let server = Server::start();
    let client = &server.client;
    let kinds = [
        "own-data",
        "team-data",
        "business-unit-data",
        "customer-data",
        "all-data",
    ];
    for kind in kinds {
        let made = client
            .post(ROLES, &json!({ "name": kind, "dac": kind }))
            .expect(200)
            .json();
        assert_eq!(made["role"]["dac"], kind);
        assert_eq!(made["role"]["created_by_user_id"], json!(null));
        let path = format!("{ROLES}/{}", made["role"]["id"]);
        assert_eq!(client.get(&path).expect(200).json(), made);
        client
            .put(&path, &json!({ "description": "x" }))
            .expect(200);
        assert_eq!(client.get(&path).json()["role"]["dac"], kind);
        let narrowed = client
            .put(&path, &json!({ "dac": "own-data" }))
            .expect(200)
            .json();
        assert_eq!(narrowed["role"]["dac"], "own-data");
    }
    let other = client.post(ROLES, &json!({ "name": "x", "dac": "no-data" }));
    assert_eq!(other.expect(400).violations(), ["dac invalid_value"]);
}
