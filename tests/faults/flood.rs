//! Floods of wrong secrets and garbage (R14): hashing is bounded, memory is bounded, and everybody else is served.

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use tollkeeper::domain::credential::Kind;
use tollkeeper::service::virtual_keys::tokens::random_successor;

use crate::support::process::Process;
use crate::support::{Client, Reply, Server};

const PATH: &str = "/api/access-profiles?limit=1";
/// Attempts at once for one known id.
const WRONG: usize = 200;
/// Connections that send garbage, and how much of it in all.
const CONNECTIONS: usize = 32;
const GARBAGE: usize = 10_000;
/// Wrong secrets that an address is let through at once, those that are under way by then, and one more each second.
const MOST_HASHES: u64 = 150;
/// Of those that come all at once, what is under way and waits, and what follows while that is worked off.
const MOST_AT_ONCE: u64 = 90;
/// Memory of the process in KiB at its highest.
const MOST_MEMORY: u64 = 128 * 1024;

/// A refusal in our own words, whichever it is.
fn check(reply: &Reply) {
    let (kind, code) = match reply.status {
        401 => (
            "authentication_error",
            ["api_key_unknown", "api_key_malformed"],
        ),
        429 => ("rate_limited", ["too_many_failed_attempts"; 2]),
        503 => ("unavailable", ["overloaded"; 2]),
        other => panic!("{other}: {}", reply.text),
    };
    let found = reply.code();
    assert!(code.contains(&found.as_str()), "{}", reply.text);
    reply.expect_refusal(reply.status, kind, &found);
    if reply.status != 401 {
        let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=50).contains(&wait), "{wait}");
    }
}

/// Sends a flood from threads of its own while `other` is used without a pause; answers how often each status came.
fn flood(
    threads: usize,
    each: usize,
    token: impl Fn() -> Client + Sync,
    other: &Client,
) -> BTreeMap<u16, usize> {
    let over = AtomicBool::new(false);
    let together = Barrier::new(threads);
    std::thread::scope(|scope| {
        let bystander = scope.spawn(|| {
            let mut served = 0;
            while !over.load(Ordering::SeqCst) || served == 0 {
                other.get(PATH).expect(200);
                served += 1;
            }
        });
        let senders: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let client = token();
                    client.get("/health").expect(200);
                    together.wait();
                    let replies: Vec<Reply> = (0..each).map(|_| client.get(PATH)).collect();
                    replies.iter().for_each(check);
                    replies
                })
            })
            .collect();
        let mut statuses = BTreeMap::new();
        for sender in senders {
            for reply in sender.join().unwrap() {
                *statuses.entry(reply.status).or_default() += 1;
            }
        }
        over.store(true, Ordering::SeqCst);
        bystander.join().unwrap();
        statuses
    })
}

/// A client of its own connection with another secret for the id of this key.
fn wrong(client: &Client) -> Client {
    let token = random_successor(Kind::Management, &client.key[8..20])
        .unwrap_or_else(|error| panic!("{error}"));
    Client::new(client.port, token.reveal())
}

fn garbage(client: &Client) -> Client {
    Client::new(client.port, &format!("tk_mgmt_{}", "x".repeat(62)))
}

#[test]
fn two_hundred_wrong_secrets_at_once_cost_few_hashes_and_harm_nobody_else() {
    let server = Server::start();
    let (_, known) = server.client.make_key("known", &["AccessProfiles:View"]);
    server.client.get(PATH).expect(200);
    let before = server.services.keyring.hashes();
    let statuses = flood(WRONG, 1, || wrong(&known), &server.client);
    let hashes = server.services.keyring.hashes() - before;
    assert!(hashes <= MOST_AT_ONCE, "{hashes} hashes: {statuses:?}");
    assert_eq!(
        hashes,
        statuses.get(&401).copied().unwrap_or_default() as u64,
        "{statuses:?}"
    );
    assert!(
        statuses.values().sum::<usize>() == WRONG && statuses.len() > 1,
        "{statuses:?}"
    );
    // Whoever has the right secret is let in as before.
    known.get(PATH).expect(200);
    let more = flood(CONNECTIONS, 20, || wrong(&known), &server.client);
    let hashes = server.services.keyring.hashes() - before;
    assert!(hashes <= MOST_HASHES, "{hashes} hashes: {more:?}");
    assert!(more[&429] > 500, "{more:?}");
}

#[test]
fn ten_thousand_pieces_of_garbage_cost_no_hash() {
    let server = Server::start();
    server.client.get(PATH).expect(200);
    let before = server.services.keyring.hashes();
    let statuses = flood(
        CONNECTIONS,
        GARBAGE / CONNECTIONS,
        || garbage(&server.client),
        &server.client,
    );
    assert_eq!(server.services.keyring.hashes(), before);
    assert!(
        statuses[&401] >= 1_000 && statuses[&429] > 0,
        "{statuses:?}"
    );
    assert!(!statuses.contains_key(&503), "{statuses:?}");
}

#[test]
fn a_flood_does_not_fill_the_memory() {
    let directory = tempfile::tempdir().unwrap();
    let server = Process::start(directory.path(), &[]);
    server.client.get(PATH).expect(200);
    for _ in 0..2 {
        flood(WRONG, 1, || wrong(&server.client), &server.client);
        flood(
            CONNECTIONS,
            GARBAGE / CONNECTIONS / 10,
            || garbage(&server.client),
            &server.client,
        );
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let highest: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(highest < MOST_MEMORY, "{highest} KiB");
    let ready: Value = server.client.get("/ready").expect(200).json();
    assert!(ready.is_object());
}
