//! A request whose body is a JSON object.

use serde::Deserialize;

use super::body_object::{BodyObject, form, read_bool, read_count};
use super::called_model::read_model;
use super::dialect::{Dialect, Endpoint};
use super::fault::RequestFault;
use super::metered_request::{
    BodyPlaces, KeptState, MeteredRequest, ModelText, RequestHead, RequestLimits,
};
use super::object_members::{PlacedMember, explain, read_members};
use super::prompt_size::PromptSize;

/// What stands before the name of a model in bodies of the Gemini dialect.
const GEMINI_PREFIX: &str = "models/";

/// Reads such a request.
///
/// # Errors
/// What is wrong with it; see [`RequestFault`].
pub fn read_json(
    head: &RequestHead<'_>,
    body: &[u8],
    limits: &RequestLimits,
) -> Result<MeteredRequest, RequestFault> {
    let all = read_members(body, limits.max_members)?;
    let mut places = BodyPlaces::default();
    let mut members = Vec::with_capacity(all.len());
    for (at, member) in all.iter().enumerate() {
        let later = &all[at + 1..];
        match later.first() {
            Some(next) if later.iter().any(|later| later.name == member.name) => {
                places.repeated.cut(member.starts_at..next.starts_at);
            }
            _ => members.push(member),
        }
    }
    let object = BodyObject { members };
    object.refuse_other_spellings()?;
    object.refuse_rerouting()?;
    object.refuse_unpriced(head.endpoint)?;
    let model = object.model(head, limits, &mut places)?;
    let stream = object.streams(head.endpoint)?;
    let wants_usage = object.usage_in_stream(head.endpoint, stream, &mut places)?;
    if head.endpoint == Endpoint::BatchEmbedContents {
        object.refuse_other_models(&model)?;
    }
    let (images, input_characters) = object.units(head.endpoint)?;
    let prompt = object.prompt_size()?;
    Ok(MeteredRequest {
        max_output: object.max_output(head.endpoint)?,
        prompt_tokens: prompt.tokens(),
        images,
        input_characters,
        kept_states: object.kept_states(prompt)?,
        model,
        stream,
        wants_usage,
        places,
    })
}

impl BodyObject<'_, '_> {
    fn model(
        &self,
        head: &RequestHead<'_>,
        limits: &RequestLimits,
        places: &mut BodyPlaces,
    ) -> Result<String, RequestFault> {
        let mut in_body = None;
        if let Some(member) = self.find("model") {
            let written: String = serde_json::from_str(member.value).map_err(|_| {
                let found = match form(member.value) {
                    "text" => "text with half of a pair of surrogates in it",
                    other => other,
                };
                let sentence = format_args!("must be text that names one model, not {found}");
                RequestFault::at("model", sentence)
            })?;
            let is_gemini = head.endpoint.dialect() == Dialect::Gemini;
            let bare = written.strip_prefix(GEMINI_PREFIX).filter(|_| is_gemini);
            let name = read_model("model", bare.unwrap_or(&written), limits.max_model)?;
            places.model = Some(ModelText {
                place: member.place.clone(),
                prefix: bare.map_or("", |_| GEMINI_PREFIX),
                is_json: true,
                is_exact: name.len() == bare.unwrap_or(&written).len(),
            });
            in_body = Some(name.to_owned());
        }
        let Some(in_path) = head.path_model else {
            // Its provider has a model of its own for those, and takes nothing.
            let may_lack = head.endpoint == Endpoint::Moderations;
            return in_body.or(may_lack.then(String::new)).ok_or_else(|| {
                RequestFault::at("model", "is required: text that names the model")
            });
        };
        let in_path = read_model("the path", in_path, limits.max_model)?;
        match in_body {
            Some(in_body) if in_body != in_path => Err(RequestFault::at(
                "model",
                "is not the model that the path names; leave it out of the body, or name the same",
            )),
            _ => Ok(in_path.to_owned()),
        }
    }

    /// Elements of a batch name their model again; it has to be that of the path.
    fn refuse_other_models(&self, model: &str) -> Result<(), RequestFault> {
        #[derive(Deserialize)]
        struct Element {
            model: Option<String>,
        }
        let Some(member) = self.find("requests") else {
            return Ok(());
        };
        let elements: Vec<Element> = serde_json::from_str(member.value).map_err(|_| {
            RequestFault::at(
                "requests",
                "must be a list of objects, whose model is text and stands once",
            )
        })?;
        let other = elements.iter().position(|element| {
            let named = element.model.as_deref();
            let bare = named.map(|named| named.strip_prefix(GEMINI_PREFIX).unwrap_or(named));
            bare.is_some_and(|bare| bare != model)
        });
        other.map_or(Ok(()), |at| {
            let sentence = "is not the model that the path names";
            Err(RequestFault::at(format!("requests[{at}].model"), sentence))
        })
    }

    fn streams(&self, endpoint: Endpoint) -> Result<bool, RequestFault> {
        match endpoint {
            Endpoint::StreamGenerateContent => Ok(true),
            Endpoint::Speech => Ok(self
                .find("stream_format")
                .is_some_and(|member| member.value == "\"sse\"")),
            _ if endpoint.dialect() == Dialect::Gemini => Ok(false),
            _ => Ok(self
                .find("stream")
                .map_or(Ok(None), read_bool)?
                .unwrap_or(false)),
        }
    }

    fn units(&self, endpoint: Endpoint) -> Result<(i64, i64), RequestFault> {
        let images = if endpoint.makes_images() {
            let count = self.find("n").map(|member| read_count("n", member.value));
            count.transpose()?.flatten().unwrap_or(1)
        } else {
            0
        };
        let mut characters = 0;
        if endpoint == Endpoint::Speech
            && let Some(input) = self.find("input")
        {
            let text: String = serde_json::from_str(input.value)
                .map_err(|_| RequestFault::at("input", "must be text, which is read aloud"))?;
            characters = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
        }
        Ok((images, characters))
    }

    fn kept_states(&self, prompt: PromptSize) -> Result<Vec<KeptState>, RequestFault> {
        let flag = |name| self.find(name).map_or(Ok(None), read_bool);
        let is_object = |member: &PlacedMember<'_>| member.value.starts_with('{');
        let states = [
            (flag("background")? == Some(true), KeptState::Background),
            (flag("store")? == Some(true), KeptState::Stored),
            (flag("store")? == Some(false), KeptState::NotStored),
            (
                self.find("previous_response_id").is_some(),
                KeptState::PreviousResponse,
            ),
            (self.find("conversation").is_some(), KeptState::Conversation),
            (
                self.find("prompt").is_some_and(is_object),
                KeptState::StoredPrompt,
            ),
            (prompt.names_kept_file(), KeptState::File),
        ];
        let there = states.into_iter().filter(|(is_there, _)| *is_there);
        Ok(there.map(|(_, state)| state).collect())
    }

    fn prompt_size(&self) -> Result<PromptSize, RequestFault> {
        let mut size = PromptSize::default();
        for member in &self.members {
            size.add_text(&member.name);
            size.add_value(&member.name, member.value)
                .map_err(|error| {
                    let fault = explain(&error);
                    RequestFault::at(member.name.chars().take(64).collect::<String>(), fault)
                })?;
        }
        Ok(size)
    }
}
