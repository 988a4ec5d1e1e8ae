//! HTTP/1.1 byte by byte, for what no client library would send.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::Reply;

/// One connection to a server on this machine.
pub struct Wire(TcpStream);

impl Wire {
    pub fn open(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        // Only so that a server that never answers fails the test instead of hanging it.
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        Self(stream)
    }

    /// Sends bytes; answers whether the server took them.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).is_ok()
    }

    /// Reads one whole answer. The body is what Content-Length announces, or all until the end without it.
    pub fn answer(&mut self) -> Reply {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            match self.0.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                end => panic!(
                    "{end:?} after {:?} instead of an answer",
                    String::from_utf8_lossy(&head)
                ),
            }
        }
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap()[9..12].parse().unwrap();
        let headers: Vec<(String, String)> = lines
            .map(|line| {
                let (name, value) = line.split_once(':').unwrap();
                (name.to_lowercase(), value.trim().to_owned())
            })
            .collect();
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let mut body = Vec::new();
        match length {
            Some((_, length)) => {
                body.resize(length.parse().unwrap(), 0);
                self.0.read_exact(&mut body).unwrap();
            }
            None => {
                self.0.read_to_end(&mut body).unwrap();
            }
        }
        Reply {
            status,
            headers,
            text: String::from_utf8(body).unwrap(),
        }
    }

    /// Waits until the server closes the connection; answers what it still sent.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        // A reset is an end as well.
        let _ = self.0.read_to_end(&mut rest);
        rest
    }
}

/// Sends one request on a connection of its own and reads the answer.
pub fn exchange(port: u16, request: impl AsRef<[u8]>) -> Reply {
    let mut wire = Wire::open(port);
    wire.send(request.as_ref());
    wire.answer()
}

/// Text as it stands in a query string.
pub fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
