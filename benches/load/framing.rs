//! Where an answer ends: by the length that its head says, or chunk by chunk.

use std::io::{Error, ErrorKind, Result};
use std::ops::Range;

use memchr::memmem;

/// The head of an answer, and how far its body is.
pub struct Head {
    pub status: u16,
    start: usize,
    framing: Framing,
}

enum Framing {
    /// The body ends here.
    Length(usize),
    Chunks(Chunks),
}

/// A body in chunks, which are moved together in the buffer that they are read into.
struct Chunks {
    /// Up to where the buffer was read.
    read: usize,
    /// Up to where the body is together.
    end: usize,
    next: Next,
}

/// What comes next of a body in chunks.
enum Next {
    Size,
    /// So many bytes, with the line end that follows them.
    Piece(usize),
    Trailer,
}

impl Head {
    /// Reads a head, if all of it is there.
    pub fn read(answer: &[u8]) -> Result<Option<Self>> {
        let Some(end) = memmem::find(answer, b"\r\n\r\n") else {
            return Ok(None);
        };
        let number = |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse::<usize>().ok();
        let status = answer.get(9..12).and_then(number);
        let status = status.and_then(|status| u16::try_from(status).ok());
        let status = status.ok_or_else(|| unreadable("an answer without a status"))?;
        let start = end + 4;
        // Where neither is said there is no body, as of 204.
        let mut framing = Framing::Length(start);
        for line in answer[..end].split(|byte| *byte == b'\n').skip(1) {
            let Some(colon) = memchr::memchr(b':', line) else {
                continue;
            };
            let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
            if name.eq_ignore_ascii_case(b"content-length") {
                let length = number(value);
                let length = length.ok_or_else(|| unreadable("a length that is no number"))?;
                framing = Framing::Length(start + length);
            } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
                framing = Framing::Chunks(Chunks {
                    read: start,
                    end: start,
                    next: Next::Size,
                });
                break;
            }
        }
        Ok(Some(Self {
            status,
            start,
            framing,
        }))
    }

    /// Whether something of the body has come, when so much of the answer is there.
    pub fn has_begun(&self, filled: usize) -> bool {
        self.start
            < match &self.framing {
                Framing::Length(_) => filled,
                Framing::Chunks(chunks) => chunks.end,
            }
    }

    /// Reads what has come of the body; answers whether all of it is there.
    pub fn read_body(&mut self, answer: &mut [u8]) -> Result<bool> {
        match &mut self.framing {
            Framing::Length(end) => Ok(*end <= answer.len()),
            Framing::Chunks(chunks) => chunks.advance(answer),
        }
    }

    /// Where the body stands, once it is there.
    pub fn body(&self) -> Range<usize> {
        let end = match &self.framing {
            Framing::Length(end) => *end,
            Framing::Chunks(chunks) => chunks.end,
        };
        self.start..end
    }
}

impl Chunks {
    fn advance(&mut self, answer: &mut [u8]) -> Result<bool> {
        loop {
            match self.next {
                Next::Piece(left) => {
                    let there = answer.len() - self.read;
                    // Of the line end nothing is moved.
                    let moved = left.saturating_sub(2).min(there);
                    answer.copy_within(self.read..self.read + moved, self.end);
                    self.end += moved;
                    let read = left.min(there);
                    self.read += read;
                    self.next = if read == left {
                        Next::Size
                    } else {
                        Next::Piece(left - read)
                    };
                    if read < left {
                        return Ok(false);
                    }
                }
                Next::Size => {
                    let Some(line) = self.line(answer) else {
                        return Ok(false);
                    };
                    let digits = line.split(|byte| *byte == b';').next();
                    let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
                    let size =
                        digits.and_then(|digits| usize::from_str_radix(digits.trim(), 16).ok());
                    self.next = match size {
                        Some(0) => Next::Trailer,
                        Some(size) => Next::Piece(size + 2),
                        None => return Err(unreadable("a chunk whose size is no number")),
                    };
                }
                Next::Trailer => match self.line(answer) {
                    None => return Ok(false),
                    Some([]) => return Ok(true),
                    Some(_) => {}
                },
            }
        }
    }

    /// The next line without its end, if all of it is there.
    fn line<'a>(&mut self, answer: &'a [u8]) -> Option<&'a [u8]> {
        let rest = &answer[self.read..];
        let end = memmem::find(rest, b"\r\n")?;
        self.read += end + 2;
        Some(&rest[..end])
    }
}

fn unreadable(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}
