//! Bodies that are no JSON object of ours, ids in the path and parameters in the query.

use serde_json::{Value, json};

use crate::support::{Reply, Server};

const PATH: &str = "/api/access-profiles";
const MIB: usize = 1024 * 1024;

fn post(server: &Server, content_type: &str, body: &[u8]) -> Reply {
    let bearer = format!("Bearer {}", server.client.key);
    server.client.raw(
        "POST",
        PATH,
        &[("authorization", &bearer), ("content-type", content_type)],
        Some(body),
    )
}

fn post_json(server: &Server, body: impl AsRef<[u8]>) -> Reply {
    post(server, "application/json", body.as_ref())
}

#[test]
fn broken_json_is_refused_with_line_and_column() {
    let server = Server::start();
    for (body, place) in [
        (&b""[..], "line 1, column 0"),
        (b"{", "line 1, column 1"),
        (b"{\n  \"name\": \"x\",\n  oops\n}", "line 3, column 3"),
        (b"{\"name\": \"x\"}\n}", "line 2, column 1"),
        (b"{\"name\": \"x\",}", "line 1, column 14"),
        (
            b"{\"name\":\"x\",\"budgets\":[{\"max_limit\":NaN}]}",
            "line 1, column 37",
        ),
        (
            b"{\"name\":\"x\",\"budgets\":[{\"max_limit\":Infinity}]}",
            "line 1, column 37",
        ),
        (
            b"{\"name\":\"x\",\"budgets\":[{\"max_limit\":-Infinity}]}",
            "line 1, column 38",
        ),
        (b"{\"name\": \"\xff\"}", "line 1, column 11"),
        (b"{\"name\": \"\\ud800\"}", "line 1, column 17"),
        (b"{'name': 'x'}", "line 1, column 2"),
    ] {
        let reply = post_json(&server, body);
        reply.expect_refusal(400, "validation_error", "malformed_json");
        assert!(
            reply.message().contains(place),
            "{:?}: {}",
            String::from_utf8_lossy(body),
            reply.text
        );
    }
}

#[test]
fn a_key_that_stands_twice_is_refused_at_any_depth() {
    let server = Server::start();
    for body in [
        "{\"name\":\"a\",\"name\":\"b\"}",
        "{\"name\":\"a\",\"\\u006eame\":\"a\"}",
        "{\"name\":\"a\",\"budgets\":[{\"max_limit\":1,\"max_limit\":2}]}",
    ] {
        let reply = post_json(&server, body);
        reply.expect_refusal(400, "validation_error", "duplicate_key");
        assert!(
            reply.message().contains("line 1, column "),
            "{}",
            reply.text
        );
    }
}

#[test]
fn a_body_is_at_most_32_levels_deep() {
    let server = Server::start();
    let body = |lists: usize| {
        format!(
            "{{\"name\":\"x\",\"tags\":{}{}}}",
            "[".repeat(lists),
            "]".repeat(lists)
        )
    };
    let deepest = post_json(&server, body(31));
    deepest.expect_refusal(400, "validation_error", "wrong_type");
    for lists in [32, 200, 100_000] {
        let reply = post_json(&server, body(lists));
        reply.expect_refusal(400, "validation_error", "too_deep");
        assert!(reply.message().contains("32 levels"), "{}", reply.text);
    }
}

#[test]
fn a_body_is_at_most_1_mib() {
    let server = Server::start();
    let body = |name: &str, size: usize| {
        let mut body = json!({ "name": name }).to_string();
        body.push_str(&" ".repeat(size - body.len()));
        body
    };
    post_json(&server, body("under", MIB - 1)).expect(201);
    post_json(&server, body("at", MIB)).expect(201);
    let reply = post_json(&server, body("over", MIB + 1));
    reply.expect_refusal(413, "payload_too_large", "payload_too_large");
    assert!(reply.message().contains("1048576 bytes"), "{}", reply.text);
}

#[test]
fn a_body_that_is_no_object_is_refused() {
    let server = Server::start();
    for body in ["[]", "[{\"name\":\"x\"}]", "\"x\"", "1", "true", "null"] {
        let reply = post_json(&server, body);
        let answer = reply.expect_refusal(400, "validation_error", "wrong_type");
        assert!(answer["error"]["param"].is_null(), "{}", reply.text);
        assert!(
            reply.message().contains("expected an object"),
            "{}",
            reply.text
        );
    }
    for inner in ["[]", "1", "\"x\""] {
        let reply = post_json(&server, format!("{{\"access_profile\":{inner}}}"));
        assert_eq!(reply.violations(), ["access_profile wrong_type"]);
    }
}

#[test]
fn only_json_is_read() {
    let server = Server::start();
    let body = json!({ "name": "x" }).to_string();
    for wrong in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        "application/merge-patch+json",
        "json",
        "",
    ] {
        let reply = post(&server, wrong, body.as_bytes());
        reply.expect_refusal(415, "unsupported_media_type", "unsupported_media_type");
        assert!(
            reply.message().contains("Content-Type: application/json"),
            "{}",
            reply.text
        );
    }
    let bearer = format!("Bearer {}", server.client.key);
    let none = server.client.raw(
        "POST",
        PATH,
        &[("authorization", &bearer)],
        Some(body.as_bytes()),
    );
    none.expect_refusal(415, "unsupported_media_type", "unsupported_media_type");
    let packed = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
        ("content-encoding", "gzip"),
    ];
    let packed = server
        .client
        .raw("POST", PATH, &packed, Some(body.as_bytes()));
    packed.expect_refusal(415, "unsupported_media_type", "unsupported_media_type");
    post(&server, "Application/JSON; charset=utf-8", body.as_bytes()).expect(201);
}

#[test]
fn an_id_in_the_path_is_a_whole_number_of_1_or_more() {
    let server = Server::start();
    for family in [
        "/api/access-profiles",
        "/api/governance/access-profiles",
        "/api/api-keys",
    ] {
        for id in [
            "abc",
            "0",
            "-1",
            "1.5",
            "1e3",
            "+1",
            "0x1",
            "%201",
            "%F0%9F%92%A9",
            "9223372036854775808",
            "99999999999999999999999999999999",
        ] {
            let reply = server.client.get(&format!("{family}/{id}"));
            reply.expect_refusal(400, "validation_error", "invalid_id");
            assert_eq!(reply.violations(), ["id invalid_id"]);
        }
        for id in ["1000", "9223372036854775807"] {
            let reply = server.client.get(&format!("{family}/{id}"));
            reply.expect_refusal(404, "not_found", "not_found");
            assert!(reply.message().contains(id), "{}", reply.text);
        }
    }
    let reply = server.client.delete("/api/api-keys/abc");
    reply.expect_refusal(400, "validation_error", "invalid_id");
}

#[test]
fn every_bad_query_parameter_is_named() {
    let server = Server::start();
    let long = format!("search={}", "x".repeat(256));
    for (query, expected) in [
        ("limit=0", &["limit out_of_range"][..]),
        ("limit=-1", &["limit out_of_range"]),
        ("limit=abc", &["limit out_of_range"]),
        ("limit=1.5", &["limit out_of_range"]),
        ("limit=99999999999999999999", &["limit out_of_range"]),
        ("offset=-1", &["offset out_of_range"]),
        ("offset=x", &["offset out_of_range"]),
        ("limt=5", &["limt unknown_parameter"]),
        ("Limit=5", &["Limit unknown_parameter"]),
        ("limit=5&limit=5", &["limit duplicate_parameter"]),
        ("sort=colour", &["sort invalid_sort"]),
        ("sort=--name", &["sort invalid_sort"]),
        ("sort=name,id", &["sort invalid_sort"]),
        ("sort=-", &["sort invalid_sort"]),
        ("is_active=yes", &["is_active wrong_type"]),
        ("is_active=True", &["is_active wrong_type"]),
        (&long, &["search too_long"]),
        ("search=a%00b", &["search invalid_character"]),
        (
            "limit=0&offset=-1&sort=x&is_active=1&page=2",
            &[
                "is_active wrong_type",
                "limit out_of_range",
                "offset out_of_range",
                "page unknown_parameter",
                "sort invalid_sort",
            ],
        ),
    ] {
        let reply = server.client.get(&format!("{PATH}?{query}"));
        assert_eq!(reply.status, 400, "{query}: {}", reply.text);
        assert_eq!(reply.violations(), expected, "{query}");
        reply.expect_refusal(400, "validation_error", &reply.code());
    }
    let reply = server.client.get(&format!("{PATH}?limt=5"));
    assert!(
        reply.message().contains("did you mean \"limit\"?"),
        "{}",
        reply.text
    );
    let reply = server.client.get(&format!("{PATH}?sort=colour"));
    assert!(
        reply
            .message()
            .contains("id, name, created_at, updated_at, version"),
        "{}",
        reply.text
    );
    for query in [
        "limit=1",
        "limit=500",
        "limit=501",
        "from_memory=true",
        "offset=0",
        "limit=",
        "search=",
    ] {
        server.client.get(&format!("{PATH}?{query}")).expect(200);
    }
}

#[test]
fn a_body_that_nobody_reads_is_refused() {
    let server = Server::start();
    let client = &server.client;
    client.create_profile(&json!({ "name": "strict" }));
    for (method, step) in [
        ("PUT", "activate"),
        ("PUT", "deactivate"),
        ("POST", "versions/1/restore"),
    ] {
        let path = format!("/api/access-profiles/1/{step}");
        let sent = |body: &Value| client.send(method, &path, &[], Some(body));
        assert_eq!(
            sent(&json!({ "is_active": true })).expect(400).violations(),
            ["is_active unknown_field"]
        );
        assert_eq!(sent(&json!([])).expect(400).violations(), ["- wrong_type"]);
        sent(&json!({})).expect(200);
    }
}
