//! The first start: the key, who can read the files, and where settings come from.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::support::process::{Process, run, tollkeeper, use_once};
use crate::support::upstream::{Script, Upstream};

fn mode(path: &Path) -> u32 {
    path.symlink_metadata().unwrap().permissions().mode() & 0o777
}

#[test]
fn only_the_owner_can_read_what_is_stored() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let _server = Process::start(&data_dir, &[]);
    assert_eq!(mode(&data_dir), 0o700);
    let mut names = Vec::new();
    for entry in data_dir.read_dir().unwrap().map(Result::unwrap) {
        assert_eq!(mode(&entry.path()), 0o600, "{:?}", entry.path());
        names.push(entry.file_name().into_string().unwrap());
    }
    for name in [
        "audit.key",
        "control.sock",
        "initial-key",
        "initialized",
        "tollkeeper.db",
        "tollkeeper.db-shm",
        "tollkeeper.db-wal",
        "tollkeeper.lock",
    ] {
        assert!(names.iter().any(|found| found == name), "{name}: {names:?}");
    }
}

#[test]
fn the_first_key_is_in_its_file_and_never_printed_where_a_log_could_keep_it() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("out");
    let data_dir = directory.path().join("data");
    let mut command = tollkeeper();
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(&data_dir);
    let file = std::fs::File::create(&out).unwrap();
    let mut server = Process::start_command_into(command, &data_dir, file.into());
    assert_eq!(server.client.get("/api/access-profiles").status, 200);
    let key = server.client.key.clone();
    let printed = std::fs::read_to_string(out).unwrap();
    let link = typed(between(&printed, OPEN, "\n  ("));
    let start = format!("http://127.0.0.1:{}/#code=tk_code_", server.client.port);
    assert!(link.starts_with(&start), "{link}");
    assert!(server.terminate().success());
    assert!(printed.contains("initial-key"), "{printed}");
    // Nor anything else that opens something: what is printed asks for it.
    assert!(!printed.contains("tk_"), "{printed}");
    let secret = &key[key.len() - 40..];
    assert!(!printed.contains(secret) && !server.log().contains(secret));
}

/// A command line of those that a first start prints, in a shell that does not find the binary by its name.
#[track_caller]
fn typed(line: &str) -> String {
    let output = Command::new("bash").args(["-c", line]).output().unwrap();
    assert!(output.status.success(), "{line}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What is printed between two of its lines, without the ends of a terminal's lines.
fn between<'a>(printed: &'a str, from: &str, to: &str) -> &'a str {
    let (_, rest) = printed
        .split_once(from)
        .unwrap_or_else(|| panic!("{printed}"));
    rest.split_once(to).map_or(rest, |(found, _)| found).trim()
}

const OPEN: &str = "The admin page:";
const SET_UP: &str = "start again:";
const PROFILE: &str = "2. An access profile says what may be used, and for how much:";
const HOLDER: &str = "3. Somebody gets it, with a virtual key:";
const CALL: &str = "that of its address:";
const KEYS: &str = "Each gateway and person gets a key of their own; then remove the file above:";

#[test]
fn what_a_terminal_is_told_works_as_printed_and_shows_no_key() {
    let directory = tempfile::tempdir().unwrap();
    // A path that a shell takes apart unless somebody minds it.
    let data_dir = directory.path().join("it's mine");
    let (mut server, printed) = Process::start_in_terminal(&data_dir);
    let printed = printed.replace('\r', "");
    let key = server.client.key.clone();
    assert!(!printed.contains(&key[21..]), "{printed}");

    let code = between(&printed, "/#code=", "\n");
    let link = between(&printed, OPEN, "\n  (");
    assert_eq!(
        link,
        format!("http://127.0.0.1:{}/#code={code}", server.client.port)
    );
    let answer = server
        .client
        .with_key("")
        .post("/api/session", &json!({ "code": code }))
        .expect(200);
    assert_eq!(answer.json()["key"], key);
    let another = between(&printed, "half an hour; `", "`");
    assert!(typed(another).starts_with(&format!(
        "http://127.0.0.1:{}/#code=tk_code_",
        server.client.port
    )));
    let made = typed(between(&printed, KEYS, "no more"));
    assert!(made.contains("This key is shown this once."), "{made}");
    let set_up = between(&printed, SET_UP, "\n\n").replace("sk-...", "sk-of-the-provider");
    assert!(server.terminate().success());
    assert!(!server.log().contains(code));

    // Set up as it says, the same server carries calls.
    let command = format!("{set_up}; exec \"$0\" \"$@\"");
    let mut in_shell = Command::new("bash");
    in_shell.env_clear().args(["-c", &command]);
    in_shell.arg(tollkeeper().get_program());
    in_shell.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]);
    in_shell.arg(&data_dir);
    let again = Process::start_command(in_shell, &data_dir);
    let profile =
        json!({ "provider_configs": [{ "provider_name": "openai", "all_models_allowed": true }] });
    let holder = again.client.make_holder("ada", &profile).key;
    let models = again.client.with_virtual_key(&holder).get("/v1/models");
    assert!(models.expect(200).text.contains("\"gpt-5-mini\""));
}

/// What a first start prints, with upstreams that are set up already.
fn start_with(upstreams: &str, data_dir: &Path) -> (Process, String) {
    let out = data_dir.with_extension("out");
    let mut command = tollkeeper();
    command
        .env("TOLLKEEPER_UPSTREAMS", upstreams)
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(data_dir);
    let file = std::fs::File::create(&out).unwrap();
    let server = Process::start_command_into(command, data_dir, file.into());
    (server, std::fs::read_to_string(out).unwrap())
}

/// Its lines from a profile to a call, typed one after another.
fn paste_all(printed: &str) -> String {
    let lines = [
        between(printed, PROFILE, "\n\n"),
        between(printed, HOLDER, "\n\n"),
        between(printed, CALL, "\n\n"),
    ];
    typed(&format!("set -euo pipefail; {}", lines.join("\n")))
}

#[test]
fn the_lines_of_a_first_start_lead_to_a_call_that_is_priced_and_charged() {
    let usage = json!({ "input_tokens": 8, "output_tokens": 100 });
    let message = json!({ "type": "message", "role": "assistant", "content": [{ "type": "text", "text": "hello" }], "usage": usage });
    let anthropic = Upstream::start(move |_| Script::Json(200, message.clone()));
    for (name, provider) in [("openai", Upstream::chats()), ("anthropic", anthropic)] {
        let directory = tempfile::tempdir().unwrap();
        let port = provider.port;
        let upstreams =
            format!("[{{ name = \"{name}\", base_url = \"http://127.0.0.1:{port}\" }}]");
        let (server, printed) = start_with(&upstreams, &directory.path().join("data"));
        let set_up = format!("1. Providers that are set up: {name}.");
        assert!(printed.contains(&set_up), "{printed}");
        let said = paste_all(&printed);
        assert!(said.contains("tk_vk_") && said.contains("hello"), "{said}");
        let usage = server.client.get("/api/usage?group_by=user").expect(200);
        let totals = &usage.json()["totals"];
        assert_eq!(totals["output_tokens"], 100, "{totals}");
        assert!(totals["cost"].as_f64().unwrap() > 0.0, "{totals}");
    }
}

#[test]
fn where_nobody_knows_what_the_models_are_called_the_last_line_lists_them() {
    let directory = tempfile::tempdir().unwrap();
    let upstreams = "[{ name = \"ollama\", free = true }]";
    let (_server, printed) = start_with(upstreams, &directory.path().join("data"));
    let said = paste_all(&printed);
    assert!(said.contains("\"object\":\"list\""), "{said}");
}

#[test]
fn a_link_is_printed_for_a_running_server_only() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Process::start(directory.path(), &[]);
    let arguments = ["sign-in", "--url", "https://toll.example/"];
    let printed = String::from_utf8(run(directory.path(), &arguments).stdout).unwrap();
    let (link, rest) = printed.split_once('\n').unwrap();
    assert!(
        link.starts_with("https://toll.example/#code=tk_code_"),
        "{printed}"
    );
    assert!(rest.contains("once, until 20"), "{printed}");
    assert!(server.terminate().success());
    let output = run(directory.path(), &arguments);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(5), "{text}");
    assert!(text.contains("start it with `tollkeeper serve`"), "{text}");
}

#[test]
fn the_first_key_stays_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let mut first = Process::start(directory.path(), &[]);
    let key = first.client.key.clone();
    assert!(first.terminate().success());
    let mut again = Process::start(directory.path(), &[]);
    assert_eq!(again.client.key, key);
    assert_eq!(again.client.get("/api/access-profiles").status, 200);
    assert!(again.terminate().success());
    assert!(again.log().contains("still lies in"), "{}", again.log());
}

#[test]
fn a_pinned_first_key_is_taken_from_its_file_and_written_nowhere() {
    let directory = tempfile::tempdir().unwrap();
    let other = directory.path().join("other");
    use_once(&other);
    let made = run(&other, &["keys", "create", "pinned", "--all", "--json"]);
    let made: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    let key = made["key"].as_str().unwrap();
    let file = directory.path().join("key");
    std::fs::write(&file, format!("{key}\n")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();

    let data_dir = directory.path().join("data");
    let start = |data_dir: &Path| {
        let mut command = tollkeeper();
        command
            .env("TOLLKEEPER_BOOTSTRAP_KEY_FILE", &file)
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data_dir);
        command
    };
    let server = Process::start_command(start(&data_dir), &data_dir);
    let reply = server.client.with_key(key).get("/api/access-profiles");
    assert_eq!(reply.status, 200);
    assert!(!data_dir.join("initial-key").exists());
    drop(server);

    let fresh = directory.path().join("fresh");
    std::fs::write(&file, "no key").unwrap();
    let output = start(&fresh).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains(file.to_str().unwrap()), "{text}");
}

#[test]
fn settings_are_found_by_flag_then_variable_then_in_the_working_directory() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["flag", "variable", "config"] {
        let text = format!("[storage]\ndata_dir = \"by-{name}\"\n");
        std::fs::write(directory.path().join(format!("{name}.toml")), text).unwrap();
    }
    let started_in = |flag: bool, variable: bool| {
        let mut command = tollkeeper();
        command.current_dir(directory.path());
        command.args(["config", "show"]);
        if flag {
            command.args(["--config", "flag.toml"]);
        }
        if variable {
            command.env("TOLLKEEPER_CONFIG", "variable.toml");
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let shown = String::from_utf8(output.stdout).unwrap();
        let names = ["flag", "variable", "config"];
        names.map(|name| shown.contains(&format!("\"by-{name}\"")))
    };
    assert_eq!(started_in(true, true), [true, false, false]);
    assert_eq!(started_in(false, true), [false, true, false]);
    assert_eq!(started_in(false, false), [false, false, true]);
    let made = directory.path().join("by-config");
    use_once(&made);
    assert_eq!(made.metadata().unwrap().mode() & 0o777, 0o700);
}
