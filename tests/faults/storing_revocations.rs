//! Storing what was taken away while the disk was full, when there is room for some of it only (R3, R6).

use serde_json::json;

use super::disk::{limit_files, limited};
use super::full_disk::{NO_ROOM, actions, assert_not_stored, find_key, policy, works};
use crate::support::holders::Holder;

/// How much room comes at a time: less than one revocation needs.
const STEP: u64 = 8_192;

#[test]
fn nothing_that_was_revoked_works_again_while_only_some_of_it_is_stored() {
    let directory = tempfile::tempdir().unwrap();
    let server = limited(directory.path());
    let client = server.client.clone();
    let (_, other) = client.make_key("other", &["*"]);
    let (id, key) = client.make_key("key", &["AccessProfiles:View", "Users:View"]);
    let first = client.make_holder("person", &policy());
    let path = format!("/api/users/{}/virtual-keys", first.user_id);
    let made = client
        .post(&path, &json!({ "name": "own" }))
        .expect(200)
        .json();
    let second = Holder {
        key: find_key(&made),
        ..first.clone()
    };
    key.get("/api/access-profiles").expect(200);
    assert!(works(&client, &first) && works(&client, &second));
    let before = actions(directory.path()).len();
    limit_files(&server, Some(NO_ROOM));

    let key_path = format!("/api/api-keys/{id}");
    assert_not_stored(&client.put(&key_path, &json!({ "scopes": ["AccessProfiles:View"] })));
    assert_not_stored(&other.delete(&key_path));
    for holder in [&first, &second] {
        let managed = "access-profiles/virtual-keys";
        let path = format!(
            "/api/users/{}/{managed}/{}",
            holder.user_id,
            holder.key_id()
        );
        assert_not_stored(&client.delete(&path));
    }
    let mut seen = [false; 5];
    for step in 1.. {
        limit_files(&server, Some(NO_ROOM + step * STEP));
        // It waits for another try.
        let reply = client.post("/api/access-profiles", &json!({ "name": "after" }));
        if reply.status == 201 {
            break;
        }
        let stored = actions(directory.path()).len() - before;
        if !std::mem::replace(&mut seen[stored], true) {
            key.get("/api/access-profiles").expect_refusal(
                401,
                "authentication_error",
                "api_key_revoked",
            );
            assert!(!works(&client, &first) && !works(&client, &second));
        }
        assert!(step < 1_000, "{}", reply.text);
    }
    assert!(seen[1..4].contains(&true), "{seen:?}");
}

#[test]
fn of_two_keys_that_revoke_each_other_at_once_on_a_full_disk_one_stays() {
    let directory = tempfile::tempdir().unwrap();
    let server = limited(directory.path());
    let first = server.client.clone();
    let (id, second) = first.make_key("second", &["*"]);
    second.get("/api/access-profiles").expect(200);
    limit_files(&server, Some(NO_ROOM));
    let start = std::sync::Barrier::new(2);
    let revoke = |client: &crate::support::Client, id: i64| {
        start.wait();
        client.delete(&format!("/api/api-keys/{id}")).code() == "revoked_not_stored"
    };
    let revoked = std::thread::scope(|scope| {
        let other = scope.spawn(|| revoke(&second, 1));
        [revoke(&first, id), other.join().unwrap()]
    });
    assert_ne!(revoked[0], revoked[1]);
}
