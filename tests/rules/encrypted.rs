//! Encrypted connections whose clients keep the server waiting: a handshake has a place and a deadline, as a head has.

use std::io::ErrorKind::{BrokenPipe, ConnectionReset};
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConnection;
use rustls::pki_types::ServerName;
use tempfile::TempDir;
use tollkeeper::config::Listen;
use tollkeeper::domain::settings::Deadlines;

use crate::support::Server;
use crate::support::tls::{Issued, connect, trusting};
use crate::support::wire::Wire;

const SHORT: Duration = Duration::from_millis(400);
const LONG: Duration = Duration::from_mins(10);
const NEVER: Deadlines = Deadlines {
    head: LONG,
    body: LONG,
    answer: LONG,
    idle: LONG,
};
const HEALTH: &str = "GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n";
const LARGE: &str = "GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: localhost\r\n\r\n";

fn start(deadlines: Deadlines, places: usize) -> (Server, Issued, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let issued = Issued::new(folder.path(), "one");
    let server = Server::start_with(|settings| {
        settings.server.listen = vec![Listen::Address {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            encrypted: true,
        }];
        settings.tls.certificate_file = Some(issued.certificate.clone());
        settings.tls.key_file = Some(issued.key.clone());
        settings.server.deadlines = deadlines;
        settings.server.max_connections = places;
    });
    (server, issued, folder)
}

/// How a client begins.
fn client_hello(issued: &Issued) -> Vec<u8> {
    let name = ServerName::try_from("localhost").unwrap();
    let mut session = ClientConnection::new(Arc::clone(&trusting(&[issued])), name).unwrap();
    let mut hello = Vec::new();
    session.write_tls(&mut hello).unwrap();
    hello
}

/// Handshakes that stop: before the first byte, within what the client says first, and where it would have to answer.
fn stalled(server: &Server, issued: &Issued) -> Vec<Wire> {
    let hello = client_hello(issued);
    let beginnings = [&[][..], &hello[..1], &hello[..hello.len() / 2], &hello];
    let begun = beginnings.iter().map(|beginning| {
        let mut wire = Wire::open(server.client.port);
        assert!(wire.send(beginning));
        wire
    });
    begun.collect()
}

#[test]
fn a_handshake_that_stalls_ends_with_the_deadline_of_the_first_head() {
    let deadlines = Deadlines {
        head: SHORT,
        ..NEVER
    };
    let (server, issued, _folder) = start(deadlines, 100);
    let config = trusting(&[&issued]);
    for mut wire in stalled(&server, &issued) {
        wire.expect_any_end();
    }
    // One byte of a head after the other buys no time either, and neither does a handshake that is whole.
    connect(server.client.port, &config).unwrap().expect_end();
    let mut late = connect(server.client.port, &config).unwrap();
    late.send(b"GET /health HTTP/1.1\r\nhost: loc");
    assert_eq!(late.answer().status, 408);
    late.expect_end();
    let mut next = connect(server.client.port, &config).unwrap();
    next.send(HEALTH.as_bytes());
    next.answer().expect(200);
    next.send(b"G");
    assert_eq!(next.answer().status, 408);
    next.expect_end();
}

#[test]
fn handshakes_that_stall_give_way_to_whoever_waits_for_a_place() {
    let (server, issued, _folder) = start(NEVER, 4);
    let _stalled = stalled(&server, &issued);
    let config = trusting(&[&issued]);
    for _ in 0..4 {
        let mut wire = connect(server.client.port, &config).unwrap();
        wire.send(HEALTH.as_bytes());
        wire.answer().expect(200);
    }
}

#[test]
fn an_encrypted_answer_that_nobody_reads_ends_its_connection() {
    let deadlines = Deadlines {
        answer: SHORT,
        ..NEVER
    };
    let (server, issued, _folder) = start(deadlines, 100);
    let config = trusting(&[&issued]);
    let mut reading = connect(server.client.port, &config).unwrap();
    let mut unread = connect(server.client.port, &config).unwrap().into_inner();
    let ended = loop {
        // Until nothing more is taken, and then until the connection is gone.
        if let Err(error) = unread.write_all(LARGE.as_bytes()) {
            break error.kind();
        }
    };
    assert!(matches!(ended, ConnectionReset | BrokenPipe), "{ended}");
    // Whoever reads gets the whole of it.
    reading.send(LARGE.as_bytes());
    assert!(reading.answer_bytes().len() > 100_000);
}
