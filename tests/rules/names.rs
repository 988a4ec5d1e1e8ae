//! Names: which are taken, and which characters nobody could see in them.

use serde_json::{Value, json};
use tollkeeper::domain::values::unseen::is_unseen;

use crate::support::{Client, Reply, Server};

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
        '\u{200b}',
        '\u{200f}',
        '\u{202a}',
        '\u{202e}',
        '\u{2060}',
        '\u{2069}',
        '\u{feff}',
        '\u{ad}',
        '\u{34f}',
        '\u{61c}',
        '\u{115f}',
        '\u{180e}',
        '\u{2028}',
        '\u{2800}',
        '\u{3164}',
        '\u{fe0f}',
        '\u{ffa0}',
        '\u{fffb}',
        '\u{1d173}',
        '\u{e0041}',
        '\u{e0100}',
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
            ("/api/access-profiles/1/clone", json!({ "name": name })),
            (
                "/api/access-profiles",
                json!({ "name": "x", "provider_configs": [{ "provider_name": name }] }),
            ),
            (
                "/api/access-profiles",
                json!({ "name": "x", "provider_configs": [{ "provider_name": "x", "allowed_models": [name] }] }),
            ),
            (
                "/api/access-profiles",
                json!({ "name": "x", "mcp_servers": [{ "mcp_server_id": name }] }),
            ),
            (
                "/api/mcp/tool-groups",
                json!({ "name": "x", "tools": [{ "mcp_client_id": "c", "tool_names": [name] }] }),
            ),
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
    let [name, email] = ["name", "email"].map(|field| {
        let pattern = fields[field]["pattern"].as_str().unwrap();
        regex::Regex::new(pattern).unwrap()
    });
    // Whether these may stand somewhere depends on what stands beside them, which no pattern says.
    let beside = ['\u{200c}', '\u{200d}', '\u{fe0e}', '\u{fe0f}'];
    for character in '\u{80}'..='\u{ffff}' {
        let (unseen, code) = (is_unseen(character), u32::from(character));
        let allowed = !unseen || beside.contains(&character);
        assert_eq!(
            name.is_match(&format!("a{character}b")),
            allowed,
            "U+{code:04X}"
        );
        assert_eq!(
            email.is_match(&format!("a{character}b@c")),
            !unseen && !character.is_whitespace(),
            "U+{code:04X}"
        );
    }
}

#[test]
fn joiners_may_stand_where_they_are_needed() {
    let server = Server::start();
    for name in [
        "می\u{200c}خواهم",
        "क्\u{200d}ष",
        "👩🏽\u{200d}💻",
        "❤\u{fe0f} Team",
    ] {
        let made = server.client.post("/api/roles", &json!({ "name": name }));
        assert_eq!(made.expect(200).json()["role"]["name"], name);
    }
    for (name, code) in [
        ("می\u{200c}", "U+200C"),
        ("\u{200d}a", "U+200D"),
        ("a \u{200c}b", "U+200C"),
        ("a\u{200d}\u{200d}b", "U+200D"),
        ("a\u{fe0f}", "U+FE0F"),
    ] {
        let refused = server
            .client
            .post("/api/roles", &json!({ "name": name }))
            .expect(400);
        assert_eq!(refused.violations(), ["name invalid_character"]);
        assert!(refused.message().contains(code), "{}", refused.message());
    }
    // Who sees no difference makes none.
    server.client.create_role("admin");
    let twin = json!({ "name": "ad\u{200c}min" });
    let refused = server.client.post("/api/roles", &twin);
    refused.expect_refusal(409, "conflict", "duplicate_name");
}

/// What can be made with a name: the list, and the body.
fn named(name: &str) -> [(&'static str, Value); 5] {
    [
        ("/api/roles", json!({ "name": name })),
        ("/api/access-profiles", json!({ "name": name })),
        ("/api/mcp/tool-groups", json!({ "name": name, "tools": [] })),
        ("/api/api-keys", json!({ "name": name, "scopes": [] })),
        (
            "/api/users",
            json!({ "name": "any", "email": format!("{}@example.com", name.replace(' ', "_")) }),
        ),
    ]
}

#[test]
fn twins_in_another_composition_or_case_are_one_name() {
    let server = Server::start();
    let client = &server.client;
    for (first, twins) in [
        ("Équipe", ["E\u{301}quipe", "ÉQUIPE", "e\u{301}QUIPE"]),
        ("Straße", ["STRASSE", "strasse", "STRAẞE"]),
        ("ΟΔΟΣ", ["οδος", "οδοσ", "Οδός"]),
        (
            "Ångström",
            ["A\u{30a}ngstro\u{308}m", "\u{212b}NGSTRÖM", "ångström"],
        ),
    ] {
        for (list, body) in named(first) {
            let made = client.post(list, &body);
            assert!(made.status < 300, "{}", made.text);
        }
        for twin in twins {
            for (list, body) in named(twin) {
                let reply = client.post(list, &body);
                // An accent makes a difference.
                let expected = if twin == "Οδός" { 201 } else { 409 };
                if expected == 409 {
                    assert_eq!(reply.status, 409, "{list} {twin}: {}", reply.text);
                    assert!(reply.message().contains(first), "{}", reply.message());
                } else {
                    assert!(reply.status < 300, "{list} {twin}: {}", reply.text);
                }
            }
        }
    }
    // A search finds either, in either.
    for search in ["%C3%A9QUIPE", "E%CC%81quip", "STRA%C3%9FE", "a%CC%8Angs"] {
        for list in [
            "roles",
            "access-profiles",
            "mcp/tool-groups",
            "api-keys",
            "users",
        ] {
            let count = found(client, &format!("/api/{list}"), search);
            assert_eq!(count, 1, "{list} {search}");
        }
    }
}

/// How many things of a list a search finds.
fn found(client: &Client, list: &str, search: &str) -> Value {
    let path = format!("{list}?search={search}");
    let list = client.get(&path).expect(200).json();
    list.get("total_count").unwrap_or(&list["total"]).clone()
}

/// The name under which an answer of a list's paths has a thing; a user is read without.
fn envelope(list: &str, read: &Value) -> String {
    match list {
        "/api/users" => "user".to_owned(),
        _ => read.as_object().unwrap().keys().next().unwrap().clone(),
    }
}

#[test]
fn twins_that_are_there_stay_usable_and_there_is_no_third() {
    let mut server = Server::start();
    let stored = |name: &str| {
        // What a profile was is packed, and no statement reaches its name.
        let all = named(name).into_iter();
        all.filter(|(list, _)| *list != "/api/access-profiles")
            .collect::<Vec<_>>()
    };
    let lists = stored("x").into_iter().map(|(list, _)| list);
    for name in ["first", "second"] {
        for (list, body) in stored(name) {
            server.client.post(list, &body);
        }
    }
    server.stop();
    // As an earlier version kept them, and with what is refused today.
    let database = rusqlite::Connection::open(server.data_dir().join("tollkeeper.db")).unwrap();
    for (old, name, key) in [
        ("first", "Équipe\u{200b}", "équipe\u{200b}"),
        ("second", "E\u{301}quipe\u{200b}", "e\u{301}quipe\u{200b}"),
    ] {
        for table in ["roles", "mcp_tool_groups", "api_keys"] {
            let sql = format!("UPDATE {table} SET name = ?2, name_key = ?3 WHERE name = ?1");
            assert_eq!(
                database.execute(&sql, [old, name, key]).unwrap(),
                1,
                "{table}"
            );
        }
        let sql = "UPDATE users SET email = ?2 || '@example.com', email_key = ?3 || '@example.com' WHERE email_key = ?1 || '@example.com'";
        assert_eq!(database.execute(sql, [old, name, key]).unwrap(), 1);
    }
    database
        .execute_batch("DELETE FROM settings WHERE name = 'name_keys'; DELETE FROM user_search; DELETE FROM access_profile_search")
        .unwrap();
    drop(database);
    let server = server.restart();
    let client = &server.client;
    for (list, twin) in stored("équipe") {
        let twin = client.post(list, &twin);
        assert_eq!(twin.status, 409, "{list}: {}", twin.text);
    }
    for list in lists {
        let ids: [i64; 2] = if list == "/api/api-keys" {
            [2, 3]
        } else {
            [1, 2]
        };
        for id in ids {
            let path = format!("{list}/{id}");
            let mut whole = client.get(&path).expect(200).json();
            let envelope = envelope(list, &whole);
            let (thing, field) = match list {
                "/api/users" => (&mut whole, "name"),
                _ => (&mut whole[&envelope], "description"),
            };
            thing[field] = json!("edited");
            let kept = if list == "/api/users" {
                thing["email"].clone()
            } else {
                thing["name"].clone()
            };
            let thing = thing.clone();
            let changed = client.put(&path, &thing).expect(200).json()[&envelope].clone();
            let shown = if list == "/api/users" {
                &changed["email"]
            } else {
                &changed["name"]
            };
            assert_eq!(
                (shown, &changed[field]),
                (&kept, &json!("edited")),
                "{path}"
            );
            // What is sent anew is judged.
            let body = match list {
                "/api/users" => json!({ "email": "other\u{200b}@example.com" }),
                _ => json!({ "name": "other\u{200b}" }),
            };
            client.put(&path, &body).expect(400);
            let body = match list {
                "/api/users" => json!({ "email": "ÉQUIPE@example.com" }),
                _ => json!({ "name": "ÉQUIPE" }),
            };
            let taken = client.put(&path, &body);
            assert_eq!(taken.status, 409, "{path}: {}", taken.text);
        }
        assert_eq!(found(client, list, "%C3%89quipe"), 2, "{list}");
    }
    // The one that is left keeps others from the name; when it is gone, it is free.
    for (list, body) in stored("équipe") {
        let ids = if list == "/api/api-keys" {
            [2, 3]
        } else {
            [1, 2]
        };
        client.delete(&format!("{list}/{}", ids[1])).expect(200);
        assert_eq!(client.post(list, &body).status, 409, "{list}");
        client.delete(&format!("{list}/{}", ids[0])).expect(200);
        let made = client.post(list, &body);
        assert!(made.status < 300, "{list}: {}", made.text);
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
