//! What is set otherwise than at the last start is told, in the log and in the audit log.

use serde_json::{Value, json};

use crate::support::process::{Process, tollkeeper};

fn start(data_dir: &std::path::Path, variables: &[(&str, &str)]) -> Process {
    let mut command = tollkeeper();
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(data_dir)
        .envs(variables.iter().copied());
    Process::start_command(command, data_dir)
}

#[test]
fn each_setting_that_was_changed_is_a_line_and_an_audit_entry() {
    const UPSTREAM: &str = "[{ name = 'own', base_url = 'http://127.0.0.1:9', headers = { x-key = 'sk-in-a-header' } }]";
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path();
    let run = |variables: &[(&str, &str)]| {
        let mut server = start(data_dir, variables);
        let trail = server
            .client
            .get("/api/access-profiles/audit-logs?action=setting.change")
            .expect(200)
            .json();
        assert!(server.terminate().success());
        let log = server.log();
        let lines = log.lines().filter(|line| line.contains(" setting="));
        let lines: Vec<String> = lines
            .map(|line| line[line.find("setting=").unwrap()..].to_owned())
            .collect();
        (lines, trail, log)
    };
    let first = [("TOLLKEEPER_DECISIONS__QUEUE", "100")];
    let (lines, trail, _) = run(&first);
    assert_eq!((lines, &trail["total_count"]), (vec![], &json!(0)));
    let (lines, ..) = run(&first);
    assert_eq!(lines, [""; 0]);
    let second = [
        ("TOLLKEEPER_DECISIONS__ON_EXPIRY", "release"),
        ("TOLLKEEPER_UPSTREAMS", UPSTREAM),
    ];
    let (lines, trail, log) = run(&second);
    let expected = [
        "setting=decisions.on_expiry before=default after=\"\\\"release\\\"\"",
        "setting=decisions.queue before=100 after=default",
    ];
    assert_eq!(lines[..2], expected);
    assert!(
        lines.len() == 3 && lines[2].starts_with("setting=upstreams before=default after="),
        "{lines:?}"
    );
    assert!(!log.contains("sk-in-a-header") && !trail.to_string().contains("sk-in-a-header"));
    assert_eq!(trail["total_count"], 3, "{trail}");
    let mut entries = trail["audit_logs"].as_array().unwrap().iter();
    let told = json!({ "name": "decisions.queue", "value": "100" }).to_string();
    let entry = entries.find(|entry| entry["previous_values"] == told.as_str());
    assert_eq!(
        entry.map(|entry| &entry["new_values"]),
        Some(&Value::Null),
        "{trail}"
    );
    let (lines, ..) = run(&second);
    assert_eq!(lines, [""; 0]);
}
