//! Backups over the API: making, looking at, trying out and downloading them, and when they are made by themselves.

use std::collections::BTreeSet;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, TryRecvError, channel};
use std::thread::JoinHandle;

use age::x25519::Identity;
use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;
use serde_json::{Value, json};
use tollkeeper::domain::backup::passphrase::BackupPassphrase;
use tollkeeper::service::backups::schedule::{do_what_is_due, next_backup};

use crate::support::holders::policy;
use crate::support::{Client, Server, TestTime};

const BACKUPS: &str = "/api/backups";

fn make(client: &Client) -> Value {
    client.post(BACKUPS, &json!({})).expect(201).json()
}

fn name(made: &Value) -> String {
    made["backup"]["name"].as_str().unwrap().to_owned()
}

fn list(client: &Client) -> Value {
    client.get(BACKUPS).expect(200).json()
}

fn names(client: &Client) -> Vec<String> {
    let list = list(client);
    let all = list["backups"].as_array().unwrap().iter();
    all.map(|one| one["name"].as_str().unwrap().to_owned())
        .collect()
}

fn drill(client: &Client, name: &str) -> Value {
    let path = format!("{BACKUPS}/{name}/drill");
    client.post(&path, &json!({})).expect(200).json()["drill"].clone()
}

/// The bytes of a download.
fn download(client: &Client, name: &str, query: &str) -> Vec<u8> {
    let url = format!("http://127.0.0.1:{}{BACKUPS}/{name}{query}", client.port);
    let mut response = ureq::get(url)
        .header("authorization", format!("Bearer {}", client.key))
        .call()
        .unwrap();
    assert_eq!(
        response.headers()["content-type"],
        "application/octet-stream"
    );
    let named = response.headers()["content-disposition"].to_str().unwrap();
    assert!(named.ends_with(".tar.zst.age\""), "{named}");
    response.body_mut().read_to_vec().unwrap()
}

/// The names of what is in an archive.
fn entries(packed: impl Read) -> Vec<String> {
    let mut archive = tar::Archive::new(zstd::Decoder::new(packed).unwrap());
    let all = archive.entries().unwrap();
    all.map(|entry| entry.unwrap().path().unwrap().display().to_string())
        .collect()
}

const PARTS: [&str; 4] = [
    "manifest.json",
    "audit.key",
    "audit-anchor",
    "tollkeeper.db",
];

#[test]
fn a_backup_is_made_listed_and_tried_out() {
    let server = Server::start();
    let client = &server.client;
    assert_eq!(list(client)["backups"], json!([]));
    client.make_holder("ada", &policy());
    let made = make(client);
    let expected = json!({
        "name": "tollkeeper-2026-06-01T12-00-00Z.tar.zst", "made_at": "2026-06-01T12:00:00Z", "origin": "asked",
        "bytes": made["backup"]["bytes"], "sound": true, "encrypted": false,
    });
    assert_eq!(made["backup"], expected);
    assert_eq!(made["findings"], json!([]));
    assert_eq!(made["counts"]["users"], 1);
    let path = Path::new(made["path"].as_str().unwrap());
    assert_eq!(entries(std::fs::File::open(path).unwrap()), PARTS);
    let second = make(client);
    assert_eq!(name(&second), "tollkeeper-2026-06-01T12-00-00Z-2.tar.zst");
    let shown = list(client);
    assert_eq!(names(client), [name(&second), name(&made)]);
    assert_eq!(shown["last_good"]["name"], json!(name(&second)));
    assert_eq!(shown["last_good"]["sha256"], second["sha256"]);
    // The file of the directory has the time of the machine, which is later: one is due.
    assert_eq!(shown["next_at"], "2026-06-01T12:00:00Z");
    assert_eq!(shown.get("last_failure"), None);
    let tried = drill(client, &name(&second));
    let expected = json!({ "name": name(&second), "at": "2026-06-01T12:00:00Z", "passed": true });
    assert_eq!(tried, expected);
    // What is known is known after a restart, too.
    let before = list(client);
    let server = server.restart();
    assert_eq!(before["last_drill"], tried);
    let (_, reader) = server.client.make_key("reader", &["Backups:View"]);
    // The key of the first start works after a restart.
    assert_eq!(list(&reader), before);
}

/// What is known of earlier backups is worth no start that is refused.
#[test]
fn a_server_starts_whatever_became_of_what_it_knew_of_backups() {
    let spoilt: [fn(&Path); 4] = [
        |path| std::fs::write(path, "scribble").unwrap(),
        |path| std::fs::write(path, " ".repeat(100_000)).unwrap(),
        |path| std::fs::set_permissions(path, PermissionsExt::from_mode(0o666)).unwrap(),
        |path| {
            std::fs::remove_file(path).unwrap();
            std::fs::create_dir(path).unwrap();
        },
    ];
    for spoil in spoilt {
        let mut server = Server::start();
        make(&server.client);
        server.stop();
        spoil(&server.data_dir().join("backup-state"));
        let server = server.restart();
        let client = &server.client;
        assert_eq!(list(client).get("last_good"), None);
        let made = make(client);
        assert_eq!(list(client)["last_good"]["name"], json!(name(&made)));
    }
}

#[test]
fn each_permission_is_asked_for_and_names_lead_nowhere_else() {
    let server = Server::start();
    let made = name(&make(&server.client));
    let secret = server.directory.path().join("data/backups/secret");
    std::fs::write(&secret, "not a backup").unwrap();
    let (_, downloads) = server.client.make_key("downloads", &["Backups:Download"]);
    let (_, views) = server.client.make_key("views", &["Backups:View"]);
    downloads.get(BACKUPS).expect(403);
    views.post(BACKUPS, &json!({})).expect(403);
    views.get(&format!("{BACKUPS}/{made}")).expect(403);
    for path in [
        "secret",
        "..",
        "../audit.key",
        "%2e%2e%2faudit.key",
        "..%2Faudit.key",
        "%2fetc%2fpasswd",
        "tollkeeper-2026-06-01T12-00-00Z.tar.zst%00",
        "tollkeeper-2026-06-01T12-00-01Z.tar.zst",
        "tollkeeper-2026-06-01T12-00-00Z.tar.zst.age",
    ] {
        let reply = downloads.get(&format!("{BACKUPS}/{path}"));
        assert!(
            [400, 403, 404].contains(&reply.status),
            "{path}: {}",
            reply.text
        );
        let reply = server
            .client
            .post(&format!("{BACKUPS}/{path}/drill"), &json!({}));
        assert!([400, 404].contains(&reply.status), "{path}: {}", reply.text);
    }
    // A link that has the name of a backup is none.
    let link = server
        .directory
        .path()
        .join("data/backups/tollkeeper-2026-06-01T13-00-00Z.tar.zst");
    std::os::unix::fs::symlink(&secret, link).unwrap();
    let path = format!("{BACKUPS}/tollkeeper-2026-06-01T13-00-00Z.tar.zst");
    downloads
        .get(&path)
        .expect_refusal(404, "not_found", "not_found");
}

#[test]
fn a_backup_leaves_encrypted_or_not_at_all() {
    let server = Server::start();
    let client = &server.client;
    let made = make(client);
    let path = format!("{BACKUPS}/{}", name(&made));
    client
        .get(&path)
        .expect_refusal(409, "conflict", "recipient_required");
    client
        .get(&format!("{path}?recipient=age1nonsense"))
        .expect_refusal(400, "validation_error", "invalid_recipient");
    let identity = Identity::generate();
    let query = format!("?recipient={}", identity.to_public());
    let sent = download(client, &name(&made), &query);
    let file = std::fs::read(made["path"].as_str().unwrap()).unwrap();
    assert!(sent.starts_with(b"age-encryption.org/v1\n"));
    assert_eq!(age::decrypt(&identity, &sent).unwrap(), file);
    let head = client.send("HEAD", &format!("{path}{query}"), &[], None);
    head.expect(200);
    // The audit log tells of it, and not to who may not know of backups.
    let told = client.audited("backup.download");
    assert_eq!(told.len(), 1);
    let recipient = identity.to_public().to_string();
    assert_eq!(told[0]["new_values"]["recipient"], json!(recipient));
    let (_, other) = client.make_key("other", &["AccessProfiles:View"]);
    assert_eq!(other.audited("backup.download"), [json!(null); 0]);
}

#[test]
fn with_a_passphrase_backups_are_encrypted_where_they_lie() {
    let passphrase = "correct horse battery staple";
    let server = Server::start_with(|settings| {
        settings.backup.passphrase_variable = Some("PASSPHRASE".to_owned());
        settings.backup.passphrase = Some(BackupPassphrase::read(passphrase).unwrap());
    });
    let client = &server.client;
    let made = make(client);
    assert_eq!(name(&made), "tollkeeper-2026-06-01T12-00-00Z.tar.zst.age");
    let file = std::fs::read(made["path"].as_str().unwrap()).unwrap();
    assert_eq!(download(client, &name(&made), ""), file);
    let identity = age::scrypt::Identity::new(passphrase.to_owned().into());
    let plain = age::decrypt(&identity, &file).unwrap();
    assert_eq!(entries(plain.as_slice()), PARTS);
    assert_eq!(drill(client, &name(&made))["passed"], true);
    let path = format!(
        "{BACKUPS}/{}?recipient={}",
        name(&made),
        Identity::generate().to_public()
    );
    client
        .get(&path)
        .expect_refusal(409, "conflict", "backup_encrypted");
}

/// What somebody sees who looks into a folder all the time, until the sender is dropped.
fn watch(folder: PathBuf) -> (Sender<()>, JoinHandle<BTreeSet<String>>) {
    let (stop, stopped) = channel::<()>();
    let thread = std::thread::spawn(move || {
        let mut seen = BTreeSet::new();
        loop {
            let is_last = stopped.try_recv() == Err(TryRecvError::Disconnected);
            let entries = folder.read_dir().into_iter().flatten().flatten();
            seen.extend(entries.map(|entry| entry.file_name().display().to_string()));
            if is_last {
                return seen;
            }
        }
    });
    (stop, thread)
}

#[test]
fn nothing_lies_in_plain_where_encrypted_backups_go() {
    let elsewhere = tempfile::tempdir().unwrap();
    let folder = elsewhere.path().join("backups");
    let server = Server::start_with(|settings| {
        settings.backup.directory = Some(folder.clone());
        settings.backup.passphrase_variable = Some("PASSPHRASE".to_owned());
        settings.backup.passphrase =
            Some(BackupPassphrase::read("correct horse battery staple").unwrap());
    });
    let client = &server.client;
    let (stop, watching) = watch(folder);
    for _ in 0..3 {
        let made = make(client);
        assert_eq!(drill(client, &name(&made))["passed"], true);
    }
    drop(stop);
    let mut seen = watching.join().unwrap();
    for name in names(client) {
        assert!(seen.remove(&name), "{name}");
    }
    seen.remove(".unfiled");
    assert_eq!(seen, BTreeSet::new());
    // What a crash leaves where it may lie in plain goes at the next start.
    let work = server.data_dir().join("backup-work");
    assert!(!work.exists());
    std::fs::create_dir(&work).unwrap();
    std::fs::write(work.join("tollkeeper.db"), "in plain").unwrap();
    let server = server.restart();
    assert!(!server.data_dir().join("backup-work").exists());
}

#[test]
fn of_a_backup_for_a_recipient_the_checksum_is_compared() {
    let identity = Identity::generate();
    let server = Server::start_with(|settings| {
        settings.backup.recipient = Some(identity.to_public().to_string());
    });
    let client = &server.client;
    let older = make(client);
    let made = make(client);
    let path = made["path"].as_str().unwrap();
    let plain = age::decrypt(&identity, &std::fs::read(path).unwrap()).unwrap();
    assert_eq!(entries(plain.as_slice()), PARTS);
    let tried = drill(client, &name(&made));
    assert_eq!(tried["passed"], true);
    assert!(tried["why"].as_str().unwrap().contains("tollkeeper verify"));
    let path_of_older = format!("{BACKUPS}/{}/drill", name(&older));
    client
        .post(&path_of_older, &json!({}))
        .expect_refusal(409, "conflict", "backup_unreadable");
    let mut bytes = std::fs::read(path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(path, bytes).unwrap();
    assert_eq!(drill(client, &name(&made))["passed"], false);
}

#[test]
fn a_drill_finds_what_is_damaged() {
    let server = Server::start();
    let client = &server.client;
    let made = make(client);
    let path = made["path"].as_str().unwrap();
    let whole = std::fs::read(path).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for (damaged, expected) in [
        (&whole[..whole.len() - 9], "damaged"),
        (&flipped[..], "damaged"),
        (b"something else", "damaged"),
    ] {
        std::fs::write(path, damaged).unwrap();
        let tried = drill(client, &name(&made));
        assert_eq!(tried["passed"], false);
        let why = tried["why"].as_str().unwrap();
        assert!(why.contains(expected), "{why}");
        assert_eq!(list(client)["last_drill"], tried);
        assert!(server.services.backups.state().is_failing());
    }
    std::fs::write(path, &whole).unwrap();
    assert_eq!(drill(client, &name(&made))["passed"], true);
    let state = server.services.backups.state();
    assert!(!state.is_failing());
    assert_eq!(state.last_proven, Some(name(&made)));
    // What is damaged by now is proven no more, and kept for nothing.
    std::fs::write(path, &flipped).unwrap();
    assert_eq!(drill(client, &name(&made))["passed"], false);
    assert_eq!(server.services.backups.state().last_proven, None);
}

/// A clock that was ahead for a while left it.
#[test]
fn a_backup_whose_time_has_not_come_is_the_newest_only_where_there_is_no_other() {
    let server = Server::start_on(tempfile::tempdir().unwrap(), just_after_now());
    let client = &server.client;
    let made = make(client);
    let path = Path::new(made["path"].as_str().unwrap());
    let future = "tollkeeper-2099-06-01T12-00-00Z.tar.zst";
    std::fs::copy(path, path.with_file_name(future)).unwrap();
    do_what_is_due(&server.services);
    let tried = list(client)["last_drill"].clone();
    assert_eq!(tried["name"], json!(name(&made)));
    server.time.advance_seconds(1);
    assert_eq!(drill(client, future)["passed"], true);
    assert_eq!(list(client)["last_drill"], tried);
    let proven = || server.services.backups.state().last_proven;
    assert_eq!(proven(), Some(name(&made)));
    std::fs::remove_file(path).unwrap();
    assert_eq!(drill(client, future)["passed"], true);
    assert_eq!(list(client)["last_drill"]["name"], json!(future));
    assert_eq!(proven().as_deref(), Some(future));
}

/// What everybody who watches is told is whether the newest can be restored.
#[test]
fn a_drill_of_an_older_backup_says_nothing_of_the_newest() {
    let server = Server::start();
    let client = &server.client;
    let older = make(client);
    server.time.advance_seconds(60);
    let newest = make(client);
    let [whole, broken] = [&older, &newest].map(|made| {
        let path = made["path"].as_str().unwrap();
        let bytes = std::fs::read(path).unwrap();
        (path.to_owned(), bytes)
    });
    std::fs::write(&broken.0, "damaged").unwrap();
    let failed = drill(client, &name(&newest));
    assert_eq!(failed["passed"], false);
    assert_eq!(drill(client, &name(&older))["passed"], true);
    assert_eq!(list(client)["last_drill"], failed);
    assert!(server.services.backups.state().is_failing());
    // And the other way round.
    std::fs::write(&broken.0, broken.1).unwrap();
    let passed = drill(client, &name(&newest));
    std::fs::write(&whole.0, "damaged").unwrap();
    assert_eq!(drill(client, &name(&older))["passed"], false);
    assert_eq!(list(client)["last_drill"], passed);
    assert!(!server.services.backups.state().is_failing());
    let told = client.audited("backup.drill");
    assert_eq!(told.len(), 4);
    // The one that was proven is the newest of those, whichever was tried out last.
    std::fs::write(&whole.0, whole.1).unwrap();
    assert_eq!(drill(client, &name(&older))["passed"], true);
    let state = server.services.backups.state();
    assert_eq!(state.last_proven, Some(name(&newest)));
}

#[test]
fn what_is_not_sound_says_so_in_its_name_and_takes_nobodys_place() {
    let server = Server::start_with(|settings| settings.backup.keep = 1);
    let client = &server.client;
    let holder = client.make_holder("ada", &policy());
    client
        .post(
            "/v1/usage",
            &crate::support::holders::call(
                &holder.key,
                &json!({ "tokens": 1, "cost": 1, "request_id": "a" }),
            ),
        )
        .expect(201);
    let good = make(client);
    let database = Connection::open(server.data_dir().join("tollkeeper.db")).unwrap();
    database
        .execute_batch("UPDATE counters SET settled = settled + 1; UPDATE journal_tail SET counters = '[]'; UPDATE audit_logs SET actor_name = 'another' WHERE id = 2;")
        .unwrap();
    for _ in 0..2 {
        server.time.advance_seconds(60);
        let made = make(client);
        assert_eq!(made["backup"]["sound"], false);
        assert!(name(&made).ends_with("-unsound.tar.zst"), "{made}");
        let findings = made["findings"].to_string();
        for wanted in ["not what the journal says", "tampered with at entry 2"] {
            assert!(findings.contains(wanted), "{findings}");
        }
        // One of each kind is kept.
        assert_eq!(names(client), [name(&made), name(&good)]);
        assert_eq!(
            list(client)["last_failure"]["at"],
            made["backup"]["made_at"]
        );
        assert_eq!(drill(client, &name(&made))["passed"], false);
    }
    assert!(server.services.backups.state().is_failing());
}

#[test]
fn what_is_in_the_way_of_a_backup_is_told_and_the_next_one_is_made() {
    let server = Server::start();
    let client = &server.client;
    let folder = server.data_dir().join("backups");
    std::fs::write(&folder, "in the way").unwrap();
    let reply = client.post(BACKUPS, &json!({}));
    reply.expect_refusal(503, "unavailable", "backup_failed");
    assert!(reply.text.contains("backups"), "{}", reply.text);
    assert!(server.services.backups.state().is_failing());
    std::fs::remove_file(&folder).unwrap();
    server.time.advance_seconds(1);
    make(client);
    assert!(!server.services.backups.state().is_failing());
    assert_eq!(list(client)["last_failure"]["at"], "2026-06-01T12:00:00Z");
}

#[test]
fn a_server_that_stops_does_not_wait_for_a_backup() {
    let server = Server::start();
    server.services.backups.end();
    let reply = server.client.post(BACKUPS, &json!({}));
    reply.expect_refusal(503, "unavailable", "shutting_down");
    let list = list(&server.client);
    // That is no failure of backups.
    assert_eq!(
        (&list["backups"], list.get("last_failure")),
        (&json!([]), None)
    );
}

/// A time that begins after a database is made, whose file has the time of the machine.
fn just_after_now() -> TestTime {
    TestTime::at(&(Timestamp::now() + SignedDuration::from_mins(1)).to_string())
}

/// Whoever asks for many takes the place of those that were asked for.
#[test]
fn backups_are_made_and_tried_out_by_themselves_and_the_newest_are_kept() {
    let time = just_after_now();
    let directory = tempfile::tempdir().unwrap();
    let mut settings = crate::support::settings(&directory.path().join("data"));
    settings.backup.keep = 2;
    let server = Server::start_set(directory, time, &settings);
    let (client, services) = (&server.client, &server.services);
    let asked = name(&make(client));
    let due = next_backup(services).unwrap();
    do_what_is_due(services);
    // Not a day since there is a database: only a drill was due.
    assert_eq!(names(client), std::slice::from_ref(&asked));
    assert_eq!(list(client)["last_drill"]["name"], json!(asked));
    let mut made = Vec::new();
    for day in 0..9 {
        server.time.advance_seconds(86_400);
        assert!(due <= server.time.now());
        do_what_is_due(services);
        do_what_is_due(services);
        let newest = names(client)[0].clone();
        assert!(newest.ends_with("-scheduled.tar.zst"), "{newest}");
        made.push(newest);
        let tried = list(client)["last_drill"]["name"].clone();
        let expected = if day < 6 { &asked } else { &made[6] };
        assert_eq!(tried, json!(expected), "day {day}");
    }
    // The last that was tried out stays beside the newest two; what was asked for is a kind of its own.
    assert_eq!(
        names(client),
        [&made[8], &made[7], &made[6], &asked].map(Clone::clone)
    );
    for _ in 0..3 {
        server.time.advance_seconds(1);
        make(client);
    }
    let kept = names(client);
    assert_eq!(
        kept.iter()
            .filter(|name| !name.contains("scheduled"))
            .count(),
        2
    );
    assert_eq!(
        kept.iter()
            .filter(|name| name.contains("scheduled"))
            .count(),
        3
    );
}

/// The file of a new directory has the time of the machine, which is later than this.
#[test]
fn a_directory_that_was_made_in_the_future_has_a_backup_made_now() {
    let time = TestTime::at("2026-01-02T00:00:00Z");
    let server = Server::start_on(tempfile::tempdir().unwrap(), time);
    let services = &server.services;
    assert_eq!(next_backup(services), Some(server.time.now()));
    // One that fails is tried again after a while.
    let folder = server.data_dir().join("backups");
    std::fs::write(&folder, "in the way").unwrap();
    do_what_is_due(services);
    let in_an_hour = server.time.now() + SignedDuration::from_hours(1);
    assert_eq!(next_backup(services), Some(in_an_hour));
    std::fs::remove_file(&folder).unwrap();
    server.time.advance_seconds(3_600);
    do_what_is_due(services);
    assert_eq!(names(&server.client).len(), 1);
    let tomorrow = server.time.now() + SignedDuration::from_hours(24);
    assert_eq!(next_backup(services), Some(tomorrow));
}

/// Whoever asks for one every hour would else have the last day kept alone.
#[test]
fn what_somebody_asks_for_puts_off_none_that_is_made_by_itself() {
    const HOUR: i64 = 3_600;
    let time = just_after_now();
    let server = Server::start_on(tempfile::tempdir().unwrap(), time);
    let client = &server.client;
    let scheduled = || {
        let all = names(client).into_iter();
        all.filter(|name| name.contains("-scheduled")).count()
    };
    server.time.advance_seconds(24 * HOUR);
    do_what_is_due(&server.services);
    assert_eq!(scheduled(), 1);
    let due = list(client)["next_at"].clone();
    for _ in 0..23 {
        server.time.advance_seconds(HOUR);
        make(client);
        assert_eq!(list(client)["next_at"], due);
    }
    // Nor does one that comes to nothing.
    server.time.advance_seconds(HOUR - 1);
    let (folder, away) = (
        server.data_dir().join("backups"),
        server.data_dir().join("away"),
    );
    std::fs::rename(&folder, &away).unwrap();
    std::fs::write(&folder, "in the way").unwrap();
    client.post(BACKUPS, &json!({})).expect(503);
    std::fs::remove_file(&folder).unwrap();
    std::fs::rename(&away, &folder).unwrap();
    assert_eq!(list(client)["next_at"], due);
    server.time.advance_seconds(1);
    do_what_is_due(&server.services);
    assert_eq!(scheduled(), 2);
}

#[test]
fn none_is_made_by_itself_where_that_is_switched_off() {
    let server = Server::start_with(|settings| settings.backup.every = std::time::Duration::ZERO);
    server.time.advance_seconds(400 * 86_400);
    do_what_is_due(&server.services);
    let list = list(&server.client);
    assert_eq!((&list["backups"], list.get("next_at")), (&json!([]), None));
}
