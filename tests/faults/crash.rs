//! `kill -9`.

use serde_json::json;

use crate::support::process::Process;

#[test]
fn a_profile_survives_kill_9_right_after_its_201() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Process::start(directory.path(), &[]);
    let profile = server.client.create_profile(&json!({ "name": "kept" }));
    server.kill();
    let server = Process::start(directory.path(), &[]);
    let read = server
        .client
        .get(&format!("/api/access-profiles/{}", profile["id"]))
        .expect(200);
    assert_eq!(read.json()["access_profile"], profile);
}
