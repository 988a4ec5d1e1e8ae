//! Calls over the control socket of a server, as the operator makes them.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use serde_json::Value;
use tollkeeper::http::core::guard::Access;
use tollkeeper::http::routes;

use super::{Reply, Server};

impl Server {
    /// Calls as the operator.
    pub fn operate(&self, method: &str, path: &str, body: Option<&Value>) -> Reply {
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut stream = UnixStream::connect(self.data_dir().join("control.sock")).unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, text) = answer.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let headers = lines.filter_map(|line| line.split_once(": "));
        Reply {
            status: status.parse().unwrap(),
            headers: headers
                .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
                .collect(),
            text: text.to_owned(),
        }
    }

    /// Calls whatever route has this path: as the operator where nobody else may.
    pub fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Reply {
        if is_for_the_operator(path) {
            return self.operate(method, path, body);
        }
        self.client.send(method, path, &[], body)
    }
}

/// Whether only the operator may call what has this path.
pub fn is_for_the_operator(path: &str) -> bool {
    let mut all = routes::table().into_iter();
    all.any(|route| route.access == Access::Operator && route.path == path)
}
