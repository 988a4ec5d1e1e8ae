//! Callers who have done nothing wrong: each asks at a fixed rate and measures from the moment at which it wanted to ask, so that a
//! server that stands still is not measured once, but by everything that should have been asked meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::client::{Connection, request};
use super::house::call;
use super::latencies::Latencies;
use super::server::Server;

/// From one question of a caller to its next.
const EVERY: Duration = Duration::from_millis(30);

/// What these callers saw.
pub struct Seen {
    pub latencies: Latencies,
    /// Answers that did not come.
    pub failures: usize,
}

/// Runs `hostile` while one caller reserves with this virtual key, one reads a page of profiles, and one asks for the key's quota.
pub fn beside<T>(server: &Server, key: &str, hostile: impl FnOnce() -> T) -> (T, Seen) {
    let questions = [
        request(
            "POST",
            "/v1/reservations",
            &server.operator,
            &call(key, "gpt-5"),
        ),
        request("GET", "/api/access-profiles", &server.operator, ""),
        request("GET", "/v1/quota", &format!("x-bf-vk: {key}"), ""),
    ];
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let asking: Vec<_> = questions
            .iter()
            .map(|question| scope.spawn(|| ask_until(server, question, &over)))
            .collect();
        let outcome = hostile();
        over.store(true, Ordering::SeqCst);
        let (mut all, mut failures) = (Vec::new(), 0);
        for one in asking {
            let (times, failed) = one.join().unwrap();
            all.extend(times);
            failures += failed;
        }
        let latencies = Latencies::new(all);
        (
            outcome,
            Seen {
                latencies,
                failures,
            },
        )
    })
}

/// How long the answers took, and how many did not come.
fn ask_until(server: &Server, question: &[u8], over: &AtomicBool) -> (Vec<Duration>, usize) {
    // Open before anything happens, as a gateway keeps its own.
    let mut connection = server.connect();
    let (mut times, mut failures) = (Vec::new(), 0);
    let begin = Instant::now();
    while !over.load(Ordering::SeqCst) || times.is_empty() {
        let asked = u32::try_from(times.len() + failures).unwrap_or(u32::MAX);
        let intended = EVERY * asked;
        if let Some(early) = intended.checked_sub(begin.elapsed()) {
            std::thread::sleep(early);
        }
        match connection.ask(question) {
            Ok(answer) if answer.status < 300 => {
                times.push(begin.elapsed().saturating_sub(intended));
            }
            _ => {
                failures += 1;
                if let Ok(anew) = Connection::open(server.process.port) {
                    connection = anew;
                }
            }
        }
    }
    (times, failures)
}
