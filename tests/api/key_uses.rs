//! When a management API key was last used: shown at once, written now and then.

use serde_json::{Value, json};

use tollkeeper::service::api_keys::key_uses;

use crate::support::Server;

const KEYS: &str = "/api/api-keys";
const PROFILES: &str = "/api/access-profiles";

fn path(id: i64) -> String {
    format!("{KEYS}/{id}")
}

fn last_used(server: &Server, id: i64) -> Value {
    server.client.get(&path(id)).expect(200).json()["api_key"]["last_used_at"].clone()
}

#[test]
fn the_last_use_is_shown_at_once_and_survives_a_restart_and_every_change() {
    let server = Server::start();
    let (id, client) = server.client.make_key("ci", &["AccessProfiles:View"]);
    assert_eq!(last_used(&server, id), json!(null));
    client.get(PROFILES).expect(200);
    assert_eq!(last_used(&server, id), "2026-06-01T12:00:00Z");
    server.time.advance_seconds(3_600);
    // A refusal for want of a permission is a use all the same.
    client.get(KEYS).expect(403);
    assert_eq!(last_used(&server, id), "2026-06-01T13:00:00Z");
    server
        .client
        .put(&path(id), &json!({ "description": "x" }))
        .expect(200);
    assert_eq!(last_used(&server, id), "2026-06-01T13:00:00Z");
    let rotated = server
        .client
        .post(&format!("{}/rotate", path(id)), &json!({ "grace": "1d" }))
        .expect(200)
        .json();
    let new = server.client.with_key(rotated["key"].as_str().unwrap());
    assert_eq!(rotated["api_key"]["last_used_at"], "2026-06-01T13:00:00Z");
    server.time.advance_seconds(3_600);
    client.get(PROFILES).expect(200);
    let server = server.restart();
    assert_eq!(last_used(&server, id), "2026-06-01T14:00:00Z");
    server.client.with_key(&new.key).get(PROFILES).expect(200);
    let list = server.client.get(&format!("{KEYS}?search=ci")).json();
    assert_eq!(list["api_keys"][0]["last_used_at"], "2026-06-01T14:00:00Z");
}

#[test]
fn the_list_is_in_the_order_of_the_last_uses_that_it_shows() {
    let server = Server::start();
    let clients =
        ["a", "b", "c"].map(|name| server.client.make_key(name, &["AccessProfiles:View"]).1);
    for client in [&clients[2], &clients[0]] {
        server.time.advance_seconds(5);
        client.get(PROFILES).expect(200);
    }
    server.time.advance_seconds(5);
    let names = |query: &str| -> Vec<String> {
        let list = server
            .client
            .get(&format!("{KEYS}?{query}"))
            .expect(200)
            .json();
        list["api_keys"]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| key["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names("sort=-last_used_at&offset=1"), ["a", "c", "b"]);
    assert_eq!(names("sort=last_used_at&limit=3"), ["b", "c", "a"]);
}

#[test]
fn a_use_is_not_written_with_the_request_and_at_most_once_a_minute() {
    let server = Server::start();
    let (id, client) = server.client.make_key("ci", &["AccessProfiles:View"]);
    let database = rusqlite::Connection::open(server.data_dir().join("tollkeeper.db")).unwrap();
    let version = || {
        database
            .query_row("PRAGMA data_version", [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    let stored = || {
        let sql = "SELECT last_used_at FROM api_keys WHERE id = ?1";
        database
            .query_row(sql, [id], |row| row.get::<_, Option<i64>>(0))
            .unwrap()
    };
    let before = version();
    for _ in 0..100 {
        client.get(PROFILES).expect(200);
    }
    assert_eq!((version(), stored()), (before, None));
    let write = || {
        key_uses::write(&server.services).unwrap();
    };
    write();
    let noon = stored().unwrap();
    for (seconds, expected) in [
        (59, noon),
        (1, noon + 60_000),
        (30, noon + 60_000),
        (30, noon + 120_000),
    ] {
        server.time.advance_seconds(seconds);
        client.get(PROFILES).expect(200);
        write();
        assert_eq!(stored(), Some(expected));
    }
    let before = version();
    write();
    assert_eq!(version(), before, "nothing new is nothing to write");
}
