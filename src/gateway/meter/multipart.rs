//! `multipart/form-data`, read strictly: whatever two readers could take for different parts is refused.
//!
//! No library fits: those that are kept up read streams asynchronously and are lenient, and here the places of the fields are wanted.

use std::ops::Range;

use memchr::memmem;

use super::fault::{FaultKind, RequestFault};

/// One part of a form.
pub struct FormPart<'b> {
    /// The name of its field.
    pub name: &'b str,
    /// Whether it is a file.
    pub is_file: bool,
    /// Its media type, if it says one.
    pub media_type: Option<&'b str>,
    /// What it holds.
    pub value: &'b [u8],
    /// Where that stands in the body.
    pub place: Range<usize>,
}

/// The parts of a form in their order.
///
/// # Errors
/// What is no form with the boundary of `content_type`, has more than `max_parts` parts, or a head of more than `max_head` bytes.
pub fn read_parts<'b>(
    content_type: &str,
    body: &'b [u8],
    max_parts: usize,
    max_head: usize,
) -> Result<Vec<FormPart<'b>>, RequestFault> {
    let boundary = boundary_of(content_type)?;
    let first = format!("--{boundary}");
    let between = memmem::Finder::new(format!("\r\n--{boundary}").as_bytes()).into_owned();
    if !body.starts_with(first.as_bytes()) {
        return Err(broken("does not begin with its boundary"));
    }
    let mut at = first.len();
    let mut parts = Vec::new();
    loop {
        let rest = &body[at..];
        if rest.starts_with(b"--") {
            return match &rest[2..] {
                b"" | b"\r\n" => Ok(parts),
                _ => Err(broken("goes on behind its last boundary")),
            };
        }
        if parts.len() == max_parts {
            let sentence = format_args!("has more than {max_parts} parts");
            return Err(RequestFault::of_body(sentence).with_kind(FaultKind::TooLarge));
        }
        // What stands behind a boundary and ends no line may be a longer boundary, or blanks that not every reader passes over.
        if !rest.starts_with(b"\r\n") {
            return Err(broken(
                "has something else than a line's end behind a boundary",
            ));
        }
        let head = &rest[2..];
        let most = head.len().min(max_head + 4);
        let end = memmem::find(&head[..most], b"\r\n\r\n").ok_or_else(|| {
            broken(format!(
                "has a part whose head does not end within {max_head} bytes"
            ))
        })?;
        let start = at + 2 + end + 4;
        let length = between
            .find(&body[start..])
            .ok_or_else(|| broken("ends within a part"))?;
        let place = start..start + length;
        at = place.end + between.needle().len();
        parts.push(read_part(&head[..end], &body[place.clone()], place)?);
    }
}

fn broken(sentence: impl std::fmt::Display) -> RequestFault {
    RequestFault::of_body(format_args!("is no well-formed form: it {sentence}"))
}

fn boundary_of(content_type: &str) -> Result<&str, RequestFault> {
    let fault = |sentence: &str| {
        Err(RequestFault::at("content-type", sentence).with_kind(FaultKind::MediaType))
    };
    let mut parameters = content_type.split(';').skip(1).map(str::trim);
    let mut found = None;
    for parameter in parameters.by_ref() {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        if name.trim().eq_ignore_ascii_case("boundary") && found.replace(value.trim()).is_some() {
            return fault("names two boundaries");
        }
    }
    let Some(written) = found else {
        return fault("must name the boundary of the form");
    };
    let quoted = written
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let boundary = quoted.unwrap_or(written);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=?".contains(&byte);
    if (1..=70).contains(&boundary.len()) && boundary.bytes().all(plain) {
        Ok(boundary)
    } else {
        fault("must name a boundary of 1 to 70 letters, digits and '()+_,-./:=?")
    }
}

fn read_part<'b>(
    head: &'b [u8],
    value: &'b [u8],
    place: Range<usize>,
) -> Result<FormPart<'b>, RequestFault> {
    let head = std::str::from_utf8(head).map_err(|_| broken("has a head that is not UTF-8"))?;
    let (mut disposition, mut media_type) = (None, None);
    for line in head.split("\r\n") {
        let (name, value) = line
            .split_once(':')
            .filter(|(name, _)| {
                !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic())
            })
            .ok_or_else(|| broken("has a line in the head of a part that is no header"))?;
        let value = value.trim();
        if value.contains(['\r', '\n']) {
            return Err(broken("has a bare line's end in the head of a part"));
        }
        let known = match name.to_ascii_lowercase().as_str() {
            "content-disposition" => &mut disposition,
            "content-type" => &mut media_type,
            "content-transfer-encoding" => {
                let plain = ["7bit", "8bit", "binary"];
                if plain.iter().any(|known| value.eq_ignore_ascii_case(known)) {
                    continue;
                }
                return Err(broken("has a part that is encoded once more"));
            }
            _ => continue,
        };
        if known.replace(value).is_some() {
            return Err(broken(format!("has a part with two headers {name}")));
        }
    }
    let disposition = disposition.ok_or_else(|| broken("has a part without its name"))?;
    let (name, is_file) = read_disposition(disposition)?;
    Ok(FormPart {
        name,
        is_file,
        media_type,
        value,
        place,
    })
}

/// The name of a field, and whether it is a file, from `form-data; name="model"`.
fn read_disposition(text: &str) -> Result<(&str, bool), RequestFault> {
    let (kind, mut rest) = text.split_once(';').unwrap_or((text, ""));
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return Err(broken("has a part that is no form-data"));
    }
    let (mut name, mut file) = (None, None);
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            break;
        }
        let (key, value) = rest
            .split_once('=')
            .ok_or_else(|| broken("has a part whose name is not written as name=\"…\""))?;
        let (value, after) = read_value(value)?;
        let known = match key.trim().to_ascii_lowercase().as_str() {
            "name" => &mut name,
            "filename" => &mut file,
            // The encoded name of a file, which is not looked at; of a field there is none.
            "filename*" => {
                file = file.or(Some(value));
                rest = after;
                continue;
            }
            _ => return Err(broken("has a part with a parameter that is not known")),
        };
        if known.replace(value).is_some() {
            return Err(broken("has a part with two names"));
        }
        rest = after;
    }
    let name = name.ok_or_else(|| broken("has a part without its name"))?;
    Ok((name, file.is_some()))
}

/// One parameter's value and what follows it. A backslash or a percent sign would be read in several ways.
fn read_value(text: &str) -> Result<(&str, &str), RequestFault> {
    let (value, after) = if let Some(quoted) = text.strip_prefix('"') {
        let ends = quoted.split_once('"');
        ends.ok_or_else(|| broken("has a part whose name does not end"))?
    } else {
        let end = text.find(';').unwrap_or(text.len());
        (text[..end].trim_end(), &text[end..])
    };
    if value.contains('\\') {
        return Err(broken("has a part with a backslash in its name"));
    }
    let after = after.trim_start();
    match after.strip_prefix(';') {
        Some(rest) => Ok((value, rest)),
        None if after.is_empty() => Ok((value, after)),
        None => Err(broken("has a part with something behind its name")),
    }
}
