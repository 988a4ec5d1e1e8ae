//! Connections that are left half-way or not read.

use std::io::Write;
use std::time::{Duration, Instant};

use super::super::client::{Connection, request};
use super::super::house::Person;
use super::super::server::Server;
use super::Outcome;

/// Opens connections that `prepare` leaves half-way, reads nothing for the time `unread`, and waits until the server has closed them all.
fn held(
    server: &Server,
    number: usize,
    [unread, within]: [Duration; 2],
    prepare: impl Fn(&mut Connection),
) -> Outcome {
    let mut connections: Vec<Connection> = (0..number).map(|_| server.connect()).collect();
    for connection in &mut connections {
        prepare(connection);
    }
    let listed = server.command(&["keys", "list"]).status.success();
    let began = Instant::now();
    std::thread::sleep(unread);
    let closed = connections
        .iter_mut()
        .filter_map(|connection| {
            let left = within.checked_sub(began.elapsed())?;
            connection.stream.set_read_timeout(Some(left)).ok()?;
            connection.drain().1.then_some(())
        })
        .count();
    Outcome::of(format!(
        "{closed} of {number} connections closed within {:.1} s",
        began.elapsed().as_secs_f64()
    ))
    .fault_if(closed < number, "connections are held for ever")
    .fault_if(!listed, "the command line did not get in")
}

pub fn half_heads(server: &Server, _: &[Person]) -> Outcome {
    held(
        server,
        800,
        [0, 13].map(Duration::from_secs),
        |connection| {
            let whole = request("GET", "/health", "Accept: */*", "");
            connection.ask(&whole).unwrap();
            connection.send(b"G").unwrap();
        },
    )
}

pub fn unread_bodies(server: &Server, _: &[Person]) -> Outcome {
    held(
        server,
        800,
        [0, 25].map(Duration::from_secs),
        |connection| {
            let head =
            b"POST /health HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n";
            connection.send(head).unwrap();
        },
    )
}

/// Asks for large answers again and again without reading one.
pub fn unread_answers(server: &Server, _: &[Person]) -> Outcome {
    let many = request("GET", "/openapi.json", "Accept: */*", "").repeat(20);
    // What is read is progress: it is looked after the deadline.
    held(
        server,
        300,
        [40, 45].map(Duration::from_secs),
        |connection| {
            connection.stream.set_nonblocking(true).unwrap();
            // As much as the kernel takes; the rest is not the server's matter.
            let _ = connection.stream.write(&many);
            connection.stream.set_nonblocking(false).unwrap();
        },
    )
}
