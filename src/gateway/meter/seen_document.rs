//! What is looked for in an answer, and where.

/// Longest value that is kept, in bytes.
const MAX_VALUE: usize = 64 << 10;

/// What was seen in one document: an answer, or one event of a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeenDocument {
    /// Its `type`.
    pub kind: Option<String>,
    /// The model that it names.
    pub model: Option<String>,
    /// Its usage object as it is written.
    pub usage: Option<Vec<u8>>,
    /// Its `duration` as it is written, in seconds.
    pub duration: Option<Vec<u8>>,
    /// How many `choices` it has, where it has a list of them.
    pub choices: Option<u64>,
    /// How many elements its `data` has.
    pub items: u64,
    /// How many searches of the web are among its `output`.
    pub searches: u64,
    /// Whether it tells of an error.
    pub has_error: bool,
    /// Whether a candidate says why it is finished.
    pub is_finished: bool,
    /// Bytes of text that was made, as it is written.
    pub text_bytes: u64,
}

impl SeenDocument {
    /// The same with the choices of another document of the same event, should there be two: an event has choices if any of it has.
    pub fn with_choices_of(mut self, other: Option<&Self>) -> Self {
        self.choices = self.choices.max(other.and_then(|other| other.choices));
        self
    }
}

/// What the name of a member means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    Kind,
    Model,
    Usage,
    Duration,
    Error,
    Choices,
    Nested,
    Candidates,
    FinishReason,
    Output,
    Data,
    Text,
    Nothing,
}

impl Meaning {
    /// That of a name without escapes.
    pub fn of(name: &[u8]) -> Self {
        match name {
            b"type" => Self::Kind,
            b"model" | b"modelVersion" => Self::Model,
            b"usage" | b"usageMetadata" => Self::Usage,
            b"duration" => Self::Duration,
            b"error" => Self::Error,
            b"choices" => Self::Choices,
            b"response" | b"message" | b"x_groq" => Self::Nested,
            b"candidates" => Self::Candidates,
            b"finishReason" => Self::FinishReason,
            b"output" => Self::Output,
            b"data" => Self::Data,
            b"content" | b"text" | b"delta" | b"thinking" | b"partial_json" | b"arguments"
            | b"reasoning" | b"reasoning_content" | b"refusal" => Self::Text,
            _ => Self::Nothing,
        }
    }
}

/// Where an object or list stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The document.
    Document,
    /// A list of documents.
    Documents,
    /// An object in it that repeats the answer.
    Nested,
    Choices,
    Candidates,
    Candidate,
    Output,
    OutputItem,
    Data,
    Elsewhere,
}

/// What a value is kept for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    Kind,
    Model,
    Usage,
    Duration,
    Error,
    FinishReason,
    ItemKind,
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueForm {
    Text,
    Container,
    Scalar,
}

/// A value that is kept while it passes by.
#[derive(Debug)]
pub struct KeptValue {
    pub slot: Slot,
    pub form: ValueForm,
    pub depth: usize,
    pub bytes: Vec<u8>,
    pub is_too_long: bool,
}

impl KeptValue {
    /// Adds what comes next of it.
    pub fn add(&mut self, bytes: &[u8]) {
        if self.bytes.len() + bytes.len() > MAX_VALUE {
            self.is_too_long = true;
            self.bytes = Vec::new();
        }
        if !self.is_too_long {
            self.bytes.extend_from_slice(bytes);
        }
    }
}
