//! What is asked, one request after the other: bytes that are ready before the clock starts.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use memchr::memmem;

/// Stands in a request where every sending has a number of its own; as wide as that number, so that lengths stay true.
pub const NUMBER: &str = "@NUMBER@@";
/// As wide as the id of a reservation, for which it stands.
const ID: &str = "@RESERVATION@@@@@@@@@@@@@@";

/// Says what some connections ask next, and takes notice of the answers.
pub trait Script: Send {
    /// Writes the next request into an empty buffer; false when there is none left.
    fn next(&mut self, request: &mut Vec<u8>) -> bool;

    /// Whether an answer is as it should be.
    fn accepts(&self, status: u16, _body: &[u8]) -> bool {
        (200..300).contains(&status)
    }

    /// Takes notice of an answer.
    fn answered(&mut self, _status: u16, _body: &[u8]) {}
}

/// A request and where its numbers stand.
struct Prepared {
    bytes: Vec<u8>,
    numbers: Vec<usize>,
}

/// Requests that are sent in turn, for ever. Clones go on where the others are, so that no number comes twice.
#[derive(Clone)]
pub struct InTurn {
    requests: Arc<Vec<Prepared>>,
    turn: Arc<AtomicUsize>,
}

impl InTurn {
    pub fn new(requests: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let prepare = |bytes: Vec<u8>| Prepared {
            numbers: memmem::find_iter(&bytes, NUMBER).collect(),
            bytes,
        };
        Self {
            requests: Arc::new(requests.into_iter().map(prepare).collect()),
            turn: Arc::default(),
        }
    }
}

impl Script for InTurn {
    fn next(&mut self, request: &mut Vec<u8>) -> bool {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let prepared = &self.requests[turn % self.requests.len()];
        request.extend_from_slice(&prepared.bytes);
        for &at in &prepared.numbers {
            let mut place = &mut request[at..at + NUMBER.len()];
            write!(place, "{:09}", turn % 1_000_000_000).expect("nine digits have room for nine");
        }
        true
    }
}

/// Reservations, each of which is settled before the next one is made.
#[derive(Clone)]
pub struct Settling {
    reservations: InTurn,
    settlement: Vec<u8>,
    held: Vec<Vec<u8>>,
}

impl Settling {
    /// `settle` makes the settlement of a reservation with this id.
    pub fn new(reservations: InTurn, settle: impl Fn(&str) -> Vec<u8>) -> Self {
        Self {
            reservations,
            settlement: settle(ID),
            held: Vec::new(),
        }
    }
}

impl Script for Settling {
    fn next(&mut self, request: &mut Vec<u8>) -> bool {
        let Some(id) = self.held.pop() else {
            return self.reservations.next(request);
        };
        request.extend_from_slice(&self.settlement);
        let at = memmem::find(request, ID.as_bytes()).expect("a settlement names a reservation");
        request[at..at + ID.len()].copy_from_slice(&id);
        true
    }

    fn answered(&mut self, status: u16, body: &[u8]) {
        if status == 201 {
            let id = member(body, "id").expect("a reservation has an id");
            self.held.push(id.as_bytes().to_vec());
        }
    }
}

/// The first member of this name in JSON without spaces, if it is a number or a text without escapes.
pub fn member<'a>(json: &'a [u8], name: &str) -> Option<&'a str> {
    let name = format!("\"{name}\":");
    let rest = &json[memmem::find(json, name.as_bytes())? + name.len()..];
    let rest = rest.strip_prefix(b"\"").unwrap_or(rest);
    let end = memchr::memchr3(b'"', b',', b'}', rest)?;
    std::str::from_utf8(&rest[..end]).ok()
}

/// A figure that is measured: what it is called and what is asked for it.
pub struct Line {
    pub name: String,
    script: Box<dyn Fn() -> Box<dyn Script>>,
}

impl Line {
    pub fn new(name: impl Into<String>, script: impl Script + Clone + 'static) -> Self {
        Self {
            name: name.into(),
            script: Box::new(move || Box::new(script.clone())),
        }
    }

    /// A script for one thread.
    pub fn script(&self) -> Box<dyn Script> {
        (self.script)()
    }
}
