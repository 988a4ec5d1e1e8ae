//! `tollkeeper users …` and `tollkeeper roles …`: the same answers with the server running and stopped.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::process::{self, Process, run};

#[track_caller]
fn printed(directory: &Path, arguments: &[&str]) -> String {
    let output = run(directory, arguments);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn answered(directory: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&printed(directory, &[arguments, &["--json"]].concat())).unwrap()
}

#[track_caller]
fn refused(directory: &Path, arguments: &[&str]) -> String {
    process::refused(directory, arguments).1
}

/// Every command once.
fn all(directory: &Path) {
    let role = answered(
        directory,
        &[
            "roles",
            "create",
            "developers",
            "--description",
            "who write",
        ],
    );
    assert_eq!(role["role"]["description"], "who write");
    let made = answered(
        directory,
        &[
            "users",
            "create",
            "Ada",
            "ada@example.com",
            "--role",
            "DEVELOPERS",
        ],
    );
    assert_eq!(made["user"]["role"]["name"], "developers");
    let id = made["user"]["id"].as_str().unwrap();
    assert!(printed(directory, &["users", "list", "--search", "ADA"]).contains("ada@example.com"));
    assert!(printed(directory, &["roles", "list"]).contains("developers"));
    let found =
        |search| answered(directory, &["roles", "list", "--search", search])["roles"].clone();
    assert_eq!(
        (found("WRITE")[0]["name"].as_str(), &found("nobody")),
        (Some("developers"), &json!([]))
    );
    assert!(refused(directory, &["roles", "delete", "developers"]).contains("1 user has the role"));
    assert!(
        refused(directory, &["users", "create", "Eve", "ADA@example.com"])
            .contains("already a user")
    );
    assert!(
        refused(directory, &["users", "set-role", id, "nobody"]).contains("no role \"nobody\"")
    );
    assert!(refused(directory, &["users", "delete", "eve@example.com"]).contains("no user \"eve@"));
    let left = answered(
        directory,
        &["users", "set-role", "Ada@example.com", "--none"],
    );
    assert_eq!(
        (&left["user"]["role_id"], &left["deleted_vk_count"]),
        (&json!(null), &json!(0))
    );
    let gone = answered(directory, &["users", "delete", id]);
    assert_eq!(gone["deleted_vk_names"], json!([]));
    assert!(printed(directory, &["roles", "delete", "developers"]).contains("is deleted in"));
    for (list, said) in [
        ("users", "users create NAME EMAIL"),
        ("roles", "roles create NAME"),
    ] {
        let text = printed(directory, &[list, "list"]);
        assert!(
            text.starts_with("There is no ") && text.contains(said),
            "{text}"
        );
        let text = printed(directory, &[list, "list", "--search", "nobody"]);
        assert!(text.contains("with \"nobody\" in "), "{text}");
    }
    assert_eq!(answered(directory, &["users", "list"])["users"], json!([]));
    assert_eq!(answered(directory, &["roles", "list"])["roles"], json!([]));
}

#[test]
fn people_are_kept_from_the_command_line_with_the_server_running_or_not() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Process::start(directory.path(), &[]);
    all(directory.path());
    // What the role gives is shown once.
    let client = &server.client;
    client.create_profile(&json!({ "name": "dev" }));
    printed(directory.path(), &["roles", "create", "testers"]);
    let attach = json!({ "role_ids": [2], "is_default": true });
    client
        .post("/api/access-profiles/1/roles", &attach)
        .expect(200);
    let text = printed(
        directory.path(),
        &[
            "users",
            "create",
            "Bob",
            "bob@example.com",
            "--role",
            "testers",
        ],
    );
    assert!(
        text.starts_with("tk_vk_") && text.contains("dev · user 2"),
        "{text}"
    );
    printed(directory.path(), &["users", "delete", "bob@example.com"]);
    printed(directory.path(), &["roles", "delete", "testers"]);
    assert!(server.terminate().success());
    all(directory.path());
}

#[test]
fn a_profile_of_providers_models_and_budgets_is_made_and_found_from_the_command_line() {
    let directory = tempfile::tempdir().unwrap();
    let _server = Process::start(directory.path(), &[]);
    let directory = directory.path();
    assert!(
        printed(directory, &["profiles", "list"]).starts_with("There is no access profile in ")
    );
    let made = answered(
        directory,
        &[
            "profiles",
            "create",
            "developers",
            "--provider",
            "openai",
            "--provider",
            "azure",
            "--model",
            "gpt-5*",
            "--model",
            "gpt-4o",
            "--budget",
            "2.50/1d",
            "--budget",
            "100/1M",
        ],
    );
    let profile = &made["access_profile"];
    let lines = profile["provider_configs"].as_array().unwrap();
    let named: Vec<&str> = lines
        .iter()
        .map(|line| line["provider_name"].as_str().unwrap())
        .collect();
    assert_eq!(named, ["openai", "azure"]);
    assert_eq!(lines[1]["allowed_models"], json!(["gpt-5*", "gpt-4o"]));
    assert_eq!(profile["budgets"][0]["max_limit"].as_f64(), Some(2.5));
    assert_eq!(profile["budgets"][1]["reset_duration"], "1M");
    let text = printed(
        directory,
        &[
            "profiles",
            "create",
            "dry",
            "--provider",
            "openai",
            "--budget",
            "0",
        ],
    );
    assert!(
        text.starts_with("Made the access profile dry (id 2)"),
        "{text}"
    );
    assert!(text.contains("\nBut "), "{text}");
    let text = printed(directory, &["profiles", "list", "--search", "DEV"]);
    assert!(
        text.contains("openai, azure") && !text.contains("dry"),
        "{text}"
    );
}

#[test]
fn somebody_is_made_with_a_profile_and_its_key_stands_in_the_first_line() {
    let directory = tempfile::tempdir().unwrap();
    let server = Process::start(directory.path(), &[]);
    let directory = directory.path();
    for name in ["developers", "dry"] {
        server.client.create_profile(&json!({ "name": name }));
    }
    let text = printed(
        directory,
        &[
            "users",
            "create",
            "Ada",
            "ada@example.com",
            "--profile",
            "Developers",
        ],
    );
    let key = text.lines().next().unwrap();
    let quota = server.client.with_virtual_key(key).get("/v1/quota");
    assert_eq!(
        quota.expect(200).json()["access_profiles"][0]["name"],
        "developers"
    );
    // Nobody is made for a profile that can't be given.
    let bob = ["users", "create", "Bob", "bob@example.com", "--profile"];
    let said = refused(directory, &[&bob[..], &["nothing"]].concat());
    assert!(said.contains("tollkeeper profiles list"), "{said}");
    server
        .client
        .put("/api/access-profiles/2/deactivate", &json!({}))
        .expect(200);
    let said = refused(directory, &[&bob[..], &["dry"]].concat());
    assert!(said.contains("inactive"), "{said}");
    // What the role brings is not given twice.
    let role = server.client.create_role("testers");
    server.client.attach(1, &[role], true, false).expect(200);
    let made = answered(
        directory,
        &[&bob[..], &["developers", "--role", "testers"]].concat(),
    );
    let (held, keys) = (&made["user"]["access_profiles"], &made["virtual_keys"]);
    assert_eq!(
        (
            held.as_array().unwrap().len(),
            keys.as_array().unwrap().len()
        ),
        (1, 1)
    );
    let cid = [
        "users",
        "create",
        "Cid",
        "cid@example.com",
        "--profile",
        "1",
    ];
    let made = answered(directory, &cid);
    assert_eq!(made["user"]["access_profile"]["name"], "developers");
}

#[test]
fn a_role_is_taken_away_only_when_that_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let server = Process::start(directory.path(), &[]);
    let client = &server.client;
    let role = client.create_role("testers");
    client.create_profile(&json!({ "name": "dev" }));
    client.attach(1, &[role], true, false).expect(200);
    client.create_user("Bob", "bob@example.com", Some(role));
    for arguments in [
        &["users", "set-role", "1"][..],
        &["users", "set-role", "1", "testers", "--none"],
    ] {
        let output = run(directory.path(), arguments);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("--none"), "{said}");
    }
    assert_eq!(client.copies_of(1).len(), 1, "nothing was taken");
    printed(
        directory.path(),
        &["users", "create", "Cid", "cid@example.com"],
    );
    let text = printed(directory.path(), &["users", "set-role", "2", "--none"]);
    assert!(
        text.starts_with("Cid is in no role; no virtual key is dead"),
        "{text}"
    );
    for spelling in ["--expires", "--expires-at"] {
        let given = answered(
            directory.path(),
            &["assign", "2", "dev", spelling, "2100-01-31T00:00:00Z"],
        );
        assert_eq!(
            given["access_profile"]["expires_at"],
            "2100-01-31T00:00:00Z"
        );
        client.delete("/api/users/2/access-profiles/1").expect(200);
        let scope = [
            "keys",
            "create",
            "k",
            "--permission",
            "Users:View",
            spelling,
            "90d",
        ];
        let made = answered(directory.path(), &scope);
        assert!(made["api_key"]["expires_at"].is_string());
        printed(directory.path(), &["keys", "revoke", "k"]);
    }
    let text = printed(directory.path(), &["users", "set-role", "1", "--none"]);
    assert!(
        text.starts_with("Bob is in no role; 1 virtual key is dead that came with the role before"),
        "{text}"
    );
}

#[test]
fn refusals_speak_of_the_command_line() {
    let directory = tempfile::tempdir().unwrap();
    let server = Process::start(directory.path(), &[]);
    let client = &server.client;
    client.create_person("ada");
    for name in ["dev", "old"] {
        client.create_profile(&json!({ "name": name }));
    }
    client
        .put("/api/access-profiles/2/deactivate", &json!({}))
        .expect(200);
    client.assign(1, 1);
    let said = |arguments: &[&str]| refused(directory.path(), arguments);
    for wanted in ["abc", "9", "abc@example.com"] {
        let words = said(&["assign", wanted, "dev"]);
        assert!(
            words.contains(&format!("no user {wanted:?} in ")),
            "{words}"
        );
        for command in [
            &["users", "delete", wanted][..],
            &["users", "set-role", wanted, "--none"],
        ] {
            assert_eq!(said(command), words);
        }
    }
    let mut all = vec![
        said(&["assign", "1", "dev"]),
        said(&["assign", "1", "old"]),
        said(&["users", "create", "Ada", "ada@example.com"]),
        said(&["users", "create", "Eve", "eve@example.com", "--role", "7"]),
    ];
    client.create_role("Testers");
    all.push(said(&["roles", "create", "testers"]));
    for words in all {
        for wire in ["PUT", "POST", "/api", "…/", "_id", "name:", "email:"] {
            assert!(!words.contains(wire), "{wire}: {words}");
        }
    }
}
