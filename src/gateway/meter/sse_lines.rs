//! Server-sent events (HTML, "parsing an event stream"), read in pieces that may be cut anywhere.

use memchr::{memchr2, memchr3};

/// What may stand before everything else.
const BOM: &[u8] = b"\xEF\xBB\xBF";
/// Longest name of a field that is looked at.
const MAX_FIELD: usize = 8;
/// Longest name of an event that is kept.
const MAX_EVENT: usize = 64;

/// What some bytes of a stream are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SsePiece {
    /// The next bytes of the data of an event.
    Data,
    /// A line of data begins.
    DataLine,
    /// An empty line: the event, if there is one, ends.
    EventEnd,
    /// The second byte of the end of a line whose first byte ended it.
    LineFeed,
    /// Anything else.
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FieldKind {
    Data,
    Event,
    Ignored,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LineState {
    Name,
    Colon(FieldKind),
    Value(FieldKind),
}

/// Reads lines.
#[derive(Debug)]
pub struct SseLines {
    state: LineState,
    name: Vec<u8>,
    event: Vec<u8>,
    after_return: bool,
    /// How many bytes of a byte order mark came.
    mark: usize,
}

impl Default for SseLines {
    fn default() -> Self {
        Self {
            state: LineState::Name,
            name: Vec::new(),
            event: Vec::new(),
            after_return: false,
            mark: 0,
        }
    }
}

impl SseLines {
    /// How many of these bytes, which are not none, are one piece, and what it is.
    pub fn step(&mut self, bytes: &[u8]) -> (usize, SsePiece) {
        if std::mem::take(&mut self.after_return) && bytes.first() == Some(&b'\n') {
            return (1, SsePiece::LineFeed);
        }
        if self.mark < BOM.len() {
            if bytes.first() == BOM.get(self.mark) {
                self.mark += 1;
                return (1, SsePiece::Other);
            }
            // What began as a mark and is none is a name that nobody knows.
            self.name.extend_from_slice(&BOM[..self.mark]);
            self.mark = BOM.len();
        }
        match self.state {
            LineState::Name => self.read_name(bytes),
            LineState::Colon(kind) => {
                self.state = LineState::Value(kind);
                let piece = match kind {
                    FieldKind::Data => SsePiece::DataLine,
                    _ => SsePiece::Other,
                };
                (usize::from(bytes.first() == Some(&b' ')), piece)
            }
            LineState::Value(kind) => self.read_value(kind, bytes),
        }
    }

    /// The name of the event that ended or goes on.
    pub fn event(&self) -> Option<&str> {
        let name = std::str::from_utf8(&self.event).ok()?;
        (!name.is_empty() && name.len() <= MAX_EVENT).then_some(name)
    }

    /// Forgets the name of the event.
    pub fn next_event(&mut self) {
        self.event.clear();
    }

    fn read_name(&mut self, bytes: &[u8]) -> (usize, SsePiece) {
        let end = memchr3(b':', b'\n', b'\r', bytes).unwrap_or(bytes.len());
        if end > 0 {
            let room = (MAX_FIELD + 1).saturating_sub(self.name.len());
            self.name.extend_from_slice(&bytes[..end.min(room)]);
            return (end, SsePiece::Other);
        }
        let is_empty = self.name.is_empty();
        let kind = match self.name.as_slice() {
            b"data" => FieldKind::Data,
            b"event" => FieldKind::Event,
            _ => FieldKind::Ignored,
        };
        self.name.clear();
        if bytes.first() == Some(&b':') {
            if kind == FieldKind::Event {
                self.event.clear();
            }
            self.state = LineState::Colon(kind);
            return (1, SsePiece::Other);
        }
        self.after_return = bytes.first() == Some(&b'\r');
        let piece = match kind {
            _ if is_empty => SsePiece::EventEnd,
            // A name alone has an empty value.
            FieldKind::Data => SsePiece::DataLine,
            _ => SsePiece::Other,
        };
        (1, piece)
    }

    fn read_value(&mut self, kind: FieldKind, bytes: &[u8]) -> (usize, SsePiece) {
        let end = memchr2(b'\n', b'\r', bytes).unwrap_or(bytes.len());
        if end == 0 {
            self.after_return = bytes.first() == Some(&b'\r');
            self.state = LineState::Name;
            return (1, SsePiece::Other);
        }
        if kind == FieldKind::Event {
            let room = (MAX_EVENT + 1).saturating_sub(self.event.len());
            self.event.extend_from_slice(&bytes[..end.min(room)]);
        }
        let piece = match kind {
            FieldKind::Data => SsePiece::Data,
            _ => SsePiece::Other,
        };
        (end, piece)
    }
}
