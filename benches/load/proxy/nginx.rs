//! nginx, as the upstream of documents and as a bare reverse proxy.

use std::path::Path;
use std::process::Command;

use super::programs::free_port;
use crate::process::Process;

/// Starts it with what its server block holds.
pub fn nginx(mut program: Command, directory: &Path, name: &str, server: &str) -> Process {
    let port = free_port();
    // Requests of a connection end with it, never before.
    let text = format!(
        "daemon off; worker_processes auto; pid {name}.pid;
events {{ worker_connections 16384; }}
http {{
  access_log off; keepalive_requests 1000000000; client_max_body_size 0;
  client_body_temp_path {name}-body; proxy_temp_path {name}-proxy; fastcgi_temp_path {name}-fastcgi;
  uwsgi_temp_path {name}-uwsgi; scgi_temp_path {name}-scgi;
  {}
}}",
        server.replace("LISTEN", &format!("listen 127.0.0.1:{port} backlog=4096;"))
    );
    let settings = directory.join(format!("{name}.conf"));
    std::fs::write(&settings, text).unwrap();
    program.args(["-e", "stderr", "-p"]).arg(directory);
    program.arg("-c").arg(settings);
    Process::start_on(port, program, &directory.join(format!("{name}.log")))
}
