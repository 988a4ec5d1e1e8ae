//! Forward-auth: a proxy asks about every request before it passes it on.

use serde_json::json;
use tollkeeper::domain::credential::Kind;
use tollkeeper::service::virtual_keys::tokens::random_token;

use crate::support::holders::policy;
use crate::support::wire::Wire;
use crate::support::{Reply, Server};

const PATH: &str = "/v1/forward-auth";

fn ask(server: &Server, path: &str, headers: &[(&str, &str)]) -> Reply {
    server.client.raw("GET", path, headers, None)
}

#[test]
fn a_virtual_key_is_taken_from_every_place_where_clients_put_it() {
    let server = Server::start();
    let mut policy = policy();
    policy["rate_limit"]["request_max_limit"] = json!(100);
    let holder = server.client.make_holder("ada", &policy);
    let bearer = format!("Bearer {}", holder.key);
    let mut left = 100;
    for (name, value) in [
        ("authorization", bearer.as_str()),
        ("x-api-key", &holder.key),
        ("x-goog-api-key", &holder.key),
        ("api-key", &holder.key),
        ("x-bf-vk", &holder.key),
    ] {
        let reply = ask(
            &server,
            PATH,
            &[
                (name, value),
                ("x-provider", "openai"),
                ("x-model", "gpt-5"),
            ],
        )
        .expect(200);
        left -= 1;
        assert_eq!(reply.text, "");
        for (header, expected) in [
            ("x-tollkeeper-user", holder.user_id.as_str()),
            (
                "x-tollkeeper-access-profile",
                &holder.profile_id.to_string(),
            ),
            ("x-tollkeeper-provider", "openai"),
            ("x-tollkeeper-budget-remaining", "10"),
            ("x-tollkeeper-tokens-remaining", "10000"),
            ("x-tollkeeper-requests-remaining", &left.to_string()),
        ] {
            assert_eq!(reply.header(header), Some(expected), "{name} {header}");
        }
    }
    // A credential of the provider beside it is no matter.
    let both = [
        ("authorization", "Bearer sk-provider"),
        ("x-bf-vk", &holder.key),
        ("x-model", "gpt-5"),
    ];
    ask(&server, PATH, &both).expect(200);
}

#[test]
fn every_method_is_decided_on_and_a_body_that_nobody_can_read_is_not_let_in() {
    let server = Server::start();
    let mut policy = policy();
    policy["rate_limit"]["request_max_limit"] = json!(100);
    let holder = server.client.make_holder("ada", &policy);
    for method in [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND",
    ] {
        for path in [
            PATH,
            "/v1/forward-auth/v1/chat/completions?stream=true&x=%00",
        ] {
            for (rest, status) in [
                ("\r\n", 200),
                ("content-length: 0\r\n\r\n", 200),
                (
                    "content-type: text/plain\r\ncontent-length: 4\r\n\r\n{\0\0\0",
                    415,
                ),
                ("content-length: 4\r\n\r\n{\0\0\0", 400),
            ] {
                let mut wire = Wire::open(server.client.port);
                let head = format!(
                    "{method} {path} HTTP/1.1\r\nhost: localhost\r\nx-api-key: {}\r\nx-model: gpt-5\r\n{rest}",
                    holder.key
                );
                wire.send(head.as_bytes());
                assert_eq!(wire.head().status, status, "{method} {path} {rest:?}");
            }
        }
    }
}

#[test]
fn a_large_body_is_waited_for_only_where_its_key_works_and_it_may_be_read() {
    let server = Server::start();
    let holder = server.client.make_holder("ada", &policy());
    let dead = random_token(Kind::Virtual).unwrap_or_else(|error| panic!("{error}"));
    for (key, length, status) in [
        (&*holder.key, "100000000", 413),
        (dead.reveal(), "100000", 401),
        ("none", "100000", 401),
    ] {
        let mut wire = Wire::open(server.client.port);
        let head = format!(
            "POST {PATH} HTTP/1.1\r\nhost: localhost\r\nx-api-key: {key}\r\nx-model: gpt-5\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{{"
        );
        wire.send(head.as_bytes());
        assert_eq!(wire.head().status, status, "{length}");
    }
}

#[test]
fn a_refusal_says_in_its_headers_why() {
    let server = Server::start();
    let holder = server.client.make_holder("ada", &policy());
    let refused = |headers: &[(&str, &str)], status: u16, code: &str| {
        let reply = ask(&server, PATH, headers);
        let kind = if status == 400 {
            "validation_error"
        } else {
            code
        };
        reply.expect_refusal(status, kind, code);
        assert_eq!(reply.header("x-tollkeeper-refusal"), Some(code));
        assert_eq!(
            reply.header("x-tollkeeper-status"),
            Some(status.to_string().as_str())
        );
        assert!(reply.header("x-tollkeeper-message").unwrap().len() > 10);
    };
    let key = ("x-api-key", holder.key.as_str());
    refused(&[("x-model", "gpt-5")], 401, "virtual_key_required");
    refused(
        &[("x-model", "gpt-5"), ("authorization", "Basic dTpw")],
        401,
        "access_not_found",
    );
    let unknown = random_token(Kind::Virtual).unwrap_or_else(|error| panic!("{error}"));
    refused(
        &[("x-model", "gpt-5"), ("x-api-key", unknown.reveal())],
        401,
        "access_not_found",
    );
    refused(&[key, ("x-model", "claude")], 403, "model_blocked");
    refused(
        &[key, ("x-model", "gpt-5"), ("x-provider", "nobody")],
        403,
        "provider_blocked",
    );
    for _ in 0..5 {
        ask(&server, PATH, &[key, ("x-model", "gpt-5")]).expect(200);
    }
    refused(&[key, ("x-model", "gpt-5")], 429, "request_limited");
    // A management key is told what it is.
    let management = server.client.key.clone();
    let reply = ask(
        &server,
        PATH,
        &[("x-api-key", &management), ("x-model", "gpt-5")],
    );
    assert!(reply.message().contains("tk_mgmt_"), "{}", reply.text);
    assert!(!reply.text.contains(&management));
}

#[test]
fn a_proxy_that_understands_only_403_gets_it_for_every_refusal() {
    let server = Server::start();
    let mut dry = policy();
    dry["budgets"][0]["max_limit"] = json!(0);
    let holder = server.client.make_holder("ada", &dry);
    let path = "/v1/forward-auth?refuse_with=403";
    let key = ("x-api-key", holder.key.as_str());
    for (headers, code, status) in [
        (vec![("x-model", "gpt-5")], "virtual_key_required", "401"),
        (vec![key], "required", "400"),
        (vec![key, ("x-model", "gpt-5")], "budget_exceeded", "402"),
    ] {
        let reply = ask(&server, path, &headers).expect(403);
        assert_eq!(reply.header("x-tollkeeper-refusal"), Some(code));
        assert_eq!(reply.header("x-tollkeeper-status"), Some(status));
        assert_eq!(reply.json()["status_code"], 403);
    }
    assert_eq!(
        ask(&server, "/v1/forward-auth?refuse_with=500", &[key]).status,
        400
    );
}

/// The status of what stands on the wire before the empty line, for a holder who may.
fn status_of(server: &Server, head: &[u8]) -> u16 {
    let mut wire = Wire::open(server.client.port);
    wire.send(head);
    wire.head().status
}

#[test]
fn host_and_query_are_those_of_the_request_that_the_proxy_holds() {
    let server = Server::start();
    let holder = server.client.make_holder("ada", &policy());
    for target in [
        "/v1/forward-auth?beta=true&beta=false",
        "/v1/forward-auth/v1/messages?beta=true",
    ] {
        let head = format!(
            "GET {target} HTTP/1.1\r\nhost: api.example.org\r\nx-api-key: {}\r\nx-model: gpt-5\r\n\r\n",
            holder.key
        );
        assert_eq!(status_of(&server, head.as_bytes()), 200, "{target}");
    }
    // Nothing else answers to a foreign name, what looks alike included.
    for target in ["/v1/quota", "/v1/forward-authority", "/v1/explain"] {
        let head = format!("GET {target} HTTP/1.1\r\nhost: api.example.org\r\n\r\n");
        assert_eq!(status_of(&server, head.as_bytes()), 421, "{target}");
    }
}

#[test]
fn a_name_that_can_be_read_in_two_ways_is_refused() {
    let server = Server::start();
    let holder = server.client.make_holder("ada", &policy());
    let refused = |lines: &[u8], violation: &str| {
        let mut wire = Wire::open(server.client.port);
        let start = format!(
            "GET {PATH} HTTP/1.1\r\nhost: localhost\r\nx-api-key: {}\r\n",
            holder.key
        );
        wire.send(&[start.as_bytes(), lines, b"\r\n"].concat());
        let head = wire.head();
        assert_eq!(head.status, 400, "{violation}");
        assert_eq!(head.header("x-tollkeeper-refusal"), Some(violation));
    };
    refused(b"x-model: gpt-5\r\nx-model: claude\r\n", "duplicate_header");
    refused(
        b"x-model: gpt-5\r\nx-provider: openai\r\nx-provider: x\r\n",
        "duplicate_header",
    );
    refused(b"x-model: gpt-\xe9\r\n", "invalid_character");
    refused(b"x-model: gpt\t5\r\n", "invalid_character");
    refused(
        b"x-model: gpt-5\r\nx-provider: \xff\r\n",
        "invalid_character",
    );
}
