//! What is refused before or while a request is read: hosts, sizes, slow bodies; spoken byte by byte where no client would.

use std::time::Duration;

use crate::support::wire::{Wire, exchange};
use crate::support::{Reply, Server};

fn get(server: &Server, headers: &str) -> Reply {
    exchange(
        server.client.port,
        format!("GET /health HTTP/1.1\r\n{headers}connection: close\r\n\r\n"),
    )
}

/// The head of a create with this header beside what every create needs.
fn create(server: &Server, header: &str) -> String {
    let key = &server.client.key;
    format!(
        "POST /api/access-profiles HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\n{header}\r\n\r\n"
    )
}

#[test]
fn only_names_of_this_server_are_answered() {
    let server = Server::start_with(|settings| {
        settings.server.allowed_hosts = vec!["Toll.example".to_owned()];
    });
    let port = server.client.port;
    for host in [
        "localhost",
        "LocalHost:1",
        "127.0.0.1",
        "127.0.0.1:8080",
        "[::1]",
        "[::1]:8080",
        "toll.example",
        "TOLL.EXAMPLE:443",
    ] {
        assert_eq!(
            get(&server, &format!("host: {host}\r\n")).status,
            200,
            "{host}"
        );
    }
    for host in [
        "evil.example",
        "localhost.evil.example",
        "toll.example.evil",
        "xtoll.example",
        "10.0.0.1",
        "0.0.0.0",
        "[2001:db8::1]",
        "localhost@evil.example",
        "localhost:1@evil.example",
        "evil.example:80",
        "",
        "\"",
    ] {
        let reply = get(&server, &format!("host: {host}\r\n"));
        reply.expect_refusal(421, "misdirected_request", "host_not_allowed");
        assert!(reply.message().contains("allowed_hosts"), "{}", reply.text);
    }
    // The path does not matter, and neither does the key.
    let key = &server.client.key;
    for path in ["/", "/api/access-profiles", "/nope", "/openapi.json"] {
        let reply = exchange(
            port,
            format!(
                "GET {path} HTTP/1.1\r\nhost: evil.example\r\nauthorization: Bearer {key}\r\n\r\n"
            ),
        );
        reply.expect_refusal(421, "misdirected_request", "host_not_allowed");
    }
}

#[test]
fn a_request_has_exactly_one_host() {
    let server = Server::start();
    for headers in [
        "",
        "host: localhost\r\nhost: localhost\r\n",
        "host: localhost\r\nhost: evil.example\r\n",
        "host: evil.example\r\nhost: localhost\r\n",
    ] {
        let reply = get(&server, headers);
        // The head is no valid HTTP (RFC 9112 §3.2), so there is no request that could reach a route.
        assert_eq!((reply.status, reply.text.as_str()), (400, ""), "{reply:?}");
        assert_eq!(reply.header("connection"), Some("close"));
    }
    let old = exchange(server.client.port, "GET /health HTTP/1.0\r\n\r\n");
    assert_eq!(old.status, 200, "HTTP/1.0 knows no Host");
    let old = exchange(
        server.client.port,
        "GET /health HTTP/1.0\r\nhost: evil.example\r\n\r\n",
    );
    old.expect_refusal(421, "misdirected_request", "host_not_allowed");
}

#[test]
fn a_target_that_names_a_host_is_believed_over_the_host_header() {
    let server = Server::start();
    let ask = |target: &str, host: &str| {
        exchange(
            server.client.port,
            format!("GET {target} HTTP/1.1\r\nhost: {host}\r\n\r\n"),
        )
    };
    for target in [
        "http://localhost/health",
        "http://127.0.0.1:8080/health",
        "http://[::1]/health",
        "HTTP://LocalHost/health",
    ] {
        for host in ["localhost", "evil.example"] {
            assert_eq!(ask(target, host).status, 200, "{target} {host}");
        }
    }
    for target in [
        "http://evil.example/health",
        "http://evil.example:8080/nope",
        "https://evil.example/",
        "http://localhost@evil.example/health",
        "http://localhost:1@evil.example/health",
        "http://localhost.evil.example/health",
    ] {
        let reply = ask(target, "localhost");
        reply.expect_refusal(421, "misdirected_request", "host_not_allowed");
    }
    let old = exchange(
        server.client.port,
        "GET http://evil.example/health HTTP/1.0\r\n\r\n",
    );
    old.expect_refusal(421, "misdirected_request", "host_not_allowed");
}

#[test]
fn headers_have_at_most_32_kib() {
    let server = Server::start();
    // Names and values: "host", "localhost", "connection", "close" and "x-big".
    let rest = 4 + 9 + 10 + 5 + 5;
    let with = |size: usize| {
        let value = "a".repeat(size - rest);
        get(&server, &format!("host: localhost\r\nx-big: {value}\r\n"))
    };
    assert_eq!(with(32 * 1024).status, 200);
    for size in [32 * 1024 + 1, 60_000, 100_000] {
        let reply = with(size);
        reply.expect_refusal(431, "headers_too_large", "headers_too_large");
        assert!(reply.message().contains("32768 bytes"), "{}", reply.text);
    }
}

#[test]
fn a_path_with_its_query_has_at_most_8_kib() {
    let server = Server::start();
    let ask = |path: &str, size: usize| {
        let path = format!("{path}{}", "a".repeat(size - path.len()));
        exchange(
            server.client.port,
            format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n"),
        )
    };
    for path in ["/health?x=", "/nope/"] {
        assert_ne!(ask(path, 8 * 1024).status, 431);
        for size in [8 * 1024 + 1, 30_000] {
            let reply = ask(path, size);
            reply.expect_refusal(431, "headers_too_large", "uri_too_long");
            assert!(reply.message().contains("8192 bytes"), "{}", reply.text);
        }
    }
}

#[test]
fn a_body_that_does_not_arrive_in_time_is_refused_on_a_connection_that_ends() {
    let server =
        Server::start_with(|settings| settings.server.deadlines.body = Duration::from_millis(200));
    for (head, sent) in [
        ("content-length: 20", "{\"name\""),
        ("content-length: 20", ""),
        ("transfer-encoding: chunked", "5\r\n{\"nam\r\n"),
    ] {
        let mut wire = Wire::open(server.client.port);
        wire.send(create(&server, head).as_bytes());
        wire.send(sent.as_bytes());
        let reply = wire.answer();
        reply.expect_refusal(408, "request_timeout", "body_timeout");
        assert_eq!(reply.header("connection"), Some("close"));
    }
    server
        .client
        .create_profile(&serde_json::json!({ "name": "others are served" }));
}

#[test]
fn a_body_that_breaks_off_is_refused_in_our_words() {
    let server = Server::start();
    for (head, sent) in [
        ("content-length: 20", "{\"name\""),
        ("transfer-encoding: chunked", "5\r\n{\"nam\r\n"),
    ] {
        let mut wire = Wire::open(server.client.port);
        wire.send(create(&server, head).as_bytes());
        wire.send(sent.as_bytes());
        wire.end();
        let reply = wire.answer();
        reply.expect_refusal(400, "validation_error", "broken_body");
        let message = "the body ended before it was complete, or its chunks are malformed";
        assert_eq!(reply.message(), message);
    }
}

#[test]
fn a_caller_without_a_key_is_refused_before_its_body_is_read() {
    let server = Server::start();
    let mut wire = Wire::open(server.client.port);
    wire.send(b"POST /api/access-profiles HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{");
    let reply = wire.answer();
    reply.expect_refusal(401, "authentication_error", "authorization_missing");
}

#[test]
fn a_body_that_is_too_large_is_refused_readably_although_the_client_is_still_sending() {
    const MIB: usize = 1024 * 1024;
    let server = Server::start();
    for (sent, chunked) in [(2, false), (8, false), (8, true), (15, false)] {
        let head = if chunked {
            "transfer-encoding: chunked".to_owned()
        } else {
            format!("content-length: {}", sent * MIB)
        };
        let mut wire = Wire::open(server.client.port);
        assert!(wire.send(create(&server, &head).as_bytes()));
        let piece = vec![b' '; MIB];
        for _ in 0..sent {
            if chunked {
                assert!(wire.send(format!("{MIB:x}\r\n").as_bytes()));
            }
            assert!(
                wire.send(&piece),
                "the server hung up on a client that sends {sent} MiB"
            );
            if chunked {
                assert!(wire.send(b"\r\n"));
            }
        }
        if chunked {
            assert!(wire.send(b"0\r\n\r\n"));
        }
        let reply = wire.answer();
        reply.expect_refusal(413, "payload_too_large", "payload_too_large");
    }
}

#[test]
fn a_body_that_announces_more_than_is_ever_read_is_refused_before_it_is_sent() {
    let server = Server::start();
    for length in ["17000000", "1099511627776", "18446744073709551615"] {
        let mut wire = Wire::open(server.client.port);
        wire.send(create(&server, &format!("content-length: {length}")).as_bytes());
        let reply = wire.answer();
        reply.expect_refusal(413, "payload_too_large", "payload_too_large");
    }
}
