//! Caddy with `forward_auth`, configured as `packaging/gateways/Caddyfile` says.

use std::path::Path;
use std::process::Command;

use crate::gateway::{Gateway, free_ports};
use crate::passing;
use crate::support::holders::policy;
use crate::support::process::Process;

const SITE: &str = include_str!("../../packaging/gateways/Caddyfile");

/// Caddy without certificates, with a dummy upstream in it.
fn start(directory: &Path, tollkeeper: u16) -> Gateway {
    let [port, upstream] = free_ports();
    let site = SITE
        .replace("example.org {", &format!("http://:{port} {{"))
        .replace("127.0.0.1:8080", &format!("127.0.0.1:{tollkeeper}"))
        .replace("127.0.0.1:9000", &format!("127.0.0.1:{upstream}"));
    let whole = format!(
        "{{\n admin off\n log {{\n level ERROR\n }}\n}}\n{site}\n\
         http://:{upstream} {{\n respond \"{{header.Authorization}} {{header.X-Api-Key}} upstream for user {{header.X-Tollkeeper-User}}\"\n}}\n"
    );
    let file = directory.join("Caddyfile");
    std::fs::write(&file, whole).unwrap();
    let mut command = Command::new("caddy");
    command
        .args(["run", "--adapter", "caddyfile", "--config"])
        .arg(&file)
        .env("HOME", directory);
    Gateway::start(command, port)
}

#[test]
fn curl_sees_through_caddy_what_is_allowed_and_why_the_rest_is_refused() {
    let (data, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = Process::start(data.path(), &[]);
    let holder = server.client.make_holder("ada", &policy());
    let caddy = start(work.path(), server.client.port);

    let (status, text) = caddy.call(&holder.key, "gpt-5");
    assert_eq!(status, 200, "{text}");
    let reached = format!("upstream for user {}", holder.user_id);
    assert!(text.ends_with(&reached), "{text}");

    let (status, text) = caddy.call(&holder.key, "claude-opus");
    assert_eq!(status, 403, "{text}");
    assert!(text.contains("\"type\":\"model_blocked\""), "{text}");
    let (status, text) = caddy.curl(&["-H", "x-model: gpt-5"]);
    assert_eq!(status, 401, "{text}");
    assert!(text.contains("virtual_key_required"), "{text}");
    passing::what_no_body_is_shown_of(&caddy, &holder.key);
}
