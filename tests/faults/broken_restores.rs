//! `kill -9` during a restore, at every step: the next start finishes it or takes it back, and neither what was there nor the backup is
//! lost (R11).

use std::fs::{DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::backups::restore;
use crate::support::process::{Process, copy_into, tollkeeper};

/// A directory whose server was killed, with a backup that was made before it had the role "present", and what a restore of it puts there.
struct Stage {
    root: tempfile::TempDir,
    key: String,
    backup: PathBuf,
    /// The note of a restore.
    note: Value,
}

impl Stage {
    fn set() -> Self {
        let root = tempfile::tempdir().unwrap();
        let data_dir = root.path().join("data");
        let mut server = Process::start(&data_dir, &[]);
        server.client.create_role("past");
        let made = server
            .client
            .post("/api/backups", &json!({}))
            .expect(201)
            .json();
        server.client.create_role("present");
        // So that there is a log beside the database which belongs to it.
        server.kill();
        assert!(data_dir.join("tollkeeper.db-wal").metadata().unwrap().len() > 0);
        let backup = PathBuf::from(made["path"].as_str().unwrap());
        let fresh = root.path().join("fresh");
        assert!(restore(&backup, &fresh).status.success());
        let note = std::fs::read(fresh.join("restored")).unwrap();
        Self {
            key: server.client.key.clone(),
            backup,
            note: serde_json::from_slice(&note).unwrap(),
            root,
        }
    }

    /// A copy of the directory as it was before any restore.
    fn copy(&self, name: &str) -> PathBuf {
        let copy = self.root.path().join(name);
        make_folder(&copy);
        copy_into(&copy, &self.root.path().join("data"));
        copy
    }

    /// Starts a server; answers whether it has what was there at last, after making sure that it has all of one of the two.
    #[track_caller]
    fn has_the_present(&self, data_dir: &Path, step: &str) -> bool {
        let mut server = Process::start(data_dir, &[]);
        let client = server.client.with_key(&self.key);
        let roles = client.get("/api/rbac/roles").expect(200).json();
        let roles = roles["roles"].as_array().unwrap().iter();
        let roles: Vec<&str> = roles.map(|role| role["name"].as_str().unwrap()).collect();
        let verify = "/api/access-profiles/audit-logs/verify";
        let verdict = client.get(verify).expect(200).json();
        assert_eq!(verdict["intact"], true, "{step}: {verdict}");
        assert!(server.terminate().success());
        assert!(!data_dir.join("restore").exists(), "{step}");
        let before = data_dir.join("before-restore");
        match roles.as_slice() {
            ["past", "present"] => {
                assert!(!before.exists(), "{step}");
                true
            }
            ["past"] => {
                expect_kept(&before, step);
                false
            }
            other => panic!("{step}: {other:?}"),
        }
    }
}

/// What was there before is whole.
#[track_caller]
fn expect_kept(before: &Path, step: &str) {
    let kept = before
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let kept: Vec<PathBuf> = kept.collect();
    let [kept] = kept.as_slice() else {
        panic!("{step}: {kept:?}");
    };
    let database = Connection::open(kept.join("tollkeeper.db")).unwrap();
    let sql = "SELECT count(*) FROM roles WHERE name = 'present'";
    let present: i64 = database.query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(present, 1, "{step}");
    for name in ["audit.key", "audit-anchor"] {
        assert!(kept.join(name).exists(), "{step}: {name}");
    }
}

fn make_folder(path: &Path) {
    DirBuilder::new().mode(0o700).create(path).unwrap();
}

fn write_private(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

const RESTORED: [&str; 3] = ["audit.key", "audit-anchor", "tollkeeper.db"];

/// The moves of a restore, in order: what was there goes, then what is new comes.
fn moves(kept: &str) -> Vec<(String, String)> {
    let gone = [
        "tollkeeper.db-wal",
        "tollkeeper.db-shm",
        "tollkeeper.db",
        "audit.key",
        "audit-anchor",
    ];
    let gone = gone.map(|name| (name.to_owned(), format!("{kept}/{name}")));
    let come = RESTORED.map(|name| (format!("restore/new/{name}"), name.to_owned()));
    let between = ("restore/decided".to_owned(), "restore/cleared".to_owned());
    let last = ("restore/cleared".to_owned(), "restored".to_owned());
    let moves = gone.into_iter().chain([between]).chain(come);
    moves.chain([last]).collect()
}

/// The state of a directory at each moment between two steps of a restore, made by hand.
#[test]
fn a_restore_that_was_killed_between_any_two_steps_is_finished_or_taken_back() {
    let stage = Stage::set();
    let fresh = stage.root.path().join("fresh");
    let kept = stage.note["kept"].as_str().unwrap();
    let moves = moves(kept);
    // Before it is decided on: some of what is new, all of it, and a note that was begun. Then nothing is moved yet, and so on.
    for state in 0..moves.len() + 4 {
        let data_dir = stage.copy(&format!("state {state}"));
        for folder in ["restore", "restore/new"] {
            make_folder(&data_dir.join(folder));
        }
        for name in &RESTORED[..if state == 0 { 1 } else { 3 }] {
            let new = data_dir.join("restore/new").join(name);
            std::fs::copy(fresh.join(name), new).unwrap();
        }
        if state > 1 {
            let name = if state == 2 { "begun" } else { "decided" };
            write_private(
                &data_dir.join("restore").join(name),
                &stage.note.to_string(),
            );
        }
        let done = state.saturating_sub(3);
        if done > 0 {
            make_folder(&data_dir.join("before-restore"));
            make_folder(&data_dir.join(kept));
        }
        for (from, to) in &moves[..done] {
            std::fs::rename(data_dir.join(from), data_dir.join(to)).unwrap();
        }
        let step = format!("state {state}");
        assert_eq!(
            stage.has_the_present(&data_dir, &step),
            state <= 2,
            "{step}"
        );
    }
    assert!(stage.backup.exists());
}

/// Somebody, or a disk that lost it, took what is new away: what was there is not moved for nothing.
#[test]
fn a_restore_whose_database_is_gone_is_not_carried_on() {
    let stage = Stage::set();
    for note in ["decided", "cleared"] {
        let data_dir = stage.copy(note);
        for folder in ["restore", "restore/new"] {
            make_folder(&data_dir.join(folder));
        }
        let (database, aside) = (data_dir.join("tollkeeper.db"), data_dir.join("aside"));
        if note == "cleared" {
            std::fs::rename(&database, &aside).unwrap();
        }
        let path = data_dir.join("restore").join(note);
        write_private(&path, &stage.note.to_string());
        let files = || {
            let all = data_dir.read_dir().unwrap();
            let mut all: Vec<_> = all.map(|entry| entry.unwrap().file_name()).collect();
            all.sort();
            all
        };
        let before = files();
        let mut command = tollkeeper();
        command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]);
        let refused = command.arg(&data_dir).output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{said}");
        assert!(
            said.contains("restore/new/tollkeeper.db is not there; nothing was changed"),
            "{said}"
        );
        assert_eq!(files(), before);
        assert!(path.exists());
        // As it says.
        if note == "cleared" {
            std::fs::rename(&aside, &database).unwrap();
        }
        std::fs::remove_dir_all(data_dir.join("restore")).unwrap();
        assert!(stage.has_the_present(&data_dir, note));
    }
}

/// What there is to see of a restore, in order.
const SEEN: [&str; 10] = [
    "restore",
    "restore/new",
    "restore/new/manifest.json",
    "restore/new/audit.key",
    "restore/new/audit-anchor",
    "restore/new/tollkeeper.db",
    "restore/decided",
    "before-restore",
    "restore/cleared",
    "restored",
];

/// Where the process gets to before it dies is up to the machine: whatever it is, one of the two is there, whole.
#[test]
fn a_restore_that_is_killed_at_ten_points_loses_neither() {
    let stage = Stage::set();
    for (at, seen) in SEEN.iter().enumerate() {
        let data_dir = stage.copy(&format!("point {at}"));
        let mut command = tollkeeper();
        command.arg("--data-dir").arg(&data_dir).arg("restore");
        let command = command.arg(&stage.backup).stdout(Stdio::null());
        let mut child = command.spawn().unwrap();
        while !data_dir.join(seen).exists() && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        // It may have come to its end.
        let _ = child.kill();
        child.wait().unwrap();
        stage.has_the_present(&data_dir, seen);
    }
    assert!(stage.backup.exists());
}

/// Puts something in the way of a restore.
type Prepare<'p> = &'p dyn Fn(&Path);

/// What is moved has to stay in one file system, and what was there needs a folder of ours: else no start could finish what was decided.
#[test]
fn a_restore_that_could_not_be_finished_is_refused_and_changes_nothing() {
    let stage = Stage::set();
    let elsewhere = stage.root.path().join("elsewhere");
    make_folder(&elsewhere);
    let kept = stage.root.path().join("another");
    make_folder(&kept);
    let in_the_way: [(&str, Prepare<'_>); 3] = [
        ("before-restore", &|path| {
            std::os::unix::fs::symlink(&elsewhere, path).unwrap();
        }),
        ("before-restore", &|path| write_private(path, "a file")),
        ("restored", &make_folder),
    ];
    for (at, (name, prepare)) in in_the_way.iter().enumerate() {
        let data_dir = stage.copy(&format!("refused {at}"));
        let database = std::fs::read(data_dir.join("tollkeeper.db")).unwrap();
        prepare(&data_dir.join(name));
        let refused = restore(&stage.backup, &data_dir);
        let said = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{said}");
        assert!(said.contains(name), "{said}");
        assert!(!data_dir.join("restore").exists(), "{said}");
        assert_eq!(
            std::fs::read(data_dir.join("tollkeeper.db")).unwrap(),
            database
        );
        assert_eq!(elsewhere.read_dir().unwrap().count(), 0);
        // Once it is out of the way, the restore is done.
        std::fs::rename(data_dir.join(name), kept.join(at.to_string())).unwrap();
        assert!(restore(&stage.backup, &data_dir).status.success());
        assert!(!stage.has_the_present(&data_dir, name));
    }
}
