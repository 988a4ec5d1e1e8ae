//! An audit log whose files are lost, or are those of yesterday: the server starts, decisions go on, and the operator says why the log does.

use std::fs;
use std::path::Path;
use std::process::Output;

use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::holders::{Holder, two_providers};
use crate::support::process::{Process, copied, run};

const CUT: &str = "DELETE FROM audit_logs WHERE id > 3; UPDATE sqlite_sequence SET seq = 3 WHERE name = 'audit_logs'";
const EDIT: &str = "UPDATE audit_logs SET actor_name = 'somebody else' WHERE id = 2";

/// A stopped data directory with some entries, and somebody who can make calls.
fn written() -> (TempDir, Holder) {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Process::start(directory.path(), &[]);
    let holder = server.client.make_holder("ada", &two_providers(&json!({})));
    add_profiles(&server, "first");
    assert!(server.terminate().success());
    (directory, holder)
}

fn add_profiles(server: &Process, name: &str) {
    for number in 0..3 {
        let body = json!({ "name": format!("{name} {number}") });
        server.client.create_profile(&body);
    }
}

fn exit_code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

/// What a command prints for programs; its exit code.
#[track_caller]
fn audit(directory: &Path, arguments: &[&str]) -> (i32, Value) {
    let output = run(directory, &[&["audit"], arguments, &["--json"]].concat());
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let value = serde_json::from_str(&text).unwrap_or(Value::Null);
    (exit_code(&output), value)
}

/// Why a command is refused.
#[track_caller]
fn refusal(directory: &Path, arguments: &[&str]) -> String {
    let output = run(directory, &[&["audit"], arguments].concat());
    // What was asked for wrongly, is refused as things are, or failed.
    assert!([1, 5, 64].contains(&exit_code(&output)), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        !said.contains("Verdict") && !said.contains("Some("),
        "{said}"
    );
    said
}

fn tamper(directory: &Path, sql: &str) {
    let database = Connection::open(directory.join("tollkeeper.db")).unwrap();
    database.execute_batch(sql).unwrap();
}

/// The codes of what a running server warns of, with what it says.
fn warnings(server: &Process) -> Vec<(String, String)> {
    let ready = server.client.with_key("").get("/ready").expect(200).json();
    let warnings = ready["warnings"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let all = warnings.map(|warning| (text(&warning["code"]), text(&warning["message"])));
    all.filter(|(code, _)| code.starts_with("audit_")).collect()
}

fn put_back(copy: &Path, directory: &Path, names: &[&str]) {
    for name in names {
        fs::copy(copy.join(name), directory.join(name)).unwrap();
    }
}

/// Yesterday's database beside the anchor of today.
fn older() -> TempDir {
    let (directory, _) = written();
    let yesterday = copied(directory.path());
    let mut server = Process::start(directory.path(), &[]);
    add_profiles(&server, "second");
    assert!(server.terminate().success());
    put_back(yesterday.path(), directory.path(), &["tollkeeper.db"]);
    directory
}

#[test]
fn an_older_state_that_is_accepted_is_intact_with_a_note_and_a_cut_after_it_is_not() {
    let directory = older();
    let path = directory.path();
    let mut server = Process::start(path, &[]);
    let (warning, said) = warnings(&server).remove(0);
    assert_eq!(warning, "audit_tampered");
    assert!(said.contains("`tollkeeper audit accept --reason"), "{said}");
    // The log goes on, and past the place that was anchored: it is an older state all the same.
    add_profiles(&server, "third");
    assert_eq!(audit(path, &["verify"]).0, 2);
    assert!(server.terminate().success());
    assert_eq!(audit(path, &["verify"]).0, 2);

    let server = Process::start(path, &[]);
    let (code, verdict) = audit(path, &["accept", "--reason", "the disk had died"]);
    assert_eq!((code, &verdict["intact"]), (0, &json!(true)), "{verdict}");
    let note = &verdict["notes"][0];
    assert_eq!(note["actor"], "operator");
    let message = note["message"].as_str().unwrap();
    assert!(message.contains("older state of"), "{message}");
    assert!(message.ends_with(": the disk had died"), "{message}");
    assert_eq!(warnings(&server), []);
    // It is in the log, for whoever may read that.
    let logs = server
        .client
        .get("/api/access-profiles/audit-logs?action=audit.accept");
    let logs = logs.expect(200).json();
    assert_eq!(logs["total_count"], 1);
    let told: Value =
        serde_json::from_str(logs["audit_logs"][0]["new_values"].as_str().unwrap()).unwrap();
    assert_eq!(told["reason"], "the disk had died");
    drop(server);

    let said = run(path, &["audit", "verify"]);
    assert_eq!(exit_code(&said), 0);
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(
        said.contains("intact: ") && said.contains("the disk had died"),
        "{said}"
    );
    assert!(refusal(path, &["accept", "--reason", "again"]).contains("fits its anchor"));
    tamper(path, CUT);
    assert_eq!(audit(path, &["verify"]).0, 2);
}

#[test]
fn what_was_tampered_with_is_never_accepted_nor_begun_anew() {
    for lost in [None, Some("audit-anchor")] {
        let directory = older();
        let path = directory.path();
        tamper(path, EDIT);
        if let Some(lost) = lost {
            fs::remove_file(path.join(lost)).unwrap();
        }
        for command in ["accept", "renew"] {
            refusal(path, &[command, "--reason", "never mind"]);
            assert_eq!(audit(path, &["verify"]).0, 2, "{command}");
        }
    }
}

#[test]
fn a_reason_is_required() {
    let directory = older();
    let path = directory.path();
    for command in ["accept", "renew"] {
        assert_eq!(exit_code(&run(path, &["audit", command])), 64);
        for blank in ["", "  "] {
            refusal(path, &[command, "--reason", blank]);
        }
    }
    assert_eq!(audit(path, &["verify"]).0, 2);
}

#[test]
fn a_log_that_lost_its_key_or_anchor_starts_with_a_warning_and_goes_on_in_a_new_chain() {
    const BOTH: [&str; 2] = ["audit.key", "audit-anchor"];
    let (made, holder) = written();
    for (lost, warning, before) in [
        (&BOTH[..1], "audit_key_gone", 69),
        (&BOTH[1..], "audit_anchor_gone", 2),
        (&BOTH[..], "audit_key_gone", 69),
    ] {
        let directory = copied(made.path());
        let path = directory.path();
        for name in lost {
            fs::remove_file(path.join(name)).unwrap();
        }
        let mut server = Process::start(path, &[]);
        let (code, said) = warnings(&server).remove(0);
        assert_eq!(code, warning);
        assert!(said.contains("`tollkeeper audit renew --reason"), "{said}");
        // Decisions go on, and so does the log.
        server.client.reserve(&holder.key, &json!({})).expect(201);
        add_profiles(&server, "meanwhile");
        assert_eq!(audit(path, &["verify"]).0, before, "{lost:?}");
        assert!(server.terminate().success());
        let mut server = Process::start(path, &[]);
        assert_eq!(warnings(&server)[0].0, warning);
        refusal(path, &["accept", "--reason", "this is no older state"]);

        let entries = entries(path);
        let (code, verdict) = audit(path, &["renew", "--reason", "it was not in the backup"]);
        assert_eq!(
            (code, &verdict["entries"]),
            (0, &json!(entries + 1)),
            "{verdict}"
        );
        let message = verdict["notes"][0]["message"].as_str().unwrap();
        assert!(
            message.contains(&format!("the {entries} entries before it")),
            "{message}"
        );
        assert!(message.ends_with(": it was not in the backup"), "{message}");
        assert_eq!(warnings(&server), []);
        add_profiles(&server, "after");
        assert!(server.terminate().success());
        assert_eq!(audit(path, &["verify"]).1["entries"], entries + 4);
        assert!(refusal(path, &["renew", "--reason", "again"]).contains("neither"));

        // The end of the chain before is named, and what is before it is as it was.
        let told = find(
            path,
            "SELECT new_value FROM audit_logs WHERE action = 'audit.renew'",
        );
        let told: Value = serde_json::from_str(&told).unwrap();
        let head = find(
            path,
            &format!("SELECT lower(hex(mac)) FROM audit_logs WHERE id = {entries}"),
        );
        assert_eq!(told["head"], json!(head));
        tamperings_are_found(path, entries);
    }
}

/// Of a log that was begun anew after so many entries.
fn tamperings_are_found(path: &Path, entries: i64) {
    let kept = copied(path);
    let renewed = entries + 1;
    for (what, sql, found_at) in [
        ("edit in the chain before", EDIT.to_owned(), 2),
        (
            "edit it where only hashes tell",
            "UPDATE audit_logs SET request_id = 'x' WHERE id = 2".to_owned(),
            renewed,
        ),
        (
            "change a hash of the chain before",
            "UPDATE audit_logs SET mac = zeroblob(32) WHERE id = 3".to_owned(),
            renewed,
        ),
        (
            "delete in the chain before",
            "DELETE FROM audit_logs WHERE id = 3".to_owned(),
            3,
        ),
        (
            "edit after",
            format!(
                "UPDATE audit_logs SET actor_name = 'x' WHERE id = {}",
                entries + 3
            ),
            entries + 3,
        ),
        (
            "edit the first entry",
            format!("UPDATE audit_logs SET new_value = '{{}}' WHERE id = {renewed}"),
            renewed,
        ),
        (
            "hide that a chain began",
            format!("UPDATE audit_logs SET action = 'role.create' WHERE id = {renewed}"),
            1,
        ),
        (
            "pretend that another one began",
            format!(
                "UPDATE audit_logs SET action = 'audit.renew' WHERE id = {}",
                entries + 3
            ),
            entries + 3,
        ),
        ("cut", CUT.to_owned(), renewed),
        (
            "cut all of the new chain",
            format!(
                "DELETE FROM audit_logs WHERE id > {entries}; UPDATE sqlite_sequence SET seq = {entries} WHERE name = 'audit_logs'"
            ),
            1,
        ),
    ] {
        put_back(
            kept.path(),
            path,
            &["tollkeeper.db", "audit.key", "audit-anchor"],
        );
        tamper(path, &sql);
        let (code, verdict) = audit(path, &["verify"]);
        let at = verdict["entry"].as_i64().unwrap_or_default();
        // Without its first entry nothing of the chain fits the key any more.
        let is_found = at == found_at || (what == "cut" && at == 1);
        assert!(code == 2 && is_found, "{what}: {verdict}");
    }
}

fn find(path: &Path, sql: &str) -> String {
    let database = Connection::open(path.join("tollkeeper.db")).unwrap();
    database.query_row(sql, [], |row| row.get(0)).unwrap()
}

fn entries(path: &Path) -> i64 {
    let database = Connection::open(path.join("tollkeeper.db")).unwrap();
    let sql = "SELECT count(*) FROM audit_logs";
    database.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// What a replica of the database alone restores to.
#[test]
fn a_database_alone_starts_and_answers_as_before() {
    let (directory, holder) = written();
    let alone = tempfile::tempdir().unwrap();
    put_back(directory.path(), alone.path(), &["tollkeeper.db"]);
    let mut server = Process::start(alone.path(), &[]);
    assert_eq!(warnings(&server)[0].0, "audit_key_gone");
    // Keys work; no first key was made beside them.
    assert!(!alone.path().join("initial-key").exists());
    let key = fs::read_to_string(directory.path().join("initial-key")).unwrap();
    let client = server.client.with_key(key.trim());
    client.reserve(&holder.key, &json!({})).expect(201);
    let (code, verdict) = audit(alone.path(), &["renew", "--reason", "restored a replica"]);
    assert_eq!((code, &verdict["intact"]), (0, &json!(true)), "{verdict}");
    assert_eq!(warnings(&server), []);
    assert!(server.terminate().success());
    assert_eq!(audit(alone.path(), &["verify"]).0, 0);
}

/// A log that does not fit its anchor and has lost its key is not made good by beginning anew unseen: the note says so.
#[test]
fn a_new_chain_says_what_the_anchor_said_against_the_one_before() {
    let directory = older();
    let path = directory.path();
    fs::remove_file(path.join("audit.key")).unwrap();
    assert_eq!(audit(path, &["verify"]).0, 2);
    let (code, verdict) = audit(path, &["renew", "--reason", "all that was left"]);
    assert_eq!(code, 0);
    let message = verdict["notes"][0]["message"].as_str().unwrap();
    assert!(
        message.contains("did not fit the anchor (entry "),
        "{message}"
    );
}

/// A crash between the commit of a new chain and its key being in place is made good by the next start, and one before the commit too.
#[test]
fn a_crash_while_a_chain_begins_leaves_the_one_or_the_other() {
    let (directory, _) = written();
    let path = directory.path();
    let (key, next) = (path.join("audit.key"), path.join("audit.key.next"));
    // Before the commit: the key that nobody used goes.
    fs::copy(&key, &next).unwrap();
    set_owner_only(&next);
    assert_eq!(audit(path, &["verify"]).0, 0);
    assert!(!next.exists());
    // After the commit: the old key is still in its place.
    fs::remove_file(path.join("audit-anchor")).unwrap();
    let old = fs::read(&key).unwrap();
    assert_eq!(audit(path, &["renew", "--reason", "lost"]).0, 0);
    fs::rename(&key, &next).unwrap();
    fs::write(&key, old).unwrap();
    set_owner_only(&key);
    assert_eq!(audit(path, &["verify"]).0, 0);
    assert!(!next.exists());
}

/// What stands in the way of the first entry leaves the old key in use.
#[test]
fn a_chain_that_can_not_begin_leaves_the_log_as_it_was() {
    let (directory, _) = written();
    let path = directory.path();
    let mut server = Process::start(path, &[]);
    fs::remove_file(path.join("audit-anchor")).unwrap();
    tamper(
        path,
        "CREATE TRIGGER no_chain BEFORE INSERT ON audit_logs WHEN NEW.action = 'audit.renew' BEGIN SELECT RAISE(FAIL, 'vetoed'); END",
    );
    refusal(path, &["renew", "--reason", "lost"]);
    tamper(path, "DROP TRIGGER no_chain");
    add_profiles(&server, "meanwhile");
    let (code, verdict) = audit(path, &["renew", "--reason", "lost"]);
    assert_eq!(code, 0);
    // The chain before was whole to its end: what was written meanwhile was written with its key.
    let message = verdict["notes"][0]["message"].as_str().unwrap();
    assert!(message.contains("which were whole"), "{message}");
    assert!(server.terminate().success());
    assert_eq!(audit(path, &["verify"]).0, 0);
}

fn set_owner_only(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn an_anchor_that_is_none_is_a_warning() {
    let (directory, _) = written();
    let path = directory.path();
    fs::write(path.join("audit-anchor"), "scribble").unwrap();
    let server = Process::start(path, &[]);
    assert_eq!(warnings(&server)[0].0, "audit_anchor_unreadable");
    assert_eq!(audit(path, &["verify"]).0, 69);
    assert_eq!(
        audit(path, &["renew", "--reason", "the disk was full"]).0,
        0
    );
    assert_eq!(warnings(&server), []);
}
