//! Tampering with the audit log is found (R12), and a change whose entry can't be written fails.

use std::path::Path;

use rusqlite::Connection;
use serde_json::{Value, json};

use tollkeeper::domain::audit::{
    Actor, ChainKey, MAC_LENGTH, NamedVersion, NamedVersions, NewAuditEntry,
};

use crate::support::Server;
use crate::support::process::{Process, copied, run};

/// A stopped data directory with a dozen entries.
fn written() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Process::start(directory.path(), &[]);
    for number in 0..10 {
        let profile = server
            .client
            .create_profile(&json!({ "name": format!("profile {number}") }));
        let path = format!("/api/access-profiles/{}", profile["id"]);
        server
            .client
            .put(&path, &json!({ "tags": ["changed"] }))
            .expect(200);
    }
    assert!(server.terminate().success());
    directory
}

fn verify(directory: &Path) -> (i32, Value) {
    let output = run(directory, &["audit", "verify", "--json"]);
    let text = String::from_utf8(output.stdout).unwrap();
    (
        output.status.code().unwrap(),
        serde_json::from_str(&text).unwrap_or(Value::Null),
    )
}

fn tamper(directory: &Path, sql: &str) {
    Connection::open(directory.join("tollkeeper.db"))
        .unwrap()
        .execute_batch(sql)
        .unwrap();
}

#[test]
fn an_untouched_log_is_intact_with_the_server_running_and_stopped() {
    let directory = written();
    let (code, verdict) = verify(directory.path());
    assert_eq!(
        (code, &verdict["intact"], &verdict["entries"]),
        (0, &json!(true), &json!(21))
    );
    let server = Process::start(directory.path(), &[]);
    server.client.create_profile(&json!({ "name": "one more" }));
    let (code, verdict) = verify(directory.path());
    assert_eq!((code, &verdict["entries"]), (0, &json!(22)));
}

#[test]
fn every_kind_of_tampering_is_found_where_it_is() {
    let made = written();
    let swap =
        "UPDATE audit_logs SET id = -5 WHERE id = 5; UPDATE audit_logs SET id = 5 WHERE id = 6;
                UPDATE audit_logs SET id = 6 WHERE id = -5;";
    for (what, sql, entry) in [
        ("edit", "UPDATE audit_logs SET actor_name = 'somebody else' WHERE id = 7", 7),
        ("move a value", "UPDATE audit_logs SET previous_version = new_version, new_version = previous_version WHERE id = 9", 9),
        ("tell of another version", "UPDATE audit_logs SET new_version = 1 WHERE id = 9", 9),
        (
            "put a value over a version",
            "PRAGMA ignore_check_constraints = 1; UPDATE audit_logs SET new_value = '{}' WHERE id = 9",
            9,
        ),
        (
            "edit what an entry tells of",
            "UPDATE access_profile_versions SET snapshot = replace(snapshot, 'changed', 'chosen')
             WHERE access_profile_id = 4 AND version = 2",
            9,
        ),
        ("delete what an entry tells of", "DELETE FROM access_profile_versions WHERE access_profile_id = 4 AND version = 1", 8),
        ("delete in the middle", "DELETE FROM audit_logs WHERE id = 12", 12),
        ("delete at the end", "DELETE FROM audit_logs WHERE id > 18", 19),
        (
            "delete at the end and hide it",
            "DELETE FROM audit_logs WHERE id > 18; UPDATE sqlite_sequence SET seq = 18 WHERE name = 'audit_logs'",
            21,
        ),
        ("reorder", swap, 5),
        ("put what is no text", "UPDATE audit_logs SET actor_name = CAST(x'ff' AS TEXT) WHERE id = 5", 5),
        (
            "put what is no hash",
            "PRAGMA ignore_check_constraints = 1; UPDATE audit_logs SET mac = x'00' WHERE id = 6",
            6,
        ),
        (
            "put what is no hash at the head",
            "PRAGMA ignore_check_constraints = 1; UPDATE audit_logs SET mac = x'00' WHERE id = 21",
            21,
        ),
        ("drop the log", "DROP TABLE audit_logs", 1),
        ("say another who", "UPDATE access_profile_versions SET created_by = 'somebody else' WHERE access_profile_id = 4 AND version = 2", 9),
        ("say another when", "UPDATE access_profile_versions SET created_at = created_at - 1 WHERE access_profile_id = 4 AND version = 1", 8),
        (
            "add a version",
            "INSERT INTO access_profile_versions (access_profile_id, version, snapshot, created_at, created_by)
             SELECT access_profile_id, 3, snapshot, created_at, created_by
             FROM access_profile_versions WHERE access_profile_id = 4 AND version = 2",
            21,
        ),
        ("delete all", "DELETE FROM audit_logs; UPDATE sqlite_sequence SET seq = 0 WHERE name = 'audit_logs'", 21),
        ("forge", "INSERT INTO audit_logs SELECT 22, created_at, actor_id, actor_name, action, subject_kind, subject_id,
                   access_profile_id, user_id, previous_value, new_value, request_id, mac, previous_version, new_version FROM audit_logs WHERE id = 21", 22),
    ] {
        let directory = copied(made.path());
        tamper(directory.path(), sql);
        for _ in 0..2 {
            // Twice: looking must not anchor what was found.
            let (code, verdict) = verify(directory.path());
            assert_eq!((code, &verdict["entry"]), (2, &json!(entry)), "{what}: {verdict}");
        }
    }
}

#[test]
fn a_log_that_was_rewritten_with_its_own_key_does_not_fit_the_anchor() {
    let directory = written();
    let other = written();
    for file in ["tollkeeper.db", "audit.key"] {
        std::fs::copy(other.path().join(file), directory.path().join(file)).unwrap();
    }
    let (code, verdict) = verify(directory.path());
    assert_eq!((code, &verdict["entry"]), (2, &json!(21)));
    let directory = written();
    std::fs::remove_file(directory.path().join("audit-anchor")).unwrap();
    std::fs::remove_file(directory.path().join("clean-stop")).unwrap();
    let output = run(directory.path(), &["audit", "verify"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_log_that_can_not_be_read_is_no_verdict() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(verify(directory.path()).0, 69);
    let directory = written();
    std::fs::write(directory.path().join("audit-anchor"), "scribble").unwrap();
    assert_eq!(verify(directory.path()).0, 69);
    let said = run(directory.path(), &["audit", "verify"]).stderr;
    let said = String::from_utf8(said).unwrap();
    assert!(
        said.contains("audit-anchor in the data directory is no anchor"),
        "{said}"
    );
}

/// Who can write everything in the data directory can write a log that fits its key; only an anchor that was copied elsewhere, or
/// what is left in this one, tells.
#[test]
fn a_chain_that_was_rewritten_with_the_key_of_the_log_does_not_fit_the_anchor() {
    let directory = written();
    let key: [u8; MAC_LENGTH] = std::fs::read(directory.path().join("audit.key"))
        .unwrap()
        .try_into()
        .unwrap();
    let database = Connection::open(directory.path().join("tollkeeper.db")).unwrap();
    rewrite(&database, &ChainKey(key));
    // The chain fits in itself: only the anchor knows of the other one.
    let (code, verdict) = verify(directory.path());
    assert_eq!((code, &verdict["entry"]), (2, &json!(21)), "{verdict}");
    assert!(
        verdict["finding"].as_str().unwrap().contains("anchored"),
        "{verdict}"
    );
}

/// Gives every entry another actor, and hashes that fit.
fn rewrite(database: &Connection, chain: &ChainKey) {
    let mut statement = database
        .prepare(
            "SELECT a.id, a.created_at, a.actor_id, a.request_id, a.action, a.subject_kind, a.subject_id, a.access_profile_id,
                    a.user_id, a.previous_value, a.new_value, a.previous_version, p.snapshot, a.new_version, n.snapshot
             FROM audit_logs a
             LEFT JOIN access_profile_versions p ON p.access_profile_id = a.access_profile_id AND p.version = a.previous_version
             LEFT JOIN access_profile_versions n ON n.access_profile_id = a.access_profile_id AND n.version = a.new_version
             ORDER BY a.id",
        )
        .unwrap();
    let mut rows = statement.query([]).unwrap();
    let mut previous = [0; MAC_LENGTH];
    while let Some(row) = rows.next().unwrap() {
        let named = |at: usize| {
            let version: Option<i64> = row.get(at).unwrap();
            let snapshot: Option<String> = row.get(at + 1).unwrap();
            version
                .zip(snapshot)
                .map(|(version, snapshot)| NamedVersion::of(version, snapshot.as_bytes()))
        };
        let text = |at: usize| row.get::<_, String>(at).unwrap();
        let entry = NewAuditEntry {
            actor: Actor {
                id: text(2),
                name: "somebody else".to_owned(),
                request_id: text(3),
            },
            action: text(4).into(),
            subject_kind: text(5).into(),
            subject_id: text(6),
            access_profile_id: row.get(7).unwrap(),
            user_id: row.get(8).unwrap(),
            previous_value: row.get(9).unwrap(),
            new_value: row.get(10).unwrap(),
        };
        let versions = NamedVersions {
            previous: named(11),
            new: named(13),
        };
        let (id, at): (i64, i64) = (row.get(0).unwrap(), row.get(1).unwrap());
        let at = jiff::Timestamp::from_millisecond(at).unwrap();
        previous = chain.mac(&previous, id, at, &entry, &versions);
        database
            .execute(
                "UPDATE audit_logs SET actor_name = 'somebody else', mac = ?2 WHERE id = ?1",
                rusqlite::params![id, previous],
            )
            .unwrap();
    }
    database
        .execute(
            "UPDATE access_profile_versions SET created_by = 'somebody else'",
            [],
        )
        .unwrap();
}

#[test]
fn a_change_whose_audit_entry_can_not_be_written_does_not_happen() {
    let server = Server::start();
    let profile = server.client.create_profile(&json!({ "name": "before" }));
    let path = format!("/api/access-profiles/{}", profile["id"]);
    let database = Connection::open(server.data_dir().join("tollkeeper.db")).unwrap();
    database
        .execute_batch("CREATE TRIGGER no_audit BEFORE INSERT ON audit_logs BEGIN SELECT RAISE(FAIL, 'vetoed'); END")
        .unwrap();
    server
        .client
        .put(&path, &json!({ "name": "after" }))
        .expect(500);
    server.client.delete(&path).expect(500);
    server
        .client
        .post("/api/access-profiles", &json!({ "name": "new" }))
        .expect(500);
    server
        .client
        .post("/api/api-keys", &json!({ "name": "new", "scopes": ["*"] }))
        .expect(500);
    database.execute_batch("DROP TRIGGER no_audit").unwrap();
    assert_eq!(server.client.get(&path).json()["access_profile"], profile);
    assert_eq!(
        server.client.get("/api/access-profiles").json()["total_count"],
        1
    );
    assert_eq!(server.client.get("/api/api-keys").json()["total_count"], 1);
    server
        .client
        .put(&path, &json!({ "name": "after" }))
        .expect(200);
}

#[test]
fn what_was_anchored_while_the_server_runs_can_not_be_cut_off_unnoticed() {
    let server = Server::start();
    for name in ["one", "two", "three"] {
        server.client.create_profile(&json!({ "name": name }));
    }
    // What the upkeep does every half minute.
    let store = &server.services.store;
    store.anchor_audit_log(server.time.now()).unwrap();
    tamper(
        &server.data_dir(),
        "DELETE FROM audit_logs WHERE id > 2; UPDATE sqlite_sequence SET seq = 2 WHERE name = 'audit_logs'",
    );
    let verdict = |server: &Server| {
        let reply = server.client.get("/api/access-profiles/audit-logs/verify");
        reply.expect(200).json()
    };
    assert_eq!(verdict(&server)["entry"], json!(4));
    store.anchor_audit_log(server.time.now()).unwrap();
    assert_eq!(
        verdict(&server)["entry"],
        json!(4),
        "looking must not anchor what was found"
    );
}
