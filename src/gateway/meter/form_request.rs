//! A request whose body is a form with files: sound to be written down, pictures to be changed.

use super::called_model::read_model;
use super::dialect::Endpoint;
use super::fault::RequestFault;
use super::media::Media;
use super::metered_request::{BodyPlaces, MeteredRequest, ModelText, RequestHead, RequestLimits};
use super::multipart::{FormPart, read_parts};
use super::prompt_size::PromptSize;
use crate::domain::values::letter_case::fold;

/// Fields that a decision or a figure hangs on: each may stand once.
const DECIDED_FIELDS: [&str; 3] = ["model", "stream", "n"];

/// Reads such a request.
///
/// # Errors
/// What is wrong with the form or one of its fields.
pub fn read_form(
    head: &RequestHead<'_>,
    content_type: &str,
    body: &[u8],
    limits: &RequestLimits,
) -> Result<MeteredRequest, RequestFault> {
    let parts = read_parts(content_type, body, limits.max_parts, limits.max_part_head)?;
    for part in &parts {
        refuse_other_spellings(part)?;
    }
    let mut places = BodyPlaces::default();
    let model = read_field(&parts, "model")?;
    if let Some((part, text)) = model {
        let name = read_model("model", text, limits.max_model)?;
        places.model = Some(ModelText {
            place: part.place.clone(),
            prefix: "",
            is_json: false,
            is_exact: name.len() == text.len(),
        });
    }
    let model = match (head.path_model, model) {
        (Some(path), Some((_, text))) if path != text.trim() => {
            let sentence = "is not the model that the path names; leave it out, or name the same";
            return Err(RequestFault::at("model", sentence));
        }
        (Some(path), _) => read_model("the path", path, limits.max_model)?,
        (None, Some((_, text))) => text.trim(),
        (None, None) => {
            let sentence = "is required: a field that names the model";
            return Err(RequestFault::at("model", sentence));
        }
    };
    let stream = match read_field(&parts, "stream")?.map(|(_, text)| text) {
        Some("true" | "True" | "1") => true,
        None | Some("false" | "False" | "0" | "") => false,
        Some(_) => return Err(RequestFault::at("stream", "must be true or false")),
    };
    let count = match read_field(&parts, "n")? {
        Some((_, text)) => text
            .parse::<u32>()
            .map_err(|_| RequestFault::at("n", "must be a whole number"))?,
        None => 1,
    };
    Ok(MeteredRequest {
        model: model.to_owned(),
        stream,
        wants_usage: false,
        max_output: None,
        prompt_tokens: size_of(head.endpoint, &parts).tokens(),
        images: if head.endpoint.makes_images() {
            i64::from(count)
        } else {
            0
        },
        input_characters: 0,
        kept_states: Vec::new(),
        places,
    })
}

/// Some readers of forms take `model[]` for a list and `Model` for `model`, and `_charset_` for the letters of all others.
fn refuse_other_spellings(part: &FormPart<'_>) -> Result<(), RequestFault> {
    let folded = fold(part.name);
    let base = folded.split('[').next().unwrap_or_default().trim();
    let known = DECIDED_FIELDS.iter().find(|known| **known == base);
    match known {
        Some(known) if *known != part.name => Err(RequestFault::at(
            *known,
            "must be a field of exactly this name, not of another spelling or a list",
        )),
        _ if folded == "_charset_" => Err(RequestFault::at(
            "_charset_",
            "is not understood; forms are UTF-8",
        )),
        _ => Ok(()),
    }
}

/// A field that may stand once, as text.
fn read_field<'p, 'b>(
    parts: &'p [FormPart<'b>],
    name: &str,
) -> Result<Option<(&'p FormPart<'b>, &'b str)>, RequestFault> {
    let mut found = parts.iter().filter(|part| part.name == name);
    let Some(part) = found.next() else {
        return Ok(None);
    };
    if found.next().is_some() {
        return Err(RequestFault::at(name, "stands in the form more than once"));
    }
    let is_plain = part.media_type.is_none_or(|kind| {
        let kind = kind.to_ascii_lowercase().replace(' ', "");
        matches!(kind.as_str(), "text/plain" | "text/plain;charset=utf-8")
    });
    let text = std::str::from_utf8(part.value).ok();
    let text = text.filter(|_| is_plain && !part.is_file);
    let text =
        text.ok_or_else(|| RequestFault::at(name, "must be plain text in UTF-8, no file"))?;
    Ok(Some((part, text)))
}

fn size_of(endpoint: Endpoint, parts: &[FormPart<'_>]) -> PromptSize {
    let mut size = PromptSize::default();
    for part in parts {
        if part.is_file {
            let media = if endpoint.makes_images() {
                Media::Image
            } else {
                Media::Audio
            };
            size.add_media(media, part.value.len() as u64);
        } else {
            size.add_text(part.name);
            size.add_text(&String::from_utf8_lossy(part.value));
        }
    }
    size
}
