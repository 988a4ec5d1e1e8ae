//! The audit log, as it is read.

use serde_json::{Value, json};

use crate::support::Server;

#[test]
fn the_audit_log_says_who_changed_what() {
    let server = Server::start();
    let client = &server.client;
    let (_, other) = client.make_key(
        "second key",
        &["AccessProfiles:Update", "AccessProfiles:Delete"],
    );
    let profile = client.create_profile(&json!({ "name": "watched", "tags": ["a"] }));
    let path = format!("/api/access-profiles/{}", profile["id"]);
    other
        .send(
            "PUT",
            &path,
            &[("x-request-id", "req-1")],
            Some(&json!({ "tags": ["b"] })),
        )
        .expect(200);
    other.delete(&path).expect(200);
    client.create_profile(&json!({ "name": "other" }));
    let logs = client.get(&format!("{path}/audit-logs")).expect(200).json();
    assert_eq!(
        (&logs["total_count"], &logs["count"]),
        (&json!(3), &json!(3))
    );
    let update = &logs["audit_logs"][1];
    assert_eq!(update["action"], "update");
    let read = |text: &Value| serde_json::from_str::<Value>(text.as_str().unwrap()).unwrap();
    assert_eq!(
        (&update["actor"], &read(&update["metadata"])["request_id"]),
        (&json!("second key"), &json!("req-1"))
    );
    assert_eq!(read(&update["previous_values"]), json!({ "tags": ["a"] }));
    assert_eq!(read(&update["new_values"]), json!({ "tags": ["b"] }));
    assert_eq!(read(&logs["audit_logs"][2]["new_values"]), profile);
    let all = |query: &str| {
        client
            .get(&format!("/api/access-profiles/audit-logs{query}"))
            .expect(200)
            .json()
    };
    assert_eq!(all("")["total_count"], 4);
    assert_eq!(all("?action=create")["total_count"], 2);
    assert_eq!(
        read(&all("?action=create&limit=1&offset=1")["audit_logs"][0]["new_values"]),
        profile
    );
    assert_eq!(all("?user_id=5")["total_count"], 0);
    let verdict = all("/verify");
    assert_eq!(
        (&verdict["intact"], &verdict["entries"]),
        (&json!(true), &json!(6))
    );
}

#[test]
fn entries_are_found_by_who_and_when() {
    let server = Server::start_with(|settings| {
        settings.time_zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
    });
    let client = &server.client;
    let (id, other) = client.make_key("night shift", &["AccessProfiles:Create"]);
    client.create_profile(&json!({ "name": "by day" }));
    // 23:30 and 00:30 in Berlin.
    server.time.advance_seconds(9 * 3600 + 1800);
    other
        .post("/api/access-profiles", &json!({ "name": "late" }))
        .expect(201);
    server.time.advance_seconds(3600);
    other
        .post("/api/access-profiles", &json!({ "name": "early" }))
        .expect(201);
    let names = |query: &str| -> Vec<String> {
        let path = format!("/api/access-profiles/audit-logs?{query}");
        let logs = client.get(&path).expect(200).json();
        let entries = logs["audit_logs"].as_array().unwrap();
        assert_eq!(logs["total_count"], entries.len());
        let values = entries.iter().map(|entry| {
            serde_json::from_str::<Value>(entry["new_values"].as_str().unwrap()).unwrap()
        });
        let values = values.map(|value| value["name"].as_str().unwrap().to_owned());
        values.collect()
    };
    let public_id = client
        .get(&format!("/api/api-keys/{id}"))
        .expect(200)
        .json();
    let metadata = client.get("/api/access-profiles/audit-logs?limit=1").json();
    let metadata = metadata["audit_logs"][0]["metadata"].as_str().unwrap();
    let metadata: Value = serde_json::from_str(metadata).unwrap();
    let public_id_told = metadata["actor_id"].as_str().unwrap();
    let prefix = public_id["api_key"]["key_prefix"].as_str().unwrap();
    assert!(prefix.contains(public_id_told), "{prefix} {public_id_told}");
    for (query, expected) in [
        ("actor=night%20shift".to_owned(), &["early", "late"][..]),
        (format!("actor={public_id_told}"), &["early", "late"]),
        ("actor=nobody".to_owned(), &[]),
        ("from=2026-06-02".to_owned(), &["early"]),
        ("to=2026-06-01".to_owned(), &["late", "by day"]),
        (
            "from=2026-06-01&to=2026-06-01".to_owned(),
            &["late", "by day"],
        ),
        (
            "from=2026-06-01&to=2026-06-02&actor=night%20shift&action=create".to_owned(),
            &["early", "late"],
        ),
        ("from=2026-06-03".to_owned(), &[]),
        ("to=9999-12-31".to_owned(), &["early", "late", "by day"]),
    ] {
        assert_eq!(names(&query), expected, "{query}");
    }
    for (query, code) in [
        ("from=2026-06-02&to=2026-06-01", "from_after_to"),
        ("from=yesterday", "invalid_date"),
        ("to=2026-02-30", "invalid_date"),
        ("actor=", "empty_filter"),
    ] {
        let path = format!("/api/access-profiles/audit-logs?{query}");
        assert!(client.get(&path).expect(400).text.contains(code), "{query}");
    }
}

#[test]
fn entries_about_people_are_for_keys_that_may_view_people() {
    let server = Server::start();
    let client = &server.client;
    let role = client.create_role("writers");
    client.create_user("Ada", "ada@example.com", Some(role));
    client.create_tool_group("reading");
    client.create_profile(&json!({ "name": "dev" }));
    client.assign(1, 1);
    client
        .post("/api/users/1/virtual-keys", &json!({}))
        .expect(200);
    let actions = |scopes: &[&str]| {
        let (_, reader) = client.make_key(&scopes.join(" "), scopes);
        let reply = reader.get("/api/access-profiles/audit-logs").expect(200);
        assert_eq!(
            reply.text.contains("ada@example.com"),
            scopes.contains(&"Users:View")
        );
        let list = reply.json();
        assert_eq!(list["total_count"], list["count"]);
        let mut actions: Vec<String> = list["audit_logs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["action"].as_str().unwrap().to_owned())
            .collect();
        actions.sort();
        let none = reader
            .get("/api/access-profiles/audit-logs?action=user.create")
            .expect(200);
        assert_eq!(
            none.json()["total_count"] == 0,
            !scopes.contains(&"Users:View")
        );
        actions
    };
    let seen = actions(&["AccessProfiles:View"]);
    for action in ["access_profile.assign", "create"] {
        assert!(seen.iter().any(|one| one == action), "{seen:?}");
    }
    let of = |kind: &str, actions: &[String]| actions.iter().any(|one| one.starts_with(kind));
    assert!(!of("user.", &seen) && !of("role.", &seen) && !of("mcp_tool_group.", &seen));
    assert!(!of("virtual_key.", &seen));
    let seen = actions(&["AccessProfiles:View", "Users:View"]);
    assert!(of("user.", &seen) && !of("role.", &seen));
    let seen = actions(&["AccessProfiles:View", "Roles:View", "VirtualMCPs:View"]);
    assert!(!of("user.", &seen) && of("role.", &seen) && of("mcp_tool_group.", &seen));
    let seen = actions(&["AccessProfiles:View", "VirtualKeys:View"]);
    assert!(!of("user.", &seen) && of("virtual_key.", &seen));
}
