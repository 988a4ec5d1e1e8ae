//! The README's commands, run by a shell as they stand there, and the command line's way to the same.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::process::{Process, run, tollkeeper};

/// The shell commands of a section of the README.
fn commands(section: &str) -> String {
    let readme = include_str!("../../README.md");
    let (_, text) = readme.split_once(&format!("\n## {section}\n")).unwrap();
    let text = text.split("\n## ").next().unwrap();
    let blocks = text.split("```sh\n").skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap())
        .filter(|block| !block.contains("cargo run") && !block.contains("pip install"))
        .collect()
}

/// What commands print that succeed.
fn shell(script: &str, directory: &Path) -> String {
    let output = Command::new("bash")
        .args(["-euc", script])
        .current_dir(directory)
        .output()
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let failed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}\n{failed}");
    told
}

/// Runs commands of the README against a server; answers every line that is JSON.
fn follow(server: &Process, directory: &Path, script: &str) -> Vec<Value> {
    let here = format!("127.0.0.1:{}", server.client.port);
    let told = shell(&script.replace("127.0.0.1:8080", &here), directory);
    // Answers of the first section stand one after another without a line break.
    let values = serde_json::Deserializer::from_str(&told).into_iter();
    values.map(Result::unwrap).collect()
}

#[test]
fn the_walk_of_a_small_team_and_its_gateway_is_as_the_readme_tells_it() {
    let directory = tempfile::tempdir().unwrap();
    let server = Process::start(&directory.path().join("data"), &[]);
    let first = commands("A priced, charged call in five commands");
    let binary = tollkeeper();
    let binary = binary.get_program().to_str().unwrap();
    let first = first.replace("target/release/tollkeeper", binary);
    let printed = shell(&first, directory.path());
    assert!(printed.contains("tk_vk_"), "{printed}");
    let script = commands("Start")
        + &commands("The walk of a small team")
        + &commands("Ask before a call, report after it");
    let answers = follow(&server, directory.path(), &script);
    for answer in &answers {
        assert!(answer["error"].is_null(), "{answer}");
    }
    let one = |is: &dyn Fn(&Value) -> bool| answers.iter().find(|answer| is(answer)).unwrap();
    assert_eq!(
        one(&|answer| answer["users_applied"].is_u64())["users_applied"],
        50
    );
    let ada = one(&|answer| answer["user"]["name"] == "Ada");
    assert!(
        ada["virtual_keys"][0]["value"]
            .as_str()
            .unwrap()
            .starts_with("tk_vk_")
    );
    let pushed: Vec<_> = answers
        .iter()
        .filter(|answer| answer["applied"].is_boolean())
        .collect();
    assert_eq!(
        (&pushed[0]["applied"], &pushed[0]["affected_users"]),
        (&json!(false), &json!(52))
    );
    assert_eq!(
        (&pushed[1]["applied"], &pushed[1]["affected_users"]),
        (&json!(true), &json!(52))
    );
    let raised = one(&|answer| answer["effective_max_limit"].is_number());
    assert_eq!(raised["effective_max_limit"], 350);
    assert_eq!(raised["budget"]["override_cycles_remaining"], 2);
    let left = one(&|answer| answer["deleted_vk_count"].is_u64());
    assert_eq!(left["deleted_vk_names"], json!(["developers · user 7"]));

    let client = &server.client;
    let detail = client.get("/api/access-profiles/1").expect(200).json();
    assert_eq!(detail["user_count"], 51);
    assert_eq!(
        client.copies_of(52)[0]["budgets"][0]["effective_max_limit"],
        350
    );
    assert_eq!(
        client.copies_of(51)[0]["budgets"][0]["effective_max_limit"],
        250
    );
    client.get("/api/users/7").expect(404);

    let held = one(&|answer| answer["reservation"]["expires_at"].is_string());
    assert_eq!(held["provider"], "openai");
    let settled = one(&|answer| answer["reservation"]["status"] == "settled");
    assert_eq!(settled["reservation"]["cost"], 0.0171);
    let explained = one(&|answer| answer["allowed"].is_boolean());
    assert_eq!(explained["allowed"], true);
    let quota = one(&|answer| answer["virtual_key"]["is_active"].is_boolean());
    let budget = &quota["access_profiles"][0]["budgets"][0];
    assert_eq!(budget["current_usage"], 0.0342);
    assert_eq!(budget["effective_max_limit"], 350);
    let used = answers.iter().rfind(|answer| answer["usage"].is_array());
    let used = used.unwrap();
    assert_eq!(used["totals"]["cost"], 0.0342);
}

#[test]
fn assign_gives_a_copy_by_name_or_id_with_the_server_running_or_not() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Process::start(directory.path(), &[]);
    let client = &server.client;
    for name in ["ada", "ben"] {
        client.create_person(name);
    }
    for name in ["Developers", "developers of games", "2"] {
        client.create_profile(&json!({ "name": name }));
    }
    let assign = |arguments: &[&str]| run(directory.path(), &[&["assign"], arguments].concat());
    let told = |arguments: &[&str]| {
        let output = assign(arguments);
        let failed = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {failed}");
        String::from_utf8(output.stdout).unwrap()
    };
    let refused = |arguments: &[&str]| {
        let output = assign(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        assert_eq!(output.stdout.len(), 0, "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let shown = told(&[
        "ADA@example.com",
        "developers",
        "--expires-at",
        "2999-01-31T00:00:00Z",
    ]);
    assert!(shown.starts_with("tk_vk_"), "{shown}");
    for part in [
        "ada <ada@example.com> (id 1)",
        "Developers (id 1)",
        "2999-01-31T00:00:00Z",
        "shown this once",
    ] {
        assert!(shown.contains(part), "{shown}");
    }
    assert_eq!(client.copies_of(1).len(), 1);
    for (arguments, why) in [
        (["ada@example.com", "1"], "holds a copy"),
        (["9", "1"], "no user \"9\""),
        (
            ["nobody@example.com", "1"],
            "no user \"nobody@example.com\"",
        ),
        (["1", "nothing"], "no access profile \"nothing\""),
        (["1", "77"], "no access profile \"77\""),
        (["1", "2"], "the id of another"),
    ] {
        let said = refused(&arguments);
        assert!(said.contains(why), "{said}");
    }
    let past = ["2", "1", "--expires-at", "2020-01-31T00:00:00Z"];
    assert!(refused(&past).contains("expires_at"));
    // What is no time at all is a mistake on the command line.
    let soon = assign(&["2", "1", "--expires-at", "soon"]);
    assert_eq!(soon.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&soon.stderr).contains("expected a span"));
    assert!(server.terminate().success());
    let json: Value = serde_json::from_str(&told(&["2", "1", "--json"])).unwrap();
    assert_eq!(json["access_profile"]["user_id"], "2");
    assert!(
        json["virtual_key"]["value"]
            .as_str()
            .unwrap()
            .starts_with("tk_vk_")
    );
    assert!(
        json["database"]
            .as_str()
            .unwrap()
            .ends_with("tollkeeper.db")
    );
}
