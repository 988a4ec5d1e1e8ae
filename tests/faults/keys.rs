//! `tollkeeper keys …`, with the server running and not.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::support::process::{Process, run, use_once};

fn done(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn refused(code: i32, output: &Output) -> String {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn create(data_dir: &Path, arguments: &[&str]) -> Value {
    let mut all = vec!["keys", "create", "--json"];
    all.extend(arguments);
    serde_json::from_str(&done(&run(data_dir, &all))).unwrap()
}

#[test]
fn keys_are_made_listed_and_revoked_with_the_server_stopped() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    use_once(root);
    let made = create(
        root,
        &[
            "ci",
            "--permission",
            "AccessProfiles:View",
            "--expires",
            "90d",
        ],
    );
    let key = made["key"].as_str().unwrap();
    assert!(key.starts_with("tk_mgmt_"));
    assert!(made["api_key"]["expires_at"].is_string(), "{made}");
    create(root, &["all", "--all"]);
    let list = done(&run(root, &["keys", "list"]));
    assert!(
        list.contains("ci") && list.contains("AccessProfiles:View"),
        "{list}"
    );
    assert!(list.contains("everything") && !list.contains(key), "{list}");

    let server = Process::start(root, &[]);
    let client = server.client.with_key(key);
    assert_eq!(client.get("/api/access-profiles").status, 200);
    drop(server);

    let said = done(&run(root, &["keys", "revoke", "CI"]));
    assert!(said.contains("ci"), "{said}");
    let server = Process::start(root, &[]);
    let reply = server.client.with_key(key).get("/api/access-profiles");
    assert_eq!(
        (reply.status, reply.code().as_str()),
        (401, "api_key_revoked")
    );
}

#[test]
fn a_running_server_honours_a_new_key_and_a_revoke_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let server = Process::start(directory.path(), &[]);
    let made = create(
        directory.path(),
        &["gateway", "--permission", "AccessProfiles:View"],
    );
    let client = server.client.with_key(made["key"].as_str().unwrap());
    assert_eq!(client.get("/api/access-profiles").status, 200);
    let id = made["api_key"]["id"].to_string();
    let said = done(&run(directory.path(), &["keys", "revoke", &id, "--json"]));
    assert!(serde_json::from_str::<Value>(&said).unwrap()["message"].is_string());
    assert_eq!(client.get("/api/access-profiles").status, 401);
    let list = done(&run(directory.path(), &["keys", "list", "--json"]));
    assert!(!list.contains("gateway"), "{list}");
}

#[test]
fn mistakes_are_refused_with_a_sentence() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let none = refused(69, &run(&root.join("none"), &["keys", "list"]));
    assert!(
        none.contains("no database") && !root.join("none").exists(),
        "{none}"
    );
    use_once(root);
    create(root, &["one", "--all"]);
    let taken = refused(4, &run(root, &["keys", "create", "ONE", "--all"]));
    assert!(taken.contains("one") || taken.contains("ONE"), "{taken}");
    let wrong = [
        "keys",
        "create",
        "two",
        "--permission",
        "AccessProfile:View",
    ];
    let wrong = refused(64, &run(root, &wrong));
    assert!(wrong.contains("AccessProfiles"), "{wrong}");
    let unknown = refused(3, &run(root, &["keys", "revoke", "nobody"]));
    assert!(
        unknown.contains("nobody") && unknown.contains("keys list"),
        "{unknown}"
    );
    let span = run(
        root,
        &["keys", "create", "two", "--all", "--expires", "soon"],
    );
    assert_eq!(span.status.code(), Some(64), "{span:?}");
}
