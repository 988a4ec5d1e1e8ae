//! The others as they are started: as bare as each can be, before the same upstream.

use std::path::Path;
use std::process::Command;

use super::nginx::nginx;
use super::programs::free_port;
use super::upstream::{MODEL, Upstream};
use crate::process::Process;

/// Below this path the two proxies without any policy find the upstream of streams.
pub const STREAMS: &str = "/sse";
/// The model by which `LiteLLM` finds it.
pub const STREAMED_MODEL: &str = "gpt-4o-streamed";

/// nginx as a reverse proxy that keeps its connections and holds nothing back.
pub fn bare_nginx(program: Command, directory: &Path, upstream: &Upstream) -> Process {
    let [documents, streams] = ports(upstream);
    let server = format!(
        "upstream documents {{ server 127.0.0.1:{documents}; keepalive 1024; }}
  upstream streams {{ server 127.0.0.1:{streams}; keepalive 4096; }}
  proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_buffering off;
  server {{
    LISTEN
    location / {{ proxy_pass http://documents; }}
    location {STREAMS}/ {{ proxy_pass http://streams; }}
  }}"
    );
    nginx(program, directory, "proxy", &server)
}

/// Envoy as a reverse proxy whose limits nobody reaches.
pub fn bare_envoy(mut program: Command, directory: &Path, upstream: &Upstream) -> Process {
    let port = free_port();
    let address =
        |port: u16| format!("{{ socket_address: {{ address: 127.0.0.1, port_value: {port} }} }}");
    let route = |prefix: &str, cluster: &str| {
        format!("{{ match: {{ prefix: {prefix} }}, route: {{ cluster: {cluster}, timeout: 0s }} }}")
    };
    let cluster = |name: &str, port: u16| {
        format!(
            "  - name: {name}
    type: STATIC
    circuit_breakers: {{ thresholds: [{{ max_connections: 65536, max_pending_requests: 65536, max_requests: 65536 }}] }}
    load_assignment: {{ cluster_name: {name}, endpoints: [{{ lb_endpoints: [{{ endpoint: {{ address: {} }} }}] }}] }}
",
            address(port)
        )
    };
    let [documents, streams] = ports(upstream);
    let text = format!(
        "static_resources:
  listeners:
  - address: {}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          '@type': type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: http
          route_config: {{ virtual_hosts: [{{ name: all, domains: ['*'], routes: [{}, {}] }}] }}
          http_filters:
          - name: router
            typed_config: {{ '@type': type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }}
  clusters:
{}{}",
        address(port),
        route(STREAMS, "streams"),
        route("/", "documents"),
        cluster("documents", documents),
        cluster("streams", streams),
    );
    let settings = directory.join("envoy.yaml");
    std::fs::write(&settings, text).unwrap();
    program.args(["--log-level", "error", "--disable-hot-restart", "-c"]);
    program.arg(settings);
    Process::start_on(port, program, &directory.join("envoy.log"))
}

/// Portkey's gateway, which is told with each call where it goes.
pub fn portkey(mut program: Command, directory: &Path) -> Process {
    let port = free_port();
    program.arg(format!("--port={port}")).arg("--headless");
    program.env("NODE_ENV", "production");
    Process::start_on(port, program, &directory.join("portkey.log"))
}

/// The headers that tell it.
pub fn portkey_headers(upstream: &Process) -> String {
    let host = format!("http://127.0.0.1:{}/v1", upstream.port);
    format!(
        "Authorization: Bearer none\r\nx-portkey-provider: openai\r\nx-portkey-custom-host: {host}"
    )
}

/// `LiteLLM` with one worker and without a database, so that it counts nothing.
pub fn litellm(mut program: Command, directory: &Path, upstream: &Upstream) -> Process {
    let port = free_port();
    let model = |name: &str, port: u16| {
        format!(
            "  - model_name: {name}
    litellm_params: {{ model: openai/{MODEL}, api_base: 'http://127.0.0.1:{port}/v1', api_key: none }}
"
        )
    };
    let [documents, streams] = ports(upstream);
    let text = format!(
        "model_list:\n{}{}litellm_settings: {{ telemetry: false }}\n",
        model(MODEL, documents),
        model(STREAMED_MODEL, streams)
    );
    let settings = directory.join("litellm.yaml");
    std::fs::write(&settings, text).unwrap();
    program.arg("--config").arg(settings);
    program.args(["--host", "127.0.0.1", "--num_workers", "1", "--port"]);
    program.arg(port.to_string());
    // It fetches no list of prices, and asks nobody for a key.
    program.envs([
        ("LITELLM_MODE", "PRODUCTION"),
        ("LITELLM_LOCAL_MODEL_COST_MAP", "true"),
        (
            "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY",
            "true",
        ),
    ]);
    Process::start_on(port, program, &directory.join("litellm.log"))
}

fn ports(upstream: &Upstream) -> [u16; 2] {
    [upstream.documents.port, upstream.streams.port]
}
