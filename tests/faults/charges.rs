//! What else gateways are told and `kill -9` (R1): charges with a request id are made once, raised holds stay raised, and cancelled
//! reservations cancelled.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use crate::decisions::{dollars, expect_sound, load_until_killed, millionths, moments};
use crate::support::Client;
use crate::support::holders::{Holder, call, reservation_id, two_providers};
use crate::support::process::Process;

/// What every charge costs, in millionths of a dollar.
const COST: i64 = 250;
/// What every hold is raised to.
const RAISED: i64 = 900;

/// Request ids by what was asked under them. What was not acknowledged is asked again after the restart.
#[derive(Default)]
struct Asked {
    charges: BTreeSet<String>,
    acknowledged: BTreeSet<String>,
    raised: BTreeSet<String>,
    cancelled: BTreeSet<String>,
}

#[test]
fn charges_raised_holds_and_cancellations_survive_kill_9_and_are_made_once() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Process::start(directory.path(), &[]);
    let policy = json!({ "budgets": [{ "max_limit": 1_000_000, "reset_duration": "1Y" }] });
    let holder = server.client.make_holder("ada", &two_providers(&policy));
    let (all, next) = (Mutex::new(Asked::default()), AtomicUsize::new(0));
    for after in moments(60) {
        load_until_killed(&mut server, after, |client| {
            let number = next.fetch_add(1, Ordering::SeqCst);
            let id = format!("call-{number:08}");
            match number % 3 {
                0 => charge(client, &holder.key, id, &all),
                1 => raise(client, &holder.key, id, &all),
                _ => cancel(client, &holder.key, id, &all),
            }
        });
        expect_sound(directory.path());
        server = Process::start(directory.path(), &[]);
        expect_kept(&server.client, &holder, &mut all.lock().unwrap());
    }
}

fn usage(key: &str, id: &str, cost: i64) -> serde_json::Value {
    call(
        key,
        &json!({ "tokens": 7, "cost": dollars(cost), "request_id": id }),
    )
}

fn reservation(key: &str, id: &str) -> serde_json::Value {
    call(
        key,
        &json!({ "estimated_cost": dollars(COST), "request_id": id }),
    )
}

fn charge(client: &Client, key: &str, id: String, all: &Mutex<Asked>) -> Option<usize> {
    all.lock().unwrap().charges.insert(id.clone());
    client
        .try_post("/v1/usage", &usage(key, &id, COST))?
        .expect(201);
    all.lock().unwrap().acknowledged.insert(id);
    Some(1)
}

fn raise(client: &Client, key: &str, id: String, all: &Mutex<Asked>) -> Option<usize> {
    let reply = client.try_post("/v1/reservations", &reservation(key, &id))?;
    let path = format!(
        "/v1/reservations/{}/extend",
        reservation_id(&reply.expect(201))
    );
    let more = json!({ "estimated_cost": dollars(RAISED), "ttl": "20h" });
    client.try_post(&path, &more)?.expect(200);
    all.lock().unwrap().raised.insert(id);
    Some(2)
}

fn cancel(client: &Client, key: &str, id: String, all: &Mutex<Asked>) -> Option<usize> {
    let reply = client.try_post("/v1/reservations", &reservation(key, &id))?;
    let path = format!("/v1/reservations/{}", reservation_id(&reply.expect(201)));
    client.try_delete(&path)?.expect(200);
    all.lock().unwrap().cancelled.insert(id);
    Some(2)
}

fn expect_kept(client: &Client, holder: &Holder, all: &mut Asked) {
    let key = &holder.key;
    for id in all.charges.iter().rev().take(60) {
        let reply = client.post("/v1/usage", &usage(key, id, COST));
        let was_made = reply.status == 200;
        assert!(was_made || reply.status == 201, "{}", reply.text);
        assert!(was_made || !all.acknowledged.contains(id), "{id}");
        assert_eq!(
            client.post("/v1/usage", &usage(key, id, COST + 1)).status,
            422
        );
    }
    all.acknowledged.clone_from(&all.charges);
    for id in &all.cancelled {
        assert_eq!(
            client
                .post("/v1/reservations", &reservation(key, id))
                .status,
            409
        );
    }
    let open = client.get("/v1/reservations?limit=500").expect(200).json();
    for id in &all.raised {
        let again = client
            .post("/v1/reservations", &reservation(key, id))
            .expect(200);
        let number = reservation_id(&again);
        let reservations = open["reservations"].as_array().unwrap();
        let held = reservations.iter().find(|one| one["id"] == number.as_str());
        let held = held.unwrap_or_else(|| panic!("{id} is not open: {open}"));
        assert_eq!(millionths(&held["held_cost"]), RAISED, "{held}");
    }
    let path = format!("/api/users/{}/access-profiles", holder.user_id);
    let copy = client.get(&path).expect(200).json()["access_profiles"][0].clone();
    let used = millionths(&copy["budgets"][0]["current_usage"]);
    assert_eq!(used, i64::try_from(all.charges.len()).unwrap() * COST);
    // So that no limit is reached after many rounds.
    for id in std::mem::take(&mut all.raised) {
        let again = client
            .post("/v1/reservations", &reservation(key, &id))
            .expect(200);
        let path = format!("/v1/reservations/{}", reservation_id(&again));
        client.delete(&path).expect(200);
        all.cancelled.insert(id);
    }
}
