//! Who else can use the data directory and what lies in it: what is open is closed, what can't be closed holds a folder that is, and what
//! somebody else could have put there is not believed.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, lchown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::geteuid;
use serde_json::json;
use tollkeeper::domain::credential::Kind;
use tollkeeper::service::virtual_keys::tokens::random_token;
use tollkeeper::store::directory::{DataDirectory, Owned};

use crate::support::Client;
use crate::support::process::{Process, copy_into, copy_of_tollkeeper, run, tollkeeper};

/// A user who is nobody here.
const STRANGER: u32 = 54_321;

fn is_root() -> bool {
    geteuid().is_root()
}

fn mode(path: &Path) -> u32 {
    path.symlink_metadata().unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// A directory with a mode, and around it one that everybody may go through.
fn directory(mode: u32) -> (tempfile::TempDir, PathBuf) {
    let around = tempfile::tempdir().unwrap();
    set_mode(around.path(), 0o755);
    let data_dir = around.path().canonicalize().unwrap().join("our data");
    fs::create_dir(&data_dir).unwrap();
    set_mode(&data_dir, mode);
    (around, data_dir)
}

/// A directory that somebody shares with us.
fn shared() -> (tempfile::TempDir, PathBuf) {
    let (around, data_dir) = directory(0o1755);
    fs::write(data_dir.join("theirs"), "theirs").unwrap();
    (around, data_dir)
}

/// The client of a server whose first key lies in a folder.
fn client(server: &Process, folder: &Path) -> Client {
    let key = fs::read_to_string(folder.join("initial-key")).unwrap();
    server.client.with_key(key.trim())
}

/// What a command answers that must succeed.
#[track_caller]
fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What a start says that must fail.
#[track_caller]
fn refusal(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    text.lines().last().unwrap().to_owned()
}

fn serve(data_dir: &Path) -> Output {
    run(data_dir, &["serve", "--listen", "127.0.0.1:0"])
}

/// A directory as an orderly stop leaves it, closed to others.
fn stopped() -> (tempfile::TempDir, PathBuf) {
    let (around, data_dir) = directory(0o700);
    let mut server = Process::start(&data_dir, &[]);
    server
        .client
        .create_profile(&json!({ "name": "from before" }));
    assert!(server.terminate().success());
    (around, data_dir)
}

#[test]
fn a_directory_that_others_can_use_is_closed_and_the_start_says_so() {
    for open in [0o755, 0o770, 0o711, 0o707] {
        let (_around, data_dir) = directory(open);
        // The second time with everything in it that we put there.
        for _ in 0..2 {
            set_mode(&data_dir, open);
            let mut server = Process::start(&data_dir, &[]);
            assert_eq!(mode(&data_dir), 0o700);
            server.client.get("/api/access-profiles").expect(200);
            assert!(server.terminate().success());
            let log = server.log();
            let said = format!("{} (its mode was {open:04o})", data_dir.display());
            assert!(log.contains(&said), "{log}");
            assert!(!data_dir.join("private").exists());
        }
    }
}

#[test]
fn a_directory_that_is_closed_is_left_as_it_is() {
    let (_around, data_dir) = directory(0o500 | 0o200);
    let mut server = Process::start(&data_dir, &[]);
    assert!(server.terminate().success());
    assert!(!server.log().contains("others"), "{}", server.log());
}

#[test]
fn in_a_shared_directory_everything_lies_in_a_folder_that_every_command_finds() {
    for open in [0o1755, 0o1777] {
        let (_around, data_dir) = shared();
        set_mode(&data_dir, open);
        let private = data_dir.join("private");
        let mut server = Process::start(&data_dir, &[]);
        assert_eq!((mode(&data_dir), mode(&private)), (open, 0o700));
        client(&server, &private)
            .get("/api/access-profiles")
            .expect(200);
        let database = private.join("tollkeeper.db").display().to_string();
        let every_command = |running: bool| {
            for named in [&data_dir, &private] {
                for command in [&["keys", "list"][..], &["audit", "verify"]] {
                    let text = printed(&run(named, command));
                    assert!(text.contains(&database), "{running} {named:?} {text}");
                }
            }
        };
        every_command(true);
        assert!(server.terminate().success());
        assert!(
            server
                .log()
                .contains(&format!("everything lies in {}", private.display()))
        );
        every_command(false);
        let mut names: Vec<_> = data_dir
            .read_dir()
            .unwrap()
            .map(|it| it.unwrap().file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["private", "theirs"]);

        // Once there, always there.
        fs::remove_file(data_dir.join("theirs")).unwrap();
        set_mode(&data_dir, 0o700);
        let server = Process::start(&data_dir, &[]);
        client(&server, &private)
            .get("/api/access-profiles")
            .expect(200);
        every_command(true);
    }
}

/// Only root can become somebody else, in a directory of a third user, as in a volume of a container. Others share a directory instead.
#[test]
fn where_a_directory_can_not_be_closed_everything_lies_in_a_folder_of_it() {
    let (around, data_dir) = directory(0o777);
    let private = data_dir.join("private");
    if !is_root() {
        set_mode(&data_dir, 0o1777);
        let server = Process::start(&data_dir, &[]);
        client(&server, &private)
            .get("/api/access-profiles")
            .expect(200);
        return;
    }
    chown(&data_dir, Some(STRANGER), Some(STRANGER)).unwrap();
    let binary = copy_of_tollkeeper(around.path());
    let as_somebody = |arguments: &[&str]| {
        let mut command = Command::new("setpriv");
        command.env_clear().current_dir("/");
        command.args(["--reuid=54322", "--regid=54322", "--clear-groups"]);
        command.arg(&binary).args(arguments);
        command.arg("--data-dir").arg(&data_dir);
        command
    };
    let mut server = Process::start_command(
        as_somebody(&["serve", "--listen", "127.0.0.1:0"]),
        &data_dir,
    );
    assert_eq!((mode(&data_dir), mode(&private)), (0o777, 0o700));
    client(&server, &private)
        .get("/api/access-profiles")
        .expect(200);
    let list = printed(&as_somebody(&["keys", "list"]).output().unwrap());
    assert!(list.contains("initial"), "{list}");
    assert!(server.terminate().success());
    assert!(
        server.log().contains("is not ours to close"),
        "{}",
        server.log()
    );
    let verdict = printed(&as_somebody(&["audit", "verify"]).output().unwrap());
    assert!(verdict.starts_with("intact"), "{verdict}");

    // Somebody else's folder in its place is not ours.
    fs::remove_dir_all(&private).unwrap();
    fs::create_dir(&private).unwrap();
    chown(&private, Some(STRANGER), Some(STRANGER)).unwrap();
    set_mode(&private, 0o777);
    let text = refusal(
        &as_somebody(&["serve", "--listen", "127.0.0.1:0"])
            .output()
            .unwrap(),
    );
    assert!(
        text.contains("belongs to the user 54321; expected 54322"),
        "{text}"
    );
}

#[test]
fn what_lay_in_a_directory_that_is_shared_now_moves_into_its_folder() {
    // As a whole, and after a start that ended in between.
    for interrupted in [false, true] {
        let (_around, data_dir) = stopped();
        let private = data_dir.join("private");
        fs::write(data_dir.join("theirs"), "theirs").unwrap();
        set_mode(&data_dir, 0o1755);
        if interrupted {
            fs::create_dir(&private).unwrap();
            for name in ["audit.key", "initialized"] {
                fs::rename(data_dir.join(name), private.join(name)).unwrap();
            }
        }
        let mut server = Process::start(&data_dir, &[]);
        let profiles = client(&server, &private)
            .get("/api/access-profiles")
            .expect(200)
            .json();
        assert_eq!(profiles["access_profiles"][0]["name"], "from before");
        assert!(!data_dir.join("tollkeeper.db").exists() && !data_dir.join("audit.key").exists());
        // So that a version that knows nothing of the folder says that the database is gone.
        assert!(data_dir.join("initialized").exists());
        assert!(server.terminate().success());
        assert!(
            server.log().contains("moved everything from"),
            "{}",
            server.log()
        );
        let verdict = printed(&run(&data_dir, &["audit", "verify"]));
        assert!(verdict.starts_with("intact"), "{verdict}");
    }
}

#[test]
fn nothing_moves_while_a_server_has_it() {
    let (_around, data_dir) = directory(0o700);
    let mut server = Process::start(&data_dir, &[]);
    fs::write(data_dir.join("theirs"), "theirs").unwrap();
    set_mode(&data_dir, 0o1755);
    let text = refusal(&serve(&data_dir));
    assert!(
        text.contains(&format!("process {}", server.child.id())),
        "{text}"
    );
    let list = printed(&run(&data_dir, &["keys", "list"]));
    assert!(list.contains("initial"), "{list}");
    assert!(data_dir.join("tollkeeper.db").exists());
    assert!(server.terminate().success());
}

#[test]
fn a_database_that_somebody_else_put_into_a_shared_directory_is_not_taken() {
    if !is_root() {
        return;
    }
    let (_around, data_dir) = stopped();
    set_mode(&data_dir, 0o1777);
    let path = data_dir.join("tollkeeper.db");
    lchown(&path, Some(STRANGER), None).unwrap();
    let text = refusal(&serve(&data_dir));
    assert!(
        text.contains(&path.display().to_string()) && text.contains("54321"),
        "{text}"
    );
    assert!(path.exists());
}

/// Opens a directory and all that lies in it to a group, as Kubernetes does for `fsGroup` whenever a pod starts.
fn open_to_group(folder: &Path, sticky: u32) {
    set_mode(folder, 0o2770 | sticky);
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            open_to_group(&path, 0);
        } else if path.is_file() {
            set_mode(&path, 0o660);
        }
    }
}

#[test]
fn a_volume_whose_files_were_opened_to_a_group_is_closed_again_and_the_start_says_so() {
    // A directory that we can close, and one that we can't.
    for (sticky, folder) in [(0, "."), (0o1000, "private")] {
        let (_around, data_dir) = stopped();
        fs::create_dir(data_dir.join("backups")).unwrap();
        fs::write(data_dir.join("backups/copy.db"), "a copy").unwrap();
        for _ in 0..2 {
            open_to_group(&data_dir, sticky);
            let mut server = Process::start(&data_dir, &[]);
            let profiles = client(&server, &data_dir.join(folder))
                .get("/api/access-profiles")
                .expect(200)
                .json();
            assert_eq!(profiles["access_profiles"][0]["name"], "from before");
            assert!(server.terminate().success());
            let log = server.log();
            for name in [
                "audit.key (0660)",
                "initial-key (0660)",
                "backups/copy.db (0660)",
            ] {
                assert!(log.contains(name), "{name}: {log}");
            }
            assert!(log.contains("may have read or changed"), "{log}");
            let root = data_dir.join(folder);
            for name in [
                "tollkeeper.db",
                "audit.key",
                "initial-key",
                "backups/copy.db",
            ] {
                assert_eq!(mode(&root.join(name)), 0o600, "{name}");
            }
            assert_eq!(mode(&root.join("backups")) & 0o777, 0o700);
            assert_eq!(data_dir.join("private").exists(), folder == "private");
        }
    }
}

#[test]
fn a_stray_file_of_ours_keeps_no_directory_open_and_a_stranger_s_is_named() {
    let (_around, data_dir) = stopped();
    for name in [".gitkeep", "config.toml~", ".DS_Store"] {
        fs::write(data_dir.join(name), "").unwrap();
    }
    set_mode(&data_dir, 0o755);
    let mut server = Process::start(&data_dir, &[]);
    assert!(server.terminate().success());
    assert_eq!(mode(&data_dir), 0o700);
    assert!(!data_dir.join("private").exists());
    if is_root() {
        lchown(data_dir.join(".gitkeep"), Some(STRANGER), None).unwrap();
        set_mode(&data_dir, 0o755);
        let mut server = Process::start(&data_dir, &[]);
        assert!(server.terminate().success());
        let log = server.log();
        assert!(
            log.contains("`.gitkeep` in it belongs to the user 54321"),
            "{log}"
        );
        assert_eq!(mode(&data_dir), 0o755);
        assert!(data_dir.join("private/tollkeeper.db").exists());
    }
}

#[test]
fn a_directory_that_holds_other_directories_is_there_for_more_than_us() {
    let (_around, data_dir) = directory(0o755);
    fs::create_dir(data_dir.join("pictures")).unwrap();
    let mut server = Process::start(&data_dir, &[]);
    assert!(server.terminate().success());
    assert!(server.log().contains("`pictures`"), "{}", server.log());
    assert_eq!(mode(&data_dir), 0o755);
}

#[test]
fn of_two_databases_none_is_taken_and_one_that_is_gone_is_missed() {
    let (_around, data_dir) = stopped();
    set_mode(&data_dir, 0o1755);
    let mut server = Process::start(&data_dir, &[]);
    assert!(server.terminate().success());
    let (outside, private) = (data_dir.join("tollkeeper.db"), data_dir.join("private"));
    fs::copy(private.join("tollkeeper.db"), &outside).unwrap();
    let text = refusal(&serve(&data_dir));
    for path in [&outside, &private.join("tollkeeper.db")] {
        assert!(text.contains(&path.display().to_string()), "{text}");
    }
    fs::remove_file(&outside).unwrap();
    fs::remove_dir_all(&private).unwrap();
    let text = refusal(&serve(&data_dir));
    assert!(
        text.contains("is gone") && text.contains("initialized"),
        "{text}"
    );
    assert!(!private.exists());
}

#[test]
fn what_can_not_be_moved_stops_no_move_half_way() {
    let namespaces = || {
        let tried = Command::new("unshare").args(["--mount", "true"]).output();
        tried.is_ok_and(|it| it.status.success())
    };
    if !is_root() || !namespaces() {
        return;
    }
    let mounted = |data_dir: &Path, name: &str| {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c"]);
        command.arg("mount --bind \"$1/$2\" \"$1/$2\" && exec \"$3\" serve --listen 127.0.0.1:0 --data-dir \"$1\"");
        command.arg("sh").arg(data_dir).arg(name);
        command.arg(env!("CARGO_BIN_EXE_tollkeeper"));
        command
    };
    for name in ["backups", "rotated-keys"] {
        let (_around, data_dir) = stopped();
        let _ = fs::create_dir(data_dir.join(name));
        set_mode(&data_dir, 0o1755);
        if name == "backups" {
            let mut server = Process::start_command(mounted(&data_dir, name), &data_dir);
            assert!(server.terminate().success());
            assert!(
                server.log().contains("stays where it is"),
                "{}",
                server.log()
            );
            assert!(data_dir.join("private/tollkeeper.db").exists());
        } else {
            let text = refusal(&mounted(&data_dir, name).output().unwrap());
            assert!(text.contains("nothing was moved"), "{text}");
            for name in ["tollkeeper.db", "audit.key", "audit-anchor"] {
                assert!(data_dir.join(name).exists(), "{name}");
            }
        }
    }
}

/// What may be wrong with a file of ours: how to make it so, and what is said of it.
type Wrong = (&'static str, fn(&Path), &'static str);

const WRONG: [Wrong; 6] = [
    (
        "a link",
        |path| {
            let away = path.with_extension("elsewhere");
            fs::rename(path, &away).unwrap();
            symlink(&away, path).unwrap();
        },
        "it is a symbolic link; expected the file itself",
    ),
    (
        "a link that leads nowhere",
        |path| {
            fs::remove_file(path).unwrap();
            symlink("/nowhere", path).unwrap();
        },
        "it is a symbolic link",
    ),
    (
        "a named pipe",
        |path| {
            fs::remove_file(path).unwrap();
            mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        },
        "it is a named pipe; expected a file",
    ),
    (
        "readable",
        |path| set_mode(path, 0o640),
        "it has the mode 0640, so others may read it; expected 0600",
    ),
    (
        "writable",
        |path| set_mode(path, 0o602),
        "it has the mode 0602, so others may change it; expected 0600",
    ),
    (
        "a stranger's",
        |path| {
            // Who is not root can't give a file away, and has no other way to a file of somebody else.
            if is_root() {
                lchown(path, Some(STRANGER), None).unwrap();
            } else {
                set_mode(path, 0o620);
            }
        },
        "can't believe",
    ),
];

#[test]
fn a_file_that_somebody_else_could_have_put_there_or_read_is_not_believed() {
    let (_around_sound, sound) = stopped();
    for name in [
        "initial-key",
        "audit.key",
        "audit-anchor",
        "tollkeeper.lock",
    ] {
        for (what, make, said) in WRONG {
            let (_around, data_dir) = directory(0o700);
            copy_into(&data_dir, &sound);
            let path = data_dir.join(name);
            make(&path);
            let text = refusal(&serve(&data_dir));
            assert!(text.contains(said), "{name} {what}: {text}");
            assert!(
                text.contains(&path.display().to_string()),
                "{name} {what}: {text}"
            );
            if ["a link", "readable", "writable", "a stranger's"].contains(&what) {
                // What is said puts it right.
                let command = text.split('`').nth(1).unwrap();
                assert!(
                    Command::new("bash")
                        .args(["-c", command])
                        .status()
                        .unwrap()
                        .success()
                );
                let mut server = Process::start(&data_dir, &[]);
                assert!(server.terminate().success());
            }
        }
    }
}

#[test]
fn a_file_of_ours_that_is_far_too_large_is_not_read() {
    for name in ["initial-key", "audit.key", "audit-anchor"] {
        let (_around, data_dir) = stopped();
        let path = data_dir.join(name);
        fs::File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(1 << 40)
            .unwrap();
        let text = refusal(&serve(&data_dir));
        assert!(
            text.contains("bytes") && text.contains(&path.display().to_string()),
            "{text}"
        );
    }
}

#[test]
fn a_database_that_is_no_file_is_refused_without_waiting() {
    let (_around, data_dir) = stopped();
    let path = data_dir.join("tollkeeper.db");
    for at in [0, 2] {
        let (_, make, said) = WRONG[at];
        make(&path);
        let text = refusal(&serve(&data_dir));
        assert!(text.contains(said), "{text}");
    }
}

#[test]
fn no_file_is_made_through_a_link() {
    let (around, data_dir) = directory(0o700);
    let victim = around.path().join("victim");
    fs::write(&victim, "theirs").unwrap();
    let made = [
        "tollkeeper.db",
        "audit.key",
        "audit-anchor",
        "initialized",
        "initial-key",
    ];
    for name in made {
        symlink(&victim, data_dir.join(format!("{name}.new"))).unwrap();
    }
    symlink(&victim, data_dir.join("control.sock")).unwrap();
    let mut server = Process::start(&data_dir, &[]);
    server.client.get("/api/access-profiles").expect(200);
    assert!(server.terminate().success());
    assert_eq!(fs::read(&victim).unwrap(), b"theirs");
    for name in made {
        let kind = data_dir.join(name).symlink_metadata().unwrap().file_type();
        assert!(kind.is_file(), "{name}");
    }
}

#[test]
fn no_rotated_key_is_written_through_a_link() {
    let (around, data_dir) = directory(0o700);
    let Ok(Owned::Ours(owned)) = DataDirectory::own(&data_dir) else {
        panic!("nobody else has it")
    };
    let token = random_token(Kind::Virtual).unwrap_or_else(|error| panic!("{error}"));
    let elsewhere = around.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, owned.rotated_keys()).unwrap();
    let refused = owned.stage_rotated_keys(&[&token]).unwrap_err().to_string();
    assert!(refused.contains("rotated-keys"), "{refused}");
    assert_eq!(elsewhere.read_dir().unwrap().count(), 0);

    fs::remove_file(owned.rotated_keys()).unwrap();
    fs::create_dir(owned.rotated_keys()).unwrap();
    set_mode(&owned.rotated_keys(), 0o777);
    let victim = elsewhere.join("victim");
    fs::write(&victim, "theirs").unwrap();
    let staged = owned.rotated_keys().join(format!("{}.new", token.id()));
    symlink(&victim, &staged).unwrap();
    owned.stage_rotated_keys(&[&token]).unwrap();
    assert_eq!(fs::read(&victim).unwrap(), b"theirs");
    assert_eq!((mode(&owned.rotated_keys()), mode(&staged)), (0o700, 0o600));
    // And none is believed that others could have put there.
    assert_eq!(owned.list_rotated_keys().unwrap().len(), 1);
    set_mode(&staged, 0o622);
    assert_eq!(owned.list_rotated_keys().unwrap().len(), 0);
}

#[test]
fn copies_before_a_migration_go_through_a_link_of_ours_and_through_nobody_else_s() {
    let (around, data_dir) = stopped();
    let database = rusqlite::Connection::open(data_dir.join("tollkeeper.db")).unwrap();
    database.execute_batch("PRAGMA user_version = 1").unwrap();
    drop(database);
    let (backups, elsewhere) = (data_dir.join("backups"), around.path().join("elsewhere"));
    fs::create_dir(&elsewhere).unwrap();
    symlink("../elsewhere", &backups).unwrap();
    if is_root() {
        lchown(&backups, Some(STRANGER), None).unwrap();
        let text = refusal(&run(&data_dir, &["keys", "list"]));
        assert!(text.contains(&backups.display().to_string()), "{text}");
        assert_eq!(elsewhere.read_dir().unwrap().count(), 0);
        lchown(&backups, Some(0), None).unwrap();
    }
    // In the directory itself, and when everything moves from it.
    for open in [0o700, 0o1755] {
        set_mode(&data_dir, open);
        // Whether or not such a database can be migrated, it is copied before.
        run(&data_dir, &["keys", "list"]);
        assert!(elsewhere.read_dir().unwrap().count() > 0);
        for copy in elsewhere.read_dir().unwrap() {
            fs::remove_file(copy.unwrap().path()).unwrap();
        }
        assert_eq!(mode(&elsewhere), 0o700);
    }
    let backups = data_dir.join("private/backups");
    assert_eq!(
        backups.canonicalize().unwrap(),
        elsewhere.canonicalize().unwrap()
    );
    fs::remove_file(&backups).unwrap();
    fs::create_dir(&backups).unwrap();
    set_mode(&backups, 0o755);
    // Whether or not such a database can be migrated, it is copied before.
    run(&data_dir, &["keys", "list"]);
    assert_eq!(mode(&backups), 0o700);
    let copies: Vec<_> = backups
        .read_dir()
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    assert!(
        !copies.is_empty() && copies.iter().all(|copy| mode(copy) == 0o600),
        "{copies:?}"
    );
}

#[test]
fn the_first_key_is_taken_from_a_secret_as_containers_mount_it_and_from_nothing_that_others_may_change()
 {
    let (around, _) = directory(0o700);
    let key = random_token(Kind::Management).unwrap_or_else(|error| panic!("{error}"));
    let (file, link) = (around.path().join("key"), around.path().join("link"));
    symlink("key", &link).unwrap();
    let start = |path: &Path| {
        let (around, data_dir) = directory(0o700);
        let mut command = tollkeeper();
        command
            .env("TOLLKEEPER_BOOTSTRAP_KEY_FILE", path)
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(&data_dir);
        (around, data_dir, command)
    };
    let write = |mode: u32| {
        // Who is not root can't write over what only may be read.
        let _ = fs::remove_file(&file);
        fs::write(&file, format!("{}\n", key.reveal())).unwrap();
        set_mode(&file, mode);
    };
    let works = |path: &Path| {
        let (_around, data_dir, command) = start(path);
        let server = Process::start_command(command, &data_dir);
        server
            .client
            .with_key(key.reveal())
            .get("/api/access-profiles")
            .expect(200);
    };
    let refused = |said: &str| {
        let (_around, _, mut command) = start(&link);
        let text = refusal(&command.output().unwrap());
        let named = [
            "TOLLKEEPER_BOOTSTRAP_KEY_FILE",
            link.to_str().unwrap(),
            said,
        ];
        assert!(
            named.iter().all(|part| text.contains(part)),
            "{said}: {text}"
        );
    };
    write(0o400);
    works(&link);
    works(&file);
    // Others may read what is root's: they could be us.
    write(0o444);
    if is_root() {
        works(&link);
    } else {
        refused("it has the mode 0444, so others may read it; expected 0600");
    }
    for open in [0o620, 0o602] {
        write(open);
        refused("so others may change it");
    }
    if is_root() {
        write(0o400);
        chown(&file, Some(STRANGER), None).unwrap();
        refused("it belongs to the user 54321; expected 0");
        chown(&file, Some(0), None).unwrap();
    }
    write(0o600);
    fs::write(&file, "x".repeat(5_000)).unwrap();
    refused("more than 4096 bytes");
    fs::remove_file(&file).unwrap();
    refused("is not there");
    mknodat(CWD, &file, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    refused("it is a named pipe");
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    refused("it is a directory");
}
