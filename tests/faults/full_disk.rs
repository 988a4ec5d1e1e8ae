//! Taking access away while the disk takes no write: it is denied at once, outlives the process, and is stored before anything
//! else (R3, R6).

use std::path::Path;

use serde_json::{Value, json};

use super::disk::{limit_files, limited, limited_from_the_start};
use crate::support::holders::Holder;
use crate::support::process::Process;
use crate::support::{Client, Reply};

/// No byte can be added to any file that matters with this limit.
pub const NO_ROOM: u64 = 4_000;

/// A server with no room, and what it had before.
struct Full {
    server: Process,
    /// Management keys, with what authenticates them.
    keys: Vec<(i64, Client)>,
    people: Vec<Holder>,
}

pub fn policy() -> Value {
    json!({ "provider_configs": [{ "provider_name": "openai", "all_models_allowed": true }] })
}

fn fill(data_dir: &Path, keys: usize, people: usize) -> Full {
    let server = limited(data_dir);
    let client = &server.client;
    let keys = (0..keys).map(|number| {
        let (id, key) = client.make_key(
            &format!("key {number}"),
            &["AccessProfiles:View", "Users:View"],
        );
        key.get("/api/access-profiles").expect(200);
        (id, key)
    });
    let keys = keys.collect();
    let people =
        (0..people).map(|number| client.make_holder(&format!("person{number}"), &policy()));
    let people = people.collect();
    limit_files(&server, Some(NO_ROOM));
    Full {
        server,
        keys,
        people,
    }
}

#[track_caller]
pub fn assert_not_stored(reply: &Reply) {
    reply.expect_refusal(503, "unavailable", "revoked_not_stored");
    assert!(reply.header("retry-after").is_some());
    assert!(
        reply.message().contains("a restart does not forget it"),
        "{}",
        reply.text
    );
}

/// Whether a virtual key lets its holder do anything.
pub fn works(client: &Client, holder: &Holder) -> bool {
    let reserved = client.reserve(&holder.key, &json!({}));
    assert!(
        [201, 401, 403, 503].contains(&reserved.status),
        "{}",
        reserved.text
    );
    // Where the disk is full, who would be let in is told that it can't be written down.
    [201, 503].contains(&reserved.status)
}

/// The actions of the audit log, the oldest first.
pub fn actions(data_dir: &Path) -> Vec<String> {
    let database = rusqlite::Connection::open(data_dir.join("tollkeeper.db")).unwrap();
    let mut statement = database
        .prepare("SELECT action FROM audit_logs ORDER BY id")
        .unwrap();
    let actions = statement.query_map([], |row| row.get(0)).unwrap();
    actions.map(Result::unwrap).collect()
}

#[test]
fn what_is_revoked_on_a_full_disk_is_dead_at_once_and_after_a_kill_and_is_stored_before_anything_else()
 {
    let directory = tempfile::tempdir().unwrap();
    let Full {
        mut server,
        keys,
        people,
    } = fill(directory.path(), 1, 2);
    let client = server.client.clone();
    let (id, revoked) = &keys[0];
    assert_not_stored(&client.delete(&format!("/api/api-keys/{id}")));
    revoked.get("/api/access-profiles").expect_refusal(
        401,
        "authentication_error",
        "api_key_revoked",
    );
    assert!(works(&client, &people[0]));
    let path = format!(
        "/api/users/{}/access-profiles/virtual-keys/{}",
        people[0].user_id,
        people[0].key_id()
    );
    assert_not_stored(&client.delete(&path));
    assert!(!works(&client, &people[0]));
    assert!(
        client
            .with_virtual_key(&people[0].key)
            .get("/v1/quota")
            .status
            >= 401
    );
    // Once more says the same, and others are as before.
    assert_not_stored(&client.delete(&path));
    assert!(works(&client, &people[1]));
    client.get("/api/access-profiles").expect(200);
    server.kill();

    // Still no room: what was taken away stays away.
    // The index of the log has 32 KiB, and the log itself has more than this already.
    let mut server = limited_from_the_start(directory.path(), "72");
    let client = server.client.clone();
    let revoked = client.with_key(&revoked.key);
    revoked.get("/api/access-profiles").expect(401);
    assert!(!works(&client, &people[0]));
    assert_eq!(client.get("/ready").status, 503);
    server.kill();

    let server = Process::start(directory.path(), &[]);
    let client = server.client.clone();
    client.get("/ready").expect(200);
    let revoked = client.with_key(&revoked.key);
    revoked.get("/api/access-profiles").expect_refusal(
        401,
        "authentication_error",
        "api_key_revoked",
    );
    assert!(!works(&client, &people[0]));
    assert!(works(&client, &people[1]));
    client.create_profile(&json!({ "name": "after" }));
    let log = actions(directory.path());
    let newest: Vec<&str> = log.iter().rev().take(3).rev().map(String::as_str).collect();
    assert_eq!(
        newest,
        [
            "api_key.revoke",
            "virtual_key.delete",
            "access_profile.create"
        ]
    );
    client.delete(&format!("/api/api-keys/{id}")).expect(404);
}

#[test]
fn everything_that_takes_access_away_does_so_on_a_full_disk() {
    let directory = tempfile::tempdir().unwrap();
    let server = limited(directory.path());
    let client = server.client.clone();
    let (narrowed_id, narrowed) =
        client.make_key("narrowed", &["AccessProfiles:View", "Users:View"]);
    let (shortened_id, shortened) = client.make_key("shortened", &["AccessProfiles:View"]);
    let [copy, left, gone, sooner] =
        ["copy", "left", "gone", "sooner"].map(|name| client.make_holder(name, &policy()));
    let role = client.create_role("role");
    let of_role = client.create_profile(
        &json!({ "name": "of the role", "provider_configs": policy()["provider_configs"] }),
    )["id"]
        .as_i64()
        .unwrap();
    client.attach(of_role, &[role], true, false).expect(200);
    let joined = client
        .put(
            &format!("/api/users/{}/role", left.user_id),
            &json!({ "role_id": role }),
        )
        .expect(200)
        .json();
    let role_key = Holder {
        key: find_key(&joined),
        ..left.clone()
    };
    let own = client
        .post(
            &format!("/api/users/{}/virtual-keys", sooner.user_id),
            &json!({ "name": "own" }),
        )
        .expect(200)
        .json();
    let own = Holder {
        key: find_key(&own),
        ..sooner.clone()
    };
    let soon = (jiff::Timestamp::now() + jiff::SignedDuration::from_secs(2)).to_string();
    limit_files(&server, Some(NO_ROOM));

    assert_not_stored(&client.put(
        &format!("/api/api-keys/{narrowed_id}"),
        &json!({ "scopes": ["Users:View"] }),
    ));
    narrowed.get("/api/users").expect(200);
    narrowed.get("/api/access-profiles").expect(403);
    shortened.get("/api/access-profiles").expect(200);
    assert_not_stored(&client.put(
        &format!("/api/api-keys/{shortened_id}"),
        &json!({ "expires_at": soon }),
    ));
    let key_path = format!("/api/virtual-keys/{}", own.key_id());
    assert_not_stored(&client.put(&key_path, &json!({ "expires_at": soon })));
    assert_not_stored(&client.delete(&format!(
        "/api/users/{}/access-profiles/{}",
        copy.user_id, copy.profile_id
    )));
    assert!(!works(&client, &copy));
    assert!(works(&client, &role_key));
    assert_not_stored(&client.put(
        &format!("/api/users/{}/role", left.user_id),
        &json!({ "role_id": null }),
    ));
    assert!(!works(&client, &role_key));
    assert!(works(&client, &left));
    assert_not_stored(&client.delete(&format!("/api/users/{}", gone.user_id)));
    assert!(!works(&client, &gone));
    // Two seconds are over at some time.
    while shortened.get("/api/access-profiles").status == 200 || works(&client, &own) {}
    assert!(works(&client, &sooner));

    // The first write after there is room finds all of it stored, in the order in which it was done.
    limit_files(&server, None);
    client.create_profile(&json!({ "name": "after" }));
    let log = actions(directory.path());
    let newest: Vec<&str> = log.iter().rev().take(9).rev().map(String::as_str).collect();
    assert_eq!(
        newest,
        [
            "api_key.update",
            "api_key.update",
            "virtual_key.update",
            "access_profile.unassign",
            "access_profile.unassign",
            "user.change_role",
            "access_profile.unassign",
            "user.delete",
            "access_profile.create",
        ]
    );
    client.get("/ready").expect(200);
    narrowed.get("/api/users").expect(200);
    narrowed.get("/api/access-profiles").expect(403);
    let left_of_it = std::fs::read(directory.path().join("revocations")).unwrap();
    assert!(left_of_it.iter().all(|byte| *byte == 0));
}

#[test]
fn what_takes_no_access_away_is_refused_as_any_write_is_and_the_last_key_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let full = fill(directory.path(), 2, 0);
    let client = full.server.client.clone();
    let path = |at: usize| format!("/api/api-keys/{}", full.keys[at].0);
    let wider = json!({ "scopes": ["AccessProfiles:View", "Users:View", "Roles:View"] });
    for change in [&wider, &json!({ "name": "another" })] {
        let reply = client.put(&path(0), change).expect(503);
        assert!(reply.code().starts_with("disk_"), "{}", reply.text);
    }
    // The key of the first start, which authenticates this.
    let first = "/api/api-keys/1";
    client
        .delete(first)
        .expect_refusal(409, "conflict", "last_all_powerful_key");
    let kept = std::fs::read(directory.path().join("revocations")).unwrap();
    assert!(kept.iter().all(|byte| *byte == 0));
    // While something waits, what would be loaded from the database is not changed by anything else.
    assert_not_stored(&client.delete(&path(1)));
    client
        .put(&path(0), &wider)
        .expect_refusal(503, "unavailable", "revocations_first");
}

/// The virtual key in an answer that shows it.
pub fn find_key(answer: &Value) -> String {
    let text = answer.to_string();
    let at = text.find("tk_vk_").unwrap();
    text[at..].split('"').next().unwrap().to_owned()
}

#[test]
fn a_server_whose_disk_is_full_is_not_ready_says_so_now_and_then_and_recovers_by_itself() {
    let directory = tempfile::tempdir().unwrap();
    let Full {
        mut server, people, ..
    } = fill(directory.path(), 0, 1);
    let client = server.client.clone();
    let path = directory.path().join("revocations");
    let room = std::fs::metadata(&path).unwrap();
    assert_eq!(room.len(), 1024 * 1024);
    assert!(
        std::os::unix::fs::MetadataExt::blocks(&room) * 512 >= room.len(),
        "nothing is kept back"
    );
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&room.permissions()) & 0o777,
        0o600
    );
    for number in 0..200 {
        let reply = client.post(
            "/api/access-profiles",
            &json!({ "name": format!("{number}") }),
        );
        assert_eq!(reply.status, 503, "{}", reply.text);
        assert_eq!(client.reserve(&people[0].key, &json!({})).status, 503);
    }
    let ready = client.get("/ready").expect(503);
    assert!(ready.code().starts_with("disk_"), "{}", ready.text);
    client.get("/health").expect(200);
    limit_files(&server, None);
    // Nobody writes: it finds out by itself.
    while client.get("/ready").status != 200 {}
    client.create_profile(&json!({ "name": "after" }));
    assert!(server.terminate().success());
    let log = server.log();
    let errors: Vec<&str> = log
        .lines()
        .filter(|line| line.contains(" ERROR "))
        .collect();
    assert!(
        (1..=20).contains(&errors.len()),
        "{} lines: {errors:#?}",
        errors.len()
    );
    assert!(log.contains("more like it"), "{errors:#?}");
}
