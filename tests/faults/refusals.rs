//! Starts that are refused: one sentence with the path and what to do, an exit code, and not a byte changed (R7, R8).

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;

use rusqlite::Connection;
use serde_json::json;

use crate::support::process::{Process, run, tollkeeper};

/// Every file of a directory by name. The lock is left out: it holds the number of whoever tried last, and says nothing.
fn contents(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type().unwrap().is_file() && name != "tollkeeper.lock" {
            all.insert(name, std::fs::read(entry.path()).unwrap());
        }
    }
    all
}

/// Starts the server, which must refuse with one sentence; answers it.
#[track_caller]
fn refusal(data_dir: &Path, arguments: &[&str]) -> String {
    refusal_with(1, data_dir, arguments)
}

/// The same with another exit code.
#[track_caller]
fn refusal_with(code: i32, data_dir: &Path, arguments: &[&str]) -> String {
    let mut all = vec!["serve", "--listen", "127.0.0.1:0"];
    all.extend(arguments);
    let output = run(data_dir, &all);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(output.stdout.is_empty());
    let last = text.lines().last().unwrap().to_owned();
    assert!(last.starts_with("tollkeeper: "), "{text}");
    last
}

/// A refusal that leaves everything as it was.
#[track_caller]
fn refused_untouched(data_dir: &Path) -> String {
    let before = contents(data_dir);
    let text = refusal(data_dir, &[]);
    let after = contents(data_dir);
    assert!(before.keys().eq(after.keys()), "{:?}", after.keys());
    assert!(before == after, "a file has other content: {text}");
    let path = data_dir.canonicalize().unwrap();
    assert!(text.contains(path.to_str().unwrap()), "{text}");
    text
}

/// A directory as an orderly stop leaves it, with so many profiles.
fn stopped(profiles: usize) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Process::start(directory.path(), &[]);
    for number in 0..profiles {
        let body = json!({ "name": format!("profile {number}"), "description": "x".repeat(4_000) });
        server.client.create_profile(&body);
    }
    assert!(server.terminate().success());
    directory
}

#[test]
fn a_port_in_use_is_refused_before_anything_is_made() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let output = run(&data_dir, &["serve", "--listen", &address]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text.contains(&address) && text.contains("--listen"),
        "{text}"
    );
    assert!(!data_dir.exists());
}

#[test]
fn a_directory_below_a_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "mine").unwrap();
    let text = refusal(&file.join("data"), &[]);
    assert!(text.contains("--data-dir"), "{text}");
    assert_eq!(std::fs::read(&file).unwrap(), b"mine");
}

#[test]
fn a_database_of_another_program_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let connection = Connection::open(directory.path().join("tollkeeper.db")).unwrap();
    connection
        .execute_batch("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)")
        .unwrap();
    drop(connection);
    let text = refused_untouched(directory.path());
    assert!(text.contains("another program"), "{text}");
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    for content in [&b"short"[..], &[b'x'; 5_000][..]] {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("tollkeeper.db"), content).unwrap();
        let text = refused_untouched(directory.path());
        assert!(text.contains("not a SQLite database"), "{text}");
    }
}

#[test]
fn an_empty_file_is_refused_and_never_arms_a_first_start() {
    let fresh = tempfile::tempdir().unwrap();
    std::fs::write(fresh.path().join("tollkeeper.db"), "").unwrap();
    let emptied = stopped(0);
    std::fs::write(emptied.path().join("tollkeeper.db"), "").unwrap();
    for directory in [fresh, emptied] {
        let text = refused_untouched(directory.path());
        assert!(text.contains("empty"), "{text}");
    }
}

#[test]
fn a_truncated_database_is_refused() {
    let directory = stopped(5);
    let path = directory.path().join("tollkeeper.db");
    let whole = std::fs::read(&path).unwrap();
    for length in [whole.len() - 4_096, whole.len() / 2, 4_096, 600] {
        std::fs::write(&path, &whole[..length]).unwrap();
        let text = refused_untouched(directory.path());
        assert!(text.contains("backup"), "{text}");
    }
}

#[test]
fn a_damaged_page_is_found_at_the_next_start() {
    let directory = stopped(50);
    let path = directory.path().join("tollkeeper.db");
    let root: u32 = Connection::open(&path)
        .unwrap()
        .query_row(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'access_profile_versions'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let start = usize::try_from(root - 1).unwrap() * 4_096;
    bytes[start..start + 4_096].fill(0xA5);
    std::fs::write(&path, bytes).unwrap();
    let text = refused_untouched(directory.path());
    assert!(
        text.contains("damaged") && text.contains("backup"),
        "{text}"
    );
}

#[test]
fn a_database_of_a_newer_version_is_refused_by_the_name_of_that_version() {
    let directory = stopped(1);
    let path = directory.path().join("tollkeeper.db");
    let connection = Connection::open(&path).unwrap();
    connection
        .execute_batch(
            "UPDATE settings SET value = '7.8.9' WHERE name = 'app_version'; PRAGMA user_version = 1000",
        )
        .unwrap();
    drop(connection);
    let text = refused_untouched(directory.path());
    assert!(text.contains("Tollkeeper 7.8.9"), "{text}");
    assert!(text.contains("schema 1000"), "{text}");
}

#[test]
fn a_lost_database_is_not_made_anew() {
    let directory = stopped(1);
    std::fs::remove_file(directory.path().join("tollkeeper.db")).unwrap();
    let text = refused_untouched(directory.path());
    assert!(
        text.contains("is gone") && text.contains("initialized"),
        "{text}"
    );
}

#[test]
fn a_broken_audit_key_is_refused() {
    let directory = stopped(1);
    let key = directory.path().join("audit.key");
    std::fs::write(&key, "short").unwrap();
    let text = refused_untouched(directory.path());
    assert!(
        text.contains("audit.key") && text.contains("backup"),
        "{text}"
    );
}

#[test]
fn a_second_process_is_refused_by_the_number_of_the_first() {
    let directory = tempfile::tempdir().unwrap();
    let server = Process::start(directory.path(), &[]);
    let text = refusal(directory.path(), &[]);
    let number = format!("process {}", server.child.id());
    assert!(
        text.contains(&number) && text.contains("--data-dir"),
        "{text}"
    );
    assert_eq!(server.client.get("/ready").status, 200);
}

#[test]
fn settings_that_do_not_exist_are_refused_with_the_nearest_name() {
    let directory = tempfile::tempdir().unwrap();
    let (data_dir, file) = (
        directory.path().join("data"),
        directory.path().join("my.toml"),
    );
    std::fs::write(&file, "[server]\n\nlisen = \"127.0.0.1:1\"\n").unwrap();
    let text = refusal_with(64, &data_dir, &["--config", file.to_str().unwrap()]);
    assert!(
        text.contains("my.toml, line 3") && text.contains("did you mean \"listen\"?"),
        "{text}"
    );
    let output = tollkeeper()
        .env("TOLLKEEPER_SERVER__LISTENS", "127.0.0.1:1")
        .arg("--data-dir")
        .arg(&data_dir)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(64));
    assert!(
        text.contains("did you mean TOLLKEEPER_SERVER__LISTEN?"),
        "{text}"
    );
    assert!(!data_dir.exists());
}
