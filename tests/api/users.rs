//! Users: their life over HTTP, and what is refused.

use serde_json::{Value, json};

use crate::support::Server;
use crate::support::wire::encoded;

const USERS: &str = "/api/users";
const LIST: &str = "/api/governance/users";

fn names(server: &Server, parameters: &str) -> Vec<String> {
    let list = server
        .client
        .get(&format!("{LIST}?{parameters}"))
        .expect(200)
        .json();
    let items = list["users"].as_array().unwrap();
    assert_eq!(list["total_count"], items.len(), "{parameters}");
    items
        .iter()
        .map(|item| item["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_user_is_made_read_changed_and_deleted_under_both_paths() {
    let server = Server::start();
    let client = &server.client;
    for family in [USERS, "/api/governance/users"] {
        let role = client.create_role(&format!("role of {family}"));
        let body = json!({ "name": " Ada ", "email": "Ada@Example.com", "role_id": role });
        let made = client.post(family, &body).expect(200);
        let user = made.json()["user"].clone();
        let id = user["id"].as_str().unwrap().to_owned();
        assert_eq!(
            made.header("location"),
            Some(format!("{family}/{id}").as_str())
        );
        assert_eq!(made.json()["virtual_keys"], json!([]));
        let expected = json!({
            "id": id,
            "name": "Ada",
            "email": "Ada@Example.com",
            "role_id": role,
            "role": { "id": role, "name": format!("role of {family}"), "description": "", "is_system_role": false },
            "access_profiles": [],
            "access_profile": null,
            "teams": [],
            "created_at": "2026-06-01T12:00:00Z",
            "updated_at": "2026-06-01T12:00:00Z",
        });
        assert_eq!(user, expected);
        let path = format!("{family}/{id}");
        let read = client.get(&path).expect(200);
        assert_eq!(read.json(), expected);
        assert_eq!(read.header("etag"), made.header("etag"));
        let tag = read.header("etag").unwrap().to_owned();
        client
            .send("GET", &path, &[("if-none-match", &tag)], None)
            .expect(304);

        server.time.advance_seconds(60);
        let mut sent = user.clone();
        sent["email"] = json!("ada@new.org");
        let changed = client
            .send("PUT", &path, &[("if-match", &tag)], Some(&sent))
            .expect(200);
        assert_eq!(changed.json()["user"]["email"], "ada@new.org");
        assert_eq!(changed.json()["user"]["updated_at"], "2026-06-01T12:01:00Z");
        assert_ne!(changed.header("etag"), Some(tag.as_str()));
        for method in ["PUT", "DELETE"] {
            let reply = client.send(method, &path, &[("if-match", &tag)], Some(&json!({})));
            reply.expect_refusal(412, "precondition_failed", "stale_if_match");
        }
        let gone = client.delete(&path).expect(200).json();
        assert_eq!(
            (&gone["deleted_vk_names"], &gone["deleted_vk_count"]),
            (&json!([]), &json!(0))
        );
        client
            .get(&path)
            .expect_refusal(404, "not_found", "not_found");
        client
            .delete(&path)
            .expect_refusal(404, "not_found", "not_found");
        server.time.advance_seconds(-60);
    }
}

#[test]
fn what_a_user_may_not_be_is_said_all_at_once() {
    let server = Server::start();
    let client = &server.client;
    let reply = client.post(
        USERS,
        &json!({ "name": " ", "email": "ada", "role_id": "1", "mail": 1 }),
    );
    assert_eq!(
        reply.expect(400).violations(),
        [
            "email invalid_email",
            "mail unknown_field",
            "name blank",
            "role_id wrong_type"
        ]
    );
    assert_eq!(
        client.post(USERS, &json!({})).expect(400).violations(),
        ["email required", "name required"]
    );
    for email in ["", "a", "a@", "@b", "a b@c", "a@b@c", "a@b..c", "a@.b"] {
        let reply = client.post(USERS, &json!({ "name": "x", "email": email }));
        assert_eq!(
            reply.expect(400).violations(),
            ["email invalid_email"],
            "{email}"
        );
    }
    let reply = client.post(USERS, &json!({ "name": "x", "email": "x@y", "role_id": 7 }));
    reply.expect_refusal(404, "not_found", "not_found");
    assert_eq!(reply.message(), "role_id: there is no role 7");
    assert_eq!(names(&server, ""), [""; 0]);
}

#[test]
fn two_users_never_share_an_address_whatever_its_case() {
    let server = Server::start();
    let client = &server.client;
    let ada = client.create_user("Ada", "ada@example.com", None);
    let bob = client.create_user("Ada", "bob@example.com", None);
    let twice = client.post(USERS, &json!({ "name": "x", "email": "ADA@example.COM" }));
    twice.expect_refusal(409, "conflict", "duplicate_email");
    assert_eq!(twice.json()["error"]["param"], "email");
    let taken = client.put(
        &format!("{USERS}/{bob}"),
        &json!({ "email": "Ada@Example.com" }),
    );
    taken.expect_refusal(409, "conflict", "duplicate_email");
    // One's own in other letters is a change like any other.
    client
        .put(
            &format!("{USERS}/{ada}"),
            &json!({ "email": "ADA@EXAMPLE.COM" }),
        )
        .expect(200);
    client.delete(&format!("{USERS}/{ada}")).expect(200);
    let again = client.create_user("Ada", "ada@example.com", None);
    assert!(again > bob, "an id is never used again");
}

#[test]
fn what_is_no_id_of_a_user_is_not_found() {
    let server = Server::start();
    for id in ["0", "-1", "x", "1.5", "99999999999999999999", "%20", "7"] {
        for method in ["GET", "PUT", "DELETE"] {
            let body = (method == "PUT").then(|| json!({ "name": "x" }));
            let reply = server
                .client
                .send(method, &format!("{USERS}/{id}"), &[], body.as_ref());
            reply.expect_refusal(404, "not_found", "not_found");
        }
    }
}

#[test]
fn a_user_changes_role_only_where_that_is_meant() {
    let server = Server::start();
    let client = &server.client;
    let (writers, readers) = (client.create_role("writers"), client.create_role("readers"));
    let user = client.create_user("Ada", "ada@example.com", Some(writers));
    let path = format!("{USERS}/{user}");
    let reply = client.put(&path, &json!({ "role_id": readers }));
    let reply = reply.expect(400);
    assert_eq!(reply.violations(), ["role_id role_not_changeable"]);
    assert!(reply.message().contains("/role"), "{}", reply.text);
    client.put(&path, &json!({ "role_id": null })).expect(200);
    client
        .put(&path, &json!({ "role_id": writers }))
        .expect(200);

    let before = client.get(&path).expect(200);
    let tag = before.header("etag").unwrap().to_owned();
    let role = |body: &Value, headers: &[(&str, &str)]| {
        client.send("PUT", &format!("{path}/role"), headers, Some(body))
    };
    let moved = role(&json!({ "role_id": readers }), &[("if-match", &tag)]).expect(200);
    assert_eq!(moved.json()["user"]["role"]["name"], "readers");
    assert_eq!(moved.json()["deleted_vk_count"], 0);
    assert_eq!(moved.header("etag"), client.get(&path).header("etag"));
    role(&json!({ "role_id": null }), &[("if-match", &tag)]).expect_refusal(
        412,
        "precondition_failed",
        "stale_if_match",
    );
    let counts =
        |id: i64| client.get(&format!("/api/roles/{id}")).json()["role"]["user_count"].clone();
    assert_eq!((counts(writers), counts(readers)), (json!(0), json!(1)));
    let none = role(&json!({ "role_id": null }), &[]).expect(200).json();
    assert_eq!(
        (&none["user"]["role_id"], &none["user"]["role"]),
        (&json!(null), &json!(null))
    );
    assert_eq!(counts(readers), 0);

    assert_eq!(
        role(&json!({}), &[]).expect(400).violations(),
        ["role_id required"]
    );
    let unknown = role(&json!({ "role_id": 99 }), &[]);
    unknown.expect_refusal(404, "not_found", "not_found");
    assert_eq!(unknown.message(), "role_id: there is no role 99");
}

#[test]
fn a_user_is_made_once_under_an_idempotency_key() {
    let server = Server::start();
    let body = json!({ "name": "Ada", "email": "ada@example.com" });
    let make = |body: &Value| {
        server
            .client
            .send("POST", USERS, &[("idempotency-key", "k1")], Some(body))
    };
    let first = make(&body).expect(200);
    let again = make(&body).expect(200);
    assert_eq!(first.text, again.text);
    for header in ["location", "etag"] {
        assert!(first.header(header).is_some());
        assert_eq!(first.header(header), again.header(header));
    }
    make(&json!({ "name": "Eve", "email": "eve@example.com" })).expect_refusal(
        422,
        "idempotency_error",
        "idempotency_key_reused",
    );
    assert_eq!(names(&server, ""), ["Ada"]);
}

#[test]
fn users_are_searched_filtered_and_sorted() {
    let server = Server::start();
    let client = &server.client;
    let (writers, readers) = (client.create_role("writers"), client.create_role("readers"));
    for (name, email, role) in [
        ("Größe", "z@example.com", Some(writers)),
        ("100% sure", "b_c@example.com", Some(readers)),
        ("carol", "Carol@Other.org", None),
        ("Bob", "bxc@example.com", Some(writers)),
    ] {
        client.create_user(name, email, role);
        server.time.advance_seconds(1);
    }
    for (search, found) in [
        ("GRÖ", &["Größe"][..]),
        ("ö", &["Größe"]),
        ("%", &["100% sure"]),
        ("b_c", &["100% sure"]),
        ("_", &["100% sure"]),
        ("other.ORG", &["carol"]),
        ("\"", &[]),
        ("xyz", &[]),
        ("b", &["100% sure", "Bob"]),
    ] {
        assert_eq!(
            names(&server, &format!("search={}", encoded(search))),
            found,
            "{search}"
        );
    }
    for (sort, found) in [
        ("id", ["Größe", "100% sure", "carol", "Bob"]),
        ("-id", ["Bob", "carol", "100% sure", "Größe"]),
        ("name", ["100% sure", "Bob", "carol", "Größe"]),
        ("-name", ["Größe", "carol", "Bob", "100% sure"]),
        ("email", ["100% sure", "Bob", "carol", "Größe"]),
        ("-created_at", ["Bob", "carol", "100% sure", "Größe"]),
        ("updated_at", ["Größe", "100% sure", "carol", "Bob"]),
    ] {
        assert_eq!(names(&server, &format!("sort={sort}")), found, "{sort}");
    }
    assert_eq!(
        names(&server, &format!("role_id={writers}")),
        ["Größe", "Bob"]
    );
    assert_eq!(
        names(&server, &format!("role_id={writers}&search=bob")),
        ["Bob"]
    );
    assert_eq!(
        names(&server, &format!("role_id={writers}&sort=-name")),
        ["Größe", "Bob"]
    );
    assert_eq!(names(&server, "role_id=99"), [""; 0]);
    assert_eq!(names(&server, "access_profile_id=1"), [""; 0]);
    let page = client
        .get(&format!("{LIST}?limit=2&offset=1"))
        .expect(200)
        .json();
    assert_eq!(
        (&page["count"], &page["total_count"]),
        (&json!(2), &json!(4))
    );
    let page = client
        .get(&format!("{LIST}?limit=1&role_id={writers}"))
        .expect(200)
        .json();
    assert_eq!(
        (&page["count"], &page["total_count"]),
        (&json!(1), &json!(2))
    );
    let bad = client.get(&format!("{LIST}?sort=age&role_id=x&colour=red"));
    assert_eq!(
        bad.expect(400).violations(),
        [
            "colour unknown_parameter",
            "role_id out_of_range",
            "sort invalid_sort"
        ]
    );
    client
        .put(&format!("{USERS}/3"), &json!({ "name": "Dave" }))
        .expect(200);
    assert_eq!(names(&server, "search=dav"), ["Dave"]);
    assert_eq!(
        names(&server, "search=Car"),
        ["Dave"],
        "the address is still carol's"
    );
    client.delete(&format!("{USERS}/3")).expect(200);
    assert_eq!(names(&server, "search=dav"), [""; 0]);
}

#[test]
fn what_happens_to_users_stands_in_the_audit_log() {
    let server = Server::start();
    let client = &server.client;
    let role = client.create_role("writers");
    let user = client.create_user("Ada", "ada@example.com", None);
    let path = format!("{USERS}/{user}");
    client
        .put(&path, &json!({ "name": "Ada King" }))
        .expect(200);
    client
        .put(&path, &json!({ "name": "Ada King" }))
        .expect(200);
    client
        .put(&format!("{path}/role"), &json!({ "role_id": role }))
        .expect(200);
    client
        .put(&format!("{path}/role"), &json!({ "role_id": role }))
        .expect(200);
    client.delete(&path).expect(200);
    let log = client
        .get(&format!("/api/access-profiles/audit-logs?user_id={user}"))
        .expect(200)
        .json();
    let told: Vec<(&str, &str)> = log["audit_logs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            (
                entry["action"].as_str().unwrap(),
                entry["user_id"].as_str().unwrap(),
            )
        })
        .collect();
    let id = user.to_string();
    let expected = [
        "user.delete",
        "user.change_role",
        "user.update",
        "user.create",
    ];
    assert_eq!(told, expected.map(|action| (action, id.as_str())));
    let change = &client.audited("user.update")[0];
    assert_eq!(
        (
            &change["previous_values"]["name"],
            &change["new_values"]["name"]
        ),
        (&json!("Ada"), &json!("Ada King"))
    );
    assert_eq!(
        client.audited("user.change_role")[0]["new_values"]["role_id"],
        role
    );
    assert_eq!(client.audited("user.delete")[0]["new_values"], json!(null));
    assert_eq!(client.audited("api_key.create"), [json!(null); 0]);
}

#[test]
fn what_a_user_does_not_take_is_refused_with_the_way_to_it() {
    let server = Server::start();
    let client = &server.client;
    client.create_role("eng");
    client.create_role("ops");
    for role in [json!("eng"), json!(1), json!({ "id": 1 })] {
        let reply = client
            .post(USERS, &json!({ "name": "x", "email": "x@y", "role": role }))
            .expect(400);
        assert_eq!(reply.violations(), ["role not_settable"], "{role}");
        assert!(reply.message().contains("`role_id`"), "{}", reply.text);
    }
    let body = json!({ "name": "x", "email": "x@y", "access_profiles": [1] });
    let reply = client.post(USERS, &body).expect(400);
    assert_eq!(reply.violations(), ["access_profiles not_settable"]);
    assert!(
        reply.message().contains("/access-profiles gives"),
        "{}",
        reply.text
    );
    let reply = client
        .post(USERS, &json!({ "name": "x", "email": "x@y", "rol": 1 }))
        .expect(400);
    assert_eq!(reply.violations(), ["rol unknown_field"]);
    assert!(!reply.message().contains("\"role\""), "{}", reply.text);

    client.create_budgeted("dev", 5);
    let user = client.create_user("Ada", "ada@example.com", Some(1));
    client.assign(user, 1);
    let path = format!("{USERS}/{user}");
    let mut sent = client.get(&path).expect(200).json();
    client.put(&path, &sent).expect(200);
    sent["name"] = json!("Ada King");
    client.put(&path, &sent).expect(200);
    for role in [json!({ "id": 2 }), json!("eng"), json!(2)] {
        let reply = client.put(&path, &json!({ "role": role })).expect(400);
        assert_eq!(reply.violations(), ["role role_not_changeable"], "{role}");
        assert!(
            reply.message().contains("/role does that"),
            "{}",
            reply.text
        );
    }
    let reply = client
        .put(&path, &json!({ "access_profiles": [1] }))
        .expect(400);
    assert_eq!(reply.violations(), ["access_profiles not_settable"]);
}

#[test]
fn copies_are_sent_back_as_they_are_or_refused() {
    let server = Server::start();
    let client = &server.client;
    client.create_budgeted("dev", 5);
    client.create_budgeted("other", 5);
    let user = client.create_user("Ada", "ada@example.com", None);
    client.assign(user, 1);
    let body = json!({ "access_profile_id": 2, "expires_at": "2026-06-02T00:00:00Z" });
    let assign = format!("{USERS}/{user}/access-profiles");
    client.post(&assign, &body).expect(201);
    let path = format!("{USERS}/{user}");
    let read = client.get(&path).expect(200).json();
    let mut sent = read.clone();
    sent["name"] = json!("Ada King");
    // Time alone ends a copy: what was read before can still be sent back.
    server.time.advance_seconds(7 * 86_400);
    client.put(&path, &sent).expect(200);
    client.put(&path, &json!({ "user": sent })).expect(200);
    for change in [
        json!([]),
        json!([sent["access_profiles"][1], sent["access_profiles"][0]]),
        json!([sent["access_profiles"][0]]),
        json!([{ "id": 1 }, { "id": 2 }]),
    ] {
        sent["access_profiles"] = change.clone();
        let refused = client.put(&path, &sent).expect(400);
        assert_eq!(
            refused.violations(),
            ["access_profiles not_settable"],
            "{change}"
        );
        assert!(
            refused.message().contains("takes it away"),
            "{}",
            refused.text
        );
    }
    assert_eq!(client.copies_of(user).len(), 2);
}
