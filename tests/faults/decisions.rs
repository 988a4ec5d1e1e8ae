//! Decisions and `kill -9` (R1): every acknowledged reservation and settlement is there after a restart, and charged once.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::{Value, json};
use tollkeeper::store::directory::{DataDirectory, Owned};
use tollkeeper::store::{Store, journal};

use crate::support::Client;
use crate::support::holders::{Holder, reservation_id};
use crate::support::process::Process;

/// Rounds of load and `kill -9`; `TOLLKEEPER_TEST_ROUNDS` asks for more.
const ROUNDS: usize = 10;
const CLIENTS: usize = 6;
/// What every call costs, in millionths of a dollar.
const COST: i64 = 250;

/// What was acknowledged: reservations that are open, and those that were settled.
#[derive(Default)]
struct Acknowledged {
    open: Vec<String>,
    settled: Vec<String>,
}

#[test]
fn every_acknowledged_reservation_and_settlement_survives_kill_9_under_load() {
    let directory = tempfile::tempdir().unwrap();
    let policy = json!({
        "provider_configs": [{ "provider_name": "openai", "all_models_allowed": true }],
        "budgets": [{ "max_limit": 1_000_000, "reset_duration": "1Y" }]
    });
    let mut server = Process::start(directory.path(), &[]);
    let holder = server.client.make_holder("ada", &policy);
    let all = Mutex::new(Acknowledged::default());
    for after in moments(80) {
        load_until_killed(&mut server, after, |client| {
            one_call(client, &holder.key, &all)
        });
        expect_sound(directory.path());
        server = Process::start(directory.path(), &[]);
        expect_kept(&server.client, &holder, &all.lock().unwrap());
    }
}

/// A moment of its own for each round, the same in each run: so many acknowledgements after the start.
pub fn moments(most: u64) -> impl Iterator<Item = usize> {
    let rounds = std::env::var("TOLLKEEPER_TEST_ROUNDS")
        .map_or(ROUNDS, |text| text.parse().expect("a number of rounds"));
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    (0..rounds).map(move |_| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % most).unwrap()
    })
}

/// What a killed process left is whole.
pub fn expect_sound(data_dir: &Path) {
    let connection = Connection::open(data_dir.join("tollkeeper.db")).unwrap();
    let finding: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(finding, "ok");
    drop(connection);
    expect_counters_to_follow_from_the_journal(data_dir);
}

/// What is stored of every counter is what the journal makes of it.
fn expect_counters_to_follow_from_the_journal(data_dir: &Path) {
    let Owned::Ours(directory) = DataDirectory::own(data_dir).unwrap() else {
        panic!("the directory of a dead process is in use");
    };
    let store = Store::open(Arc::new(directory), Timestamp::now()).unwrap();
    let counters = store.read(journal::rebuild).unwrap();
    assert!(!counters.is_empty());
    for counter in counters {
        assert_eq!(counter.stored.settled, counter.settled, "{counter:?}");
    }
    store.close(Timestamp::now()).unwrap();
}

/// Lets several clients do `work`, which answers how much was acknowledged or that the server is gone, and kills the server after so
/// many acknowledgements, while more are on their way.
pub fn load_until_killed(
    server: &mut Process,
    after: usize,
    work: impl Fn(&Client) -> Option<usize> + Sync,
) {
    let count = AtomicUsize::new(0);
    let (reached, kill) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            let (client, reached) = (server.client.clone(), reached.clone());
            let (count, work) = (&count, &work);
            scope.spawn(move || {
                while let Some(acknowledged) = work(&client) {
                    let before = count.fetch_add(acknowledged, Ordering::SeqCst);
                    if (before..before + acknowledged).contains(&after) {
                        reached.send(()).unwrap();
                    }
                }
            });
        }
        kill.recv().unwrap();
        server.kill();
    });
}

/// A reservation and its settlement; answers how many of the two were acknowledged, or nothing once the server is gone.
fn one_call(client: &Client, key: &str, all: &Mutex<Acknowledged>) -> Option<usize> {
    let body = json!({ "virtual_key": key, "model": "gpt-5", "estimated_cost": dollars(2 * COST) });
    let reply = client.try_post("/v1/reservations", &body)?;
    let id = reservation_id(&reply.expect(201));
    all.lock().unwrap().open.push(id.clone());
    let path = format!("/v1/reservations/{id}/settle");
    if let Some(reply) = client.try_post(&path, &json!({ "tokens": 7, "cost": dollars(COST) })) {
        reply.expect(200);
        let mut all = all.lock().unwrap();
        all.open.retain(|open| *open != id);
        all.settled.push(id);
        return Some(2);
    }
    Some(1)
}

pub fn dollars(millionths: i64) -> Value {
    serde_json::from_str(&format!("0.{millionths:06}")).unwrap()
}

/// Every reservation is there: settling it is possible or was done already, with these numbers and no others. Afterwards exactly
/// those are charged that were acknowledged, and those that were settled without being heard of.
fn expect_kept(client: &Client, holder: &Holder, all: &Acknowledged) {
    let settle = |id: &str| {
        let body = json!({ "tokens": 7, "cost": dollars(COST) });
        client
            .post(&format!("/v1/reservations/{id}/settle"), &body)
            .expect(200)
    };
    for id in all.settled.iter().rev().take(50) {
        settle(id);
        let other = json!({ "tokens": 8, "cost": dollars(COST) });
        let path = format!("/v1/reservations/{id}/settle");
        assert_eq!(client.post(&path, &other).status, 409);
    }
    for id in &all.open {
        settle(id);
    }
    let open = client.get("/v1/reservations").expect(200).json();
    let path = format!("/api/users/{}/access-profiles", holder.user_id);
    let copy = client.get(&path).expect(200).json()["access_profiles"][0].clone();
    let used = millionths(&copy["budgets"][0]["current_usage"]);
    let calls = i64::try_from(all.settled.len() + all.open.len()).unwrap();
    // What nobody heard of may be open as well; it is charged when it is settled or expires.
    assert_eq!(used, calls * COST, "{open}");
}

pub fn millionths(amount: &Value) -> i64 {
    let text = amount.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    format!("{whole}{fraction:0<6}").parse().unwrap()
}
