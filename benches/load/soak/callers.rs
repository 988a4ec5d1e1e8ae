//! Those who call: each repeats what was not answered, under the same id, until it is.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::House;
use super::books::{CHARGED, RESERVED};
use crate::client::{Answer, Connection, request};
use crate::house::{Person, value};
use crate::proxy::{COST, Shape, chat};

/// What is waited for between two calls, and before one is repeated.
const PAUSE: Duration = Duration::from_millis(2);
const AGAIN: Duration = Duration::from_millis(100);
/// How long an answer that is carried may stand still.
const PATIENCE: Duration = Duration::from_mins(1);
/// The most nanodollars that a carried call costs: 400 tokens of output, and a prompt of far fewer than 400.
const MOST: u64 = 400 * 10_000 + 400 * 2_500;

/// One of them.
pub struct Caller<'h> {
    pub house: &'h House,
    name: String,
    calls: usize,
    connection: Option<Connection>,
}

impl<'h> Caller<'h> {
    pub fn new(house: &'h House, kind: &str, number: usize) -> Self {
        Self {
            house,
            name: format!("{kind}-{number}"),
            calls: number,
            connection: None,
        }
    }

    /// Begins the next call: its id, and who makes it. None once the time is over.
    pub fn next(&mut self) -> Option<(String, &'h Person)> {
        std::thread::sleep(PAUSE);
        self.calls += 1;
        let person = &self.house.people[self.calls % self.house.people.len()];
        let id = format!("{}-{}", self.name, self.calls);
        (!self.house.is_over.load(Ordering::SeqCst)).then_some((id, person))
    }

    /// A number that differs from call to call.
    pub fn number(&self) -> u64 {
        // A multiplication spreads what is counted.
        (self.calls as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40
    }

    /// Asks until there is an answer that is not "later".
    pub fn ask(&mut self, question: &[u8]) -> Answer {
        loop {
            match self.ask_once(question) {
                Some(answer) if answer.status != 503 => return answer,
                _ => std::thread::sleep(AGAIN),
            }
        }
    }

    fn ask_once(&mut self, question: &[u8]) -> Option<Answer> {
        let port = self.house.port.load(Ordering::SeqCst);
        if self.connection.is_none() && port != 0 {
            self.connection = Connection::open(port).ok();
        }
        let answer = self.connection.as_mut()?.ask(question).ok();
        if answer.is_none() {
            self.connection = None;
        }
        answer
    }

    /// Asks as the operator.
    pub fn ask_for(&mut self, method: &str, path: &str, body: &str) -> Answer {
        let question = request(method, path, &self.house.operator, body);
        self.ask(&question)
    }

    /// Notes an answer that is none of these.
    pub fn expect(&self, what: &str, answer: &Answer, statuses: &[u16]) -> bool {
        let is_expected = statuses.contains(&answer.status);
        if !is_expected {
            let said = format!("{what}: {} {}", answer.status, answer.body);
            self.house.books.note_wrong(&said);
        }
        is_expected
    }
}

fn dollars(nanodollars: u64) -> String {
    format!("0.{nanodollars:09}")
}

/// Records what was spent.
pub fn charge(mut caller: Caller<'_>) {
    while let Some((id, person)) = caller.next() {
        let cost = caller.number();
        let body = format!(
            r#"{{"virtual_key":"{}","provider":"openai","model":"{CHARGED}","tokens":7,"cost":{},"request_id":"{id}"}}"#,
            person.key,
            dollars(cost)
        );
        let answer = caller.ask_for("POST", "/v1/usage", &body);
        if caller.expect("recording", &answer, &[200, 201]) {
            caller.house.books.charged.add(cost);
        }
    }
}

/// Reserves and settles.
pub fn reserve(mut caller: Caller<'_>) {
    while let Some((id, person)) = caller.next() {
        let cost = caller.number();
        let body = format!(
            r#"{{"virtual_key":"{}","provider":"openai","model":"{RESERVED}","estimated_tokens":9,"estimated_cost":0.02,"request_id":"{id}"}}"#,
            person.key
        );
        let reserved = caller.ask_for("POST", "/v1/reservations", &body);
        if !caller.expect("reserving", &reserved, &[200, 201]) {
            continue;
        }
        let reservation = value(&reserved.body)["reservation"]["id"].clone();
        let path = format!(
            "/v1/reservations/{}/settle",
            reservation.as_str().unwrap_or_default()
        );
        let body = format!(r#"{{"tokens":9,"cost":{}}}"#, dollars(cost));
        let settled = caller.ask_for("POST", &path, &body);
        if caller.expect("settling", &settled, &[200]) {
            caller.house.books.reserved.add(cost);
        }
    }
}

/// Has streams carried, each once: what broke off is not repeated.
pub fn carry(mut caller: Caller<'_>) {
    while let Some((_, person)) = caller.next() {
        let header = format!("Authorization: Bearer {}\r\nConnection: close", person.key);
        let call = chat("", &header, &Shape::Stream(1).call(crate::proxy::MODEL));
        let port = caller.house.port.load(Ordering::SeqCst);
        let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) else {
            std::thread::sleep(AGAIN);
            continue;
        };
        let books = &caller.house.books;
        match whole(stream, &call) {
            Some(text) if text.starts_with("HTTP/1.1 200") && text.contains("data: [DONE]") => {
                books.carried.add(COST);
            }
            Some(text) if text.starts_with("HTTP/1.1 503") => std::thread::sleep(AGAIN),
            Some(text) if !text.is_empty() && !text.starts_with("HTTP/1.1 200") => {
                books.note_wrong(&format!("carrying: {text}"));
            }
            _ => books.broken.add(MOST),
        }
    }
}

/// What comes until the server closes; none where it broke off.
fn whole(mut stream: TcpStream, call: &[u8]) -> Option<String> {
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.write_all(call).ok()?;
    let mut text = Vec::new();
    stream.read_to_end(&mut text).ok()?;
    String::from_utf8(text).ok()
}

/// Reads lists and histories.
pub fn read(mut caller: Caller<'_>) {
    const PATHS: [&str; 6] = [
        "/api/access-profiles",
        "/api/users?search=person",
        "/api/usage?group_by=model",
        "/api/usage/near-limits",
        "/api/access-profiles/audit-logs",
        "/v1/reservations",
    ];
    while let Some((_, person)) = caller.next() {
        let path = PATHS[caller.calls % PATHS.len()];
        let answer = caller.ask_for("GET", path, "");
        caller.expect(path, &answer, &[200]);
        let header = format!("x-api-key: {}", person.key);
        let quota = caller.ask(&request("GET", "/v1/quota", &header, ""));
        caller.expect("quota", &quota, &[200]);
    }
}
