//! Backups under load, and what restoring them gives back (R11); nothing secret is in one that is none of the database's (R4).

use std::collections::BTreeSet;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tollkeeper::domain::values::number::hex;

use crate::support::holders::{call, policy};
use crate::support::process::{Process, run, tollkeeper};
use crate::support::{Client, Reply};

const BACKUPS: usize = 20;
const CLIENTS: usize = 4;

/// Has a running server make a backup; answers its file.
fn make(client: &Client) -> PathBuf {
    let made = client.post("/api/backups", &json!({})).expect(201).json();
    assert_eq!(made["findings"], json!([]));
    PathBuf::from(made["path"].as_str().unwrap())
}

pub fn restore(backup: &Path, data_dir: &Path) -> Output {
    run(data_dir, &["restore", backup.to_str().unwrap()])
}

#[track_caller]
fn expect_success(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    said
}

#[track_caller]
fn expect_failure(output: &Output, wanted: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{said}");
    assert!(said.contains(wanted), "{said}");
}

/// What was acknowledged: names of roles, and charges by their request ids.
#[derive(Default)]
struct Acknowledged {
    roles: Mutex<BTreeSet<String>>,
    charges: Mutex<BTreeSet<String>>,
}

impl Acknowledged {
    fn so_far(&self) -> (BTreeSet<String>, BTreeSet<String>) {
        (
            self.roles.lock().unwrap().clone(),
            self.charges.lock().unwrap().clone(),
        )
    }
}

fn texts(database: &Connection, sql: &str) -> BTreeSet<String> {
    let mut statement = database.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn twenty_backups_under_load_hold_what_was_acknowledged_before_and_answer_the_same_once_restored() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = tollkeeper();
    command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]);
    command.arg(directory.path().join("data"));
    command.env("TOLLKEEPER_BACKUP__KEEP", "100");
    let server = Process::start_command(command, &directory.path().join("data"));
    let client = &server.client;
    let holder = client.make_holder("ada", &policy());
    let (acknowledged, stop) = (Acknowledged::default(), AtomicBool::new(false));
    let mut made = Vec::new();
    std::thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (acknowledged, stop, key) = (&acknowledged, &stop, &holder.key);
            let client = client.clone();
            scope.spawn(move || {
                for round in 0.. {
                    if stop.load(Ordering::SeqCst) {
                        return;
                    }
                    let name = format!("client {number} round {round}");
                    let charge = json!({ "tokens": 1, "cost": 0.001, "request_id": name });
                    client.post("/v1/usage", &call(key, &charge)).expect(201);
                    acknowledged.charges.lock().unwrap().insert(name.clone());
                    client.create_role(&name);
                    acknowledged.roles.lock().unwrap().insert(name);
                }
            });
        }
        for _ in 0..BACKUPS {
            let before = acknowledged.so_far();
            made.push((make(client), before));
        }
        stop.store(true, Ordering::SeqCst);
    });
    let last = made.last().unwrap();
    assert!(last.1.0.len() > BACKUPS, "there was hardly any load");
    for (at, (backup, (roles, charges))) in made.iter().enumerate() {
        let target = directory.path().join(format!("restored {at}"));
        expect_success(&restore(backup, &target));
        let database = Connection::open(target.join("tollkeeper.db")).unwrap();
        let found = texts(&database, "SELECT name FROM roles");
        assert!(roles.is_subset(&found), "backup {at}");
        let spent: i64 = database
            .query_row("SELECT count(*) FROM reservations", [], |row| row.get(0))
            .unwrap();
        assert!(
            usize::try_from(spent).unwrap() >= charges.len(),
            "backup {at}"
        );
        drop(database);
        let restored = Process::start(&target, &[]);
        let restored = restored.client.with_key(&client.key);
        // The same key, the same answers, and an audit log that is intact.
        for path in ["/api/access-profiles/1", "/api/users/1"] {
            assert_eq!(
                restored.get(path).expect(200).json(),
                client.get(path).expect(200).json()
            );
        }
        let verdict = restored
            .get("/api/access-profiles/audit-logs/verify")
            .expect(200)
            .json();
        assert_eq!(verdict["intact"], true, "backup {at}: {verdict}");
        // A charge that is in it is not made a second time.
        if let Some(known) = charges.first() {
            let charge = json!({ "tokens": 1, "cost": 0.001, "request_id": known });
            let used = "/api/users/1/access-profiles/1";
            let before = restored.get(used).expect(200).json();
            restored
                .post("/v1/usage", &call(&holder.key, &charge))
                .expect(200);
            assert_eq!(restored.get(used).expect(200).json(), before, "backup {at}");
        }
    }
}

#[test]
fn a_restore_says_what_it_undoes_and_keeps_what_was_there() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let mut server = Process::start(&data_dir, &[]);
    let client = server.client.clone();
    let (id, revoked) = client.make_key("the lost one", &["Users:View"]);
    let holder = client.make_holder("ada", &policy());
    let (rotated, _) = client.make_key("turned", &["Users:View"]);
    let backup = make(&client);
    client.delete(&format!("/api/api-keys/{id}")).expect(200);
    client
        .post(&format!("/api/api-keys/{rotated}/rotate"), &json!({}))
        .expect(200);
    client
        .delete(&format!("/api/users/{}", holder.user_id))
        .expect(200);
    client.create_role("made since");
    revoked.get("/api/users").expect(401);
    expect_failure(&restore(&backup, &data_dir), "stop the server there first");
    assert!(server.terminate().success());
    let output = run(&data_dir, &["restore", backup.to_str().unwrap(), "--json"]);
    let told: Value = serde_json::from_str(&expect_success(&output)).unwrap();
    let undone = &told["undone"];
    let keys = |of: &str| -> Vec<(String, String)> {
        let all = undone[of].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        all.map(|key| (text(&key["name"]), text(&key["was"])))
            .collect()
    };
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, was)| ((*name).to_owned(), (*was).to_owned()))
            .collect()
    };
    assert_eq!(
        keys("api_keys"),
        pairs(&[("the lost one", "revoked"), ("turned", "rotated")])
    );
    assert_eq!(
        keys("virtual_keys"),
        pairs(&[("profile of ada · user 1", "deleted")])
    );
    let changes: Vec<&str> = undone["last_changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["action"].as_str().unwrap())
        .collect();
    for action in [
        "api_key.revoke",
        "api_key.rotate",
        "user.delete",
        "role.create",
    ] {
        assert!(changes.contains(&action), "{changes:?}");
    }
    assert_eq!(undone["changes"], changes.len());
    // What was there is a directory that a server can be started on.
    let kept = data_dir.join(told["kept"].as_str().unwrap());
    let earlier = Process::start(&kept, &[]);
    revoked_on(&earlier, &revoked).expect(401);
    drop(earlier);
    // What was revoked works again, as was said.
    let mut server = Process::start(&data_dir, &[]);
    revoked_on(&server, &revoked).expect(200);
    let told = server
        .client
        .with_key(&client.key)
        .audited("backup.restore");
    assert_eq!(
        told[0]["new_values"]["revived_api_keys"],
        json!(["the lost one", "turned"])
    );
    assert_eq!(told[0]["new_values"]["undone_unknown"], Value::Null);
    assert!(server.terminate().success());
    assert_eq!(run(&data_dir, &["audit", "verify"]).status.code(), Some(0));
    // A cut is one after a restore, too.
    Connection::open(data_dir.join("tollkeeper.db"))
        .unwrap()
        .execute_batch("DELETE FROM audit_logs WHERE id = (SELECT max(id) FROM audit_logs)")
        .unwrap();
    assert_eq!(run(&data_dir, &["audit", "verify"]).status.code(), Some(2));
}

#[test]
fn where_nobody_can_tell_what_a_restore_undoes_the_audit_log_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let mut server = Process::start(&data_dir, &[]);
    let client = server.client.clone();
    let backup = make(&client);
    client.create_role("made since");
    assert!(server.terminate().success());
    let database = data_dir.join("tollkeeper.db");
    let ways: [(&dyn Fn(), &str); 2] = [
        (
            &|| std::fs::write(&database, "scribble").unwrap(),
            "can't be read",
        ),
        (
            &|| std::fs::remove_file(&database).unwrap(),
            "there was no database before",
        ),
    ];
    for (spoil, why) in ways {
        spoil();
        expect_success(&restore(&backup, &data_dir));
        let mut server = Process::start(&data_dir, &[]);
        let told = server
            .client
            .with_key(&client.key)
            .audited("backup.restore");
        let told = &told[0]["new_values"];
        assert!(
            told["undone_unknown"].as_str().unwrap().contains(why),
            "{told}"
        );
        for name in ["undone_changes", "revived_api_keys", "revived_virtual_keys"] {
            assert_eq!(told[name], Value::Null, "{told}");
        }
        assert!(server.terminate().success());
    }
}

fn revoked_on(server: &Process, key: &Client) -> Reply {
    server.client.with_key(&key.key).get("/api/users")
}

#[test]
fn a_backup_is_made_of_a_stopped_directory_and_copied_where_it_is_wanted() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let mut server = Process::start(&data_dir, &[]);
    server.client.create_role("kept");
    assert!(server.terminate().success());
    let folder = directory.path().join("elsewhere");
    std::fs::create_dir(&folder).unwrap();
    let output = run(&data_dir, &["backup", folder.to_str().unwrap(), "--json"]);
    let made: Value = serde_json::from_str(&expect_success(&output)).unwrap();
    let copy = PathBuf::from(made["copy"].as_str().unwrap());
    assert_eq!(copy.parent(), Some(folder.as_path()));
    assert_eq!(
        std::fs::read(&copy).unwrap(),
        std::fs::read(made["path"].as_str().unwrap()).unwrap()
    );
    assert_eq!(copy.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let named = folder.join("mine");
    expect_success(&run(&data_dir, &["backup", named.to_str().unwrap()]));
    expect_failure(
        &run(&data_dir, &["backup", named.to_str().unwrap()]),
        "is there already",
    );
    expect_failure(
        &run(&data_dir, &["backup", "/no/such/place"]),
        "there is no directory",
    );
    let sound = expect_success(&run(&data_dir, &["verify", named.to_str().unwrap()]));
    assert!(sound.starts_with("sound: made at "), "{sound}");
    let left: Vec<_> = folder.read_dir().unwrap().collect();
    assert_eq!(left.len(), 2, "{left:?}");
    let nothing = directory.path().join("nothing");
    expect_failure(&run(&nothing, &["backup"]), "there is no database");
}

#[test]
fn what_is_no_whole_backup_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let mut server = Process::start(&data_dir, &[]);
    let whole = make(&server.client);
    server.client.create_role("present");
    assert!(server.terminate().success());
    let bytes = std::fs::read(&whole).unwrap();
    let file = directory.path().join("file");
    let before = std::fs::read(data_dir.join("tollkeeper.db")).unwrap();
    let mut outside = tar::Builder::new(zstd::Encoder::new(Vec::new(), 1).unwrap());
    let mut header = tar::Header::new_gnu();
    header.set_size(4);
    header.as_gnu_mut().unwrap().name[..12].copy_from_slice(b"../audit.key");
    header.set_cksum();
    outside.append(&header, b"evil".as_slice()).unwrap();
    let outside = outside.into_inner().unwrap().finish().unwrap();
    let mut flipped = bytes.clone();
    flipped[bytes.len() / 2] ^= 0x10;
    for (content, wanted) in [
        (&bytes[..bytes.len() / 2], "damaged"),
        (&flipped, "damaged"),
        (&before, "is no backup of Tollkeeper"),
        (&outside, "is no backup of Tollkeeper"),
        (&[], "is no backup of Tollkeeper"),
    ] {
        std::fs::write(&file, content).unwrap();
        for command in ["verify", "restore"] {
            expect_failure(&run(&data_dir, &[command, file.to_str().unwrap()]), wanted);
        }
    }
    expect_failure(
        &run(&data_dir, &["restore", "/no/such/file"]),
        "there is no file",
    );
    assert_eq!(
        std::fs::read(data_dir.join("tollkeeper.db")).unwrap(),
        before
    );
    assert!(!data_dir.join("restore").exists() && !data_dir.join("before-restore").exists());
}

#[test]
fn a_backup_that_is_not_sound_is_restored_only_when_somebody_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let mut server = Process::start(&data_dir, &[]);
    server.client.create_role("kept");
    assert!(server.terminate().success());
    Connection::open(data_dir.join("tollkeeper.db"))
        .unwrap()
        .execute_batch("UPDATE audit_logs SET actor_name = 'another' WHERE id = 2")
        .unwrap();
    let output = run(&data_dir, &["backup", "--json"]);
    let made: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{made}");
    let finding = made["findings"][0].as_str().unwrap();
    assert!(finding.contains("tampered with at entry 2"), "{finding}");
    let backup = PathBuf::from(made["path"].as_str().unwrap());
    assert!(backup.to_str().unwrap().ends_with("-unsound.tar.zst"));
    let target = directory.path().join("target");
    expect_failure(&restore(&backup, &target), "--despite-findings");
    expect_success(&run(
        &target,
        &["restore", backup.to_str().unwrap(), "--despite-findings"],
    ));
    assert_eq!(run(&target, &["audit", "verify"]).status.code(), Some(2));
}

/// A copy of a backup that says something else of itself.
fn with_manifest(backup: &Path, to: &Path, change: impl FnOnce(&mut Value)) {
    let file = std::fs::File::open(backup).unwrap();
    let mut archive = tar::Archive::new(zstd::Decoder::new(file).unwrap());
    let mut builder = tar::Builder::new(zstd::Encoder::new(Vec::new(), 1).unwrap());
    let mut change = Some(change);
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let (path, mut header) = (entry.path().unwrap().into_owned(), entry.header().clone());
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        if path == Path::new("manifest.json") {
            let mut manifest: Value = serde_json::from_slice(&bytes).unwrap();
            change.take().unwrap()(&mut manifest);
            bytes = manifest.to_string().into_bytes();
        }
        header.set_size(bytes.len() as u64);
        builder
            .append_data(&mut header, path, bytes.as_slice())
            .unwrap();
    }
    std::fs::write(to, builder.into_inner().unwrap().finish().unwrap()).unwrap();
}

/// Changes what a backup says of itself.
type OtherManifest = (fn(&mut Value), &'static str);

const OTHER_MANIFESTS: [OtherManifest; 5] = [
    (
        |manifest| manifest["content"]["counts"]["roles"] = json!(2),
        "manifest.json says of roles: 2, and there are 1",
    ),
    (
        |manifest| {
            let counts = manifest["content"]["counts"].as_object_mut().unwrap();
            counts.remove("users").unwrap();
        },
        "manifest.json says of users: nothing, and there are 0",
    ),
    (
        |manifest| manifest["content"]["counts"]["wallets"] = json!(0),
        "manifest.json says of wallets: 0, which are not counted in its schema",
    ),
    (
        |manifest| manifest["content"]["schema"] = json!(8),
        "manifest.json says of the schema: 8",
    ),
    (
        |manifest| manifest["content"]["audit"]["entries"] = json!(100),
        "manifest.json says that the audit log ends with entry 100",
    ),
];

#[test]
fn what_a_backup_says_of_itself_is_compared_with_what_is_in_it() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let mut server = Process::start(&data_dir, &[]);
    server.client.create_role("kept");
    let backup = make(&server.client);
    assert!(server.terminate().success());
    let file = directory.path().join("file");
    with_manifest(&backup, &file, |_| {});
    expect_success(&run(&data_dir, &["verify", file.to_str().unwrap()]));
    for (change, wanted) in OTHER_MANIFESTS {
        with_manifest(&backup, &file, change);
        for command in ["verify", "restore"] {
            expect_failure(&run(&data_dir, &[command, file.to_str().unwrap()]), wanted);
        }
    }
}

/// A backup as an earlier version would have made it.
fn of_schema_17(file: &Path) {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/schema-17");
    let read = |name: &str| std::fs::read_to_string(fixture.join(name)).unwrap();
    let written: Value = serde_json::from_str(&read("written.json")).unwrap();
    let path = file.with_extension("db");
    let database = Connection::open(&path).unwrap();
    let _: String = database
        .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
        .unwrap();
    database.execute_batch(&read("database.sql")).unwrap();
    let count = |table: &str| -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        database.query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    let mut counts = serde_json::Map::new();
    for table in [
        "access_profiles",
        "api_keys",
        "audit_logs",
        "reservations",
        "roles",
        "users",
        "virtual_keys",
    ] {
        counts.insert(table.to_owned(), json!(count(table)));
    }
    let head = "SELECT id, lower(hex(mac)) FROM audit_logs ORDER BY id DESC LIMIT 1";
    let (entries, head): (i64, String) = database
        .query_row(head, [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    drop(database);
    let bytes = std::fs::read(&path).unwrap();
    let manifest = json!({
        "form": 1,
        "version": "0.0.1",
        "made_at": written["at"],
        "database": { "bytes": bytes.len(), "sha256": hex(&Sha256::digest(&bytes)) },
        "content": { "schema": 17, "counts": counts, "audit": { "entries": entries, "head": head } },
        "findings": [],
    });
    let key = written["audit_key"].as_str().unwrap();
    let key = (0..key.len()).step_by(2);
    let key: Vec<u8> = key
        .map(|at| {
            u8::from_str_radix(&written["audit_key"].as_str().unwrap()[at..at + 2], 16).unwrap()
        })
        .collect();
    let anchor = written["audit_anchor"].as_str().unwrap().as_bytes();
    let mut builder = tar::Builder::new(zstd::Encoder::new(Vec::new(), 1).unwrap());
    for (name, bytes) in [
        ("manifest.json", manifest.to_string().as_bytes()),
        ("audit.key", &key),
        ("audit-anchor", anchor),
        ("tollkeeper.db", &bytes),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, name, bytes).unwrap();
    }
    std::fs::write(file, builder.into_inner().unwrap().finish().unwrap()).unwrap();
}

/// So the start that follows needs no room for a copy, and can't fail on a migration.
#[test]
fn a_backup_of_an_older_schema_is_brought_up_to_date_before_it_takes_the_place_of_anything() {
    let directory = tempfile::tempdir().unwrap();
    let (file, data_dir) = (directory.path().join("old"), directory.path().join("data"));
    of_schema_17(&file);
    expect_success(&run(&data_dir, &["verify", file.to_str().unwrap()]));
    expect_success(&restore(&file, &data_dir));
    let schema = |path: &Path| -> i64 {
        let database = Connection::open(path).unwrap();
        database
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .unwrap()
    };
    let new = directory.path().join("new");
    let newest = Process::start(&new, &[]);
    let database = data_dir.join("tollkeeper.db");
    assert_eq!(schema(&database), schema(&new.join("tollkeeper.db")));
    drop(newest);
    let mut server = Process::start(&data_dir, &[]);
    assert!(!data_dir.join("backups").exists());
    assert!(server.terminate().success());
    assert_eq!(run(&data_dir, &["audit", "verify"]).status.code(), Some(0));
}

/// What became of the anchor, and what a backup that is made then says of it, and whoever opens it.
type BrokenAnchor = (fn(&Path), &'static str, &'static str);

const BROKEN_ANCHORS: [BrokenAnchor; 5] = [
    (
        |path| std::fs::remove_file(path).unwrap(),
        "audit-anchor is gone",
        "audit-anchor is gone",
    ),
    (
        |path| std::fs::write(path, "scribble").unwrap(),
        "audit-anchor is no anchor",
        "audit-anchor is no anchor",
    ),
    (
        |path| std::fs::write(path, "x".repeat(2_000)).unwrap(),
        "audit-anchor is no anchor",
        "audit-anchor is gone",
    ),
    (
        |path| {
            std::fs::remove_file(path).unwrap();
            std::fs::create_dir(path).unwrap();
        },
        "audit-anchor is no anchor",
        "audit-anchor is gone",
    ),
    (
        |path| std::fs::set_permissions(path, PermissionsExt::from_mode(0o666)).unwrap(),
        "audit-anchor is no anchor",
        "audit-anchor is gone",
    ),
];

#[test]
fn a_backup_is_made_whatever_became_of_the_anchor_and_says_so() {
    for (at, (spoil, made_says, verify_says)) in BROKEN_ANCHORS.iter().enumerate() {
        let directory = tempfile::tempdir().unwrap();
        let data_dir = directory.path().join("data");
        let mut server = Process::start(&data_dir, &[]);
        server.client.create_role("kept");
        spoil(&data_dir.join("audit-anchor"));
        let made = server.client.post("/api/backups", &json!({}));
        let made = made.expect(201).json();
        let finding = made["findings"][0].as_str().unwrap();
        assert!(finding.contains(made_says), "{at}: {finding}");
        server.kill();
        let backup = PathBuf::from(made["path"].as_str().unwrap());
        let verified = run(&data_dir, &["verify", backup.to_str().unwrap()]);
        expect_failure(&verified, verify_says);
        let target = directory.path().join("target");
        expect_failure(&restore(&backup, &target), verify_says);
        expect_success(&run(
            &target,
            &["restore", backup.to_str().unwrap(), "--despite-findings"],
        ));
        let restored = Process::start(&target, &[]);
        let roles = restored.client.with_key(&server.client.key);
        assert!(
            roles
                .get("/api/rbac/roles")
                .expect(200)
                .text
                .contains("kept")
        );
    }
}

#[test]
fn the_copy_that_is_taken_away_can_be_encrypted_by_itself() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    assert!(Process::start(&data_dir, &[]).terminate().success());
    let folder = directory.path().join("stick");
    std::fs::create_dir(&folder).unwrap();
    let passphrase = directory.path().join("passphrase");
    write_secret(&passphrase, "correct horse battery\n");
    let [to, with] = [&folder, &passphrase].map(|path| path.to_str().unwrap());
    let encrypted = ["backup", to, "--passphrase-file", with];
    let output = run(&data_dir, &[&encrypted[..], &["--json"]].concat());
    let made: Value = serde_json::from_str(&expect_success(&output)).unwrap();
    let copy = made["copy"].as_str().unwrap();
    assert!(copy.ends_with(".tar.zst.age"), "{copy}");
    assert!(
        std::fs::read(copy)
            .unwrap()
            .starts_with(b"age-encryption.org/")
    );
    expect_failure(&run(&data_dir, &["verify", copy]), "--passphrase-file");
    expect_success(&run(
        &data_dir,
        &["verify", copy, "--passphrase-file", with],
    ));
    for wrong in [
        &["backup", to, "--recipient", "age1nobody"][..],
        &["backup", "--passphrase-file", with],
    ] {
        assert_eq!(
            run(&data_dir, wrong).status.code(),
            Some(if wrong.len() == 4 { 1 } else { 64 }),
            "{wrong:?}"
        );
    }
}

#[test]
fn with_a_passphrase_the_file_opens_for_who_knows_it() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let (right, wrong) = (
        directory.path().join("right"),
        directory.path().join("wrong"),
    );
    write_secret(&right, "correct horse battery staple\n");
    write_secret(&wrong, "another passphrase\n");
    let with_passphrase = |arguments: &[&str]| {
        let mut command = tollkeeper();
        command.arg("--data-dir").arg(&data_dir).args(arguments);
        command.env("TOLLKEEPER_BACKUP__PASSPHRASE_FILE", &right);
        command.output().unwrap()
    };
    let mut server = Process::start(&data_dir, &[]);
    server.client.create_role("kept");
    assert!(server.terminate().success());
    let made: Value =
        serde_json::from_str(&expect_success(&with_passphrase(&["backup", "--json"]))).unwrap();
    let file = made["path"].as_str().unwrap();
    assert!(file.ends_with(".tar.zst.age"));
    expect_success(&with_passphrase(&["verify", file]));
    expect_failure(&run(&data_dir, &["verify", file]), "--passphrase-file");
    let given = |secret: &Path| {
        run(
            &data_dir,
            &[
                "verify",
                file,
                "--passphrase-file",
                secret.to_str().unwrap(),
            ],
        )
    };
    expect_success(&given(&right));
    expect_failure(
        &given(&wrong),
        "the passphrase or the private key is another one",
    );
    write_secret(&wrong, "short\n");
    expect_failure(&given(&wrong), "at least 12 characters");
}

/// As Litestream does it: the database alone, of a later moment, in the place of the one of a backup.
#[test]
fn a_replica_of_the_database_beside_the_rest_of_a_backup_is_whole() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let mut server = Process::start(&data_dir, &[]);
    let client = server.client.clone();
    let backup = make(&client);
    client.create_role("later");
    let replica = directory.path().join("replica.db");
    let connection = Connection::open(data_dir.join("tollkeeper.db")).unwrap();
    connection.backup("main", &replica, None).unwrap();
    drop(connection);
    server.kill();
    let target = directory.path().join("target");
    expect_success(&restore(&backup, &target));
    std::fs::remove_file(target.join("tollkeeper.db")).unwrap();
    std::fs::copy(&replica, target.join("tollkeeper.db")).unwrap();
    let mut restored = Process::start(&target, &[]);
    let roles = restored.client.with_key(&client.key).get("/api/rbac/roles");
    assert!(roles.expect(200).text.contains("later"));
    assert!(restored.terminate().success());
    let verified = run(&target, &["audit", "verify"]);
    assert_eq!(verified.status.code(), Some(0), "{verified:?}");
}

fn write_secret(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// Everything that is in a backup, in plain.
fn content(backup: &Path) -> Vec<u8> {
    let mut plain = Vec::new();
    let file = std::fs::File::open(backup).unwrap();
    zstd::Decoder::new(file)
        .unwrap()
        .read_to_end(&mut plain)
        .unwrap();
    plain
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

#[test]
fn no_secret_but_the_key_of_the_audit_log_is_in_a_backup() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let mut command = tollkeeper();
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(&data_dir);
    command.env("PROVIDER_KEY", "sk-canary-of-the-provider");
    command.env(
        "TOLLKEEPER_UPSTREAMS",
        "[{ name = 'openai', api_key_variable = 'PROVIDER_KEY' }]",
    );
    command.env("TOLLKEEPER_BACKUP__PASSPHRASE_VARIABLE", "");
    let server = Process::start_command(command, &data_dir);
    let client = &server.client;
    let holder = client.make_holder("ada", &policy());
    let (_, second) = client.make_key("second", &["Users:View"]);
    // As the schedule of a profile leaves it.
    std::fs::create_dir(data_dir.join("rotated-keys")).unwrap();
    std::fs::write(
        data_dir.join("rotated-keys").join(holder.key_id()),
        "canary of a rotated key",
    )
    .unwrap();
    let plain = content(&make(client));
    assert!(holds(&plain, "tollkeeper.db") && holds(&plain, "ada@example.com"));
    for secret in [
        "sk-canary-of-the-provider",
        "canary of a rotated key",
        "initial-key",
        &client.key[21..],
        &second.key[21..],
        &holder.key["tk_vk_".len() + 13..],
    ] {
        assert!(!holds(&plain, secret), "{secret}");
    }
}
