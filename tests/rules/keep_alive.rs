//! Connections that are kept between requests: the time for a head does not run there, however the last request came.

use std::time::Duration;

use crate::support::Server;
use crate::support::wire::Wire;
use tollkeeper::domain::settings::Deadlines;

/// So short that a test can wait for it.
const SHORT: Duration = Duration::from_millis(700);
/// So long that no test sees its end.
const LONG: Duration = Duration::from_mins(10);
const HEALTH: &str = "GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n";
/// As much as is read of a connection at once.
const READ: usize = 2 * 1024;

fn start() -> Server {
    Server::start_with(|settings| {
        settings.server.deadlines = Deadlines {
            head: SHORT,
            body: SHORT,
            answer: LONG,
            idle: LONG,
        }
    })
}

/// Each of these is still served when the time for a head that began after all of them is over.
#[track_caller]
fn expect_kept(server: &Server, kept: Vec<(String, Wire)>) {
    let mut late = Wire::open(server.client.port);
    late.send(b"G");
    assert_eq!(late.answer().status, 408);
    for (how, mut wire) in kept {
        assert!(wire.is_silent(), "{how}: something came unasked");
        wire.send(HEALTH.as_bytes());
        let answer = wire.answer();
        assert_eq!(answer.status, 200, "{how}: {answer:?}");
    }
}

/// A connection on which these pieces were sent and so many answers came.
fn after(server: &Server, pieces: &[&str], answers: usize) -> Wire {
    let mut wire = Wire::open(server.client.port);
    for (number, piece) in pieces.iter().enumerate() {
        if number > 0 {
            // So that the piece before was read alone.
            server.client.get("/health").expect(200);
        }
        wire.send(piece.as_bytes());
    }
    for _ in 0..answers {
        wire.answer();
    }
    wire
}

#[test]
fn a_head_that_is_cut_anywhere_leaves_the_connection_open() {
    let server = start();
    let cut_by_sender = (1..HEALTH.len()).map(|at| {
        let (first, second) = HEALTH.split_at(at);
        let wire = after(&server, &[first, second], 1);
        (format!("cut at {at}"), wire)
    });
    let cut_by_reader = (READ - 2..READ + 5).map(|length| {
        let padding = "x".repeat(length - HEALTH.len() - "\r\nx: ".len());
        let request = HEALTH.replace("\r\n\r\n", &format!("\r\nx: {padding}\r\n\r\n"));
        assert_eq!(request.len(), length);
        (format!("{length} bytes"), after(&server, &[&request], 1))
    });
    let kept = cut_by_sender.chain(cut_by_reader).collect();
    expect_kept(&server, kept);
}

#[test]
fn a_request_with_a_body_leaves_the_connection_open_whatever_came_with_it() {
    let server = start();
    let post = |head: &str, body: &str| {
        format!("POST /api/roles HTTP/1.1\r\nhost: localhost\r\n{head}\r\n\r\n{body}")
    };
    // Nobody reads the body of this one, which brings no key.
    let chunked = post("transfer-encoding: chunked", "2\r\n{}\r\n0\r\n\r\n");
    let key = format!("authorization: Bearer {}\r\n", server.client.key);
    let json = format!("{key}content-type: application/json\r\ncontent-length: 2");
    let read = post(&json, "{}");
    let pipelined = format!("{read}{read}");
    let blank = format!("{read}\r\n");
    let (chunked_head, chunked_body) = chunked.split_at(chunked.len() - 12);
    let cases: [(&[&str], usize); 7] = [
        (&[&read], 1),
        (&[&pipelined], 2),
        (&[&blank], 1),
        (&[&read, "\r\n"], 1),
        (&[HEALTH, "\r\n"], 1),
        (&[&chunked], 1),
        (&[chunked_head, chunked_body], 1),
    ];
    let kept = cases
        .into_iter()
        .map(|(pieces, answers)| (format!("{pieces:?}"), after(&server, pieces, answers)));
    let kept = kept.collect();
    expect_kept(&server, kept);
}
