//! `kill -9` (R1): what was acknowledged is there, and the file is sound.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::process::Process;

/// Rounds of load and `kill -9`; `TOLLKEEPER_TEST_ROUNDS` asks for more.
const ROUNDS: usize = 20;
const CLIENTS: usize = 6;

#[test]
fn a_profile_survives_kill_9_right_after_its_201() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Process::start(directory.path(), &[]);
    let profile = server.client.create_profile(&json!({ "name": "kept" }));
    server.kill();
    let server = Process::start(directory.path(), &[]);
    let read = server
        .client
        .get(&format!("/api/access-profiles/{}", profile["id"]))
        .expect(200);
    assert_eq!(read.json()["access_profile"], profile);
}

#[test]
fn everything_acknowledged_survives_kill_9_under_load() {
    let rounds = std::env::var("TOLLKEEPER_TEST_ROUNDS")
        .map_or(ROUNDS, |text| text.parse().expect("a number of rounds"));
    let directory = tempfile::tempdir().unwrap();
    let mut all = Vec::new();
    let mut seed = 0x2545_F491_4F6C_DD1D_u64;
    for round in 0..rounds {
        // A moment of its own for each round, the same in each run: so many acknowledgements after the start.
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let mut server = Process::start(directory.path(), &[]);
        expect_stored(&server, &all);
        all = load_until_killed(&mut server, round, usize::try_from(seed % 60).unwrap());
        let connection = Connection::open(directory.path().join("tollkeeper.db")).unwrap();
        let finding: String = connection
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .unwrap();
        assert_eq!(finding, "ok", "round {round}");
    }
    expect_stored(&Process::start(directory.path(), &[]), &all);
}

/// Creates profiles from several clients, and kills the server after so many acknowledgements, while more are on their way.
/// Answers what was acknowledged.
fn load_until_killed(server: &mut Process, round: usize, after: usize) -> Vec<Value> {
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let count = Arc::new(AtomicUsize::new(0));
    let (reached, kill) = std::sync::mpsc::channel();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let (caller, reached) = (server.client.clone(), reached.clone());
            let (acknowledged, count) = (Arc::clone(&acknowledged), Arc::clone(&count));
            std::thread::spawn(move || {
                for number in 0.. {
                    let name = format!("round {round} client {client} number {number}");
                    let body = json!({ "name": name, "tags": ["load"] });
                    let Some(reply) = caller.try_post("/api/access-profiles", &body) else {
                        return;
                    };
                    assert_eq!(reply.status, 201, "{}", reply.text);
                    acknowledged
                        .lock()
                        .unwrap()
                        .push(reply.json()["access_profile"].clone());
                    if count.fetch_add(1, Ordering::SeqCst) == after {
                        reached.send(()).unwrap();
                    }
                }
            })
        })
        .collect();
    kill.recv().unwrap();
    server.kill();
    for client in clients {
        client.join().unwrap();
    }
    std::mem::take(&mut acknowledged.lock().unwrap())
}

fn expect_stored(server: &Process, profiles: &[Value]) {
    for profile in profiles {
        let path = format!("/api/access-profiles/{}", profile["id"]);
        let read = server.client.get(&path).expect(200).json();
        assert_eq!(&read["access_profile"], profile);
    }
}
