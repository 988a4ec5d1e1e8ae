//! Scheduled rotation of managed virtual keys: each key once per due date, across restarts, with the new secret in a file.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use serde_json::{Value, json};
use tollkeeper::service::access_profiles::rotated_keys::tidy;
use tollkeeper::service::access_profiles::rotation::rotate_due;

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
        assert_eq!(key["previous_value_expires_at"], until);
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

/// Lets changes of virtual keys fail, or succeed again.
fn break_rotation(server: &Server, broken: bool) {
    let database = rusqlite::Connection::open(server.data_dir().join("tollkeeper.db")).unwrap();
    let sql = if broken {
        "CREATE TRIGGER stop BEFORE UPDATE ON virtual_keys BEGIN SELECT RAISE(ABORT, 'stopped'); END"
    } else {
        "DROP TRIGGER stop"
    };
    database.execute_batch(sql).unwrap();
}

/// Whether the secrets in the files open something.
fn open_something(server: &Server) -> Vec<bool> {
    let works = |secret: &str| {
        let quota = server.client.with_virtual_key(secret).get("/v1/quota");
        quota.status == 200
    };
    files(server).iter().map(|(_, key)| works(key)).collect()
}

#[test]
fn a_rotation_that_does_not_come_about_leaves_the_secrets_that_work() {
    let server = rotating();
    server.time.advance_seconds(HOUR);
    step(&server);
    let first = files(&server);
    server.time.advance_seconds(12 * HOUR);
    break_rotation(&server, true);
    step(&server);
    assert_eq!(files(&server), first);
    assert_eq!(open_something(&server), [true, true]);
    break_rotation(&server, false);
    step(&server);
    assert_eq!((rotations(&server), first.len()), (2, 2));
    assert_ne!(files(&server), first);
    assert_eq!(open_something(&server), [true, true]);
}

#[test]
fn a_crash_right_after_the_commit_loses_no_secret() {
    let server = rotating();
    server.time.advance_seconds(HOUR);
    step(&server);
    let rotated = files(&server);
    let directory = server.data_dir().join("rotated-keys");
    // As if the files had not got their places: beside those of an earlier rotation.
    for (id, _) in &rotated {
        let path = directory.join(id);
        std::fs::rename(&path, path.with_extension("new")).unwrap();
        std::fs::write(&path, "an earlier one").unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    }
    server.time.advance_seconds(12 * HOUR);
    break_rotation(&server, true);
    step(&server);
    assert_eq!(files(&server), rotated);
    assert_eq!(open_something(&server), [true, true]);
}

#[test]
fn the_file_of_a_key_goes_with_the_secret_in_it() {
    let server = rotating();
    server.client.create_user("Cid", "cid@example.com", None);
    server.client.assign(3, 1);
    server.time.advance_seconds(HOUR);
    step(&server);
    let ids: Vec<String> = keys(&server)
        .iter()
        .map(|key| key["id"].as_str().unwrap().to_owned())
        .collect();
    let left = || -> Vec<String> { files(&server).into_iter().map(|(id, _)| id).collect() };
    let client = &server.client;
    assert_eq!(left().len(), 3);
    let rotate = format!("/api/virtual-keys/{}/rotate", ids[0]);
    client.post(&rotate, &json!({ "grace": "1h" })).expect(200);
    assert!(!left().contains(&ids[0]) && left().len() == 2);
    let delete = format!("/api/users/2/access-profiles/virtual-keys/{}", ids[1]);
    client.delete(&delete).expect(200);
    assert_eq!(left(), [ids[2].clone()]);
    tidy(&server.services).unwrap();
    assert_eq!(left(), [ids[2].clone()], "its secret still works");
    client.delete("/api/users/3").expect(200);
    assert_eq!(left(), [""; 0]);
}

#[test]
fn the_file_of_a_key_goes_with_what_its_user_held() {
    let server = rotating();
    let client = &server.client;
    let role = client.create_role("eng");
    client.attach(1, &[role], true, false).expect(200);
    client.create_user("Cid", "cid@example.com", Some(role));
    server.time.advance_seconds(HOUR);
    step(&server);
    assert_eq!(files(&server).len(), 3);
    client.delete("/api/users/2/access-profiles/1").expect(200);
    assert_eq!(files(&server).len(), 2);
    let none = json!({ "role_id": null });
    client.put("/api/users/3/role", &none).expect(200);
    assert_eq!(files(&server).len(), 1);
    client
        .put("/api/users/1", &json!({ "name": "Ada" }))
        .expect(200);
    assert_eq!(files(&server).len(), 1);
}

#[test]
fn keys_of_an_inactive_profile_do_not_rotate_and_do_one_interval_after_it_is_active_again() {
    let server = rotating();
    let client = &server.client;
    client
        .put("/api/access-profiles/1/deactivate", &json!({}))
        .expect(200);
    server.time.advance_seconds(30 * HOUR);
    step(&server);
    assert_eq!(rotations(&server), 0);
    let active = client
        .put("/api/access-profiles/1/activate", &json!({}))
        .expect(200)
        .json();
    assert_eq!(
        active["access_profile"]["next_rotation_at"],
        "2026-06-03T06:00:00Z"
    );
    step(&server);
    assert_eq!(rotations(&server), 0);
    server.time.advance_seconds(12 * HOUR);
    step(&server);
    assert_eq!(rotations(&server), 1);
}
