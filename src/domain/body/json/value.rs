//! A JSON value as it was sent.

use std::borrow::Cow;

use serde_json::{Number, Value};

/// A JSON value as it was sent. Texts stay where they were parsed from unless something in them is escaped: a large body is mostly
/// texts, and what they become is copied once.
#[derive(Debug, Clone)]
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
    Object(Members<'b>),
}

/// The fields of an object in the order in which they were sent, no name twice. Few objects have more than ten: looking at one after
/// the other takes less than a tree of them.
#[derive(Debug, Clone)]
pub struct Members<'b>(pub(super) Vec<Member<'b>>);

pub(super) type Member<'b> = (Cow<'b, str>, Json<'b>);

impl<'b> Members<'b> {
    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&Json<'b>> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value)
    }

    /// The names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_ref())
    }

    /// The values.
    pub fn values(&self) -> impl Iterator<Item = &Json<'b>> {
        self.0.iter().map(|(_, value)| value)
    }

    /// The value of the only field, if that is its name.
    pub fn alone(&self, name: &str) -> Option<&Json<'b>> {
        match self.0.as_slice() {
            [(only, value)] if only == name => Some(value),
            _ => None,
        }
    }
}

impl Json<'_> {
    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// It in a sentence that says what was found.
    pub fn shown(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Number(number) => number.to_string().chars().take(40).collect(),
            Self::String(text) if text.chars().count() <= 40 => format!("the string {text:?}"),
            Self::String(_) => "a string".to_owned(),
            Self::Array(_) => "a list".to_owned(),
            Self::Object(_) => "an object".to_owned(),
        }
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
            Self::Object(Members(fields)) => fields
                .iter()
                .map(|(name, value)| (name.clone(), value.to_value()))
                .collect(),
        }
    }
}
