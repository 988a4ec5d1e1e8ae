//! `tollkeeper keys …` with the server running and stopped: the same answers, for people and for programs.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::process::{Process, refused, run};

const PROFILES: &str = "/api/access-profiles";
/// The exit code when a command line is not understood (`EX_USAGE` of sysexits).
const USAGE: i32 = 64;

/// What a command that succeeds prints.
#[track_caller]
fn printed(directory: &Path, arguments: &[&str]) -> String {
    let output = run(directory, arguments);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

#[track_caller]
fn answered(directory: &Path, arguments: &[&str]) -> Value {
    let text = printed(directory, &[arguments, &["--json"]].concat());
    assert_eq!(text.lines().count(), 1, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// A data directory that a server has used.
fn used() -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Process::start(directory.path(), &[]);
    server.client.get(PROFILES).expect(200);
    assert!(server.terminate().success());
    let database = directory
        .path()
        .canonicalize()
        .unwrap()
        .join("tollkeeper.db");
    (directory, database.display().to_string())
}

/// Every command once, for programs; answers the living key and the dead one.
fn all_for_programs(directory: &Path, database: &str) -> (String, String) {
    let create = [
        "keys",
        "create",
        "ci",
        "--permission",
        "AccessProfiles:View",
        "--expires",
        "90d",
    ];
    let made = answered(directory, &create);
    let (id, first) = (
        made["api_key"]["id"].to_string(),
        made["key"].as_str().unwrap().to_owned(),
    );
    assert_eq!(made["database"], database);
    assert_eq!(made["api_key"]["created_by"], "operator");
    let prefix = made["api_key"]["key_prefix"].as_str().unwrap().to_owned();
    for name in ["ci", "CI", &id, &prefix, prefix.trim_end_matches('…')] {
        let shown = answered(directory, &["keys", "show", name]);
        assert_eq!(
            (&shown["api_key"], &shown["database"]),
            (&made["api_key"], &json!(database)),
            "{name}"
        );
    }
    let rotated = answered(directory, &["keys", "rotate", "ci", "--grace", "1h"]);
    assert_eq!(
        (&rotated["api_key"]["id"], &rotated["database"]),
        (&made["api_key"]["id"], &json!(database))
    );
    assert!(rotated["api_key"]["previous_key_expires_at"].is_string());
    let other = answered(directory, &["keys", "create", "other", "--all"]);
    assert_eq!(
        (
            &other["api_key"]["scope_names"],
            &other["api_key"]["expires_at"]
        ),
        (&json!(["*"]), &json!(null))
    );
    let list = answered(directory, &["keys", "list"]);
    let names: Vec<&str> = list["api_keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        (names, &list["database"]),
        (vec!["initial", "ci", "other"], &json!(database))
    );
    let revoked = answered(directory, &["keys", "revoke", "other"]);
    assert_eq!(
        (&revoked["api_key"], &revoked["database"]),
        (&other["api_key"], &json!(database))
    );
    let again = answered(directory, &["keys", "rotate", &id]);
    for secret in [&first[21..], &rotated["key"].as_str().unwrap()[21..]] {
        let shown = printed(directory, &["keys", "list", "--json"]);
        assert!(!shown.contains(secret), "{shown}");
    }
    (
        again["key"].as_str().unwrap().to_owned(),
        rotated["key"].as_str().unwrap().to_owned(),
    )
}

#[test]
fn programs_get_one_line_of_json_with_the_server_stopped() {
    let (directory, database) = used();
    let (living, dead) = all_for_programs(directory.path(), &database);
    let server = Process::start(directory.path(), &[]);
    server.client.with_key(&living).get(PROFILES).expect(200);
    server.client.with_key(&dead).get(PROFILES).expect(401);
    server.client.get(PROFILES).expect(200);
}

#[test]
fn programs_get_the_same_with_the_server_running_and_it_takes_effect_at_once() {
    let (directory, database) = used();
    let server = Process::start(directory.path(), &[]);
    let (living, dead) = all_for_programs(directory.path(), &database);
    server.client.with_key(&living).get(PROFILES).expect(200);
    server.client.with_key(&dead).get(PROFILES).expect(401);
    answered(directory.path(), &["keys", "revoke", "ci"]);
    server.client.with_key(&living).get(PROFILES).expect(401);
}

#[test]
fn people_are_told_what_was_done_and_in_which_database() {
    let (directory, database) = used();
    let directory = directory.path();
    let made = printed(
        directory,
        &[
            "keys",
            "create",
            "ci",
            "--permission",
            "AccessProfiles:View",
            "--permission",
            "Users:View",
        ],
    );
    let key = made.lines().next().unwrap().to_owned();
    assert!(key.starts_with("tk_mgmt_") && key.len() == 70, "{made}");
    for line in [
        "This key is shown this once.",
        "May:       AccessProfiles:View, Users:View",
        "Expires:   never",
    ] {
        assert!(made.contains(line), "{made}");
    }
    let shown = printed(directory, &["keys", "show", "ci"]);
    assert!(
        shown.contains("Last used: never") && !shown.contains(&key[21..]),
        "{shown}"
    );
    let rotated = printed(directory, &["keys", "rotate", "ci", "--grace", "24h"]);
    assert!(
        rotated.contains("The secret before it works until ") && !rotated.contains(&key[21..]),
        "{rotated}"
    );
    assert!(
        printed(directory, &["keys", "show", "ci"]).contains("The secret before it works until ")
    );
    let list = printed(directory, &["keys", "list"]);
    assert!(
        list.contains("initial") && list.contains("everything") && list.contains(&key[..20]),
        "{list}"
    );
    let columns: Vec<Option<usize>> = list
        .lines()
        .take(3)
        .map(|line| line.find("tk_mgmt_").or_else(|| line.find("key ")))
        .collect();
    assert!(
        columns[0].is_some() && columns.iter().all(|column| *column == columns[0]),
        "{list}"
    );
    let revoked = printed(directory, &["keys", "revoke", "ci"]);
    assert!(revoked.contains("\"ci\" is revoked"), "{revoked}");
    for text in [&made, &shown, &rotated, &list, &revoked] {
        assert!(text.contains(&database), "{text}");
    }
}

#[test]
fn what_can_not_be_done_is_said_in_a_sentence() {
    let (directory, database) = used();
    let directory = directory.path();
    let run = |code: i32, arguments: &[&str]| {
        let (found, said) = refused(directory, arguments);
        assert_eq!(found, code, "{said}");
        said
    };
    for command in ["show", "rotate", "revoke"] {
        let text = run(3, &["keys", command, "nobody"]);
        assert!(
            text.contains("there is no key \"nobody\" in") && text.contains(&database),
            "{text}"
        );
    }
    assert!(
        run(5, &["keys", "revoke", "initial"])
            .contains("is the last key that holds every permission")
    );
    assert!(
        run(4, &["keys", "create", "INITIAL", "--all"])
            .contains("there is already an API key named")
    );
    assert!(
        run(64, &["keys", "create", "x", "--permission", "Users:Fly"])
            .contains("expected a permission such as")
    );
    assert!(run(64, &["keys", "rotate", "initial", "--grace", "1M"]).contains("at most 30 days"));
    answered(directory, &["keys", "create", "1", "--all"]);
    assert!(
        run(64, &["keys", "show", "1"]).contains("is the name of one key and the id of another")
    );
    for wrong in [
        &["keys", "create", "x"] as &[&str],
        &["keys", "create", "x", "--all", "--permission", "Users:View"],
        &["keys", "create", "x", "--all", "--expires", "soon"],
        &["keys", "create", "--all"],
    ] {
        assert_eq!(
            crate::support::process::run(directory, wrong).status.code(),
            Some(USAGE),
            "{wrong:?}"
        );
    }
}
