//! What is no valid HTTP request and never reaches a route, byte by byte: refused by a status alone, on a connection that ends.

use crate::support::holders::policy;
use crate::support::process::Process;
use crate::support::wire::Wire;
use crate::support::{Reply, Server};

/// Sends bytes on a connection of its own; answers what comes back, after which the connection must end.
#[track_caller]
fn refused(server: &Server, request: impl AsRef<[u8]>) -> Reply {
    let mut wire = Wire::open(server.client.port);
    wire.send(request.as_ref());
    let reply = wire.answer();
    wire.expect_end();
    reply
}

/// A refusal of the parser: its status, and nothing else.
#[track_caller]
fn expect_bare(reply: &Reply, status: u16) {
    assert_eq!(reply.status, status, "{reply:?}");
    assert_eq!(reply.header("content-length"), Some("0"), "{reply:?}");
}

#[test]
fn bytes_that_are_no_request_are_refused_on_a_connection_that_ends() {
    let server = Server::start();
    let long = "a".repeat(70_000);
    for request in [
        "hello\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\u{3}\u{3}",
        "GET\r\n\r\n",
        "GET /health\r\n\r\n",
        "GET /health HTTP/9.9\r\nhost: localhost\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /he alth HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "G\u{0}T /health HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "GET /health HTTP/1.1\r\n\r\n",
        "HEAD /health HTTP/1.1\r\n\r\n",
        "GET /health HTTP/1.1\r\nhost: localhost\r\nhost: localhost\r\n\r\n",
        "GET /health HTTP/1.1\r\nhost: localhost\r\nno colon\r\n\r\n",
        "GET /health HTTP/1.1\r\nhost: localhost\r\nx y: z\r\n\r\n",
        "GET /health HTTP/1.1\r\nhost: localhost\r\nx-bad: a\u{0}b\r\n\r\n",
        "GET /health HTTP/1.1\r\nhost: localhost\r\nx-folded: a\r\n b\r\n\r\n",
        "POST /health HTTP/1.1\r\nhost: localhost\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /health HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: gzip\r\n\r\n",
        "POST /health HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n",
        "POST /health HTTP/1.1\r\nhost: localhost\r\ncontent-length: +1\r\n\r\n",
        "POST /health HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "POST /health HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99999999999999999999\r\n\r\n",
        "POST /health HTTP/1.0\r\n\r\n",
        &format!("GET /{long} HTTP/1.1\r\nhost: localhost\r\n\r\n"),
    ] {
        expect_bare(&refused(&server, request), 400);
    }
    assert_eq!(server.client.get("/health").status, 200);
}

#[test]
fn more_headers_than_are_read_are_refused() {
    let server = Server::start();
    let headers = |count: usize| "x-one-of-many: 1\r\n".repeat(count);
    // Beside them stands Host.
    let ask = |count| {
        format!(
            "GET /health HTTP/1.1\r\nhost: localhost\r\n{}\r\n",
            headers(count)
        )
    };
    let mut wire = Wire::open(server.client.port);
    wire.send(ask(95).as_bytes());
    assert_eq!(wire.answer().status, 200);
    for request in [
        ask(96),
        ask(1_000),
        format!(
            "GET /health HTTP/1.1\r\nhost: localhost\r\nx-big: {}",
            "a".repeat(140_000)
        ),
        format!(
            "GET /health HTTP/1.1\r\nhost: localhost\r\nx-big: {}\r\n\r\n",
            "a".repeat(600_000)
        ),
    ] {
        expect_bare(&refused(&server, request), 431);
    }
}

#[test]
fn what_comes_before_a_malformed_request_is_answered_first() {
    let server = Server::start();
    let good = "GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let head = "HEAD /health HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let mut wire = Wire::open(server.client.port);
    wire.send(format!("{good}{good}nonsense\r\n\r\n{good}").as_bytes());
    assert_eq!(wire.answer().expect(200).json()["status"], "ok");
    wire.answer().expect(200);
    expect_bare(&wire.answer(), 400);
    wire.expect_end();

    let mut wire = Wire::open(server.client.port);
    wire.send(head.as_bytes());
    wire.head().expect(200);
    wire.send(format!("{head}nonsense\r\n\r\n").as_bytes());
    wire.head().expect(200);
    expect_bare(&wire.answer(), 400);
    wire.expect_end();
}

#[test]
fn a_malformed_chunk_is_answered_once_on_a_connection_that_ends() {
    let server = Server::start();
    let mut number = 0;
    for connection in ["", "connection: close\r\n", "connection: keep-alive\r\n"] {
        for body in ["zz\r\n", "5\r\n{\"nam\r\nxx\r\n", "fffffffffffffffff\r\n"] {
            for verified in [true, false] {
                number += 1;
                let (id, made) = server.client.make_key(&number.to_string(), &["*"]);
                if !verified {
                    // A change of a key makes the server forget that it verified it.
                    let path = format!("/api/api-keys/{id}");
                    let change = serde_json::json!({ "description": "changed" });
                    server.client.put(&path, &change).expect(200);
                }
                let key = &made.key;
                let reply = refused(
                    &server,
                    format!(
                        "POST /api/access-profiles HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\
                         content-type: application/json\r\nx-request-id: mine\r\n\
                         transfer-encoding: chunked\r\n{connection}\r\n{body}"
                    ),
                );
                assert_eq!(reply.header("connection"), Some("close"));
                if verified {
                    reply.expect_refusal(400, "validation_error", "broken_body");
                    assert_eq!(reply.header("x-request-id"), Some("mine"));
                } else {
                    // While its key is verified nobody reads the body.
                    expect_bare(&reply, 400);
                }
            }
        }
    }
}

#[test]
fn a_malformed_chunk_of_a_body_that_nobody_reads_is_answered_too() {
    let server = Server::start();
    let holder = server.client.make_holder("ada", &policy());
    for path in [
        "/v1/forward-auth",
        "/v1/quota",
        "/v1/mcp/tools?mcp_server=x",
    ] {
        let reply = refused(
            &server,
            format!(
                "POST {path} HTTP/1.1\r\nhost: localhost\r\nx-bf-vk: {}\r\nx-model: gpt-5\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
                holder.key
            )
            .replace("POST /v1/quota", "GET /v1/quota")
            .replace("POST /v1/mcp", "GET /v1/mcp"),
        );
        // The answer may be there before the chunk is looked at, and forward-auth may have begun to read; the connection has ended
        // either way.
        match (reply.status, reply.text.is_empty()) {
            (200, _) => {}
            (_, false) if path == "/v1/forward-auth" => {
                reply.expect_refusal(400, "validation_error", "broken_body");
            }
            _ => expect_bare(&reply, 400),
        }
    }
}

#[test]
fn what_is_no_request_leaves_nothing_in_the_log() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Process::start(&directory.path().join("data"), &[]);
    let mut wire = Wire::open(server.client.port);
    wire.send(b"tk_mgmt_secret /tk_mgmt_secret HTTP/1.1\r\n\r\n");
    expect_bare(&wire.answer(), 400);
    assert!(server.terminate().success());
    let log = server.log();
    assert!(!log.contains("secret"), "{log}");
}
