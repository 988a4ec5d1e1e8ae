//! Names: which are taken, and which characters nobody could see in them.

use serde_json::{Value, json};

use crate::support::{Reply, Server};

#[test]
fn the_name_that_is_taken_is_shown_as_it_is_stored() {
    let server = Server::start();
    let client = &server.client;
    client.create_role("Testers");
    client.create_user("Ada", "Ada@Example.com", None);
    client.create_profile(&json!({ "name": "Developers" }));
    client.create_tool_group("Reading");
    client.make_key("Builds", &["Users:View"]);
    let check = |reply: Reply, stored: &str| {
        reply.clone().expect(409);
        let message = reply.message();
        assert!(
            message.contains(stored)
                && message.ends_with("upper and lower case make no difference"),
            "{message}"
        );
    };
    let named = |path: &str, name: &str| client.post(path, &json!({ "name": name }));
    check(named("/api/roles", "TESTERS"), "a role named \"Testers\"");
    check(
        named("/api/access-profiles", "developers"),
        "an access profile named \"Developers\"",
    );
    let group = json!({ "name": "READING", "tools": [] });
    check(
        client.post("/api/mcp/tool-groups", &group),
        "an MCP tool group named \"Reading\"",
    );
    let key = json!({ "name": "builds", "scopes": ["Users:View"] });
    check(
        client.post("/api/api-keys", &key),
        "an API key named \"Builds\"",
    );
    let user = json!({ "name": "Ada", "email": "ada@example.com" });
    check(
        client.post("/api/users", &user),
        "a user with the address \"Ada@Example.com\"",
    );
}

#[test]
fn characters_that_nobody_sees_are_refused_in_names() {
    let server = Server::start();
    server.furnish();
    let client = &server.client;
    for unseen in [
        '\u{200b}', '\u{200f}', '\u{202a}', '\u{202e}', '\u{2060}', '\u{2069}', '\u{feff}',
    ] {
        let name = format!("a{unseen}b");
        for (path, body) in [
            ("/api/roles", json!({ "name": name })),
            ("/api/access-profiles", json!({ "name": name })),
            (
                "/api/access-profiles",
                json!({ "name": "x", "tags": [name] }),
            ),
            (
                "/api/users",
                json!({ "name": name, "email": "x@example.com" }),
            ),
            ("/api/users/1/virtual-keys", json!({ "name": name })),
            (
                "/api/api-keys",
                json!({ "name": name, "scopes": ["Users:View"] }),
            ),
            ("/api/mcp/tool-groups", json!({ "name": name, "tools": [] })),
        ] {
            let reply = client.post(path, &body).expect(400);
            let found = reply.violations();
            assert!(
                found.len() == 1 && found[0].ends_with(" invalid_character"),
                "{path}: {found:?}"
            );
            let code = format!("U+{:04X}", u32::from(unseen));
            assert!(reply.message().contains(&code), "{}", reply.message());
        }
        let user = json!({ "name": "x", "email": format!("a{unseen}@example.com") });
        assert_eq!(
            client.post("/api/users", &user).expect(400).violations(),
            ["email invalid_email"]
        );
    }
    let seen = json!({ "name": "Größe · 日本語 🙂" });
    client.post("/api/roles", &seen).expect(200);
}

#[test]
fn the_document_refuses_the_same_characters() {
    let server = Server::start();
    let document = server.client.get("/openapi.json").expect(200).json();
    let fields = &document["components"]["schemas"]["UserBody"]["properties"];
    for field in ["name", "email"] {
        let pattern = fields[field]["pattern"].as_str().unwrap();
        assert!(pattern.contains("\\u200B-\\u200F"), "{pattern}");
    }
}

#[test]
fn a_tool_is_listed_once() {
    let server = Server::start();
    let body = |tools: Value| json!({ "name": "x", "tools": [{ "mcp_client_id": "c", "tool_names": tools }] });
    let groups = "/api/mcp/tool-groups";
    let twice = server.client.post(groups, &body(json!(["a", "b", " a"])));
    assert_eq!(
        twice.expect(400).violations(),
        ["tools[0].tool_names[2] duplicate_tool_name"]
    );
    server
        .client
        .post(groups, &body(json!(["a", "A"])))
        .expect(201);
}

#[test]
fn a_date_that_is_too_late_is_told_the_last_one() {
    let server = Server::start();
    server.furnish();
    let late = json!({ "expires_at": "9999-12-31T23:59:59Z" });
    let reply = server.client.post("/api/users/1/virtual-keys", &late);
    assert_eq!(
        reply.clone().expect(400).violations(),
        ["expires_at out_of_range"]
    );
    assert!(
        reply.message().contains("9999-12-30T22:00:00"),
        "{}",
        reply.message()
    );
    for bad in [
        "9999-12-31T23:59:59",
        "9999-13-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
    ] {
        let reply = server
            .client
            .post("/api/users/1/virtual-keys", &json!({ "expires_at": bad }));
        assert_eq!(
            reply.expect(400).violations(),
            ["expires_at invalid_timestamp"]
        );
    }
}

#[test]
fn tool_groups_are_served_in_both_families() {
    let server = Server::start();
    let client = &server.client;
    let group = json!({ "name": "reading", "tools": [] });
    let made = client.post("/api/governance/mcp/tool-groups", &group);
    let place = "/api/governance/mcp/tool-groups/1";
    assert_eq!(made.expect(201).header("location"), Some(place));
    assert_eq!(
        client.get(place).expect(200).text,
        client.get("/api/mcp/tool-groups/1").expect(200).text
    );
    client.put(place, &json!({ "enabled": true })).expect(200);
    client.delete(place).expect(200);
}
