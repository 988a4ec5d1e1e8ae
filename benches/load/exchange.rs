//! A connection that never blocks, with one request under way at most. Of an answer it reads what tells where it ends, and its status.

use std::io::{ErrorKind, Read, Result, Write};
use std::net::TcpStream;

use super::framing::Head;

/// Room for an answer; it grows where that is too little.
const ROOM: usize = 16 * 1024;

pub struct Exchange {
    stream: TcpStream,
    /// The request; it is written before [`Exchange::advance`] sends it.
    pub request: Vec<u8>,
    sent: usize,
    answer: Vec<u8>,
    filled: usize,
    head: Option<Head>,
}

impl Exchange {
    pub fn open(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            request: Vec::new(),
            sent: 0,
            answer: vec![0; ROOM],
            filled: 0,
            head: None,
        })
    }

    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Whether something of the body has come of an answer that is not whole yet.
    pub fn has_begun(&self) -> bool {
        self.head
            .as_ref()
            .is_some_and(|head| head.has_begun(self.filled))
    }

    /// Sends and reads as far as it goes without waiting; answers the status and the body once all is there.
    ///
    /// # Errors
    /// When the connection is no use any more: an answer that was under way does not come.
    pub fn advance(&mut self) -> Result<Option<(u16, &[u8])>> {
        while self.sent < self.request.len() {
            match self.stream.write(&self.request[self.sent..]) {
                Ok(some) => self.sent += some,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        loop {
            if let Some(head) = self.whole_answer()? {
                self.request.clear();
                (self.sent, self.filled) = (0, 0);
                return Ok(Some((head.status, &self.answer[head.body()])));
            }
            if self.filled == self.answer.len() {
                self.answer.resize(self.filled * 2, 0);
            }
            match self.stream.read(&mut self.answer[self.filled..]) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(some) => self.filled += some,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    fn whole_answer(&mut self) -> Result<Option<Head>> {
        if self.head.is_none() {
            self.head = Head::read(&self.answer[..self.filled])?;
        }
        if let Some(head) = &mut self.head
            && head.read_body(&mut self.answer[..self.filled])?
        {
            return Ok(self.head.take());
        }
        Ok(None)
    }
}
