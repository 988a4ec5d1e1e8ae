//! Metering an answer while it passes by: a stream of events, or one JSON document, in pieces that may be cut anywhere.

use serde_json::{Map, Value};

use super::dialect::Endpoint;
use super::json_scanner::JsonScanner;
use super::seen_document::SeenDocument;
use super::sse_lines::{SseLines, SsePiece};
use crate::domain::price::usage::Usage;
use crate::domain::price::usage_object::{read_told, rounded_up};

/// Longest event that is held back to see whether it is the chunk to be removed, in bytes. A longer one is passed on.
pub const MAX_HELD: usize = 1 << 20;
/// Longest beginning of an event's data that is kept.
const MAX_BEGINNING: usize = 8;
/// What ends a stream of `OpenAI`'s without being JSON.
const DONE: &[u8] = b"[DONE]";
/// Events after which nothing more comes that matters.
const LAST_EVENTS: [&str; 8] = [
    "message_stop",
    "response.completed",
    "response.incomplete",
    "response.failed",
    "image_generation.completed",
    "image_edit.completed",
    "transcript.text.done",
    "speech.audio.done",
];
/// Events that tell of an error whatever else they hold.
const ERROR_EVENTS: [&str; 2] = ["error", "response.failed"];

/// How an answer is cut into documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events.
    Events,
    /// One JSON document, or a list of them, as Gemini streams without `alt=sse`.
    Json,
}

impl Framing {
    /// That of a `content-type`; `None` for what has no usage in it, such as sound.
    pub fn of(content_type: &str) -> Option<Self> {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        match essence.to_ascii_lowercase().as_str() {
            "text/event-stream" => Some(Self::Events),
            "application/json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// What was seen of an answer once it is over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamOutcome {
    /// What the provider says that was used; `None` when it said nothing.
    pub usage: Option<Usage>,
    /// The model that the answer names.
    pub model: Option<String>,
    /// Whether the provider ended it; if not, it was cut off, and `usage` may be only what there was until then.
    pub ended: bool,
    /// Whether the provider told of an error within it.
    pub failed: bool,
    /// Events that came; 1 for a whole document.
    pub events: u64,
    /// Bytes of text that was made, as JSON writes it.
    pub text_bytes: u64,
}

impl StreamOutcome {
    /// How many output tokens there may have been where nobody counted: one for three bytes of text, which is rather more than there were.
    pub fn guessed_output_tokens(&self) -> i64 {
        i64::try_from(self.text_bytes.div_ceil(3)).unwrap_or(i64::MAX)
    }
}

/// How much of an event came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EventStage {
    Outside,
    Begun,
    WithData,
}

/// Meters one answer.
#[derive(Debug)]
pub struct StreamMeter {
    endpoint: Endpoint,
    framing: Framing,
    lines: SseLines,
    scanner: JsonScanner,
    holding: Option<Vec<u8>>,
    strips: bool,
    has_removed: bool,
    event: EventStage,
    beginning: Vec<u8>,
    record: AnswerRecord,
}

impl StreamMeter {
    /// A meter of one answer. With `strip_usage_chunk` the chunk that tells usage and nothing else is removed from a stream of chat or
    /// completions; for other answers it means nothing.
    pub fn new(endpoint: Endpoint, framing: Framing, strip_usage_chunk: bool) -> Self {
        let strips =
            strip_usage_chunk && framing == Framing::Events && endpoint.tells_usage_when_asked();
        Self {
            endpoint,
            framing,
            lines: SseLines::default(),
            scanner: JsonScanner::default(),
            holding: strips.then(Vec::new),
            strips,
            has_removed: false,
            event: EventStage::Outside,
            beginning: Vec::new(),
            record: AnswerRecord::default(),
        }
    }

    /// Takes the next piece and appends what is to be passed on: the same bytes, at once, unless a chunk is to be removed. Then an event
    /// is held back until it ends or shows that it is another one, and [`MAX_HELD`] bytes of it at most.
    pub fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        if self.strips {
            self.read_events(piece, Some(out));
        } else {
            self.observe(piece);
            out.extend_from_slice(piece);
        }
    }

    /// Takes the next piece of what is passed on by other means, because it is compressed there. Removes nothing.
    pub fn observe(&mut self, piece: &[u8]) {
        match self.framing {
            Framing::Events => self.read_events(piece, None),
            Framing::Json => {
                let record = &mut self.record;
                self.scanner
                    .scan(piece, |seen| record.add(seen, None, true));
            }
        }
    }

    /// What was seen, once the answer is over or cut off. Appends what was still held back.
    pub fn finish(mut self, out: &mut Vec<u8>) -> StreamOutcome {
        match self.framing {
            Framing::Events if self.event == EventStage::WithData => self.end_event(Some(out)),
            Framing::Events => self.let_go(Some(out)),
            Framing::Json => {
                let is_outside = self.scanner.is_outside();
                let rest = self.scanner.take();
                if rest != SeenDocument::default() {
                    self.record.add(rest, None, true);
                }
                self.record.outcome.ended = is_outside && self.record.outcome.events > 0;
            }
        }
        self.record.finish(self.endpoint)
    }

    fn read_events(&mut self, piece: &[u8], mut out: Option<&mut Vec<u8>>) {
        let mut at = 0;
        while at < piece.len() {
            let (length, kind) = self.lines.step(&piece[at..]);
            let bytes = &piece[at..at + length];
            at += length;
            if kind == SsePiece::LineFeed && self.event == EventStage::Outside {
                // It belongs to the event before, and goes where that went.
                if !self.has_removed {
                    pass(bytes, out.as_deref_mut());
                }
                continue;
            }
            if self.event == EventStage::Outside {
                self.event = EventStage::Begun;
            }
            self.hold(bytes, out.as_deref_mut());
            match kind {
                SsePiece::Data => self.read_data(bytes),
                SsePiece::DataLine if self.event == EventStage::WithData => self.read_data(b"\n"),
                SsePiece::DataLine => self.event = EventStage::WithData,
                SsePiece::EventEnd => self.end_event(out.as_deref_mut()),
                SsePiece::LineFeed | SsePiece::Other => {}
            }
        }
    }

    fn read_data(&mut self, data: &[u8]) {
        let room = MAX_BEGINNING.saturating_sub(self.beginning.len());
        self.beginning
            .extend_from_slice(&data[..data.len().min(room)]);
        // An event is one document; what ends it is found again when the event ends.
        let pending = &mut self.record.pending;
        self.scanner.scan(data, |seen| {
            *pending = Some(seen.with_choices_of(pending.take().as_ref()));
        });
    }

    fn hold(&mut self, bytes: &[u8], out: Option<&mut Vec<u8>>) {
        match &mut self.holding {
            Some(held) => held.extend_from_slice(bytes),
            None => return pass(bytes, out),
        }
        let held = self.holding.as_ref().map_or(0, Vec::len);
        if held > MAX_HELD || self.scanner.has_choices() {
            self.let_go(out);
        }
    }

    /// Passes on what was held back; the rest of the event follows at once.
    fn let_go(&mut self, out: Option<&mut Vec<u8>>) {
        if let Some(held) = self.holding.take() {
            pass(&held, out);
        }
    }

    fn end_event(&mut self, out: Option<&mut Vec<u8>>) {
        let rest = self.scanner.take();
        let seen = match self.record.pending.take() {
            Some(whole) => whole.with_choices_of(Some(&rest)),
            None => rest,
        };
        let has_data = self.event == EventStage::WithData;
        self.has_removed =
            self.holding.is_some() && has_data && seen.choices == Some(0) && seen.usage.is_some();
        if self.has_removed {
            self.holding = None;
        } else {
            self.let_go(out);
        }
        if has_data {
            if self.beginning.trim_ascii() == DONE {
                self.record.outcome.ended = true;
            } else {
                self.record.add(seen, self.lines.event(), false);
            }
        }
        self.lines.next_event();
        self.beginning.clear();
        self.event = EventStage::Outside;
        self.holding = self.strips.then(Vec::new);
    }
}

fn pass(bytes: &[u8], out: Option<&mut Vec<u8>>) {
    if let Some(out) = out {
        out.extend_from_slice(bytes);
    }
}

/// What is known of an answer so far.
#[derive(Debug, Default)]
struct AnswerRecord {
    outcome: StreamOutcome,
    usage: Map<String, Value>,
    pending: Option<SeenDocument>,
    items: u64,
    searches: u64,
    duration: Option<i64>,
}

impl AnswerRecord {
    fn add(&mut self, seen: SeenDocument, event: Option<&str>, is_whole: bool) {
        let outcome = &mut self.outcome;
        let kind = seen.kind.as_deref().or(event).unwrap_or_default();
        outcome.events += 1;
        outcome.ended |= seen.is_finished || LAST_EVENTS.contains(&kind);
        outcome.failed |= seen.has_error || ERROR_EVENTS.contains(&kind);
        // Other events of a stream repeat what deltas told; sound is no text.
        let is_delta = kind.is_empty() || kind.ends_with("delta") || !kind.contains('.');
        if is_whole || (is_delta && !kind.contains("audio")) {
            outcome.text_bytes += seen.text_bytes;
        }
        outcome.model = seen.model.or(outcome.model.take());
        self.items += seen.items;
        self.searches = self.searches.max(seen.searches);
        if let Some(duration) = seen.duration {
            let text = String::from_utf8_lossy(&duration);
            let milliseconds = rounded_up(text.trim_matches(['"', ' ']), 3);
            self.duration = Some(milliseconds);
        }
        let usage = seen.usage.map(|written| serde_json::from_slice(&written));
        if let Some(Ok(Value::Object(usage))) = usage {
            self.merge(usage);
        }
    }

    /// Reports are cumulative: the last value of each member counts. Some servers tell 0 of what they told before; counts don't fall to
    /// nothing, so that is passed over.
    fn merge(&mut self, usage: Map<String, Value>) {
        for (name, value) in usage {
            let is_nothing = value.is_null() || value.as_i64() == Some(0);
            if !is_nothing || !self.usage.contains_key(&name) {
                self.usage.insert(name, value);
            }
        }
    }

    fn finish(mut self, endpoint: Endpoint) -> StreamOutcome {
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let told = read_told(&Value::Object(self.usage));
        let mut usage = told.unwrap_or_default();
        let mut is_told = told.is_some();
        if self.searches > 0 && usage.web_searches == 0 {
            usage.web_searches = count(self.searches);
            is_told = true;
        }
        let has_tokens = usage.total_tokens() > 0;
        match endpoint {
            _ if endpoint.makes_images() && has_tokens => {
                let of_kinds = usage.image_output_tokens + usage.audio_output_tokens;
                if of_kinds == 0 {
                    usage.image_output_tokens = usage.output_tokens;
                }
            }
            _ if endpoint.makes_images() && self.items > 0 => {
                usage.images = count(self.items);
                is_told = true;
            }
            Endpoint::Speech if usage.audio_output_tokens == 0 => {
                usage.audio_output_tokens = usage.output_tokens;
            }
            Endpoint::Transcriptions | Endpoint::Translations if !is_told => {
                usage.audio_milliseconds = self.duration.unwrap_or(0);
                is_told = self.duration.is_some();
            }
            _ => {}
        }
        self.outcome.usage = is_told.then_some(usage);
        self.outcome
    }
}
