//! Which value holds where several places say one, and that the place is told; for every setting there is.

use serde_json::{Value, json};

use super::{Flags, PREFIX, load, load_with, names, variable_of};
use crate::config::Settings;
use crate::domain::settings::origin::SettingOrigin;

/// Two values of each setting, other than its default: as the file has the first and as a variable has the second, each with how it is
/// shown.
#[rustfmt::skip]
fn values() -> Vec<(&'static str, &'static str, Value, &'static str, Value)> {
    let upstream = |name: &str, url: &str| json!([{
        "name": name, "provider": name, "base_url": url, "dialect": "openai", "free": false, "unmetered_paths": [], "headers": {},
        "connect_timeout": "10s", "answer_timeout": "10m", "idle_timeout": "5m",
    }]);
    vec![
        ("time_zone", "\"Europe/Berlin\"", json!("Europe/Berlin"), "Asia/Tokyo", json!("Asia/Tokyo")),
        ("server.listen", "\"127.0.0.1:1\"", json!(["127.0.0.1:1"]), "127.0.0.1:2, unix:a.sock", json!(["127.0.0.1:2", "unix:a.sock"])),
        ("server.socket_mode", "\"0600\"", json!("0600"), "0666", json!("0666")),
        ("server.plaintext", "true", json!(true), "true", json!(true)),
        ("server.base_path", "\"/a\"", json!("/a"), "/b", json!("/b")),
        ("server.allowed_hosts", "[\"a.example\"]", json!(["a.example"]), "b.example, c.example", json!(["b.example", "c.example"])),
        ("server.trusted_proxies", "[\"10.0.0.1\"]", json!(["10.0.0.1/32"]), "10.0.0.0/8", json!(["10.0.0.0/8"])),
        ("server.body_timeout_seconds", "3", json!(3), "4", json!(4)),
        ("server.max_connections", "5", json!(5), "6", json!(6)),
        ("tls.certificate_file", "\"a.pem\"", json!("a.pem"), "b.pem", json!("b.pem")),
        ("tls.key_file", "\"a.key\"", json!("a.key"), "b.key", json!("b.key")),
        ("storage.data_dir", "\"one\"", json!("one"), "2026", json!("2026")),
        ("decisions.durability", "\"process\"", json!("process"), "process", json!("process")),
        ("decisions.reservation_ttl", "\"90s\"", json!("90s"), "1h", json!("1h")),
        ("decisions.on_expiry", "\"release\"", json!("release"), "release", json!("release")),
        ("decisions.max_hold", "2.5", json!(2.5), "3", json!(3)),
        ("decisions.usage_retention_days", "7", json!(7), "8", json!(8)),
        ("decisions.rate_limit_headers", "true", json!(true), "true", json!(true)),
        ("decisions.queue", "9", json!(9), "10", json!(10)),
        ("decisions.max_open_per_virtual_key", "11", json!(11), "12", json!(12)),
        ("decisions.max_open_per_management_key", "13", json!(13), "14", json!(14)),
        ("virtual_keys.rotation_grace", "\"0\"", json!("0"), "2d", json!("2d")),
        ("upstreams", "[{ name = \"ollama\" }]", upstream("ollama", "http://127.0.0.1:11434/v1"), "[{ name = \"groq\" }]", upstream("groq", "https://api.groq.com/openai/v1")),
        ("proxy.max_body", "1024", json!("1 KiB"), "1 GiB", json!("1 GiB")),
        ("proxy.read_on", "\"1m\"", json!("1m"), "90s", json!("90s")),
        ("proxy.assumed_output", "15", json!(15), "16", json!(16)),
        ("prices.file", "\"a.toml\"", json!("a.toml"), "b.toml", json!("b.toml")),
        ("prices.unknown", "\"tokens\"", json!("tokens"), "tokens", json!("tokens")),
        ("refusals.budget_status", "429", json!(429), "429", json!(429)),
        ("refusals.contact", "\"Ada\"", json!("Ada"), "Bob", json!("Bob")),
        ("refusals.link", "\"https://a.example\"", json!("https://a.example"), "https://b.example", json!("https://b.example")),
        ("metrics.listen", "\"127.0.0.1:1\"", json!("127.0.0.1:1"), "127.0.0.1:2", json!("127.0.0.1:2")),
        ("backup.directory", "\"a\"", json!("a"), "b", json!("b")),
        ("backup.every", "\"1h\"", json!("1h"), "0", json!("0")),
        ("backup.keep", "3", json!(3), "4", json!(4)),
        ("backup.recipient", "\"age1a\"", json!("age1a"), "age1b", json!("age1b")),
        ("backup.passphrase_file", "\"a\"", json!("a"), "b", json!("b")),
        ("backup.passphrase_variable", "\"A\"", json!("A"), "B", json!("B")),
        ("log.format", "\"json\"", json!("json"), "json", json!("json")),
        ("log.level", "\"debug\"", json!("debug"), "warn", json!("warn")),
    ]
}

/// How a setting is in force, and whether it is from this kind of place.
fn of(settings: &Settings, name: &str) -> (Value, SettingOrigin) {
    let found = settings.shown().into_iter().find(|one| one.name == name);
    let found = found.unwrap_or_else(|| panic!("{name} is not shown"));
    (found.value, found.origin)
}

#[test]
fn flags_beat_variables_which_beat_the_file_which_beats_defaults_for_every_setting() {
    let values = values();
    let known: Vec<&str> = values.iter().map(|row| row.0).collect();
    assert_eq!(known, names(), "each setting has a row, in order");
    let default = load("", &[]).unwrap();
    for (name, in_file, by_file, in_variable, by_variable) in values {
        let variable = variable_of(name);
        let (value, origin) = of(&default, name);
        assert_eq!(origin, SettingOrigin::Default, "{name}");
        assert_ne!(value, by_file, "{name}: another value than the default");
        let file = format!("\n\n{name} = {in_file}\n");
        let (value, origin) = of(&load(&file, &[]).unwrap(), name);
        assert_eq!(value, by_file, "{name}");
        assert!(
            matches!(origin, SettingOrigin::File { line: 3, .. }),
            "{name}: {origin}"
        );
        for file in ["", &file] {
            let found = of(&load(file, &[(&variable, in_variable)]).unwrap(), name);
            assert_eq!(
                found,
                (
                    by_variable.clone(),
                    SettingOrigin::Variable(variable.clone())
                ),
                "{name}"
            );
        }
        let flag = |text: &str| Some(text.to_owned());
        let (flags, flag, by_flag) = match name {
            "server.listen" => (
                Flags {
                    listen: flag("127.0.0.1:3"),
                    ..Flags::default()
                },
                "--listen",
                json!(["127.0.0.1:3"]),
            ),
            "log.format" => (
                Flags {
                    log_format: flag("text"),
                    ..Flags::default()
                },
                "--log-format",
                json!("text"),
            ),
            "storage.data_dir" => (
                Flags {
                    data_dir: Some("three".into()),
                    ..Flags::default()
                },
                "--data-dir",
                json!("three"),
            ),
            _ => continue,
        };
        let found = of(
            &load_with(flags, &file, &[(&variable, in_variable)]).unwrap(),
            name,
        );
        assert_eq!(found, (by_flag, SettingOrigin::Flag(flag)), "{name}");
    }
}

#[test]
fn what_is_shown_can_be_set_again() {
    let file: Vec<String> = values()
        .iter()
        .filter(|row| row.0 != "upstreams")
        .map(|row| format!("{} = {}", row.0, row.1))
        .collect();
    let first = load(&file.join("\n"), &[]).unwrap();
    let again: Vec<String> = first
        .shown()
        .iter()
        .map(|one| format!("{} = {}", one.name, one.value))
        .collect();
    let again = load(&again.join("\n"), &[]).unwrap();
    let shown = |settings: &Settings| {
        settings
            .shown()
            .into_iter()
            .map(|one| one.value)
            .collect::<Vec<_>>()
    };
    assert_eq!(shown(&again), shown(&first));
}

#[test]
fn no_secret_is_shown() {
    let file = "[[upstreams]]\nname = \"openai\"\napi_key_variable = \"OPENAI_API_KEY\"\nheaders = { x-team = \"secret-team\" }\n";
    let variables = [
        ("OPENAI_API_KEY", "sk-secret"),
        ("TOLLKEEPER_BOOTSTRAP_KEY_FILE", "/run/key"),
    ];
    let settings = load(file, &variables).unwrap();
    let shown = format!("{:?}", settings.shown());
    assert!(
        shown.contains("OPENAI_API_KEY") && shown.contains("x-team"),
        "{shown}"
    );
    assert!(!shown.contains("secret"), "{shown}");
    let (value, origin) = of(&settings, "bootstrap_key_file");
    assert_eq!(value, "/run/key");
    assert_eq!(origin.place(), Some(format!("{PREFIX}BOOTSTRAP_KEY_FILE")));
}
