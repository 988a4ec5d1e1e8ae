//! What holds for every request, known route or not: the error body, the request id, the headers, and HEAD.

use tollkeeper::http::core::guard::Access;
use tollkeeper::http::routes;

use crate::openapi::concrete;
use crate::support::wire::exchange;
use crate::support::{Reply, Server};

const PATH: &str = "/api/access-profiles";

#[test]
fn a_path_that_leads_nowhere_is_a_refusal_with_the_path_in_it() {
    let server = Server::start();
    for path in [
        "/nope",
        "/api",
        "/api/nope",
        "/api/governance",
        "/api/governance/api-keys",
        "/api/access-profiles/",
        "/api/access-profiles/1/nope",
        "/api//access-profiles",
        "/API/access-profiles",
        "/health/",
        "/static/",
        "/..%2f..%2fetc/passwd",
        "/nope?x=1",
        "//",
    ] {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            let reply = server.client.raw(method, path, &[], None);
            assert_eq!(reply.status, 404, "{method} {path}");
            if method != "HEAD" {
                reply.expect_refusal(404, "not_found", "no_route");
                let shown = path.split('?').next().unwrap();
                assert!(reply.message().contains(shown), "{}", reply.text);
            }
        }
    }
    for path in [
        "/static/nope.js",
        "/static/a/b",
        "/static/views/",
        "/static/views/../index.html",
        "/static/..%2findex.html",
        "/static/views%2f..%2findex.html",
        "/static//etc/passwd",
        "/static/%00",
    ] {
        let reply = server.client.raw("GET", path, &[], None);
        reply.expect_refusal(404, "not_found", "not_found");
    }
}

#[test]
fn a_method_that_a_path_does_not_know_is_refused_with_those_it_knows() {
    let server = Server::start();
    for (path, allow) in [
        ("/health", "GET, HEAD"),
        ("/ready", "GET, HEAD"),
        ("/openapi.json", "GET, HEAD"),
        ("/", "GET, HEAD"),
        ("/static/index.html", "GET, HEAD"),
        (PATH, "GET, POST, HEAD"),
        ("/api/governance/access-profiles", "GET, POST, HEAD"),
    ] {
        for method in ["PATCH", "OPTIONS", "TRACE", "BREW", "get"] {
            let request = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
            let reply = exchange(server.client.port, request);
            reply.expect_refusal(405, "method_not_allowed", "method_not_allowed");
            assert_eq!(reply.header("allow"), Some(allow), "{method} {path}");
            assert!(
                reply.message().contains(method) && reply.message().contains(allow),
                "{}",
                reply.text
            );
        }
    }
}

#[test]
fn a_well_formed_request_id_is_kept_and_any_other_is_replaced() {
    let server = Server::start();
    let ask = |id: &str| {
        let reply = server
            .client
            .raw("GET", "/nope", &[("x-request-id", id)], None);
        reply.expect_refusal(404, "not_found", "no_route");
        reply.header("x-request-id").unwrap().to_owned()
    };
    for kept in ["a", "0", "req-1_2.3", &"x".repeat(128), "018f2c-ABC"] {
        assert_eq!(ask(kept), kept);
    }
    let longer = "x".repeat(129);
    for replaced in [
        "",
        " ",
        "a b",
        "a\"b",
        "a{b}",
        "a,b",
        "é",
        "a/b",
        "<b>",
        "tk_mgmt_123456789012_abc",
        &longer,
    ] {
        let made = ask(replaced);
        assert_ne!(made, replaced);
        assert_eq!(made.len(), 32, "{made}");
    }
    let without = || {
        server
            .client
            .get("/health")
            .header("x-request-id")
            .unwrap()
            .to_owned()
    };
    assert_ne!(without(), without());
    let kept = server
        .client
        .send("GET", PATH, &[("x-request-id", "mine")], None)
        .expect(200);
    assert_eq!(kept.header("x-request-id"), Some("mine"));
}

/// One answer of every kind, with its path.
fn answers(server: &Server) -> Vec<(&'static str, Reply)> {
    let client = &server.client;
    let created = client
        .post(PATH, &serde_json::json!({ "name": "x" }))
        .expect(201);
    let etag = created.header("etag").unwrap().to_owned();
    let one = "/api/access-profiles/1";
    vec![
        ("/health", client.get("/health").expect(200)),
        ("/ready", client.get("/ready").expect(200)),
        ("/openapi.json", client.get("/openapi.json").expect(200)),
        ("/nope", client.get("/nope").expect(404)),
        ("/", client.get("/").expect(200)),
        (PATH, created),
        (PATH, client.get(PATH).expect(200)),
        (one, client.get(one).expect(200)),
        (
            one,
            client
                .send("GET", one, &[("if-none-match", &etag)], None)
                .expect(304),
        ),
        (one, client.with_key("").get(one).expect(401)),
        (PATH, client.post(PATH, &serde_json::json!({})).expect(400)),
        (
            PATH,
            client
                .post(PATH, &serde_json::json!({ "name": "X" }))
                .expect(409),
        ),
        (
            PATH,
            client
                .raw(
                    "POST",
                    PATH,
                    &[("authorization", &format!("Bearer {}", client.key))],
                    Some(b"x"),
                )
                .expect(415),
        ),
        (PATH, client.delete(PATH).expect(405)),
        (
            "/api/access-profiles/2",
            client.get("/api/access-profiles/2").expect(404),
        ),
        ("/api/nope", client.get("/api/nope").expect(404)),
        (
            PATH,
            client
                .raw("GET", PATH, &[("host", "evil.example")], None)
                .expect(421),
        ),
    ]
}

#[test]
fn every_answer_carries_the_security_headers() {
    let server = Server::start();
    for (path, reply) in answers(&server) {
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(reply.header(name), Some(value), "{path} {}", reply.status);
        }
        let policy = reply.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        for absent in [
            "server",
            "x-powered-by",
            "access-control-allow-origin",
            "set-cookie",
        ] {
            assert_eq!(reply.header(absent), None, "{path}");
        }
        assert!(reply.header("x-request-id").is_some());
        if path.starts_with("/api") {
            assert_eq!(
                reply.header("cache-control"),
                Some("no-store"),
                "{path} {}",
                reply.status
            );
        }
        if path != "/" && reply.status != 304 {
            assert_eq!(
                reply.header("content-type"),
                Some("application/json"),
                "{path} {}",
                reply.status
            );
        }
    }
}

#[test]
fn head_answers_what_get_answers_without_its_body() {
    let server = Server::start();
    server
        .client
        .create_profile(&serde_json::json!({ "name": "x" }));
    let mut paths: Vec<String> = vec![
        "/api/access-profiles/999".to_owned(),
        "/api/access-profiles/abc".to_owned(),
        "/api/access-profiles?limit=0".to_owned(),
        "/nope".to_owned(),
    ];
    for route in routes::documented() {
        if route.method == "GET" {
            paths.extend(route.paths().iter().map(|path| concrete(path)));
        }
    }
    assert!(paths.len() > 12, "{paths:?}");
    for path in paths {
        for client in [&server.client, &server.client.with_key("")] {
            let ask = |method: &str| client.send(method, &path, &[("x-request-id", "same")], None);
            let (get, head) = (ask("GET"), ask("HEAD"));
            assert_ne!(get.status, 405, "{path}");
            assert_eq!(head.status, get.status, "{path}");
            assert_eq!(head.text, "", "{path}");
            let headers = |reply: &Reply| {
                let mut headers = reply.headers.clone();
                // What is measured has changed between the two.
                let changes = path == "/metrics";
                headers
                    .retain(|(name, _)| name != "date" && !(changes && name == "content-length"));
                headers.sort();
                headers
            };
            assert_eq!(headers(&head), headers(&get), "{path}");
            assert_eq!(
                get.header("content-length"),
                Some(get.text.len().to_string().as_str()),
                "{path}"
            );
        }
    }
}

#[test]
fn a_parameter_that_no_route_takes_is_refused_after_the_caller_was_authenticated() {
    let server = Server::start();
    let client = &server.client;
    let (_, stranger) = client.make_key("without permissions here", &["Users:View"]);
    for route in routes::documented() {
        if matches!(route.access, Access::VirtualKey | Access::Operator) {
            // Another credential, and what a proxy appends is not ours to refuse; or nobody who has a key.
            continue;
        }
        // Whatever stands in the address of a page is its own.
        let public = route.access == Access::Public && route.method == "GET";
        for path in route.paths() {
            let path = format!("{}?nope=1&limit=1", concrete(&path));
            let method = route.method.as_str();
            let reply = client.send(method, &path, &[], None);
            if public {
                assert_ne!(reply.status, 400, "{method} {path}");
                continue;
            }
            reply.expect_refusal(400, "validation_error", "unknown_parameter");
            assert_eq!(reply.json()["error"]["param"], "nope", "{method} {path}");
            if route.access == Access::Public {
                continue;
            }
            let reply = client.with_key("").send(method, &path, &[], None);
            reply.expect_refusal(401, "authentication_error", "authorization_missing");
            if matches!(route.access, Access::Management(it) if it.to_string() != "Users:View") {
                let reply = stranger.send(method, &path, &[], None);
                reply.expect_refusal(403, "permission_error", "missing_permission");
            }
        }
    }
    let profile = client.create_profile(&serde_json::json!({ "name": "x" }));
    let one = format!("{PATH}/{}", profile["id"]);
    client.delete(&format!("{one}?force=true")).expect_refusal(
        400,
        "validation_error",
        "unknown_parameter",
    );
    client.get(&one).expect(200);
    client.get(&format!("{one}?")).expect(200);
    client.get(&format!("{one}?%ff=1")).expect(400);
}
