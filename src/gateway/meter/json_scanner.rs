//! What matters of an answer, found while its JSON passes by in pieces of any length.
//!
//! No library reads JSON that is not all there, and an answer may be larger than what anybody would keep: the last event of a stream
//! repeats all of it. So this looks for few members at few places, keeps their values alone, and reads nothing else. It does not judge
//! syntax: what is no JSON has no usage.

use memchr::memchr2;

use super::seen_document::{KeptValue, Level, Meaning, SeenDocument, Slot, ValueForm};

/// Deepest nesting that is followed; what is deeper has no usage.
const MAX_DEPTH: usize = 128;
/// Longest name that can be one of those looked for, in bytes as it is written.
const MAX_NAME: usize = 64;

#[derive(Debug, Clone, Copy)]
struct Frame {
    is_object: bool,
    level: Level,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Between,
    Text,
    Escape,
    /// Nested too deep to be followed.
    Lost,
}

/// What may come next outside of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Name,
    Value,
    Neither,
}

/// What a text is, once it has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TextUse {
    Name,
    Measured,
    Other,
}

/// Looks for what matters in JSON that comes in pieces.
#[derive(Debug)]
pub struct JsonScanner {
    frames: Vec<Frame>,
    mode: Mode,
    expected: Expected,
    text_use: TextUse,
    name: Vec<u8>,
    meaning: Meaning,
    kept: Option<KeptValue>,
    seen: SeenDocument,
}

impl Default for JsonScanner {
    fn default() -> Self {
        Self {
            frames: Vec::new(),
            mode: Mode::Between,
            expected: Expected::Value,
            text_use: TextUse::Other,
            name: Vec::new(),
            meaning: Meaning::Nothing,
            kept: None,
            seen: SeenDocument::default(),
        }
    }
}

impl JsonScanner {
    /// Looks through the next piece. Each document that ends in it is handed to `ended`.
    pub fn scan(&mut self, piece: &[u8], mut ended: impl FnMut(SeenDocument)) {
        let mut at = 0;
        // Where in this piece the value begins, or goes on, that is kept.
        let mut from = 0;
        while let Some(byte) = piece.get(at).copied() {
            match self.mode {
                Mode::Lost => return,
                Mode::Escape => {
                    at += 1;
                    self.note_text(&[byte]);
                    self.mode = Mode::Text;
                }
                Mode::Text => {
                    let rest = &piece[at..];
                    let end = memchr2(b'"', b'\\', rest);
                    self.note_text(&rest[..end.unwrap_or(rest.len())]);
                    at += end.map_or(rest.len(), |end| end + 1);
                    match end.map(|end| rest[end]) {
                        Some(b'\\') => {
                            self.note_text(b"\\");
                            self.mode = Mode::Escape;
                        }
                        Some(_) => {
                            self.end_text();
                            self.end_kept(ValueForm::Text, &piece[from..at]);
                        }
                        None => {}
                    }
                }
                Mode::Between => {
                    if self.ends_scalar(byte) {
                        self.end_kept(ValueForm::Scalar, &piece[from..at]);
                    }
                    let was_kept = self.kept.is_some();
                    let document = self.step(byte);
                    if !was_kept && self.kept.is_some() {
                        from = at;
                    }
                    at += 1;
                    if matches!(byte, b'}' | b']') {
                        self.end_kept(ValueForm::Container, &piece[from..at]);
                    }
                    if document {
                        ended(std::mem::take(&mut self.seen));
                    }
                }
            }
        }
        if let Some(kept) = &mut self.kept {
            kept.add(&piece[from.min(piece.len())..]);
        }
    }

    /// What was seen of a document that has not ended, after which another one may begin.
    pub fn take(&mut self) -> SeenDocument {
        let seen = std::mem::take(&mut self.seen);
        self.frames.clear();
        self.name.clear();
        self.mode = Mode::Between;
        self.expected = Expected::Value;
        self.kept = None;
        seen
    }

    /// Whether the document that is passing by has more than what a chunk with usage alone has.
    pub fn has_choices(&self) -> bool {
        self.seen.choices.is_some_and(|choices| choices > 0)
    }

    /// Whether nothing is open: before a document and after one, but not between those of a list.
    pub fn is_outside(&self) -> bool {
        self.frames.is_empty() && self.mode == Mode::Between
    }

    /// One byte outside of texts. Tells whether a document ended with it.
    fn step(&mut self, byte: u8) -> bool {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => {}
            b'"' => {
                if self.expected == Expected::Name {
                    self.expected = Expected::Neither;
                    self.text_use = TextUse::Name;
                    self.name.clear();
                } else {
                    self.begin_value(ValueForm::Text);
                }
                self.mode = Mode::Text;
            }
            b'{' | b'[' => {
                let level = self.begin_value(ValueForm::Container);
                if self.frames.len() == MAX_DEPTH {
                    self.mode = Mode::Lost;
                    self.kept = None;
                    return false;
                }
                let is_object = byte == b'{';
                let level = match level {
                    Level::Document if !is_object => Level::Documents,
                    level => level,
                };
                self.frames.push(Frame { is_object, level });
                self.expected = if is_object {
                    Expected::Name
                } else {
                    Expected::Value
                };
            }
            b'}' | b']' => {
                let frame = self.frames.pop();
                self.expected = Expected::Neither;
                return frame.is_some_and(|frame| frame.level == Level::Document);
            }
            b',' => {
                let in_object = self.frames.last().is_some_and(|frame| frame.is_object);
                self.expected = if in_object {
                    Expected::Name
                } else {
                    Expected::Value
                };
            }
            b':' => self.expected = Expected::Value,
            _ if self.expected == Expected::Value => {
                self.begin_value(ValueForm::Scalar);
            }
            _ => {}
        }
        false
    }

    /// A value begins. Tells where it stands, should it be an object or list, and begins to keep it where it matters.
    fn begin_value(&mut self, form: ValueForm) -> Level {
        self.expected = Expected::Neither;
        self.text_use = match self.meaning {
            Meaning::Text => TextUse::Measured,
            _ => TextUse::Other,
        };
        let Some(frame) = self.frames.last().copied() else {
            return Level::Document;
        };
        if self.kept.is_some() {
            return Level::Elsewhere;
        }
        let (slot, level) = self.interest(frame);
        if let Some(slot) = slot {
            self.kept = Some(KeptValue {
                slot,
                form,
                depth: self.frames.len(),
                bytes: Vec::new(),
                is_too_long: false,
            });
        }
        level
    }

    fn interest(&mut self, frame: Frame) -> (Option<Slot>, Level) {
        let elsewhere = |slot| (Some(slot), Level::Elsewhere);
        let enter = |level| (None, level);
        match (frame.level, self.meaning) {
            (Level::Documents, _) => enter(Level::Document),
            (Level::Choices, _) => {
                self.seen.choices = self.seen.choices.map(|choices| choices + 1);
                enter(Level::Elsewhere)
            }
            (Level::Data, _) => {
                self.seen.items += 1;
                enter(Level::Elsewhere)
            }
            (Level::Candidates, _) => enter(Level::Candidate),
            (Level::Output, _) => enter(Level::OutputItem),
            (Level::Candidate, Meaning::FinishReason) => elsewhere(Slot::FinishReason),
            (Level::OutputItem, Meaning::Kind) => elsewhere(Slot::ItemKind),
            (Level::Document, Meaning::Kind) => elsewhere(Slot::Kind),
            (Level::Document, Meaning::Duration) => elsewhere(Slot::Duration),
            (Level::Document, Meaning::Choices) => {
                // Those of a second list add to them: what had choices once stays one that has.
                self.seen.choices.get_or_insert(0);
                enter(Level::Choices)
            }
            (Level::Document, Meaning::Candidates) => enter(Level::Candidates),
            (Level::Document, Meaning::Data) => enter(Level::Data),
            (Level::Document, Meaning::Nested) => enter(Level::Nested),
            (Level::Document | Level::Nested, Meaning::Model) => elsewhere(Slot::Model),
            (Level::Document | Level::Nested, Meaning::Usage) => elsewhere(Slot::Usage),
            (Level::Document | Level::Nested, Meaning::Error) => elsewhere(Slot::Error),
            (Level::Document | Level::Nested, Meaning::Output) => enter(Level::Output),
            _ => enter(Level::Elsewhere),
        }
    }

    fn note_text(&mut self, bytes: &[u8]) {
        match self.text_use {
            TextUse::Name => {
                let room = (MAX_NAME + 1).saturating_sub(self.name.len());
                self.name.extend_from_slice(&bytes[..bytes.len().min(room)]);
            }
            TextUse::Measured => self.seen.text_bytes += bytes.len() as u64,
            TextUse::Other => {}
        }
    }

    fn end_text(&mut self) {
        self.mode = Mode::Between;
        if self.text_use == TextUse::Name {
            self.text_use = TextUse::Other;
            self.meaning = if self.name.len() > MAX_NAME {
                Meaning::Nothing
            } else if self.name.contains(&b'\\') {
                let written = [b"\"", self.name.as_slice(), b"\""].concat();
                let name: Option<String> = serde_json::from_slice(&written).ok();
                Meaning::of(name.unwrap_or_default().as_bytes())
            } else {
                Meaning::of(&self.name)
            };
        }
    }

    fn ends_scalar(&self, byte: u8) -> bool {
        let scalar = |kept: &KeptValue| kept.form == ValueForm::Scalar;
        matches!(byte, b',' | b'}' | b']') && self.kept.as_ref().is_some_and(scalar)
    }

    /// Ends the value that is kept, if it is one of this form at this depth.
    fn end_kept(&mut self, form: ValueForm, last: &[u8]) {
        let depth = self.frames.len();
        let is_it = |kept: &mut KeptValue| kept.form == form && kept.depth == depth;
        let Some(mut kept) = self.kept.take_if(is_it) else {
            return;
        };
        kept.add(last);
        let value = kept.bytes;
        if kept.is_too_long || value.trim_ascii() == b"null" {
            return;
        }
        let text = || serde_json::from_slice::<String>(&value).ok();
        match kept.slot {
            Slot::Kind => self.seen.kind = text(),
            Slot::Model => self.seen.model = text(),
            Slot::ItemKind => {
                self.seen.searches += u64::from(value == b"\"web_search_call\"");
            }
            Slot::Error => self.seen.has_error = true,
            Slot::FinishReason => self.seen.is_finished = true,
            Slot::Usage => self.seen.usage = Some(value),
            Slot::Duration => self.seen.duration = Some(value),
        }
    }
}
