//! `tollkeeper migrate`: what a start would change in an older database, tried on a copy, with the database as it was.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::process::{Process, refused, run, use_once};

fn answered(directory: &Path, arguments: &[&str]) -> Value {
    let output = run(directory, arguments);
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Everything in a directory: the name and the content of each file.
fn content(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(directory).unwrap().map(Result::unwrap);
    let read = |entry: fs::DirEntry| {
        (
            entry.file_name().into_string().unwrap(),
            fs::read(entry.path()).unwrap(),
        )
    };
    let mut all: Vec<_> = entries.map(read).collect();
    all.sort();
    all
}

#[test]
fn an_older_database_is_migrated_for_trial_and_stays_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let sql = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/schema-17/database.sql");
    let database = Connection::open(directory.path().join("tollkeeper.db")).unwrap();
    database
        .execute_batch(&fs::read_to_string(sql).unwrap())
        .unwrap();
    drop(database);
    let before = content(directory.path());
    let status = answered(directory.path(), &["migrate", "status", "--json"]);
    assert_eq!(status["schema"], 17);
    let pending = status["pending"].as_array().unwrap();
    assert_eq!(
        pending[0],
        json!({ "schema": 18, "name": "role_data_access" })
    );
    assert_eq!(
        status["newest_schema"],
        pending[pending.len() - 1]["schema"]
    );
    let tried = answered(directory.path(), &["migrate", "--dry-run", "--json"]);
    assert_eq!(
        (&tried["pending"], &tried["rehearsal"]["sound"]),
        (&status["pending"], &json!(true))
    );
    assert!(content(directory.path()) == before, "nothing was changed");
    let said = run(directory.path(), &["migrate", "status"]).stdout;
    assert!(
        String::from_utf8(said)
            .unwrap()
            .contains("  18  role data access\n")
    );
}

#[test]
fn a_database_of_today_has_nothing_to_migrate_also_while_a_server_runs() {
    let directory = tempfile::tempdir().unwrap();
    use_once(directory.path());
    let before = content(directory.path());
    let status = answered(directory.path(), &["migrate", "status", "--json"]);
    assert_eq!(status["pending"], json!([]));
    assert!(content(directory.path()) == before, "nothing was changed");
    let server = Process::start(directory.path(), &[]);
    server.client.create_profile(&json!({ "name": "dev" }));
    let tried = answered(directory.path(), &["migrate", "--dry-run", "--json"]);
    assert_eq!(tried["rehearsal"]["sound"], true);
    server.client.create_profile(&json!({ "name": "dev 2" }));
    let (code, said) = refused(directory.path(), &["migrate"]);
    assert!(code == 64 && said.contains("migrate --dry-run"), "{said}");
}
