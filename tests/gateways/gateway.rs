//! A gateway as a process of its own, and curl as its client.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

/// A running gateway, killed when dropped.
pub struct Gateway {
    child: Child,
    port: u16,
}

impl Gateway {
    /// Starts a command that listens on a port of the loopback, and waits until it does.
    pub fn start(mut command: Command, port: u16) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}; see .ci/run"));
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "{command:?} did not start");
            std::thread::yield_now();
        }
        Self { child, port }
    }

    /// What curl shows of a chat: the status, and the answer with its headers.
    pub fn curl(&self, arguments: &[&str]) -> (u16, String) {
        self.curl_at("/v1/chat/completions?beta=true", arguments)
    }

    /// The same of another path, which is sent as it is.
    pub fn curl_at(&self, path: &str, arguments: &[&str]) -> (u16, String) {
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--include", "--max-time", "30"])
            .args(["--path-as-is", "--globoff", "--header", "Expect:"])
            .args(arguments)
            .arg(format!("http://127.0.0.1:{}{path}", self.port))
            .output()
            .expect("curl must be installed; see .ci/run");
        let text = String::from_utf8(output.stdout).unwrap();
        let failed = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{failed}");
        (text[9..12].parse().unwrap(), text)
    }

    /// A call with a body of this type, and further arguments of curl.
    pub fn post(
        &self,
        path: &str,
        key: &str,
        (kind, body): (&str, &[u8]),
        more: &[&str],
    ) -> (u16, String) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), body).unwrap();
        let key = format!("Authorization: Bearer {key}");
        let body = format!("@{}", file.path().display());
        let kind = format!("Content-Type: {kind}");
        let fixed = ["-H", &key, "-H", &kind, "--data-binary", &body];
        self.curl_at(path, &[&fixed[..], more].concat())
    }

    /// A call of a model, by a client that knows the gateway under its public name.
    pub fn call(&self, key: &str, model: &str) -> (u16, String) {
        let key = format!("Authorization: Bearer {key}");
        let model = format!("x-model: {model}");
        let host = "Host: api.example.org";
        self.curl(&[
            "-H",
            &key,
            "-H",
            &model,
            "-H",
            host,
            "-d",
            "{\"messages\":[]}",
        ])
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Two ports that are free now.
pub fn free_ports() -> [u16; 2] {
    let listeners = [0; 2].map(|port| TcpListener::bind(("127.0.0.1", port)).unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}
