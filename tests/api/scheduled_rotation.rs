//! Scheduled rotation of managed virtual keys: each key once per due date, across restarts, with the new secret in a file.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use serde_json::{Value, json};
use tollkeeper::service::rotation::rotate_due;

use crate::support::Server;

const GRACE: Duration = Duration::from_hours(24);
const HOUR: i64 = 3_600;

/// A server with Ada and Bob, who hold the profile 1, which rotates every 12 hours from 13:00 on.
fn rotating() -> Server {
    let server = Server::start();
    let body = json!({ "name": "dev", "auto_rotation_interval": "12h", "next_rotation_at": "2026-06-01T13:00:00Z" });
    server.client.create_profile(&body);
    for (user, name) in [(1, "ada"), (2, "bob")] {
        server
            .client
            .create_user(name, &format!("{name}@example.com"), None);
        server.client.assign(user, 1);
    }
    server
}

fn step(server: &Server) {
    rotate_due(&server.services, GRACE).unwrap();
}

fn keys(server: &Server) -> Vec<Value> {
    let list = server.client.get("/api/virtual-keys").expect(200).json();
    list["virtual_keys"].as_array().unwrap().clone()
}

/// What lies in the directory of rotated keys: id and secret.
fn files(server: &Server) -> Vec<(String, String)> {
    let Ok(files) = std::fs::read_dir(server.data_dir().join("rotated-keys")) else {
        return Vec::new();
    };
    let mut all: Vec<_> = files
        .map(|file| {
            let file = file.unwrap();
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
            let text = std::fs::read_to_string(file.path()).unwrap();
            (
                file.file_name().into_string().unwrap(),
                text.trim_end().to_owned(),
            )
        })
        .collect();
    all.sort();
    all
}

fn rotations(server: &Server) -> usize {
    server.client.audited("access_profile.rotate_keys").len()
}

fn dates(server: &Server) -> (Value, Value, Value) {
    let profile = server
        .client
        .get("/api/access-profiles/1")
        .expect(200)
        .json()["access_profile"]
        .clone();
    (
        profile["last_rotation_at"].clone(),
        profile["next_rotation_at"].clone(),
        profile["version"].clone(),
    )
}

#[test]
fn every_managed_key_rotates_once_when_its_date_has_come() {
    let server = rotating();
    let own = server
        .client
        .post("/api/users/1/virtual-keys", &json!({}))
        .expect(200);
    let own = own.json()["virtual_key"]["id"].clone();
    let before = server.client.get("/api/access-profiles/1").expect(200);
    server.time.advance_seconds(HOUR - 1);
    step(&server);
    assert_eq!((rotations(&server), files(&server)), (0, vec![]));
    server.time.advance_seconds(1);
    step(&server);
    step(&server);
    assert_eq!(rotations(&server), 1);
    for key in keys(&server) {
        let rotated = key["id"] != own;
        let expected = if rotated {
            json!("2026-06-01T13:00:00Z")
        } else {
            json!(null)
        };
        assert_eq!(key["rotated_at"], expected, "{key}");
        let until = if rotated {
            json!("2026-06-02T13:00:00Z")
        } else {
            json!(null)
        };
        assert_eq!(key["previous_expires_at"], until);
    }
    let files = files(&server);
    let ids: Vec<&str> = files.iter().map(|(id, _)| id.as_str()).collect();
    let mut managed: Vec<String> = keys(&server)
        .iter()
        .filter(|key| key["id"] != own)
        .map(|key| key["id"].as_str().unwrap().to_owned())
        .collect();
    managed.sort();
    assert_eq!(ids, managed);
    for (id, secret) in &files {
        assert!(secret.starts_with(&format!("tk_vk_{id}_")) && secret.len() == 68);
        assert_eq!(server.columns_with(&secret[19..62]), [""; 0]);
    }
    let (last, next, version) = dates(&server);
    assert_eq!(
        (last, next, version),
        (
            json!("2026-06-01T13:00:00Z"),
            json!("2026-06-02T01:00:00Z"),
            json!(1)
        )
    );
    let after = server.client.get("/api/access-profiles/1").expect(200);
    assert_ne!(after.header("etag"), before.header("etag"));
    let listed = server.client.get("/api/access-profiles").json();
    assert_eq!(
        listed["access_profiles"][0]["next_rotation_at"],
        "2026-06-02T01:00:00Z"
    );
    let verdict = server
        .client
        .get("/api/access-profiles/audit-logs/verify")
        .expect(200)
        .json();
    assert_eq!(verdict["intact"], true, "{verdict}");
}

#[test]
fn several_missed_dates_make_one_rotation_also_across_a_restart() {
    let server = rotating();
    server.time.advance_seconds(40 * HOUR);
    let server = server.restart();
    step(&server);
    let first = files(&server);
    assert_eq!((rotations(&server), first.len()), (1, 2));
    let (last, next, _) = dates(&server);
    assert_eq!(
        (last, next),
        (json!("2026-06-03T01:00:00Z"), json!("2026-06-03T13:00:00Z"))
    );
    let server = server.restart();
    step(&server);
    assert_eq!((rotations(&server), files(&server)), (1, first.clone()));
    server.time.advance_seconds(10 * HOUR);
    step(&server);
    assert_eq!(rotations(&server), 2);
    assert_ne!(files(&server), first);
}

#[test]
fn a_change_after_a_rotation_keeps_its_dates_and_the_log_stays_whole() {
    let server = rotating();
    server.time.advance_seconds(HOUR);
    step(&server);
    let client = &server.client;
    client
        .put(
            "/api/access-profiles/1",
            &json!({ "description": "changed" }),
        )
        .expect(200);
    let (last, next, version) = dates(&server);
    assert_eq!(
        (last, next, version),
        (
            json!("2026-06-01T13:00:00Z"),
            json!("2026-06-02T01:00:00Z"),
            json!(2)
        )
    );
    step(&server);
    assert_eq!(rotations(&server), 1);
    client
        .put(
            "/api/access-profiles/1",
            &json!({ "auto_rotation_interval": 0 }),
        )
        .expect(200);
    server.time.advance_seconds(100 * HOUR);
    step(&server);
    assert_eq!(rotations(&server), 1, "rotation is off");
    let verdict = client
        .get("/api/access-profiles/audit-logs/verify")
        .expect(200)
        .json();
    assert_eq!(verdict["intact"], true, "{verdict}");
}

#[test]
fn a_file_of_a_rotation_that_never_happened_is_written_anew() {
    let server = rotating();
    let id = keys(&server)[0]["id"].as_str().unwrap().to_owned();
    let directory = server.data_dir().join("rotated-keys");
    std::fs::create_dir(&directory).unwrap();
    std::fs::write(directory.join(&id), "left by a crash").unwrap();
    std::fs::set_permissions(directory.join(&id), PermissionsExt::from_mode(0o600)).unwrap();
    server.time.advance_seconds(HOUR);
    step(&server);
    assert!(
        files(&server)
            .iter()
            .all(|(_, secret)| secret.starts_with("tk_vk_"))
    );
}
