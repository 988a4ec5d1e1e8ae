//! Rotations one after the other: each earlier secret works until its own grace period is over, whatever comes after it.

use std::time::Duration;

use serde_json::{Value, json};
use tollkeeper::service::access_profiles::rotation::rotate_due;

use crate::support::holders::{Holder, policy};
use crate::support::{Client, Reply, Server};

const HOUR: i64 = 3_600;

/// Whether each of these virtual keys opens something.
fn open(client: &Client, secrets: &[String]) -> Vec<bool> {
    let quota = |secret: &String| client.raw("GET", "/v1/quota", &[("x-bf-vk", secret)], None);
    let works = |reply: Reply| match reply.status {
        200 => true,
        401 => false,
        _ => panic!("{}", reply.text),
    };
    secrets.iter().map(quota).map(works).collect()
}

fn try_rotate(client: &Client, ada: &Holder, grace: &Value) -> Reply {
    let path = format!("/api/virtual-keys/{}/rotate", ada.key_id());
    client.post(&path, &json!({ "grace": grace }))
}

fn rotate(client: &Client, ada: &Holder, grace: &str) -> String {
    let rotated = try_rotate(client, ada, &json!(grace)).expect(200).json();
    rotated["virtual_key"]["value"].as_str().unwrap().to_owned()
}

#[test]
fn each_earlier_secret_of_a_virtual_key_works_until_its_own_time() {
    let server = Server::start();
    let ada = server.client.make_holder("ada", &policy());
    let client = &server.client;
    let mut secrets = vec![ada.key.clone()];
    for grace in ["24h", "1h", "48h"] {
        secrets.push(rotate(client, &ada, grace));
    }
    assert_eq!(open(client, &secrets), [true; 4]);
    let shown = |client: &Client| {
        let key = client.get(&format!("/api/virtual-keys/{}", ada.key_id()));
        key.expect(200).json()["virtual_key"]["previous_value_expires_at"].clone()
    };
    assert_eq!(shown(client), "2026-06-03T12:00:00Z");
    let refused = try_rotate(client, &ada, &json!("1m"));
    refused.expect_refusal(409, "conflict", "too_many_secrets");
    assert!(
        refused.message().contains("until 2026-06-01T13:00:00Z"),
        "{}",
        refused.text
    );
    assert_eq!(
        open(client, &secrets),
        [true; 4],
        "a refused rotation changes nothing"
    );
    // Without a grace period the current one ends, and no other.
    secrets.push(rotate(client, &ada, "0"));
    assert_eq!(open(client, &secrets), [true, true, true, false, true]);
    server.time.advance_seconds(HOUR);
    assert_eq!(open(client, &secrets), [true, false, true, false, true]);
    // There is room for another one now.
    secrets.push(rotate(client, &ada, "1h"));
    let server = server.restart();
    let client = &server.client;
    assert_eq!(
        open(client, &secrets),
        [true, false, true, false, true, true]
    );
    server.time.advance_seconds(HOUR);
    server.time.advance_seconds(-HOUR);
    assert!(!open(client, &secrets)[1], "what has ended stays so");
    server.time.advance_seconds(22 * HOUR + HOUR);
    assert_eq!(
        open(client, &secrets),
        [false, false, true, false, false, true]
    );
    let path = format!(
        "/api/users/{}/access-profiles/virtual-keys/{}",
        ada.user_id,
        ada.key_id()
    );
    client.delete(&path).expect(200);
    assert_eq!(open(client, &secrets), [false; 6]);
}

#[test]
fn a_scheduled_rotation_waits_while_as_many_secrets_work_as_may() {
    let server = Server::start();
    let client = &server.client;
    let mut body = policy();
    body["auto_rotation_interval"] = json!("12h");
    body["next_rotation_at"] = json!("2026-06-01T13:00:00Z");
    let ada = client.make_holder("ada", &body);
    let bob = client.make_user_with("bob", ada.profile_id);
    let mut secrets = vec![ada.key.clone()];
    for _ in 0..3 {
        secrets.push(rotate(client, &ada, "10h"));
    }
    secrets.push(bob.1);
    let step = |hours: i64| {
        server.time.advance_seconds(hours * HOUR);
        rotate_due(&server.services, Duration::from_hours(24)).unwrap();
        let told = client.audited("access_profile.rotate_keys");
        told[0]["new_values"]["virtual_keys"].clone()
    };
    let rotated = step(1);
    assert_eq!(rotated.as_array().unwrap().len(), 1, "{rotated}");
    assert_ne!(rotated[0], ada.key_id());
    assert_eq!(open(client, &secrets), [true; 5]);
    let files = std::fs::read_dir(server.data_dir().join("rotated-keys")).unwrap();
    assert_eq!(
        files.count(),
        1,
        "a secret that was not put in place lies nowhere"
    );
    assert_eq!(step(12).as_array().unwrap().len(), 2);
    assert_eq!(open(client, &secrets), [false, false, false, true, true]);
}
