//! What is known of a request before it is passed on, and how its body goes on.

use std::borrow::Cow;
use std::ops::Range;

use super::dialect::Endpoint;
use super::fault::RequestFault;
use super::splices::Splices;

/// What is known of a request beside its body.
#[derive(Debug, Clone, Copy)]
pub struct RequestHead<'h> {
    /// What is asked for.
    pub endpoint: Endpoint,
    /// The model, or Azure deployment, that the path names.
    pub path_model: Option<&'h str>,
    /// The header `content-type`.
    pub content_type: Option<&'h str>,
    /// The header `content-encoding`.
    pub content_encoding: Option<&'h str>,
}

/// How much of a request is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestLimits {
    /// Largest body, in bytes.
    pub max_body: usize,
    /// Most members of the outermost object.
    pub max_members: usize,
    /// Longest name of a model, in characters.
    pub max_model: usize,
    /// Most parts of a form.
    pub max_parts: usize,
    /// Longest head of one part, in bytes.
    pub max_part_head: usize,
}

impl Default for RequestLimits {
    fn default() -> Self {
        Self {
            max_body: 32 << 20,
            max_members: 256,
            max_model: 255,
            max_parts: 64,
            max_part_head: 4 << 10,
        }
    }
}

/// What a request asks the provider to keep, or to go on with: tokens that no body shows, and answers that come when nobody meters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeptState {
    /// `background: true`: the answer is made after the request has been answered.
    Background,
    /// `store: true`.
    Stored,
    /// `store: false`.
    NotStored,
    /// `previous_response_id`: input that the provider has already.
    PreviousResponse,
    /// `conversation`: the same.
    Conversation,
    /// `prompt` as an object: a text that the provider keeps.
    StoredPrompt,
    /// A file that was sent to it before, by its id or its address there.
    File,
}

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeteredRequest {
    /// The model, with the prefix of a provider if it has one; empty where the endpoint is about no single one.
    pub model: String,
    /// Whether the answer is asked for piece by piece.
    pub stream: bool,
    /// Whether the client asked for usage in the stream, so that it wants the chunk with it.
    pub wants_usage: bool,
    /// The most tokens that all answers to it can have together; `None` where the request sets no bound.
    pub max_output: Option<i64>,
    /// Tokens of the prompt, rather more than there will be (`prompt_size`). Bytes of sound and files count for what they may be.
    pub prompt_tokens: i64,
    /// Pictures that are asked for.
    pub images: i64,
    /// Characters that are to be read aloud.
    pub input_characters: i64,
    /// What the provider is to keep or to go on with, each once.
    pub kept_states: Vec<KeptState>,
    /// Where in the body things stand that may have to be changed.
    pub(super) places: BodyPlaces,
}

/// Where in a body the things stand that may have to be changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct BodyPlaces {
    /// What is taken out whatever else is changed.
    pub repeated: Splices,
    /// The model, and how it is written there.
    pub model: Option<ModelText>,
    /// What makes a stream tell its usage; empty where it does.
    pub asking_for_usage: Vec<(Range<usize>, String)>,
}

/// A model as it stands in a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ModelText {
    /// Where; in JSON with its quotation marks.
    pub place: Range<usize>,
    /// What stands before its name: `models/` in the Gemini dialect.
    pub prefix: &'static str,
    /// Whether it is a JSON string.
    pub is_json: bool,
    /// Whether it is exactly the name that is decided on, without blanks around it.
    pub is_exact: bool,
}

impl MeteredRequest {
    /// The body that goes on: the same bytes but for members that stand more than once, of which only the last stays; with another
    /// `model`, where one is given, and asking for usage, where a stream of it would not tell its own.
    ///
    /// `body` is the body that was read.
    pub fn body_to_send<'b>(
        &self,
        body: &'b [u8],
        model: Option<&str>,
        ask_for_usage: bool,
    ) -> Cow<'b, [u8]> {
        let mut splices = self.places.repeated.clone();
        if let Some(text) = &self.places.model {
            let sent = model.or((!text.is_exact).then_some(self.model.as_str()));
            if let Some(name) = sent {
                let name = format!("{}{name}", text.prefix);
                let written = if text.is_json {
                    serde_json::Value::from(name).to_string()
                } else {
                    name
                };
                splices.replace(text.place.clone(), written);
            }
        }
        if ask_for_usage {
            for (place, with) in &self.places.asking_for_usage {
                splices.replace(place.clone(), with.as_str());
            }
        }
        splices.apply(body)
    }

    /// Why a body can't go on as it is, where nobody can change it on its way: whoever serves it may read another call in it.
    pub fn refuse_as_it_is(&self) -> Result<(), RequestFault> {
        if self.places.repeated != Splices::default() {
            return Err(RequestFault::of_body(
                "has members of one name more than once, of which whoever serves it may take another than is decided on; send each once",
            ));
        }
        match &self.places.model {
            Some(text) if !text.is_exact => Err(RequestFault::at(
                "model",
                "must have no blanks around the name; not every server takes them away",
            )),
            _ => Ok(()),
        }
    }

    /// Whether the chunk with the usage is to be taken out of the stream again, because it was asked for on our account.
    pub fn strips_usage(&self, asked_for_usage: bool) -> bool {
        asked_for_usage && !self.wants_usage && !self.places.asking_for_usage.is_empty()
    }
}
