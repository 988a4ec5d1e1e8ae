//! Reading a request: what it asks for, without keeping any of its text.

use super::dialect::BodyForm;
use super::fault::{FaultKind, RequestFault};
use super::form_request::read_form;
use super::json_request::read_json;
use super::metered_request::{MeteredRequest, RequestHead, RequestLimits};

/// Reads the body of a request.
///
/// # Errors
/// [`RequestFault`] for what can't be read, could be read in two ways, or is larger than `limits`.
pub fn read_request(
    head: &RequestHead<'_>,
    body: &[u8],
    limits: &RequestLimits,
) -> Result<MeteredRequest, RequestFault> {
    let encoding = head.content_encoding.map_or("", str::trim);
    if !encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity") {
        let sentence = "the body is compressed, which is not read here; send it as it is";
        let fault = RequestFault::at("content-encoding", sentence);
        return Err(fault.with_kind(FaultKind::MediaType));
    }
    if body.len() > limits.max_body {
        let most = limits.max_body >> 20;
        let sentence = format_args!("has {} bytes; at most {most} MiB are read", body.len());
        return Err(RequestFault::of_body(sentence).with_kind(FaultKind::TooLarge));
    }
    let form = head.endpoint.body_form();
    let kind = head.content_type.unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    let essence = essence.to_ascii_lowercase();
    match (form, essence.as_str()) {
        (BodyForm::Multipart, "multipart/form-data") => read_form(head, kind, body, limits),
        (BodyForm::Json | BodyForm::Multipart, "application/json") if is_utf8(kind) => {
            read_json(head, body, limits)
        }
        // Some clients say nothing; what is no JSON object is refused all the same.
        (BodyForm::Json, "") => read_json(head, body, limits),
        (BodyForm::Absent, _) => Err(RequestFault::of_body("must not be there with this path")),
        (BodyForm::Json, _) => Err(media_type("must be application/json in UTF-8")),
        (BodyForm::Multipart, _) => Err(media_type(
            "must be multipart/form-data, or application/json in UTF-8",
        )),
    }
}

fn media_type(sentence: &str) -> RequestFault {
    RequestFault::at("content-type", sentence).with_kind(FaultKind::MediaType)
}

/// Whether a content type names no other character set. JSON is UTF-8, but a server that believes another one reads another text.
fn is_utf8(content_type: &str) -> bool {
    let mut parameters = content_type.split(';').skip(1).map(str::trim);
    parameters.all(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        !name.trim().eq_ignore_ascii_case("charset")
            || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
    })
}
