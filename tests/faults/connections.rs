//! Connections that are many, or whose answers nobody reads: the limit of files and the memory of the process (R18, R19).

use std::path::Path;

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::json;

use crate::support::process::{Process, run, tollkeeper};
use crate::support::wire::Wire;

const HEALTH: &str = "GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// A server that may have so many files open, and can't have more.
fn start_with_files(data_dir: &Path, files: u64, hard: bool) -> Process {
    let binary = tollkeeper().get_program().to_owned();
    let mut command = std::process::Command::new("/bin/sh");
    let limit = if hard { "ulimit -n" } else { "ulimit -Sn" };
    command
        .env_clear()
        .args(["-c", &format!("{limit} {files}; exec \"$@\""), "sh"])
        .arg(binary)
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(data_dir);
    Process::start_command(command, data_dir)
}

fn limit_of(server: &Process) -> Rlimit {
    let id = Some(Pid::from_child(&server.child));
    let unlimited = rustix::process::getrlimit(Resource::Nofile);
    // There is no asking without setting, so what it was is set again.
    let was = prlimit(id, Resource::Nofile, unlimited).unwrap();
    prlimit(id, Resource::Nofile, was).unwrap();
    was
}

fn keys_list(data_dir: &Path) -> bool {
    run(data_dir, &["keys", "list"]).status.success()
}

/// The memory of a process in KiB.
fn memory(server: &Process) -> u64 {
    let path = format!("/proc/{}/status", server.child.id());
    let status = std::fs::read_to_string(path).unwrap();
    let mut lines = status.lines();
    let line = lines.find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn a_low_limit_of_files_is_raised_to_what_the_connections_need() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = start_with_files(directory.path(), 256, false);
    assert!(
        limit_of(&server)
            .current
            .is_none_or(|files| files >= 10_000)
    );
    assert!(server.terminate().success());
    assert!(!server.log().contains("files open"), "{}", server.log());
}

#[test]
fn where_it_cannot_be_raised_fewer_connections_are_served_and_the_operator_gets_in() {
    // Each core has a worker, which needs some.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let files = 224 + 16 * cores;
    let directory = tempfile::tempdir().unwrap();
    let mut server = start_with_files(directory.path(), files as u64, true);
    let log = server.log();
    let warning = log.lines().find(|line| line.contains("files open"));
    let warning = warning.unwrap_or_else(|| panic!("no warning:\n{log}"));
    for part in [
        "WARN",
        &files.to_string(),
        "server.max_connections",
        "ulimit -n",
        "LimitNOFILE",
    ] {
        assert!(warning.contains(part), "{warning}");
    }
    let mut hostile = Vec::new();
    for number in 0..2 * files {
        let mut wire = Wire::open(server.client.port);
        wire.send(if number % 2 == 0 { "G" } else { HEALTH }.as_bytes());
        hostile.push(wire);
    }
    assert!(keys_list(directory.path()));
    let made = run(directory.path(), &["keys", "create", "another", "--all"]);
    assert!(made.status.success(), "{made:?}");
    // All of them are still there, and somebody else is served, who has a key or none.
    let mut other = Wire::open(server.client.port);
    other.send(HEALTH.as_bytes());
    other.answer().expect(200);
    server
        .client
        .create_profile(&json!({ "name": "others are served" }));
    drop(hostile);
    server.client.get("/ready").expect(200);
    assert!(server.terminate().success());
    let log = server.log();
    assert!(!log.contains("Too many open files"), "{log}");
}

#[test]
fn a_file_limit_that_leaves_no_room_for_connections_is_refused_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let output = std::process::Command::new("/bin/sh")
        .env_clear()
        .args(["-c", "ulimit -n 64; exec \"$@\"", "sh"])
        .arg(tollkeeper().get_program())
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(directory.path())
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    for part in ["64 files open", "ulimit -n", "LimitNOFILE"] {
        assert!(said.contains(part), "{said}");
    }
    assert!(
        std::fs::read_dir(directory.path())
            .unwrap()
            .next()
            .is_none()
    );
}

#[test]
fn a_limit_of_files_that_is_reached_all_the_same_ends_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let server = Process::start(directory.path(), &[]);
    server.client.get("/health").expect(200);
    let id = Some(Pid::from_child(&server.child));
    let files = std::fs::read_dir(format!("/proc/{}/fd", server.child.id())).unwrap();
    let before = limit_of(&server);
    let reached = Rlimit {
        current: Some(files.count() as u64),
        maximum: before.maximum,
    };
    prlimit(id, Resource::Nofile, reached).unwrap();
    let mut waiting: Vec<Wire> = (0..50).map(|_| Wire::open(server.client.port)).collect();
    for wire in &mut waiting {
        wire.send(HEALTH.as_bytes());
    }
    // The connection that it has is served on.
    for _ in 0..100 {
        server.client.get("/health").expect(200);
    }
    prlimit(id, Resource::Nofile, before).unwrap();
    for mut wire in waiting {
        wire.answer().expect(200);
    }
}

/// How much memory each of many connections takes on which this is sent as often as it is taken, and nothing is read, in KiB.
fn memory_of_unread(server: &Process, request: &str, times: Times) -> u64 {
    const CONNECTIONS: u64 = 200;
    let send = |wire: &mut Wire| match times {
        Times::Once => assert!(wire.send(request.as_bytes())),
        Times::Full => assert!(wire.send_until_full(request.as_bytes()) > 0),
    };
    let mut first = Wire::open(server.client.port);
    send(&mut first);
    first.head().expect(200);
    let before = memory(server);
    let mut unread = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut wire = Wire::open(server.client.port);
        send(&mut wire);
        server.client.get("/health").expect(200);
        unread.push(wire);
    }
    if let Times::Full = times {
        for wire in &mut unread {
            wire.send_until_full(request.as_bytes());
        }
    }
    server.client.get("/health").expect(200);
    memory(server).saturating_sub(before) / CONNECTIONS
}

#[derive(Clone, Copy)]
enum Times {
    Once,
    Full,
}

#[test]
fn answers_that_nobody_reads_keep_little_memory_each() {
    let directory = tempfile::tempdir().unwrap();
    let server = Process::start(directory.path(), &[]);
    let large = "GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let document = "GET /openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let bodiless = "HEAD /health HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(1_000);
    for (request, times, most) in [
        (large, Times::Once, 128),
        (document, Times::Once, 128),
        (large, Times::Full, 256),
        (bodiless.as_str(), Times::Full, 256),
    ] {
        let each = memory_of_unread(&server, request, times);
        assert!(each < most, "{each} KiB for {request:.40}");
    }
}

#[test]
fn large_answers_that_nobody_reads_have_a_bound_together() {
    const CONNECTIONS: usize = 40;
    /// In KiB: 64 MiB for answers, and as much again for what the allocator keeps.
    const MOST: u64 = 128 * 1024;
    /// How often another caller is served meanwhile at most; each takes tens of milliseconds.
    const MOST_LOOKS: usize = 500;
    let directory = tempfile::tempdir().unwrap();
    let server = Process::start(directory.path(), &[]);
    let models: Vec<String> = (0..2_000)
        .map(|number| format!("model-{number:050}"))
        .collect();
    for number in 0..60 {
        let profile = json!({
            "name": format!("profile {number}"), "description": "x".repeat(100),
            "provider_configs": [{ "provider_name": "openai", "allowed_models": models }],
        });
        server.client.create_profile(&profile);
    }
    let request = |number: usize| {
        // Each asks for another page, so that they have no answer in common.
        format!(
            "GET /api/access-profiles?limit=100&search={:x<number$} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\r\n",
            "", server.client.key
        )
    };
    let read = |number: usize| {
        let mut wire = Wire::open(server.client.port);
        wire.send(request(number).as_bytes());
        assert!(wire.answer().expect(200).text.len() > 6_000_000);
    };
    // What making and reading them takes is none of this.
    (1..=CONNECTIONS).for_each(read);
    let before = memory(&server);
    let mut unread = Vec::new();
    for number in 1..=CONNECTIONS {
        let mut wire = Wire::open(server.client.port);
        wire.send(request(number).as_bytes());
        wire.head().expect(200);
        unread.push(wire);
    }
    // Others are served as before, and those who take nothing are given up meanwhile.
    let mut grown = u64::MAX;
    for _ in 0..MOST_LOOKS {
        read(CONNECTIONS + 1);
        grown = memory(&server).saturating_sub(before);
        if grown < MOST {
            return;
        }
    }
    panic!("{grown} KiB");
}
