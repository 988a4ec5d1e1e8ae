//! HTTP/1.1 byte by byte, for what no client library would send.

use std::io::ErrorKind::{BrokenPipe, ConnectionReset, WouldBlock};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use super::Reply;

/// One connection to a server on this machine.
pub struct Wire<S = TcpStream>(S);

impl Wire {
    pub fn open(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        // Only so that a server that never answers, or never ends a connection, fails the test instead of hanging it.
        let patience = Some(Duration::from_secs(30));
        stream.set_read_timeout(patience).unwrap();
        stream.set_write_timeout(patience).unwrap();
        Self(stream)
    }

    /// Sends these bytes again and again, reading nothing, until the server has ended the connection; answers how many it took.
    #[track_caller]
    pub fn send_until_reset(&mut self, bytes: &[u8]) -> usize {
        let mut sent = 0;
        loop {
            match self.0.write(bytes) {
                Ok(some) => sent += some,
                Err(error) if matches!(error.kind(), ConnectionReset | BrokenPipe) => return sent,
                Err(error) => panic!("{error} after {sent} bytes instead of an end"),
            }
        }
    }

    /// Sends these bytes again and again, reading nothing, until no more are taken; answers how many were.
    #[track_caller]
    pub fn send_until_full(&mut self, bytes: &[u8]) -> usize {
        self.0.set_nonblocking(true).unwrap();
        let mut sent = 0;
        while let Ok(some) = self.0.write(bytes) {
            sent += some;
        }
        self.0.set_nonblocking(false).unwrap();
        sent
    }

    /// Whether nothing has come that could be read.
    pub fn is_silent(&self) -> bool {
        self.0.set_nonblocking(true).unwrap();
        let silent = matches!(self.0.peek(&mut [0]), Err(error) if error.kind() == WouldBlock);
        self.0.set_nonblocking(false).unwrap();
        silent
    }

    /// Waits until the server has ended the connection, in order or not, whatever it still says.
    #[track_caller]
    pub fn expect_any_end(&mut self) {
        match self.0.read_to_end(&mut Vec::new()) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), ConnectionReset),
        }
    }

    /// Says that nothing more will be sent; answers can still be read.
    pub fn end(&mut self) {
        self.0.shutdown(Shutdown::Write).unwrap();
    }
}

impl<S: Read + Write> Wire<S> {
    /// A connection over something else than plain TCP.
    pub fn over(stream: S) -> Self {
        Self(stream)
    }

    /// What the connection was made of.
    pub fn into_inner(self) -> S {
        self.0
    }

    /// What the connection is made of.
    pub fn stream(&self) -> &S {
        &self.0
    }

    /// Sends bytes; answers whether the server took them.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).is_ok()
    }

    /// Reads one whole answer. The body is what Content-Length announces, or all until the end without it.
    #[track_caller]
    pub fn answer(&mut self) -> Reply {
        let (mut reply, body) = self.answer_in_parts();
        reply.text = String::from_utf8(body).unwrap();
        reply
    }

    /// The same of an answer that is no text: its body.
    #[track_caller]
    pub fn answer_bytes(&mut self) -> Vec<u8> {
        self.answer_in_parts().1
    }

    #[track_caller]
    fn answer_in_parts(&mut self) -> (Reply, Vec<u8>) {
        let reply = self.head();
        let mut body = Vec::new();
        match reply.header("content-length") {
            Some(length) => {
                body.resize(length.parse().unwrap(), 0);
                self.0.read_exact(&mut body).unwrap();
            }
            None => {
                self.0.read_to_end(&mut body).unwrap();
            }
        }
        (reply, body)
    }

    /// Reads up to so many bytes whatever they are; answers how many there were.
    pub fn skip(&mut self, length: usize) -> usize {
        let mut bytes = Vec::new();
        (&mut self.0)
            .take(length as u64)
            .read_to_end(&mut bytes)
            .unwrap()
    }

    /// Reads until the server ends the connection in order; nothing more may come.
    #[track_caller]
    pub fn expect_end(&mut self) {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).unwrap();
        assert_eq!(String::from_utf8_lossy(&rest), "");
    }

    /// Reads one answer that has no body.
    #[track_caller]
    pub fn head(&mut self) -> Reply {
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
        Reply {
            status,
            headers,
            text: String::new(),
        }
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
