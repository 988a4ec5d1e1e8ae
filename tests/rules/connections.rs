//! Connections whose clients keep the server waiting: nobody holds a place for ever, on the first request of a connection or the next.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::support::wire::Wire;
use crate::support::{Reply, Server};
use tollkeeper::domain::settings::Deadlines;

/// So short that a test can wait for it.
const SHORT: Duration = Duration::from_millis(400);
/// So long that no test sees its end.
const LONG: Duration = Duration::from_mins(10);
const NEVER: Deadlines = Deadlines {
    head: LONG,
    body: LONG,
    answer: LONG,
    idle: LONG,
};
const HEALTH: &str = "GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n";
/// An answer of hundreds of kilobytes for anybody.
const LARGE: &str = "GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: localhost\r\n\r\n";

fn start(deadlines: Deadlines) -> Server {
    Server::start_with(|settings| settings.server.deadlines = deadlines)
}

#[track_caller]
fn expect_bare(reply: &Reply, status: u16) {
    assert_eq!(
        (reply.status, reply.text.as_str()),
        (status, ""),
        "{reply:?}"
    );
}

/// A request that makes a profile, with this in its head and after it.
fn create(server: &Server, head: &str, body: &str) -> String {
    format!(
        "POST /api/access-profiles HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\n{head}\r\n\r\n{body}",
        server.client.key
    )
}

/// Requests that are answered, with a body of each kind and with none.
fn answered(server: &Server) -> [String; 4] {
    [
        HEALTH.to_owned(),
        create(server, "content-length: 2", "{}"),
        create(server, "transfer-encoding: chunked", "2\r\n{}\r\n0\r\n\r\n"),
        "HEAD /health HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(),
    ]
}

/// A connection on which this was answered.
fn after(server: &Server, request: &str) -> Wire {
    let mut wire = Wire::open(server.client.port);
    wire.send(request.as_bytes());
    read_answer(&mut wire, request);
    wire
}

fn read_answer(wire: &mut Wire, request: &str) {
    if request.starts_with("HEAD") {
        wire.head();
    } else {
        wire.answer();
    }
}

/// What is no whole head.
const BEGINNINGS: [&str; 4] = [
    "G",
    "GET /health HTTP/1.1\r\nhost: loc",
    "GET /health HTTP/1.1\r\nhost: localhost\r\n\r",
    "POST /health HTTP/1.1\r\nhost: localhost\r\ncontent-length: 20\r\n",
];

#[test]
fn a_head_that_does_not_come_ends_the_connection_be_it_the_first_or_a_later_one() {
    let server = start(Deadlines {
        head: SHORT,
        ..NEVER
    });
    let mut late = Vec::new();
    for beginning in BEGINNINGS {
        let mut first = Wire::open(server.client.port);
        first.send(beginning.as_bytes());
        late.push(first);
        for before in answered(&server) {
            let mut next = after(&server, &before);
            next.send(beginning.as_bytes());
            late.push(next);
            // In one piece with the request before.
            late.push(after(&server, &format!("{before}{beginning}")));
            let mut third = after(&server, &before);
            third.send(before.as_bytes());
            read_answer(&mut third, &before);
            third.send(beginning.as_bytes());
            late.push(third);
        }
    }
    server.client.get("/health").expect(200);
    for mut wire in late {
        expect_bare(&wire.answer(), 408);
        wire.expect_end();
    }
}

#[test]
fn a_connection_on_which_nothing_is_sent_ends() {
    let server = start(Deadlines {
        head: SHORT,
        ..NEVER
    });
    Wire::open(server.client.port).expect_end();
    let mut trickling = Wire::open(server.client.port);
    // Each byte is progress, and none of them buys time.
    while trickling.is_silent() {
        trickling.send(b"x");
    }
    trickling.expect_any_end();
}

#[test]
fn a_head_that_comes_in_time_is_answered_however_it_is_cut() {
    let server = Server::start();
    for request in answered(&server) {
        let mut wire = after(&server, &request);
        for byte in request.as_bytes() {
            wire.send(&[*byte]);
        }
        read_answer(&mut wire, &request);
    }
    let padding = format!("x-padding: {}\r\n", "x".repeat(30_000));
    let mut wire = after(&server, HEALTH);
    wire.send(
        HEALTH
            .replace("\r\n\r\n", &format!("\r\n{padding}\r\n"))
            .as_bytes(),
    );
    wire.answer().expect(200);
}

#[test]
fn the_time_for_a_head_does_not_run_between_requests() {
    let server = start(Deadlines {
        head: SHORT,
        ..NEVER
    });
    let kept: Vec<(String, Wire)> = answered(&server)
        .into_iter()
        .map(|request| (request.clone(), after(&server, &request)))
        .collect();
    // This one began after all of them.
    let mut late = Wire::open(server.client.port);
    late.send(b"G");
    expect_bare(&late.answer(), 408);
    for (request, mut wire) in kept {
        wire.send(request.as_bytes());
        read_answer(&mut wire, &request);
    }
}

#[test]
fn a_connection_without_requests_ends_in_order() {
    let server = start(Deadlines {
        idle: SHORT,
        ..NEVER
    });
    for request in answered(&server) {
        after(&server, &request).expect_end();
    }
}

#[test]
fn a_body_that_nobody_reads_ends_the_connection_when_it_does_not_end() {
    let server = start(Deadlines {
        body: SHORT,
        ..NEVER
    });
    let unread = HEALTH.replace("\r\n\r\n", "\r\ntransfer-encoding: chunked\r\n\r\n");
    let refused = "POST /api/access-profiles HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut waiting = Vec::new();
    for request in [unread.as_str(), refused] {
        for chunk in ["", "5\r\nhello\r\n", "ffff\r\nhello"] {
            let request = format!("{request}{chunk}");
            waiting.push(after(&server, &request));
            let mut second = after(&server, HEALTH);
            second.send(request.as_bytes());
            second.answer();
            waiting.push(second);
        }
    }
    server.client.get("/health").expect(200);
    for mut wire in waiting {
        wire.expect_any_end();
    }
    // A body that goes on for ever is no better.
    let mut endless = after(&server, &unread);
    endless.send_until_reset(b"5\r\nhello\r\n");
    // One that ends leaves the connection to the next request.
    let mut ended = after(&server, &unread);
    ended.send(format!("5\r\nhello\r\n0\r\n\r\n{HEALTH}").as_bytes());
    ended.answer().expect(200);
}

#[test]
fn an_answer_that_is_not_read_ends_the_connection() {
    let server = start(Deadlines {
        answer: SHORT,
        ..NEVER
    });
    for before in ["", HEALTH] {
        let mut wire = Wire::open(server.client.port);
        if !before.is_empty() {
            wire = after(&server, before);
        }
        wire.send(LARGE.as_bytes());
        server.client.get("/health").expect(200);
        wire.send_until_reset(HEALTH.as_bytes());
    }
}

#[test]
fn a_large_answer_arrives_whole() {
    let server = start(Deadlines {
        answer: LONG,
        ..Deadlines::default()
    });
    let mut wire = after(&server, HEALTH);
    // Twice, so that there is an answer behind the large one.
    wire.send(format!("{LARGE}{HEALTH}").as_bytes());
    let head = wire.head();
    let length: usize = head.header("content-length").unwrap().parse().unwrap();
    assert!(length > 200_000, "{length}");
    assert_eq!(wire.skip(length), length);
    assert_eq!(wire.answer().expect(200).json()["status"], "ok");
}

#[test]
fn requests_are_not_taken_while_their_answers_are_not_read() {
    const LIMIT: usize = 16 * 1024 * 1024;
    let server = start(NEVER);
    for request in [HEALTH, "HEAD /health HTTP/1.1\r\nhost: localhost\r\n\r\n"] {
        let mut wire = Wire::open(server.client.port);
        let mut taken = 0;
        let pipelined = request.repeat(100);
        // What the system keeps is bounded too, so that in the end nothing more is taken.
        loop {
            let before = taken;
            taken += wire.send_until_full(pipelined.as_bytes());
            server.client.get("/health").expect(200);
            assert!(taken < LIMIT, "{taken} bytes of requests were taken");
            if taken == before {
                break;
            }
        }
        // Whoever reads on is served on.
        for _ in 0..100 {
            read_answer(&mut wire, request);
        }
    }
}

/// A request that is open until its body has come.
fn open_request(server: &Server) -> Wire {
    let mut wire = Wire::open(server.client.port);
    wire.send(create(server, "content-length: 2\r\nexpect: 100-continue", "").as_bytes());
    assert_eq!(wire.head().status, 100);
    wire
}

fn by_control_socket(server: &Server) -> String {
    let mut stream = UnixStream::connect(server.data_dir().join("control.sock")).unwrap();
    let request = "GET /api/api-keys HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn so_many_connections_are_served_at_a_time_as_are_set_and_the_operator_besides() {
    const PLACES: usize = 3;
    let server = Server::start_with(|settings| {
        settings.server.max_connections = PLACES;
        settings.server.deadlines = NEVER;
    });
    let mut open: Vec<Wire> = (1..PLACES).map(|_| open_request(&server)).collect();
    // One place is left, for one after another.
    for _ in 0..2 {
        let mut last = after(&server, HEALTH);
        last.send(
            HEALTH
                .replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n")
                .as_bytes(),
        );
        last.answer().expect(200);
        last.expect_end();
    }
    open.push(open_request(&server));
    let mut waiting = Wire::open(server.client.port);
    waiting.send(HEALTH.as_bytes());
    for _ in 0..20 {
        assert!(by_control_socket(&server).starts_with("HTTP/1.1 200"));
        assert!(waiting.is_silent());
    }
    let mut first = open.remove(0);
    first.send(b"{}");
    assert_eq!(first.answer().status, 400);
    // It keeps the server waiting now, so it gives way.
    waiting.answer().expect(200);
    for mut wire in open {
        wire.send(b"{}");
        assert_eq!(wire.answer().status, 400);
    }
}

#[test]
fn whoever_keeps_the_server_waiting_gives_way_to_those_that_wait_for_a_place() {
    const PLACES: usize = 8;
    let server = Server::start_with(|settings| {
        settings.server.max_connections = PLACES;
        settings.server.deadlines = NEVER;
    });
    let unread = HEALTH.replace("\r\n\r\n", "\r\ntransfer-encoding: chunked\r\n\r\n");
    let mut hostile: Vec<Wire> = Vec::new();
    for kind in 0..4 * PLACES {
        let mut wire = Wire::open(server.client.port);
        wire.send(match kind % 4 {
            0 => "G".as_bytes(),
            1 => HEALTH.as_bytes(),
            2 => unread.as_bytes(),
            _ => LARGE.as_bytes(),
        });
        hostile.push(wire);
    }
    // None of them has ended when others are served.
    after(&server, HEALTH);
    after(&server, &create(&server, "content-length: 2", "{}"));
    assert!(by_control_socket(&server).starts_with("HTTP/1.1 200"));
}

#[test]
fn connections_that_wait_for_a_place_do_not_keep_the_server_from_stopping() {
    let mut server = Server::start_with(|settings| {
        settings.server.max_connections = 1;
        settings.server.deadlines = NEVER;
    });
    let mut open = open_request(&server);
    let mut waiting = Wire::open(server.client.port);
    waiting.send(HEALTH.as_bytes());
    let stopping = std::thread::spawn(move || server.stop());
    open.send(b"{}");
    open.answer();
    waiting.expect_any_end();
    stopping.join().unwrap();
}
