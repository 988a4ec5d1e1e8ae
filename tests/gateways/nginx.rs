//! nginx with `auth_request`, configured as `packaging/gateways/nginx.conf` says.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::gateway::{Gateway, free_ports};
use crate::passing;
use crate::support::holders::{Holder, policy};
use crate::support::process::Process;

const SNIPPET: &str = include_str!("../../packaging/gateways/nginx.conf");

/// nginx, with a dummy upstream in it.
struct Nginx(Gateway);

impl Nginx {
    fn start(directory: &Path, tollkeeper: u16) -> Self {
        let [port, upstream] = free_ports();
        let server = SNIPPET
            .replace("127.0.0.1:8080", &format!("127.0.0.1:{tollkeeper}"))
            .replace("127.0.0.1:9000", &format!("127.0.0.1:{upstream}"));
        let here = directory.display();
        let whole = format!(
            "daemon off; master_process off; pid {here}/pid; error_log {here}/error.log;
             events {{ worker_connections 64; }}
             http {{
                 access_log off;
                 client_body_temp_path {here}/body; proxy_temp_path {here}/proxy; fastcgi_temp_path {here}/fastcgi;
                 uwsgi_temp_path {here}/uwsgi; scgi_temp_path {here}/scgi;
                 server {{ listen 127.0.0.1:{port}; {server} }}
                 server {{ listen 127.0.0.1:{upstream}; location / {{ return 200 '$http_authorization $http_x_api_key upstream for user $http_x_user'; }} }}
             }}"
        );
        let file = directory.join("nginx.conf");
        std::fs::write(&file, whole).unwrap();
        let mut command = Command::new("nginx");
        command
            .arg("-p")
            .arg(directory)
            .arg("-c")
            .arg(&file)
            .args(["-e", "stderr"]);
        Self(Gateway::start(command, port))
    }

    #[track_caller]
    fn expect_refusal(&self, holder: &Holder, model: &str, status: u16, code: &str) -> String {
        let (answered, text) = self.0.call(&holder.key, model);
        assert_eq!(answered, status, "{text}");
        let body: Value = serde_json::from_str(text.split("\r\n\r\n").nth(1).unwrap())
            .unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(body["error"]["code"], code, "{text}");
        assert!(
            body["error"]["message"].as_str().unwrap().len() > 10,
            "{text}"
        );
        text
    }
}

#[test]
fn curl_sees_through_nginx_what_is_allowed_and_why_the_rest_is_refused() {
    let (data, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = Process::start(data.path(), &[]);
    let client = &server.client;
    let holder = client.make_holder("ada", &policy());
    let nginx = Nginx::start(work.path(), client.port);

    let (status, text) = nginx.0.call(&holder.key, "gpt-5");
    assert_eq!(status, 200, "{text}");
    assert!(
        text.ends_with(&format!("upstream for user {}", holder.user_id)),
        "{text}"
    );

    let text = nginx.expect_refusal(&holder, "claude-opus", 403, "model_blocked");
    assert!(text.contains("claude-opus"), "{text}");
    let (status, text) = nginx.0.curl(&["-H", "x-model: gpt-5"]);
    assert_eq!(status, 401, "{text}");
    assert!(text.contains("virtual_key_required"), "{text}");

    passing::what_no_body_is_shown_of(&nginx.0, &holder.key);

    // What the call cost is reported afterwards, and was all there is.
    let spent = json!({ "virtual_key": holder.key, "provider": "openai", "model": "gpt-5", "tokens": 1, "cost": 10,
                        "request_id": "c-1" });
    client.post("/v1/usage", &spent).expect(201);
    let text = nginx.expect_refusal(&holder, "gpt-5", 402, "budget_exceeded");
    assert!(text.to_lowercase().contains("\r\nretry-after: "), "{text}");

    let path = format!(
        "/api/users/{}/access-profiles/virtual-keys/{}",
        holder.user_id,
        holder.key_id()
    );
    client.delete(&path).expect(200);
    nginx.expect_refusal(&holder, "gpt-5", 401, "access_not_found");
}
