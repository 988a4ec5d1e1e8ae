//! What the disk can do to a running server: no room left, the file deleted or replaced (R6).

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use serde_json::json;

use crate::support::holders::{call, reservation_id};
use crate::support::process::{Process, tollkeeper};

/// A server that can't make a file larger than this many bytes. The signal that would end it is ignored, as `write` then fails.
pub fn limited(data_dir: &std::path::Path) -> Process {
    limited_from_the_start(data_dir, "unlimited")
}

/// The same with a limit from the start on, in blocks of 512 bytes.
pub fn limited_from_the_start(data_dir: &std::path::Path, blocks: &str) -> Process {
    let binary = tollkeeper().get_program().to_owned();
    let mut command = std::process::Command::new("/bin/sh");
    command
        .env_clear()
        .arg("-c")
        .arg(format!("trap '' XFSZ; ulimit -S -f {blocks}; exec \"$@\""))
        .arg("sh")
        .arg(binary)
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(data_dir);
    Process::start_command(command, data_dir)
}

pub fn limit_files(server: &Process, bytes: Option<u64>) {
    let limit = Rlimit {
        current: bytes,
        maximum: getrlimit(Resource::Fsize).maximum,
    };
    prlimit(Some(Pid::from_child(&server.child)), Resource::Fsize, limit).unwrap();
}

#[test]
fn a_write_without_room_is_refused_whole_and_the_server_recovers_by_itself() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = limited(directory.path());
    let kept = server.client.create_profile(&json!({ "name": "kept" }));
    limit_files(&server, Some(300_000));
    let mut stored = 1;
    let refusal = loop {
        let body = json!({ "name": format!("profile {stored}"), "description": "x".repeat(9_000) });
        let reply = server.client.post("/api/access-profiles", &body);
        if reply.status != 201 {
            break reply;
        }
        stored += 1;
        assert!(stored < 1_000, "the limit is not felt");
    };
    assert_eq!(refusal.status, 503, "{}", refusal.text);
    assert!(refusal.code().starts_with("disk_"), "{}", refusal.text);
    assert!(refusal.header("retry-after").is_some());

    let list = server.client.get("/api/access-profiles").expect(200).json();
    assert_eq!(list["total_count"], stored);
    let path = format!("/api/access-profiles/{}", kept["id"]);
    assert_eq!(server.client.get(&path).status, 200);

    limit_files(&server, None);
    server.client.create_profile(&json!({ "name": "after" }));
    server.kill();
    let server = Process::start(directory.path(), &[]);
    let list = server.client.get("/api/access-profiles").expect(200).json();
    assert_eq!(list["total_count"], stored + 1);
}

#[test]
fn a_database_that_was_deleted_or_replaced_takes_no_more_writes() {
    for replace in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        let server = Process::start(directory.path(), &[]);
        assert_eq!(server.client.get("/ready").status, 200);
        let path = directory.path().join("tollkeeper.db");
        if replace {
            let copy = directory.path().join("copy");
            std::fs::copy(&path, &copy).unwrap();
            std::fs::rename(&copy, &path).unwrap();
        } else {
            std::fs::remove_file(&path).unwrap();
        }
        let body = json!({ "name": "lost" });
        for reply in [
            server.client.get("/ready"),
            server.client.post("/api/access-profiles", &body),
        ] {
            assert_eq!(
                (reply.status, reply.code().as_str()),
                (503, "database_gone"),
                "{}",
                reply.text
            );
        }
        assert_eq!(server.client.get("/health").status, 200);
    }
}

#[test]
fn decisions_without_room_hold_nothing_and_what_needs_no_write_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = limited(directory.path());
    let client = server.client.clone();
    let policy = json!({
        "provider_configs": [{ "provider_name": "openai", "all_models_allowed": true, "blacklisted_models": ["no*"] }],
        "budgets": [{ "max_limit": 1_000, "reset_duration": "1d" }]
    });
    let ada = client.make_holder("ada", &policy);
    let reserve = |number: usize| {
        let id = format!("{number} {}", "x".repeat(200));
        client.reserve(&ada.key, &json!({ "estimated_cost": 1, "request_id": id }))
    };
    let state = || {
        let body = call(&ada.key, &json!({ "estimated_cost": 1 }));
        let explained = client.post("/v1/explain", &body).expect(200).json();
        let limit = explained["access_profiles"][0]["limits"][0].clone();
        let open = client.get("/v1/reservations").expect(200).json();
        (
            limit["used"].clone(),
            limit["held"].clone(),
            open["total_count"].clone(),
        )
    };
    limit_files(&server, Some(400_000));
    let mut made = Vec::new();
    let refused = loop {
        let reply = reserve(made.len());
        if reply.status != 201 {
            break reply;
        }
        made.push(reservation_id(&reply));
        assert!(made.len() < 1_000, "the limit is not felt");
    };
    assert_eq!(refused.status, 503, "{}", refused.text);
    assert!(refused.code().starts_with("disk_"), "{}", refused.text);
    assert!(refused.header("retry-after").is_some());
    let kept = (json!(0), json!(made.len()), json!(made.len()));
    assert_eq!(state(), kept);
    // What is smaller may find a place where that did not: from here on there is none for anything.
    limit_files(&server, Some(4_000));
    // Nothing of what can't be written down is half done, and refusals and explanations go on.
    assert_eq!(client.settle(&made[0], 1, 1.0).status, 503);
    assert_eq!(
        client
            .delete(&format!("/v1/reservations/{}", made[0]))
            .status,
        503
    );
    let blocked = json!({ "model": "none" });
    client
        .reserve(&ada.key, &blocked)
        .expect_refusal(403, "model_blocked", "model_blocked");
    assert_eq!(state(), kept);

    limit_files(&server, None);
    client.settle(&made[0], 1, 1.0).expect(200);
    // What was refused for want of room was not decided: the same request id is let in now.
    reserve(made.len()).expect(201);
    let kept = (json!(1), json!(made.len()), json!(made.len()));
    assert_eq!(state(), kept);
    server.kill();
    let server = Process::start(directory.path(), &[]);
    let open = server.client.get("/v1/reservations").expect(200).json();
    assert_eq!(open["total_count"], made.len());
    server.client.settle(&made[0], 1, 1.0).expect(200);
}
