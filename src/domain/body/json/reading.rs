//! Reading JSON text into a [`Json`].

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

use super::value::{Json, Member, Members};
use crate::domain::body::violation::{Path, Violation};
use crate::error::{Error, Result};

/// Deepest nesting of objects and lists that is read.
const MAX_DEPTH: usize = 32;

/// The key under which `serde_json` hands over a number that is no small integer when it keeps all digits (feature `arbitrary_precision`).
const NUMBER_TOKEN: &str = "$serde_json::private::Number";

/// Fields of one object whose names are compared one by one to find one that stands twice; of more, they are kept in a set.
const FEW_FIELDS: usize = 16;

/// Reads one JSON value.
///
/// # Errors
/// [`Error::Invalid`] with the line and column: `malformed_json`, `duplicate_key` or `too_deep`.
pub fn parse(bytes: &[u8]) -> Result<Json<'_>> {
    // Looking at all of it at once is faster than at one text after another. Where it is no Unicode, the reader finds the place.
    let value = match str::from_utf8(bytes) {
        Ok(text) => read(serde_json::Deserializer::from_str(text)),
        Err(_) => read(serde_json::Deserializer::from_slice(bytes)),
    };
    value.map_err(|error| refuse(&error))
}

fn read<'de, R: serde_json::de::Read<'de>>(
    mut reader: serde_json::Deserializer<R>,
) -> serde_json::Result<Json<'de>> {
    let mut begun = Begun::default();
    let outermost = Strict {
        depth: 0,
        begun: &mut begun,
    };
    let value = outermost.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
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

/// The elements and fields that were read of lists and objects whose end was not: each is put into memory of its own when it ends, and
/// then it is known how much that takes.
#[derive(Default)]
struct Begun<'de> {
    elements: Vec<Json<'de>>,
    fields: Vec<Member<'de>>,
}

/// Reads a value at a depth, counted from the outermost one.
struct Strict<'s, 'de> {
    depth: usize,
    begun: &'s mut Begun<'de>,
}

impl<'de> Strict<'_, 'de> {
    fn deeper<E: serde::de::Error>(&mut self) -> std::result::Result<Strict<'_, 'de>, E> {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom(format_args!(
                "nested deeper than {MAX_DEPTH} levels"
            )));
        }
        Ok(Strict {
            depth: self.depth + 1,
            begun: self.begun,
        })
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_, 'de> {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> std::result::Result<Json<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_, 'de> {
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

    fn visit_seq<A: SeqAccess<'de>>(
        mut self,
        mut seq: A,
    ) -> std::result::Result<Json<'de>, A::Error> {
        let first = self.begun.elements.len();
        while let Some(item) = seq.next_element_seed(self.deeper()?)? {
            self.begun.elements.push(item);
        }
        Ok(Json::Array(self.begun.elements.drain(first..).collect()))
    }

    fn visit_map<A: MapAccess<'de>>(
        mut self,
        mut map: A,
    ) -> std::result::Result<Json<'de>, A::Error> {
        let first = self.begun.fields.len();
        // The names before this one, when they are many.
        let mut names = HashSet::new();
        while let Some(name) = map.next_key_seed(Key)? {
            let before = &self.begun.fields[first..];
            if before.is_empty() && name == NUMBER_TOKEN {
                let digits: String = map.next_value()?;
                return digits
                    .parse::<Number>()
                    .map(Json::Number)
                    .map_err(A::Error::custom);
            }
            let is_new = if before.len() < FEW_FIELDS {
                before.iter().all(|(known, _)| *known != name)
            } else {
                if names.is_empty() {
                    names = before.iter().map(|(known, _)| known.clone()).collect();
                }
                names.insert(name.clone())
            };
            if !is_new {
                return Err(A::Error::custom(format_args!(
                    "the key {name:?} stands twice in one object"
                )));
            }
            let value = map.next_value_seed(self.deeper()?)?;
            self.begun.fields.push((name, value));
        }
        let fields = self.begun.fields.drain(first..).collect();
        Ok(Json::Object(Members(fields)))
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
    use serde_json::Value;

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
    fn every_number_of_fields_is_read_and_none_twice() {
        for count in 0..3 * FEW_FIELDS {
            let field = |number| format!("\"k{number}\":[{number},{{\"k0\":0}}]");
            let fields: Vec<String> = (0..count).map(field).collect();
            let text = format!("{{{}}}", fields.join(","));
            let read = parse(text.as_bytes()).unwrap();
            let Json::Object(members) = &read else {
                panic!("expected an object");
            };
            let names: Vec<String> = (0..count).map(|number| format!("k{number}")).collect();
            assert_eq!(members.names().collect::<Vec<_>>(), names);
            let value: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(read.to_value(), value);
            for twice in 0..count {
                let more = format!("{{{},{}}}", fields.join(","), field(twice));
                assert_eq!(code(&more), "duplicate_key", "{more}");
            }
        }
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
