//! `kill -9` in the middle of changes: template, version list and audit chain always agree.

use std::collections::HashMap;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::Client;
use crate::support::process::{Process, run};

/// A small generator of numbers, so that a failing run can be repeated.
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Changes profiles until the server goes away; answers what was acknowledged last for each.
fn change_until_killed(client: &Client, mut seeded: Seeded) -> HashMap<i64, Value> {
    let mut acknowledged = HashMap::new();
    let call = |method: &str, path: &str, body: Option<Value>| {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            client.send(method, path, &[], body.as_ref())
        }))
        .ok()
    };
    let mut known: Vec<i64> = Vec::new();
    loop {
        let step = seeded.below(9);
        let id = known
            .get(usize::try_from(seeded.below(8)).unwrap())
            .copied();
        let path = |id: i64| format!("/api/access-profiles/{id}");
        let salt = seeded.below(1 << 40);
        let reply = match (id, step) {
            (None, _) | (_, 0) => call(
                "POST",
                "/api/access-profiles",
                Some(json!({ "name": format!("p{salt}") })),
            ),
            (Some(id), 1) => call(
                "POST",
                &format!("{}/clone", path(id)),
                Some(json!({ "name": format!("c{salt}") })),
            ),
            (Some(id), 2) => call("PUT", &format!("{}/deactivate", path(id)), None),
            (Some(id), 3) => call("PUT", &format!("{}/activate", path(id)), None),
            (Some(id), 4) => call("POST", &format!("{}/versions/1/restore", path(id)), None),
            (Some(id), 5) => {
                let reply = call("DELETE", &path(id), None);
                known.retain(|known| *known != id);
                // Until it is acknowledged, it may be gone or not.
                acknowledged.remove(&id);
                if reply.as_ref().is_some_and(|reply| reply.status < 300) {
                    acknowledged.insert(id, Value::Null);
                    continue;
                }
                reply
            }
            (Some(id), _) => call(
                "PUT",
                &path(id),
                Some(
                    json!({ "tags": [salt.to_string()], "budgets": [{ "max_limit": salt % 100 }] }),
                ),
            ),
        };
        let Some(reply) = reply else {
            return acknowledged;
        };
        if reply.status < 300 {
            let profile = reply.json()["access_profile"].clone();
            let id = profile["id"].as_i64().unwrap();
            if acknowledged.insert(id, profile).is_none() {
                known.push(id);
            }
        }
    }
}

#[test]
fn template_versions_and_audit_log_agree_after_every_crash() {
    // The panics of clients whose server has gone are expected.
    std::panic::set_hook(Box::new(|_| {}));
    let rounds: u64 = std::env::var("TOLLKEEPER_TEST_ROUNDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(12);
    let directory = tempfile::tempdir().unwrap();
    for round in 0..rounds {
        let mut server = Process::start(directory.path(), &[]);
        let client = server.client.clone();
        let mut seeded = Seeded(round);
        let killed_after = seeded.below(60);
        let changes = std::thread::spawn(move || change_until_killed(&client, seeded));
        // The moment is counted in changes, not in time: so many are let through before the kill.
        while server
            .client
            .get("/api/access-profiles/audit-logs?limit=1")
            .json()["total_count"]
            .as_u64()
            .unwrap()
            % 60
            != killed_after
        {}
        server.kill();
        let acknowledged = changes.join().unwrap();
        let server = Process::start(directory.path(), &[]);
        for (id, profile) in acknowledged {
            let path = format!("/api/access-profiles/{id}");
            if profile.is_null() {
                server.client.get(&path).expect(404);
                continue;
            }
            let now = server.client.get(&path).expect(200).json()["access_profile"].clone();
            // At most the one change that was under way came after the last that was acknowledged.
            assert!(
                now["version"].as_i64() >= profile["version"].as_i64(),
                "{now} {profile}"
            );
            if now["version"] == profile["version"] {
                assert_eq!(now, profile);
            }
        }
        check(&Connection::open(directory.path().join("tollkeeper.db")).unwrap());
        assert_eq!(
            run(directory.path(), &["audit", "verify"]).status.code(),
            Some(0)
        );
    }
    let _ = std::panic::take_hook();
}

/// Every profile's versions have no gap and end in its current one, and each has its audit entry.
fn check(database: &Connection) {
    let one = |sql: &str| {
        database
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    let gaps = "SELECT count(*) FROM access_profiles p WHERE
                    (SELECT count(*) FROM access_profile_versions v WHERE v.access_profile_id = p.id) <> p.version
                 OR (SELECT max(version) FROM access_profile_versions v WHERE v.access_profile_id = p.id) <> p.version
                 OR (SELECT count(*) FROM audit_logs a WHERE a.access_profile_id = p.id) <> p.version";
    assert_eq!(one(gaps), 0);
    let differing = "SELECT count(*) FROM access_profiles p JOIN access_profile_versions v
                     ON v.access_profile_id = p.id AND v.version = p.version
                     WHERE v.snapshot ->> 'name' <> p.name OR v.snapshot ->> 'is_active' <> p.is_active
                        OR v.snapshot ->> 'version' <> p.version";
    assert_eq!(one(differing), 0);
    let tags = "SELECT count(*) FROM (
                    SELECT t.access_profile_id, t.tag FROM access_profile_tags t
                    EXCEPT SELECT p.id, j.value FROM access_profiles p JOIN access_profile_versions v
                    ON v.access_profile_id = p.id AND v.version = p.version, json_each(v.snapshot, '$.tags') j)";
    assert_eq!(one(tags), 0);
    let tagged = "SELECT count(*) FROM (
                    SELECT p.id, j.value FROM access_profiles p JOIN access_profile_versions v
                    ON v.access_profile_id = p.id AND v.version = p.version, json_each(v.snapshot, '$.tags') j
                    EXCEPT SELECT t.access_profile_id, t.tag FROM access_profile_tags t)";
    assert_eq!(one(tagged), 0);
    // The texts of every profile stand in its place of the pack of its id, and nothing else does.
    let mut statement = database
        .prepare("SELECT p.id, p.name_key, s.texts FROM access_profiles p LEFT JOIN access_profile_search s ON s.pack = p.id / 8")
        .unwrap();
    let mut rows = statement.query([]).unwrap();
    let mut searched = 0;
    while let Some(row) = rows.next().unwrap() {
        let (id, name, texts): (i64, String, Vec<u8>) = (
            row.get(0).unwrap(),
            row.get(1).unwrap(),
            row.get(2).unwrap(),
        );
        let place = usize::try_from(id % 8).unwrap();
        let text = texts.split(|byte| *byte == 0xFF).nth(place).unwrap();
        assert!(text.starts_with(name.as_bytes()), "{id}");
        searched += 1;
    }
    let mut statement = database
        .prepare("SELECT texts FROM access_profile_search")
        .unwrap();
    let packs = statement
        .query_map([], |row| row.get::<_, Vec<u8>>(0))
        .unwrap();
    let packed: usize = packs
        .map(|texts| {
            texts
                .unwrap()
                .split(|byte| *byte == 0xFF)
                .filter(|text| !text.is_empty())
                .count()
        })
        .sum();
    assert_eq!(packed, searched);
    let deleted = "SELECT count(*) FROM (
                    SELECT access_profile_id FROM access_profile_versions
                    WHERE access_profile_id NOT IN (SELECT id FROM access_profiles)
                    EXCEPT SELECT access_profile_id FROM audit_logs WHERE action = 'access_profile.delete')";
    assert_eq!(one(deleted), 0);
    assert_eq!(
        one(
            "SELECT (SELECT sum(profiles) FROM access_profile_counts) - (SELECT count(*) FROM access_profiles)"
        ),
        0
    );
    let sound: String = database
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(sound, "ok");
}
