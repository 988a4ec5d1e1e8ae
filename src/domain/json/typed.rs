//! Making a typed value of one that was read already, so that a text need not be read again.

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Error;

use super::{Json, Members};

impl<'de> IntoDeserializer<'de, Error> for &'de Json<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for &'de Json<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Json::Null => visitor.visit_unit(),
            Json::Bool(value) => visitor.visit_bool(*value),
            Json::Number(number) => number.deserialize_any(visitor),
            Json::String(text) => visitor.visit_borrowed_str(text),
            Json::Array(items) => SeqDeserializer::new(items.iter()).deserialize_any(visitor),
            Json::Object(Members(fields)) => {
                let fields = fields.iter().map(|(name, value)| (name.as_ref(), value));
                MapDeserializer::new(fields).deserialize_any(visitor)
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    /// Of an enumeration whose variants are names alone.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let variant = self.as_str().unwrap_or_default().into_deserializer();
        Deserializer::deserialize_enum(variant, name, variants, visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct
        map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::Number;

    use crate::domain::json::parse;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Choice {
        One,
        Other,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Wrapped(i64);

    #[derive(Debug, PartialEq, Deserialize)]
    struct All<'a> {
        plain: &'a str,
        escaped: String,
        number: Number,
        whole: u64,
        truth: bool,
        none: Option<i64>,
        left_out: Option<i64>,
        some: Option<Wrapped>,
        list: Vec<Choice>,
        pair: (i64, String),
        inner: Option<Box<Self>>,
    }

    const TEXT: &str = r#"{"plain":"a","escaped":"\u0062\n","number":0.1000000000000000000001,"whole":7,"truth":true,"none":null,
        "some":-3,"list":["one","other"],"pair":[4,"x"],"more":[{}],"inner":null}"#;

    #[test]
    fn a_typed_value_is_what_its_text_says() {
        let read = parse(TEXT.as_bytes()).unwrap();
        let typed = All::deserialize(&read).unwrap();
        assert_eq!(typed.number.as_str(), "0.1000000000000000000001");
        assert_eq!((typed.plain, typed.escaped.as_str()), ("a", "b\n"));
        assert_eq!((typed.whole, typed.truth), (7, true));
        assert_eq!((typed.none, typed.left_out), (None, None));
        assert_eq!(typed.some, Some(Wrapped(-3)));
        assert_eq!(typed.list, [Choice::One, Choice::Other]);
        assert_eq!(typed.pair, (4, "x".to_owned()));
        assert_eq!(typed.inner, None);
    }

    #[test]
    fn what_has_another_type_is_refused() {
        for (from, to) in [
            ("\"a\"", "1"),
            ("true", "null"),
            ("7", "-7"),
            ("\"one\"", "\"third\""),
            ("\"one\"", "1"),
            ("[4,\"x\"]", "[4]"),
        ] {
            let text = TEXT.replace(from, to);
            let read = parse(text.as_bytes()).unwrap();
            assert!(All::deserialize(&read).is_err(), "{text}");
        }
    }
}
