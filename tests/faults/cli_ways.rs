//! What holds for every command: help with an example, exit codes, errors for programs, who may use a directory, and waiting for others.

use std::os::unix::fs::chown;
use std::path::Path;
use std::process::{Command, Stdio};

use clap::CommandFactory;
use rustix::process::geteuid;
use serde_json::Value;
use tollkeeper::cli::CommandLine;

use crate::support::process::{Process, copy_of_tollkeeper, refused, run, tollkeeper, use_once};

/// Every command with its path of names, those of commands below commands too.
fn all(command: &clap::Command, path: &[String], found: &mut Vec<Vec<String>>) {
    for inner in command.get_subcommands() {
        let path = [path, &[inner.get_name().to_owned()]].concat();
        if inner.get_subcommands().next().is_none() {
            found.push(path.clone());
        }
        all(inner, &path, found);
    }
}

#[test]
fn each_command_on_a_data_directory_shows_examples_that_it_understands() {
    let mut commands = Vec::new();
    all(&CommandLine::command(), &[], &mut commands);
    assert!(commands.len() > 40, "{commands:?}");
    let others = ["serve", "openapi", "completions"];
    commands.retain(|path| !others.contains(&path[0].as_str()));
    let empty = tempfile::tempdir().unwrap();
    for path in commands {
        let output = tollkeeper().args(&path).arg("--help").output().unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{path:?}");
        let example = help
            .split_once("Example:\n")
            .or_else(|| help.split_once("Examples:\n"));
        let (_, examples) = example.unwrap_or_else(|| panic!("{path:?}: {help}"));
        let examples = examples
            .lines()
            .take_while(|line| line.starts_with("  tollkeeper "));
        for example in examples {
            let typed = example.trim().split(['|', '<']).next().unwrap();
            let line = typed.replacen("tollkeeper", env!("CARGO_BIN_EXE_tollkeeper"), 1);
            let line = format!("{line} --data-dir none").replace("/usr/local/share/man/man1", ".");
            let mut shell = Command::new("sh");
            shell
                .env_clear()
                .current_dir(empty.path())
                .arg("-c")
                .arg(&line);
            let ended = shell.stdin(Stdio::null()).output().unwrap();
            let said = String::from_utf8_lossy(&ended.stderr).into_owned();
            assert!(
                !said.contains("Usage:") && !said.contains("unexpected"),
                "{example}: {said}"
            );
        }
    }
    assert!(!empty.path().join("none").exists(), "looking makes nothing");
}

#[test]
fn the_help_the_readme_and_the_commands_agree_on_exit_codes() {
    let help = tollkeeper().arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let documented = include_str!("../../docs/command-line.md");
    let codes: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Exit codes:")
        .skip(1)
        .map_while(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(codes, ["0", "1", "2", "3", "4", "5", "64", "69", "77"]);
    for code in codes {
        assert!(documented.contains(&format!("\n| {code} | ")), "{code}");
    }
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    assert_eq!(refused(directory, &["keys", "list"]).0, 69);
    use_once(directory);
    for (code, arguments) in [
        (3, &["users", "show", "nobody@example.com"][..]),
        (4, &["keys", "create", "initial", "--all"]),
        (5, &["keys", "revoke", "initial"]),
        (64, &["keys", "make"]),
        (64, &["keys", "list", "--config", "/nowhere"]),
        (64, &["overrides", "set", "ada", "dev", "--amount", "1"]),
    ] {
        let (found, said) = refused(directory, arguments);
        assert_eq!(found, code, "{arguments:?}: {said}");
        // The same for programs: one line of JSON on standard output, and nothing beside it.
        let output = run(directory, &[arguments, &["--json"]].concat());
        assert_eq!(output.status.code(), Some(code));
        assert!(output.stderr.is_empty(), "{output:?}");
        let body: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(body["is_bifrost_error"], false, "{body}");
        assert!(body["status_code"].as_u64().unwrap() >= 400, "{body}");
        for member in ["type", "code", "message"] {
            assert!(body["error"][member].is_string(), "{body}");
        }
    }
}

#[test]
fn no_command_makes_a_database() {
    let empty = tempfile::tempdir().unwrap();
    for arguments in [
        &["keys", "create", "ci", "--all"][..],
        &["users", "create", "Ada", "ada@example.com"],
        &["migrate", "--dry-run"],
        &["audit", "verify"],
    ] {
        let (code, said) = refused(empty.path(), arguments);
        assert_eq!(code, 69, "{said}");
        assert!(said.contains("there is no database in"), "{said}");
    }
    assert_eq!(std::fs::read_dir(empty.path()).unwrap().count(), 0);
}

/// A command as another user; the binary lies where that one may run it.
fn as_somebody(binary: &Path, data_dir: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new("setpriv");
    command.env_clear().current_dir("/");
    command.args(["--reuid=54322", "--regid=54322", "--clear-groups"]);
    command
        .arg(binary)
        .args(arguments)
        .arg("--data-dir")
        .arg(data_dir);
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), said)
}

#[test]
fn a_directory_of_another_user_is_no_permission_and_says_whose_it_is() {
    // Only root can be two users.
    if !geteuid().is_root() {
        return;
    }
    let around = tempfile::tempdir().unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(around.path(), open).unwrap();
    let binary = copy_of_tollkeeper(around.path());
    let data_dir = around.path().join("data");
    use_once(&data_dir);
    for arguments in [
        &["keys", "list"][..],
        &["keys", "create", "x", "--all"],
        &["migrate", "status"],
    ] {
        let (code, said) = as_somebody(&binary, &data_dir, arguments);
        assert_eq!(code, Some(77), "{said}");
        let wanted = "run as root, as with `sudo -u root`";
        assert!(
            said.contains("permission denied: ") && said.contains(wanted),
            "{said}"
        );
    }
    // What root left in a directory of somebody else, that one could not read: root is asked to be that one.
    for file in std::fs::read_dir(&data_dir).unwrap() {
        chown(file.unwrap().path(), Some(54_322), Some(54_322)).unwrap();
    }
    chown(&data_dir, Some(54_322), Some(54_322)).unwrap();
    let (code, said) = refused(&data_dir, &["keys", "list"]);
    assert_eq!(code, 77, "{said}");
    assert!(said.contains("sudo -u '#54322'"), "{said}");
    // Over the socket of a server that runs as that one, root may do everything.
    let mut command = Command::new("setpriv");
    command.env_clear().current_dir("/");
    command.args(["--reuid=54322", "--regid=54322", "--clear-groups"]);
    command
        .arg(&binary)
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(&data_dir);
    let _server = Process::start_command(command, &data_dir);
    assert!(run(&data_dir, &["keys", "list"]).status.success());
}

#[test]
fn commands_side_by_side_on_a_stopped_server_wait_for_each_other() {
    let directory = tempfile::tempdir().unwrap();
    use_once(directory.path());
    let create = |number: usize| {
        let mut command = tollkeeper();
        command.arg("--data-dir").arg(directory.path());
        command.args(["keys", "create", &format!("key {number}"), "--all"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let running: Vec<_> = (0..8).map(create).collect();
    for child in running {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    let list = run(directory.path(), &["keys", "list", "--json"]);
    let list: Value = serde_json::from_slice(&list.stdout).unwrap();
    assert_eq!(list["api_keys"].as_array().unwrap().len(), 9);
}

#[test]
fn shells_and_manuals_know_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let output = tollkeeper().args(["completions", shell]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.success() && text.contains("virtual-keys"),
            "{shell}"
        );
    }
    let directory = tempfile::tempdir().unwrap();
    let written = tollkeeper()
        .args(["man", "--dir"])
        .arg(directory.path())
        .output()
        .unwrap();
    assert!(written.status.success(), "{written:?}");
    let page = |name: &str| std::fs::read_to_string(directory.path().join(name)).unwrap();
    let whole = tollkeeper().arg("man").output().unwrap();
    assert_eq!(
        page("tollkeeper.1"),
        String::from_utf8(whole.stdout).unwrap()
    );
    assert!(page("tollkeeper-virtual-keys-rotate.1").contains("grace"));
    assert!(page("tollkeeper.1").contains("Exit codes"));
}
