//! `tollkeeper doctor`, `status`, `healthcheck` and `version`: each fault is named with its remedy, and nothing is changed by looking.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::holders::two_providers;
use crate::support::process::{Process, copied, copy_of_tollkeeper, run, tollkeeper};
use crate::support::tls::Issued;

const DAY: Duration = Duration::from_hours(24);

/// A stopped data directory as an orderly stop leaves it, on which something was decided.
fn stopped() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Process::start(directory.path(), &[]);
    let policy = two_providers(&json!({}));
    let holder = server.client.make_holder("ada", &policy);
    server.client.reserve(&holder.key, &json!({})).expect(201);
    assert!(server.terminate().success());
    directory
}

/// What a prepared command finds: its exit code, the faults and the notes.
#[track_caller]
fn examined(mut command: Command) -> (i32, Vec<(String, String)>, Vec<String>) {
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stdout.clone()).unwrap();
    let found: Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{output:?}"));
    let listed = |name: &str| -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let all = found[name].as_array().unwrap().iter();
        all.map(|one| (text(&one["code"]), text(&one["message"])))
            .collect()
    };
    let notes = listed("notes").into_iter().map(|(code, _)| code);
    (
        output.status.code().unwrap(),
        listed("faults"),
        notes.collect(),
    )
}

fn doctor(directory: &Path) -> Command {
    let mut command = tollkeeper();
    command.args(["doctor", "--json", "--data-dir"]);
    command.arg(directory);
    command
}

fn sql(directory: &Path, statement: &str) {
    let database = Connection::open(directory.join("tollkeeper.db")).unwrap();
    database.execute_batch(statement).unwrap();
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn set_written(path: &Path, at: SystemTime) {
    let file = File::options().read(true).open(path).unwrap();
    file.set_modified(at).unwrap();
}

/// Every name and mode below a directory, with the bytes of the files.
fn snapshot(directory: &Path) -> Vec<(String, u32, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let metadata = path.symlink_metadata().unwrap();
        let bytes = if metadata.is_file() {
            fs::read(&path).unwrap()
        } else {
            Vec::new()
        };
        all.push((
            path.display().to_string(),
            metadata.permissions().mode(),
            bytes,
        ));
    }
    all.sort();
    all
}

/// Prepares a fault in a stopped directory.
type Prepare = fn(&Path);

/// A fault, what its remedy says, and how it is prepared.
const FAULTS: [(&str, &str, Prepare); 17] = [
    ("open_to_others", "`chmod go= ", |at| {
        set_mode(&at.join("tollkeeper.db"), 0o644);
    }),
    ("open_to_others", "`chmod go= ", |at| set_mode(at, 0o755)),
    ("file_is_link", "put the file itself in its place", |at| {
        fs::rename(at.join("revocations"), at.join("initialized")).unwrap();
        symlink("initialized", at.join("revocations")).unwrap();
    }),
    ("unknown_file", "move it away", |at| {
        fs::write(at.join("notes.txt"), "theirs").unwrap();
    }),
    ("half_done", "start the server", |at| {
        File::create(at.join("tollkeeper.db.new")).unwrap();
        set_mode(&at.join("tollkeeper.db.new"), 0o600);
    }),
    ("two_databases", "to use the second, `mv ", |at| {
        fs::create_dir(at.join("private")).unwrap();
        set_mode(&at.join("private"), 0o700);
        for name in ["tollkeeper.db", "audit.key", "audit-anchor"] {
            fs::copy(at.join(name), at.join("private").join(name)).unwrap();
        }
    }),
    ("database_gone", "restore a backup", |at| {
        fs::remove_file(at.join("tollkeeper.db")).unwrap();
    }),
    ("database_unusable", "restore a backup", |at| {
        File::create(at.join("tollkeeper.db")).unwrap();
    }),
    ("database_unusable", "run a newer version", |at| {
        sql(at, "DELETE FROM settings; PRAGMA user_version = 10000");
    }),
    ("database_damaged", "restore a backup", |at| {
        let path = at.join("tollkeeper.db");
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2 / 4096 * 4096;
        bytes[middle..middle + 4096].fill(0xa5);
        fs::write(&path, bytes).unwrap();
    }),
    ("audit_key_gone", "`tollkeeper audit renew --reason", |at| {
        fs::remove_file(at.join("audit.key")).unwrap();
    }),
    (
        "audit_anchor_gone",
        "`tollkeeper audit renew --reason",
        |at| {
            fs::remove_file(at.join("audit-anchor")).unwrap();
        },
    ),
    (
        "audit_tampered",
        "`tollkeeper audit accept --reason",
        |at| {
            sql(at, "UPDATE audit_logs SET request_id = 'x' WHERE id = 2");
        },
    ),
    ("initial_key_stale", "remove the file `initial-key`", |at| {
        set_written(&at.join("initial-key"), SystemTime::now() - 2 * DAY);
    }),
    ("clock_behind", "set the clock", |at| {
        set_written(&at.join("revocations"), SystemTime::now() + DAY);
    }),
    ("clock_behind", "set the clock", |at| {
        sql(at, "UPDATE journal SET seen_at = seen_at + 86400000");
    }),
    ("clock_ahead", "set the clock", |at| {
        sql(at, "UPDATE journal SET seen_at = seen_at - 366 * 86400000");
    }),
];

#[test]
fn each_fault_of_a_stopped_house_is_named_with_its_remedy_and_nothing_is_changed() {
    let sound = stopped();
    let (code, faults, _) = examined(doctor(sound.path()));
    assert_eq!((code, faults), (0, Vec::new()));
    for (fault, remedy, prepare) in FAULTS {
        let directory = copied(sound.path());
        prepare(directory.path());
        let before = snapshot(directory.path());
        let (code, faults, _) = examined(doctor(directory.path()));
        assert_eq!(code, 1, "{fault}");
        let codes: Vec<&str> = faults.iter().map(|(code, _)| code.as_str()).collect();
        assert_eq!(codes, [fault], "{faults:?}");
        assert!(faults[0].1.contains(remedy), "{fault}: {}", faults[0].1);
        assert!(before == snapshot(directory.path()), "{fault}");
    }
}

#[test]
fn faults_of_the_process_and_the_settings_are_named_too() {
    let directory = stopped();
    let path = directory.path();
    let mut limited = Command::new("sh");
    limited.env_clear().args([
        "-c",
        "ulimit -n 300 && exec \"$0\" doctor --json --data-dir \"$1\"",
        env!("CARGO_BIN_EXE_tollkeeper"),
    ]);
    limited.arg(path);
    let (code, faults, _) = examined(limited);
    assert_eq!((code, faults[0].0.as_str()), (1, "open_files_limit"));
    assert!(faults[0].1.contains("LimitNOFILE="), "{}", faults[0].1);

    let mut plain = doctor(path);
    plain.env("TOLLKEEPER_SERVER__LISTEN", "0.0.0.0:8080");
    let (code, faults, _) = examined(plain);
    assert_eq!((code, faults[0].0.as_str()), (1, "plaintext"));
    assert!(
        faults[0].1.contains("server.trusted_proxies"),
        "{}",
        faults[0].1
    );

    let mut measured = doctor(path);
    measured.env("TOLLKEEPER_METRICS__LISTEN", "0.0.0.0:9464");
    let (code, faults, _) = examined(measured);
    assert_eq!((code, faults[0].0.as_str()), (1, "plaintext"));
    assert!(
        faults[0].1.contains("metrics on 0.0.0.0:9464"),
        "{faults:?}"
    );

    let mut both = doctor(path);
    both.env("TOLLKEEPER_SERVER__LISTEN", "0.0.0.0:8080");
    both.env("TOLLKEEPER_METRICS__LISTEN", "0.0.0.0:9464");
    let (_, faults, _) = examined(both);
    assert_eq!(faults.len(), 1, "{faults:?}");
    for open in ["listens on 0.0.0.0:8080", "metrics on 0.0.0.0:9464"] {
        assert!(faults[0].1.contains(open), "{open}: {faults:?}");
    }

    let mut elsewhere = doctor(path);
    elsewhere.env("TZ", "Asia/Tokyo");
    let (code, faults, notes) = examined(elsewhere);
    assert_eq!(
        (code, faults, notes),
        (0, Vec::new(), vec!["time_zone_differs".to_owned()])
    );

    let folder = tempfile::tempdir().unwrap();
    let issued = Issued::until(folder.path(), "ended", 1_700_000_000);
    let mut ended = doctor(path);
    ended.env("TOLLKEEPER_TLS__CERTIFICATE_FILE", &issued.certificate);
    ended.env("TOLLKEEPER_TLS__KEY_FILE", &issued.key);
    let (code, faults, _) = examined(ended);
    assert_eq!((code, faults[0].0.as_str()), (1, "certificate_expired"));

    let (code, faults, _) = examined(doctor(&path.join("nothing here")));
    assert_eq!((code, faults[0].0.as_str()), (1, "directory_gone"));

    let log = path.join("tollkeeper.db-wal");
    File::create(&log).unwrap().set_len(300 << 20).unwrap();
    set_mode(&log, 0o600);
    let (code, faults, _) = examined(doctor(path));
    assert_eq!((code, faults[0].0.as_str()), (1, "log_large"));
    fs::remove_file(&log).unwrap();

    if rustix::process::geteuid().is_root() {
        lchown(path.join("revocations"), Some(54_321), None).unwrap();
        let (code, faults, _) = examined(doctor(path));
        assert_eq!((code, faults[0].0.as_str()), (1, "file_of_stranger"));
        assert!(faults[0].1.contains("`chown "), "{}", faults[0].1);
    }
}

#[test]
fn a_server_that_does_not_answer_is_named() {
    let directory = stopped();
    let socket = UnixListener::bind(directory.path().join("control.sock")).unwrap();
    set_mode(&directory.path().join("control.sock"), 0o600);
    let hangs_up = std::thread::spawn(move || drop(socket.accept()));
    let (code, faults, _) = examined(doctor(directory.path()));
    assert_eq!((code, faults[0].0.as_str()), (1, "server_silent"));
    hangs_up.join().unwrap();
}

#[test]
fn what_a_running_server_knows_is_told_by_all_commands() {
    let directory = stopped();
    let path = directory.path();
    let code = |arguments: &[&str]| run(path, arguments).status.code().unwrap();
    assert_eq!(code(&["status"]), 1);
    assert_eq!(code(&["healthcheck", "--config", "/dev/null"]), 1);
    let mut server = Process::start(path, &[]);
    assert_eq!(
        (code(&["status"]), code(&["healthcheck"]), code(&["doctor"])),
        (0, 0, 0)
    );
    let status = || -> Value {
        let printed = run(path, &["status", "--json"]).stdout;
        serde_json::from_slice(&printed).unwrap()
    };
    let sound = status();
    assert_eq!(sound["warnings"], json!([]), "{sound}");
    assert_eq!(
        (&sound["open_reservations"], &sound["audit"]["state"]),
        (&json!(1), &json!("intact"))
    );
    assert!(
        sound["database_bytes"].as_u64().unwrap() > 100_000,
        "{sound}"
    );
    let over_http = server.client.get("/api/status").expect(200).json();
    let names =
        |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
    assert_eq!(names(&over_http), names(&sound));

    set_written(&path.join("initial-key"), SystemTime::now() - 2 * DAY);
    assert_eq!(status()["warnings"][0]["code"], "initial_key_stale");
    assert_eq!((code(&["status"]), code(&["healthcheck"])), (0, 0));
    let (exit, faults, _) = examined(doctor(path));
    assert_eq!((exit, faults[0].0.as_str()), (1, "initial_key_stale"));

    fs::rename(path.join("tollkeeper.db"), path.join("away")).unwrap();
    let gone = status();
    assert_eq!(
        (&gone["ready"], &gone["obstacle"]["code"]),
        (&json!(false), &json!("database_gone"))
    );
    assert_eq!((code(&["status"]), code(&["healthcheck"])), (1, 1));
    let printed = String::from_utf8(run(path, &["healthcheck"]).stdout).unwrap();
    assert!(
        printed.starts_with("not ready: the database file was deleted"),
        "{printed}"
    );
    let (_, faults, _) = examined(doctor(path));
    assert!(
        faults.iter().any(|(code, _)| code == "database_gone"),
        "{faults:?}"
    );
    server.kill();
}

#[test]
fn what_is_shown_to_others_names_no_path_and_no_address() {
    let directory = stopped();
    let path = directory.path().canonicalize().unwrap();
    fs::write(path.join("secret 'project.txt"), "theirs").unwrap();
    set_mode(&path.join("tollkeeper.db"), 0o644);
    for json in [&["--json"][..], &[]] {
        let mut command = tollkeeper();
        command.args(["doctor", "--redacted", "--data-dir"]);
        command.arg(&path).args(json);
        command.env("TOLLKEEPER_SERVER__LISTEN", "192.0.2.7:8080");
        let said = String::from_utf8(command.output().unwrap().stdout).unwrap();
        for code in ["unknown_file", "open_to_others", "plaintext"] {
            assert!(said.contains(code), "{said}");
        }
        for secret in [
            &path.display().to_string(),
            "secret",
            "project",
            "192.0.2.7",
        ] {
            assert!(!said.contains(secret), "{secret} in {said}");
        }
    }
}

#[test]
fn a_version_says_what_it_was_made_of() {
    let directory = tempfile::tempdir().unwrap();
    let printed = run(directory.path(), &["version", "--json"]).stdout;
    let version: Value = serde_json::from_slice(&printed).unwrap();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    assert!(version["schema"].as_i64().unwrap() > 20, "{version}");
    assert!(
        version["rustc"].as_str().unwrap().starts_with("rustc "),
        "{version}"
    );
    assert!(
        version["sqlite"].as_str().unwrap().starts_with("3."),
        "{version}"
    );
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

/// A restored copy has whatever permissions it got: the start closes it.
#[test]
fn a_database_that_others_could_read_is_closed_by_the_start() {
    let directory = stopped();
    let path = directory.path().join("tollkeeper.db");
    set_mode(&path, 0o644);
    let mut server = Process::start(directory.path(), &[]);
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(server.terminate().success());
    assert!(
        server.log().contains("(0644), and may have read it"),
        "{}",
        server.log()
    );
}

/// The binary as another user, from whom a data directory is closed; who is not root can only close it to everybody.
fn as_another(around: &Path, data_dir: &Path, arguments: &[&str]) -> Command {
    let binary = around.join("tollkeeper");
    if !binary.exists() {
        copy_of_tollkeeper(around);
    }
    let mut command = if rustix::process::geteuid().is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=54322", "--regid=54322", "--clear-groups"]);
        command.arg(&binary);
        command
    } else {
        Command::new(&binary)
    };
    command.env_clear().current_dir("/");
    command.args(arguments).arg("--data-dir").arg(data_dir);
    command
}

#[test]
fn who_may_not_look_is_told_whom_to_be() {
    let around = tempfile::tempdir().unwrap();
    set_mode(around.path(), 0o755);
    let data_dir = around.path().join("data");
    let mut server = Process::start(&data_dir, &[]);
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        set_mode(&data_dir, 0);
    }
    let run = |arguments: &[&str], listen: &str| {
        let mut command = as_another(around.path(), &data_dir, arguments);
        command.env("TOLLKEEPER_SERVER__LISTEN", listen);
        let output = command.output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    };
    let nowhere = format!("unix:{}/nobody.sock", around.path().display());
    let denied = |arguments: &[&str]| {
        let (code, said) = run(arguments, &nowhere);
        assert_eq!(code, Some(77), "{arguments:?}: {said}");
        assert!(said.contains("permission denied: "), "{said}");
        assert!(said.contains("run as "), "{said}");
    };
    for arguments in [
        &["status"][..],
        &["status", "--json"],
        &["doctor"],
        &["healthcheck"],
    ] {
        denied(arguments);
    }
    let address = format!("127.0.0.1:{}", server.client.port);
    let (code, said) = run(&["healthcheck"], &address);
    assert_eq!((code, said.trim()), (Some(0), "ready"));
    if is_root {
        // The directory is open, and the socket and the database are not.
        set_mode(&data_dir, 0o755);
        for command in ["status", "doctor", "healthcheck"] {
            denied(&[command]);
        }
        assert!(server.terminate().success());
        denied(&["doctor"]);
        set_mode(&data_dir, 0o700);
    } else {
        assert!(server.terminate().success());
    }
    for command in ["status", "doctor", "healthcheck"] {
        denied(&[command]);
    }
    set_mode(&data_dir, 0o700);
}
