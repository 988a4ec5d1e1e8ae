//! `tollkeeper profiles`, `virtual-keys`, `overrides`, `usage`, `prices` and `upstreams`: the same with the server running and stopped.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::process::{Process, refused, run};

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

/// Every command once, on profiles of this name.
fn all(directory: &Path, name: &str) {
    let email = format!("{name}@example.com");
    profiles(directory, name);
    virtual_keys(directory, name, &email);
    overrides(directory, name, &email);
    usage_prices_and_upstreams(directory, name, &email);
}

fn profiles(directory: &Path, name: &str) {
    let other = format!("{name} too");
    let create = [
        "profiles",
        "create",
        name,
        "--provider",
        "openai",
        "--budget",
        "100/1M",
    ];
    let budgets = ["--budget", "5/1d", "--budget", "7/never"];
    answered(directory, &[&create[..], &budgets].concat());
    let shown = printed(directory, &["profiles", "show", name]);
    assert!(
        shown.contains("$100/1M, $5/1d, $7/never") && shown.contains("openai: every model"),
        "{shown}"
    );
    let cloned = answered(directory, &["profiles", "clone", name, &other]);
    assert_eq!(cloned["access_profile"]["name"], other);
    let change =
        |command| answered(directory, &["profiles", command, &other])["access_profile"].clone();
    assert_eq!(change("deactivate")["is_active"], false);
    assert_eq!(change("activate")["is_active"], true);
    let restored = answered(directory, &["profiles", "restore", &other, "2"]);
    assert_eq!(restored["access_profile"]["version"], 4);
    let versions = answered(directory, &["profiles", "versions", &other]);
    assert_eq!(versions["versions"].as_array().unwrap().len(), 4);
    printed(directory, &["profiles", "delete", &other]);
    assert_eq!(refused(directory, &["profiles", "show", &other]).0, 3);
}

fn virtual_keys(directory: &Path, name: &str, email: &str) {
    printed(
        directory,
        &["users", "create", "Ada", email, "--profile", name],
    );
    let made = answered(
        directory,
        &[
            "virtual-keys",
            "create",
            email,
            "--name",
            &format!("laptop {name}"),
        ],
    );
    let key = &made["virtual_key"];
    assert!(key["value"].as_str().unwrap().starts_with("tk_vk_"));
    let id = key["id"].as_str().unwrap();
    let laptop = format!("laptop {name}");
    for wanted in [id, &laptop] {
        let shown = answered(directory, &["virtual-keys", "show", wanted])["virtual_key"].clone();
        assert_eq!(shown["id"], id);
        assert_ne!(shown["value"], key["value"]);
    }
    let listed = printed(directory, &["virtual-keys", "list", "--user", email]);
    assert_eq!(listed.lines().count(), 4, "{listed}");
    let rotated = answered(
        directory,
        &["virtual-keys", "rotate", &laptop, "--grace", "1h"],
    );
    assert_ne!(rotated["virtual_key"]["value"], key["value"]);
    printed(directory, &["virtual-keys", "delete", id]);
    let (code, said) = refused(directory, &["virtual-keys", "delete", &laptop]);
    assert_eq!(code, 3, "{said}");
}

fn overrides(directory: &Path, name: &str, email: &str) {
    let set = [
        "overrides",
        "set",
        email,
        name,
        "--amount",
        "50",
        "--cycles",
        "2",
    ];
    let (code, said) = refused(directory, &set);
    assert!(code == 64 && said.contains("has several budgets"), "{said}");
    let given = answered(directory, &[&set[..], &["--budget", "1M"]].concat());
    assert_eq!(given["effective_max_limit"], 150);
    let list = answered(directory, &["overrides", "list", email]);
    let more: Vec<&Value> = list["budgets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["override_amount"])
        .collect();
    assert_eq!(more, [&json!(50), &json!(null), &json!(null)]);
    let taken = answered(
        directory,
        &["overrides", "remove", email, name, "--budget", "1M"],
    );
    assert_eq!(taken["effective_max_limit"], 100);
    let (_, said) = refused(directory, &[&set[..], &["--budget", "never"]].concat());
    assert!(said.contains("this budget never resets"), "{said}");
    let mut for_good = set.to_vec();
    for_good.truncate(6);
    for_good.extend(["--forever", "--budget", "never"]);
    let said = printed(directory, &for_good);
    assert!(said.contains(", which never resets, is now $57"), "{said}");
}

fn usage_prices_and_upstreams(directory: &Path, name: &str, email: &str) {
    let usage = answered(
        directory,
        &[
            "usage",
            "--user",
            email,
            "--profile",
            name,
            "--group-by",
            "model",
        ],
    );
    assert_eq!(
        (&usage["usage"], &usage["totals"]["calls"]),
        (&json!([]), &json!(0))
    );
    assert!(printed(directory, &["usage"]).starts_with("of "));
    assert_eq!(refused(directory, &["usage", "--from", "soon"]).0, 64);

    printed(
        directory,
        &["prices", "set", "own", name, "input=1", "output=2.5"],
    );
    assert!(printed(directory, &["prices", "show", "own", name]).contains("$2.5 "));
    printed(directory, &["prices", "delete", "own", name]);
    assert_eq!(refused(directory, &["prices", "delete", "own", name]).0, 3);
    assert_eq!(refused(directory, &["prices", "set", "own", name]).0, 64);

    let none = printed(directory, &["upstreams", "list"]);
    assert!(none.starts_with("There is no upstream in "), "{none}");
    assert_eq!(refused(directory, &["upstreams", "show", "openai"]).0, 3);
}

#[test]
fn what_may_be_used_is_kept_from_the_command_line_with_the_server_running_or_not() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Process::start(directory.path(), &[]);
    all(directory.path(), "running");
    assert!(server.terminate().success());
    all(directory.path(), "stopped");
}

#[test]
fn what_was_used_is_shown_with_names_and_sums() {
    let directory = tempfile::tempdir().unwrap();
    let server = Process::start(directory.path(), &[]);
    let directory = directory.path();
    printed(
        directory,
        &["profiles", "create", "dev", "--provider", "openai"],
    );
    let made = printed(
        directory,
        &[
            "users",
            "create",
            "Ada",
            "ada@example.com",
            "--profile",
            "dev",
        ],
    );
    let key = made.lines().next().unwrap();
    for (request, cost) in [("a", 0.25), ("b", 1.5)] {
        let used = json!({ "virtual_key": key, "provider": "openai", "model": "gpt-5", "tokens": 10, "cost": cost, "request_id": request });
        server.client.post("/v1/usage", &used).expect(201);
    }
    let shown = printed(directory, &["usage", "--group-by", "user,model"]);
    let lines: Vec<Vec<&str>> = shown
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        lines[1],
        ["Ada", "·", "gpt-5", "2", "0", "20", "1.75"],
        "{shown}"
    );
    assert_eq!(lines[2], ["all", "2", "0", "20", "1.75"], "{shown}");
}
