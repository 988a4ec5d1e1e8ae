//! The members of the outermost object of a body, each with the place where it stands.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::de::{DeserializeSeed, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::fault::{FaultKind, RequestFault};

/// One member of an object.
pub struct PlacedMember<'b> {
    /// Its name, without escapes.
    pub name: Cow<'b, str>,
    /// Where its name begins, with the quotation mark.
    pub starts_at: usize,
    /// Its value as it is written.
    pub value: &'b str,
    /// Where its value stands.
    pub place: Range<usize>,
}

/// Marks what goes wrong with a name, so that it is not taken for what goes wrong with the syntax.
const BAD_NAME: &str = "a name in it ";
const TOO_MANY: &str = "it has more than ";

/// The members of a body in their order, those that stand more than once each time. Values are not read but for their syntax.
///
/// # Errors
/// What is no JSON object and nothing else, or has more members than `max`.
pub fn read_members(body: &[u8], max: usize) -> Result<Vec<PlacedMember<'_>>, RequestFault> {
    if body.starts_with(b"\xEF\xBB\xBF") {
        return Err(RequestFault::of_body(
            "begins with a byte order mark (EF BB BF); send JSON without it",
        ));
    }
    let text = std::str::from_utf8(body).map_err(|error| {
        let at = error.valid_up_to();
        RequestFault::of_body(format_args!(
            "is not UTF-8: the byte at {at} fits into no character"
        ))
    })?;
    let first = text.trim_ascii_start().as_bytes().first();
    if first.is_some_and(|first| *first != b'{') {
        return Err(RequestFault::of_body("must be a JSON object, in braces"));
    }
    members_of(text, 0, max).map_err(|error| explain(&error))
}

/// The members of a value that is written as `text` and stands at `offset` of a body.
///
/// # Errors
/// Those of the syntax.
pub fn members_of(
    text: &str,
    offset: usize,
    max: usize,
) -> serde_json::Result<Vec<PlacedMember<'_>>> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let object = ObjectSeed { text, offset, max };
    let members = object.deserialize(&mut reader)?;
    reader.end()?;
    Ok(members)
}

/// What is wrong with the syntax, in a sentence.
pub fn explain(error: &serde_json::Error) -> RequestFault {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or(&text);
    let place = format!("line {}, column {}", error.line(), error.column());
    let fault = |sentence: fmt::Arguments<'_>| RequestFault::of_body(sentence);
    if what.starts_with(TOO_MANY) {
        return fault(format_args!("is too large: {what}")).with_kind(FaultKind::TooLarge);
    }
    if what.starts_with("recursion limit") {
        return fault(format_args!(
            "is nested deeper than 128 objects and lists, at {place}"
        ));
    }
    if what.starts_with("trailing characters") {
        return fault(format_args!(
            "goes on behind its JSON object, at {place}; send one object and nothing else"
        ));
    }
    fault(format_args!("is not valid JSON: {place}: {what}"))
}

struct ObjectSeed<'b> {
    text: &'b str,
    offset: usize,
    max: usize,
}

impl ObjectSeed<'_> {
    /// Where a piece of the text stands in it.
    fn place(&self, piece: &str) -> Range<usize> {
        let start = piece.as_ptr().addr() - self.text.as_ptr().addr();
        let start = start + self.offset;
        start..start + piece.len()
    }
}

impl<'b> DeserializeSeed<'b> for ObjectSeed<'b> {
    type Value = Vec<PlacedMember<'b>>;

    fn deserialize<D: serde::Deserializer<'b>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'b> Visitor<'b> for ObjectSeed<'b> {
    type Value = Vec<PlacedMember<'b>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'b>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((name, value)) = map.next_entry::<&RawValue, &RawValue>()? {
            if members.len() == self.max {
                return Err(A::Error::custom(format_args!(
                    "{TOO_MANY}{} members",
                    self.max
                )));
            }
            let written = name.get();
            members.push(PlacedMember {
                name: read_name(written).ok_or_else(|| {
                    A::Error::custom(format_args!(
                        "{BAD_NAME}is no text: half of a pair of surrogates, or no string"
                    ))
                })?,
                starts_at: self.place(written).start,
                value: value.get(),
                place: self.place(value.get()),
            });
        }
        Ok(members)
    }
}

fn read_name(written: &str) -> Option<Cow<'_, str>> {
    let plain = written.strip_prefix('"')?.strip_suffix('"')?;
    if plain.contains('\\') {
        serde_json::from_str(written).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(plain))
    }
}
