//! Traefik with `forwardAuth`, configured as `packaging/gateways/traefik.yml` says.

use std::path::Path;
use std::process::Command;

use crate::gateway::{Gateway, free_ports};
use crate::passing;
use crate::support::process::Process;

const DYNAMIC: &str = include_str!("../../packaging/gateways/traefik.yml");

fn start(directory: &Path, tollkeeper: u16, upstream: u16, hold: &str) -> Gateway {
    let [port, _] = free_ports();
    let dynamic = DYNAMIC
        .replace("Host(`example.org`)", "PathPrefix(`/`)")
        .replace("require=path\n", &format!("require=path{hold}\n"))
        .replace("127.0.0.1:8080", &format!("127.0.0.1:{tollkeeper}"))
        .replace("127.0.0.1:9000", &format!("127.0.0.1:{upstream}"));
    let file = directory.join("dynamic.yml");
    std::fs::write(&file, dynamic).unwrap();
    let fixed = format!(
        "global: {{ checkNewVersion: false, sendAnonymousUsage: false }}\nlog: {{ level: ERROR }}\n\
         entryPoints: {{ web: {{ address: \"127.0.0.1:{port}\" }} }}\nproviders: {{ file: {{ filename: {:?}, watch: false }} }}\n",
        file.display().to_string()
    );
    let fixed_file = directory.join("traefik.yml");
    std::fs::write(&fixed_file, fixed).unwrap();
    let mut command = Command::new("traefik");
    command.arg(format!("--configFile={}", fixed_file.display()));
    let traefik = Gateway::start(command, port);
    // It listens before it knows its routes.
    while traefik.curl_at("/", &[]).0 == 404 {
        std::thread::yield_now();
    }
    traefik
}

#[test]
fn traefik_passes_on_what_is_decided_on_and_nothing_else() {
    let (data, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = Process::start(data.path(), &[]);
    let upstream = passing::upstream();
    let traefik = start(work.path(), server.client.port, upstream.port, "");
    passing::nothing_but_what_is_allowed(&traefik, &server, &upstream);
}

#[test]
fn traefik_holds_where_its_address_says_so() {
    let (data, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = Process::start(data.path(), &[]);
    let upstream = passing::upstream();
    let traefik = start(work.path(), server.client.port, upstream.port, "&hold=1");
    let [ada, _] = passing::people(&server);
    let chat = (
        "application/json",
        &br#"{"model":"gpt-5","max_tokens":10}"#[..],
    );
    let more = ["-H", "x-tollkeeper-reservation: res_of_the_client"];
    let (status, text) = traefik.post("/v1/chat/completions?hold=0", &ada.key, chat, &more);
    assert_eq!(status, 200, "{text}");
    let held = upstream.last();
    let id = held.header("x-tollkeeper-reservation").unwrap();
    server.client.settle(id, 10, 0.001).expect(200);
}
