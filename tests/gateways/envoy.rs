//! Envoy with `ext_authz` over HTTP, configured as `packaging/gateways/envoy.yaml` says.

use std::path::Path;
use std::process::Command;

use crate::gateway::{Gateway, free_ports};
use crate::passing;
use crate::support::process::Process;

const SETTINGS: &str = include_str!("../../packaging/gateways/envoy.yaml");

fn start(directory: &Path, tollkeeper: u16, upstream: u16, change: &[(&str, &str)]) -> Gateway {
    let [port, _] = free_ports();
    let mut settings = SETTINGS
        .replace("port_value: 10000", &format!("port_value: {port}"))
        .replace("port_value: 8080", &format!("port_value: {tollkeeper}"))
        .replace("port_value: 9000", &format!("port_value: {upstream}"));
    for (from, to) in change {
        assert!(settings.contains(from), "{from}");
        settings = settings.replace(from, to);
    }
    let file = directory.join("envoy.yaml");
    std::fs::write(&file, settings).unwrap();
    let mut command = Command::new("envoy");
    command
        .args([
            "--disable-hot-restart",
            "--concurrency",
            "1",
            "-l",
            "error",
            "-c",
        ])
        .arg(&file);
    Gateway::start(command, port)
}

#[test]
fn envoy_passes_on_what_is_decided_on_and_nothing_else() {
    let (data, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = Process::start(data.path(), &[]);
    let upstream = passing::upstream();
    let envoy = start(work.path(), server.client.port, upstream.port, &[]);
    let [ada, _] = passing::nothing_but_what_is_allowed(&envoy, &server, &upstream);
    // What is kept at the provider is of everybody under its key.
    let [key, model] = [
        format!("x-api-key: {}", ada.key),
        "x-model: gpt-5".to_owned(),
    ];
    let passed = upstream.received().len();
    let (status, text) = envoy.curl_at("/v1/chat/completions?limit=9", &["-H", &key, "-H", &model]);
    assert_eq!(status, 405, "{text}");
    assert_eq!(upstream.received().len(), passed);
    // A refusal looks as the provider's own.
    let (status, text) = envoy.curl_at("/v1/messages", &["-X", "POST"]);
    assert_eq!(status, 401, "{text}");
    assert!(text.contains("content-type: application/json"), "{text}");
    assert!(text.contains("authentication_error"), "{text}");
}

#[test]
fn envoy_says_which_setting_to_raise_and_holds_where_it_is_told_to() {
    let (data, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = Process::start(data.path(), &[]);
    let upstream = passing::upstream();
    let change = [
        ("max_request_bytes: 33554432", "max_request_bytes: 1000"),
        ("# - { key: x-tollkeeper-hold", "- { key: x-tollkeeper-hold"),
    ];
    let envoy = start(work.path(), server.client.port, upstream.port, &change);
    let [ada, _] = passing::people(&server);
    let body = format!(r#"{{"model":"gpt-5","x":"{}"}}"#, "x".repeat(2_000));
    let call = |body: &[u8], more: &[&str]| {
        envoy.post(
            "/v1/chat/completions",
            &ada.key,
            ("application/json", body),
            more,
        )
    };
    let (status, text) = call(body.as_bytes(), &[]);
    assert_eq!(status, 413, "{text}");
    assert!(text.contains("max_request_bytes"), "{text}");
    assert!(upstream.received().is_empty());
    // Whatever its client says of it.
    let chat = br#"{"model":"gpt-5","max_tokens":10}"#;
    let (status, text) = call(chat, &["-H", "x-tollkeeper-hold: 0"]);
    assert_eq!(status, 200, "{text}");
    let held = upstream.last();
    let id = held.header("x-tollkeeper-reservation").unwrap();
    server.client.settle(id, 10, 0.001).expect(200);
}
