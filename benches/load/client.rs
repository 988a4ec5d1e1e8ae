//! HTTP/1.1 over a socket that the caller has in hand: to send half of it, or not to read.

use std::io::{ErrorKind, Read, Result, Write};
use std::net::TcpStream;
use std::time::Duration;

/// How long an answer may take before a run is given up.
const PATIENCE: Duration = Duration::from_mins(1);

/// An answer.
pub struct Answer {
    pub status: u16,
    pub body: String,
}

/// One connection.
pub struct Connection {
    pub stream: TcpStream,
    unread: Vec<u8>,
}

impl Connection {
    pub fn open(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            unread: Vec::new(),
        })
    }

    pub fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes)
    }

    /// Sends a request and reads its answer.
    pub fn ask(&mut self, request: &[u8]) -> Result<Answer> {
        self.send(request)?;
        self.answer()
    }

    /// Reads one answer, which says its length.
    pub fn answer(&mut self) -> Result<Answer> {
        let head = loop {
            if let Some(end) = find(&self.unread, b"\r\n\r\n") {
                break end + 4;
            }
            self.more()?;
        };
        let text = String::from_utf8_lossy(&self.unread[..head]).to_ascii_lowercase();
        let status = text.get(9..12).and_then(|digits| digits.parse().ok());
        let length: usize = text
            .split("\r\n")
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |digits| digits.parse().unwrap_or(0));
        while self.unread.len() < head + length {
            self.more()?;
        }
        let body = String::from_utf8_lossy(&self.unread[head..head + length]).into_owned();
        self.unread.drain(..head + length);
        Ok(Answer {
            status: status.ok_or(ErrorKind::InvalidData)?,
            body,
        })
    }

    /// Reads until the server closes; answers how much came, and whether it closed before the socket's own time-out.
    pub fn drain(&mut self) -> (usize, bool) {
        let mut space = vec![0; 64 * 1024];
        let mut read = 0;
        loop {
            match self.stream.read(&mut space) {
                Ok(0) => return (read, true),
                Ok(some) => read += some,
                Err(error) => return (read, error.kind() == ErrorKind::ConnectionReset),
            }
        }
    }

    fn more(&mut self) -> Result<()> {
        let mut space = [0; 16 * 1024];
        match self.stream.read(&mut space)? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            some => {
                self.unread.extend_from_slice(&space[..some]);
                Ok(())
            }
        }
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

/// A request with a JSON body, or none where it is empty.
pub fn request(method: &str, path: &str, header: &str, body: &str) -> Vec<u8> {
    let kind = if body.is_empty() {
        ""
    } else {
        "Content-Type: application/json\r\n"
    };
    format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{header}\r\n{kind}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
