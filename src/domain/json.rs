//! Strict JSON: one value, no duplicate keys, bounded depth, numbers kept digit by digit.
//!
//! `serde_json` does the parsing; this file adds what it lets pass (RFC 8259 §4 leaves duplicate names open; taking the last one
//! silently would lose what the sender wrote).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

use super::violation::{Path, Violation};
use crate::error::{Error, Result};

/// Deepest nesting of objects and lists that is read.
pub const MAX_DEPTH: usize = 32;

/// The key under which `serde_json` hands over a number that is no small integer when it keeps all digits (feature `arbitrary_precision`).
const NUMBER_TOKEN: &str = "$serde_json::private::Number";

/// A JSON value as it was sent. Texts stay where they were parsed from unless something in them is escaped: a large body is mostly
/// texts, and what they become is copied once.
#[derive(Debug, Clone, PartialEq)]
pub enum Json<'b> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number with every digit.
    Number(Number),
    /// A string.
    String(Cow<'b, str>),
    /// A list.
    Array(Vec<Self>),
    /// An object.
    Object(BTreeMap<Cow<'b, str>, Self>),
}

impl Json<'_> {
    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The elements, if it is a list.
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// A field, if it is an object that has it.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(fields) => fields.get(name),
            _ => None,
        }
    }

    /// The same on its own.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(number) => Value::Number(number.clone()),
            Self::String(text) => Value::String(text.clone().into_owned()),
            Self::Array(items) => items.iter().map(Self::to_value).collect(),
            Self::Object(fields) => fields
                .iter()
                .map(|(name, value)| (name.clone(), value.to_value()))
                .collect(),
        }
    }
}

/// Reads one JSON value.
///
/// # Errors
/// [`Error::Invalid`] with the line and column: `malformed_json`, `duplicate_key` or `too_deep`.
pub fn parse(bytes: &[u8]) -> Result<Json<'_>> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { depth: 0 }
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value));
    value.map_err(|error| refuse(&error))
}

fn refuse(error: &serde_json::Error) -> Error {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or(&text);
    let code = if what.starts_with("the key ") {
        "duplicate_key"
    } else if what.starts_with("nested deeper") || what.starts_with("recursion limit") {
        "too_deep"
    } else {
        "malformed_json"
    };
    let sentence = format!(
        "the body is not usable JSON: line {}, column {}: {what}",
        error.line(),
        error.column()
    );
    Violation::alone(&Path::root(), code, sentence)
}

/// Reads a value at a depth, counted from the outermost one.
#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: serde::de::Error>(self) -> std::result::Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom(format_args!(
                "nested deeper than {MAX_DEPTH} levels"
            )));
        }
        Ok(Self {
            depth: self.depth + 1,
        })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> std::result::Result<Json<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> std::result::Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> std::result::Result<Json<'de>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> std::result::Result<Json<'de>, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> std::result::Result<Json<'de>, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> std::result::Result<Json<'de>, E> {
        Ok(Json::String(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> std::result::Result<Json<'de>, E> {
        Ok(Json::String(value.to_owned().into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Json<'de>, A::Error> {
        let inner = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = seq.next_element_seed(inner)? {
            list.push(item);
        }
        Ok(Json::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Json<'de>, A::Error> {
        let mut object = BTreeMap::new();
        while let Some(key) = map.next_key_seed(Key)? {
            if object.is_empty() && key == NUMBER_TOKEN {
                let digits: String = map.next_value()?;
                return digits
                    .parse::<Number>()
                    .map(Json::Number)
                    .map_err(A::Error::custom);
            }
            match object.entry(key) {
                Entry::Vacant(place) => {
                    place.insert(map.next_value_seed(self.deeper()?)?);
                }
                Entry::Occupied(place) => {
                    return Err(A::Error::custom(format_args!(
                        "the key {:?} stands twice in one object",
                        place.key()
                    )));
                }
            }
        }
        Ok(Json::Object(object))
    }
}

/// Reads the key of a field.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> std::result::Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> std::result::Result<Cow<'de, str>, E> {
        Ok(key.into())
    }

    fn visit_str<E>(self, key: &str) -> std::result::Result<Cow<'de, str>, E> {
        Ok(key.to_owned().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> &'static str {
        match parse(text.as_bytes()) {
            Err(Error::Invalid(all)) => all[0].code,
            other => panic!("expected a violation, got {other:?}"),
        }
    }

    #[test]
    fn numbers_keep_every_digit() {
        let value = parse(b"[123456789.123456789, 1e3, -0]").unwrap();
        assert_eq!(
            value.to_value().to_string(),
            "[123456789.123456789,1e+3,-0]"
        );
    }

    #[test]
    fn texts_are_copied_only_where_something_is_escaped() {
        let Json::Array(texts) = parse(br#"["plain", "with \"quotes\""]"#).unwrap() else {
            panic!("expected a list");
        };
        let [
            Json::String(Cow::Borrowed("plain")),
            Json::String(Cow::Owned(text)),
        ] = texts.as_slice()
        else {
            panic!("{texts:?}");
        };
        assert_eq!(text, "with \"quotes\"");
    }

    #[test]
    fn duplicate_keys_are_refused_with_their_place() {
        let error = parse(b"{\n  \"a\": 1,\n  \"a\": 2}").unwrap_err();
        assert!(error.to_string().contains("line 3"), "{error}");
        assert_eq!(code("{\"x\":{\"a\":1,\"a\":1}}"), "duplicate_key");
    }

    #[test]
    fn depth_is_bounded_on_the_level() {
        let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(parse(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert_eq!(code(&nested(MAX_DEPTH + 1)), "too_deep");
        assert_eq!(code(&nested(100_000)), "too_deep");
    }

    #[test]
    fn broken_text_is_refused_with_line_and_column() {
        for text in [
            "",
            "{",
            "{\"a\":1}}",
            "NaN",
            "[1,]",
            "{\"a\":}",
            "\u{feff}{}",
            "{'a':1}",
            "{\"a\":01}",
        ] {
            assert_eq!(code(text), "malformed_json", "{text:?}");
        }
    }
}
