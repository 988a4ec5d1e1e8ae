//! Making and listing management API keys (API.md §3), over HTTP.

use serde_json::{Value, json};

use crate::support::{Client, Reply, Server};

const KEYS: &str = "/api/api-keys";

fn create(client: &Client, body: &Value) -> Reply {
    client.post(KEYS, body)
}

/// The names on a page of the list, in order.
fn names(client: &Client, query: &str) -> Vec<String> {
    let list = client.get(&format!("{KEYS}?{query}")).expect(200).json();
    let names: Vec<String> = list["api_keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(list["count"], names.len());
    names
}

#[test]
fn making_a_key_shows_its_secret_once_and_everything_about_it() {
    let server = Server::start();
    let by = server.client.get(KEYS).json()["api_keys"][0]["name"].clone();
    let body = json!({ "name": "  ci  ", "description": "builds", "scopes": ["Users:View", 1, "Users:View"],
                       "expires_at": "2027-01-01T01:00:00+01:00" });
    let reply = create(&server.client, &body).expect(200);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let made = reply.json();
    let (key, shown) = (made["key"].as_str().unwrap(), &made["api_key"]);
    let expected = json!({
        "id": shown["id"],
        "name": "ci",
        "description": "builds",
        "key_prefix": format!("{}_…", &key[..20]),
        "scopes": [1, 5],
        "scope_names": ["AccessProfiles:View", "Users:View"],
        "state": "active",
        "created_by": by,
        "expires_at": "2027-01-01T00:00:00Z",
        "created_at": "2026-06-01T12:00:00Z",
        "updated_at": "2026-06-01T12:00:00Z",
    });
    assert_eq!(*shown, expected);
    let path = format!("{KEYS}/{}", shown["id"]);
    let (list, one) = (server.client.get(KEYS), server.client.get(&path));
    assert_eq!(one.json(), json!({ "api_key": expected }));
    assert_eq!(list.json()["api_keys"][1], expected);
    for text in [list.text, one.text] {
        assert!(!text.contains(&key[21..]), "{text}");
    }
    server.client.with_key(key).get("/api/users").expect(200);
}

#[test]
fn names_are_trimmed_bounded_and_free_of_control_characters() {
    let server = Server::start();
    for (name, code) in [
        (json!(""), "blank"),
        (json!(" \t "), "blank"),
        (json!("x".repeat(256)), "too_long"),
        (json!("a\u{0}b"), "invalid_character"),
        (json!("a\nb"), "invalid_character"),
        (json!(null), "required"),
        (json!(7), "wrong_type"),
    ] {
        let reply = create(&server.client, &json!({ "name": name, "scopes": ["*"] }));
        reply.expect_refusal(400, "validation_error", code);
        assert_eq!(reply.violations(), [format!("name {code}")]);
    }
    let longest = "ü".repeat(255);
    create(&server.client, &json!({ "name": longest, "scopes": [] })).expect(200);
}

#[test]
fn scopes_are_names_or_ids_or_everything_and_nothing_else() {
    let server = Server::start();
    let catalogue = server.client.get("/api/permissions").expect(200).json();
    assert_eq!(catalogue["count"], 36);
    for path in [
        "/api/rbac/permissions",
        "/api/governance/rbac/permissions",
        "/api/governance/permissions",
    ] {
        assert_eq!(server.client.get(path).json(), catalogue);
    }
    for permission in catalogue["permissions"].as_array().unwrap() {
        let (id, name) = (&permission["id"], &permission["name"]);
        assert_eq!(
            *name,
            format!(
                "{}:{}",
                permission["resource"].as_str().unwrap(),
                permission["operation"].as_str().unwrap()
            )
        );
        let body = json!({ "name": format!("by id {id}"), "scopes": [id] });
        let made = create(&server.client, &body).expect(200).json();
        assert_eq!(made["api_key"]["scopes"], json!([id]));
        assert_eq!(made["api_key"]["scope_names"], json!([name]));
    }
    let everything = create(&server.client, &json!({ "name": "all", "scopes": ["*"] })).expect(200);
    assert_eq!(everything.json()["api_key"]["scope_names"], json!(["*"]));
    for bad in [
        json!(0),
        json!(37),
        json!(1.5),
        json!("users:view"),
        json!("*"),
        json!(true),
        json!(null),
        json!({}),
    ] {
        let body = json!({ "name": "bad", "scopes": ["Users:View", bad] });
        assert_eq!(
            create(&server.client, &body).violations(),
            ["scopes[1] unknown_permission"],
            "{bad}"
        );
    }
    for bad in [json!("*"), json!({}), json!(1)] {
        let body = json!({ "name": "bad", "scopes": bad });
        assert_eq!(
            create(&server.client, &body).violations(),
            ["scopes wrong_type"],
            "{bad}"
        );
    }
}

#[test]
fn an_expiry_lies_in_the_future_and_an_empty_one_is_never() {
    let server = Server::start();
    for (number, never) in [json!(""), json!(null)].into_iter().enumerate() {
        let body =
            json!({ "name": format!("never {number}"), "scopes": ["*"], "expires_at": never });
        assert_eq!(
            create(&server.client, &body).expect(200).json()["api_key"]["expires_at"],
            json!(null)
        );
    }
    for (at, code) in [
        (json!("2026-06-01T12:00:00Z"), "not_in_future"),
        (json!("2026-06-01T13:59:59.999+02:00"), "not_in_future"),
        (json!("1969-01-01T00:00:00Z"), "not_in_future"),
        (json!("tomorrow"), "invalid_timestamp"),
        (json!("2027-01-01"), "invalid_timestamp"),
        (json!(1_800_000_000), "wrong_type"),
        (json!(false), "wrong_type"),
    ] {
        let body = json!({ "name": "bad", "scopes": ["*"], "expires_at": at });
        assert_eq!(
            create(&server.client, &body).violations(),
            [format!("expires_at {code}")],
            "{at}"
        );
    }
    let body = json!({ "name": "soon", "scopes": ["*"], "expires_at": "2026-06-01T12:00:00.001Z" });
    let made = create(&server.client, &body).expect(200).json();
    assert_eq!(made["api_key"]["expires_at"], "2026-06-01T12:00:00.001Z");
}

#[test]
fn every_violation_is_told_at_once_with_the_nearest_known_name() {
    let server = Server::start();
    let body = json!({ "nane": "x", "scope": ["*"], "expires_at": 1, "description": ["no"] });
    let reply = create(&server.client, &body);
    let expected = [
        "description wrong_type",
        "expires_at wrong_type",
        "name required",
        "nane unknown_field",
        "scope unknown_field",
    ];
    assert_eq!(reply.violations(), expected);
    for hint in ["did you mean \\\"name\\\"?", "did you mean \\\"scopes\\\"?"] {
        assert!(reply.text.contains(hint), "{}", reply.text);
    }
    for body in [json!([]), json!("x"), json!(null), json!(1)] {
        assert_eq!(create(&server.client, &body).status, 400, "{body}");
    }
    assert_eq!(names(&server.client, "").len(), 1);
}

#[test]
fn a_name_is_taken_without_regard_to_case_until_its_key_is_revoked() {
    let server = Server::start();
    let (id, _) = server.client.make_key("Größe", &["Users:View"]);
    for name in ["Größe", "GRÖßE", " größe "] {
        let reply = create(&server.client, &json!({ "name": name, "scopes": [] }));
        let body = reply.expect_refusal(409, "conflict", "duplicate_name");
        assert_eq!(body["error"]["param"], "name");
    }
    server.client.delete(&format!("{KEYS}/{id}")).expect(200);
    server.client.make_key("GRÖßE", &["Users:View"]);
    server.client.get(&format!("{KEYS}/{id}")).expect(404);
    server.client.delete(&format!("{KEYS}/{id}")).expect(404);
    server
        .client
        .put(&format!("{KEYS}/{id}"), &json!({}))
        .expect(404);
    server
        .client
        .post(&format!("{KEYS}/{id}/rotate"), &json!({}))
        .expect(404);
}

#[test]
fn the_list_is_searched_sorted_filtered_and_paged() {
    let server = Server::start();
    let first = names(&server.client, "").remove(0);
    for (name, description, expires) in [
        ("beta", "100% sure", "2026-06-03T00:00:00Z"),
        ("Alpha", "a_b", "2026-06-02T00:00:00Z"),
        ("gamma", "the BETA of gamma", ""),
    ] {
        server.time.advance_seconds(60);
        let body = json!({ "name": name, "description": description, "scopes": [], "expires_at": expires });
        create(&server.client, &body).expect(200);
    }
    let list = |query: &str| names(&server.client, query);
    let all = [first.as_str(), "beta", "Alpha", "gamma"];
    assert_eq!(list(""), all);
    assert_eq!(list("search=bEtA"), ["beta", "gamma"]);
    assert_eq!(list("search=%25"), ["beta"]);
    assert_eq!(list("search=_"), ["Alpha"]);
    assert_eq!(list("search=nothing"), [""; 0]);
    assert_eq!(list("sort=-id"), ["gamma", "Alpha", "beta", &first]);
    assert_eq!(list("sort=created_at&offset=1"), ["beta", "Alpha", "gamma"]);
    assert_eq!(list("sort=-created_at"), ["gamma", "Alpha", "beta", &first]);
    assert_eq!(
        list("sort=name&search=a&state=active&limit=2"),
        ["Alpha", "beta"]
    );
    assert_eq!(list("sort=-name&search=amm"), ["gamma"]);
    assert_eq!(list("sort=-expires_at&limit=2"), ["beta", "Alpha"]);
    assert_eq!(list("sort=expires_at&offset=2"), ["Alpha", "beta"]);
    assert_eq!(list("state=expired"), [""; 0]);
    server.time.advance_seconds(86_400);
    assert_eq!(list("state=expired"), ["Alpha"]);
    assert_eq!(list("state=active"), [first.as_str(), "beta", "gamma"]);
    let page = server
        .client
        .get(&format!("{KEYS}?limit=2&offset=1"))
        .json();
    assert_eq!(
        (
            &page["count"],
            &page["total_count"],
            &page["limit"],
            &page["offset"]
        ),
        (&json!(2), &json!(4), &json!(2), &json!(1))
    );
    assert_eq!(page["api_keys"][1]["state"], "expired");
    let mut pages = Vec::new();
    for offset in 0..5 {
        pages.extend(list(&format!("sort=name&limit=1&offset={offset}")));
    }
    assert_eq!(pages.len(), 4);
    assert_eq!(pages, list("sort=name"));
    for (query, violation) in [
        ("limit=0", "limit out_of_range"),
        ("offset=-1", "offset out_of_range"),
        ("sort=hash", "sort unknown_sort"),
        ("state=revoked", "state unknown_value"),
        ("serach=x", "serach unknown_parameter"),
    ] {
        let reply = server.client.get(&format!("{KEYS}?{query}"));
        let found = reply.violations();
        assert_eq!(
            found[0].split(' ').next(),
            violation.split(' ').next(),
            "{query}: {found:?}"
        );
    }
}

#[test]
fn a_key_that_is_made_with_a_name_alone_may_do_nothing() {
    let server = Server::start();
    for body in [
        json!({ "name": "a" }),
        json!({ "name": "b", "scopes": null }),
    ] {
        let made = create(&server.client, &body).expect(200).json();
        assert_eq!(made["api_key"]["scopes"], json!([]), "{body}");
    }
}
