//! What a body may be, in the notions of JSON Schema. How that is written for clients is the transport's.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use serde_json::Value;

use crate::domain::body::input::MAX_LIST;

/// What a value may be.
#[derive(Debug, Clone, PartialEq)]
pub enum BodySchema {
    /// Anything.
    Any,
    /// `null`
    Null,
    /// `true` or `false`
    Boolean,
    /// A string.
    Text {
        /// Its fewest characters.
        least: usize,
        /// Its most characters.
        most: Option<usize>,
        /// A regular expression (ECMA-262) that finds something in it.
        pattern: Option<Cow<'static, str>>,
    },
    /// A string that is an instant (RFC 3339).
    Timestamp,
    /// A whole number.
    Integer {
        /// The smallest.
        least: i64,
        /// The largest.
        most: Option<i64>,
    },
    /// A number.
    Number(RangeInclusive<f64>),
    /// One of these.
    Values(Vec<Value>),
    /// A list.
    List {
        /// What each element may be.
        items: Box<Self>,
        /// Its fewest elements.
        least: usize,
        /// Its most elements.
        most: usize,
        /// Whether no two elements are the same.
        unique: bool,
    },
    /// An object with whatever fields.
    AnyObject,
    /// An object.
    Object(ObjectSchema),
    /// One or more of several.
    AnyOf(Vec<Self>),
}

/// What an object may be: it has these fields and no others.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectSchema {
    /// Under which it is known.
    pub name: &'static str,
    /// A sentence about it.
    pub about: &'static str,
    /// Each once.
    pub fields: Vec<FieldSchema>,
}

/// A field of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldSchema {
    /// Its name.
    pub name: &'static str,
    /// What the schema does not say; may be empty.
    pub about: &'static str,
    /// What it may be.
    pub schema: BodySchema,
    /// Whether it must be there.
    pub required: bool,
    /// Whether the server sets it, so that it is only ever sent back.
    pub read_only: bool,
    /// What it is when it is left out, where that can be said as a value.
    pub default: Option<Value>,
}

impl BodySchema {
    /// A string of so many characters in which this expression finds something.
    pub fn text(length: RangeInclusive<usize>, pattern: impl Into<Cow<'static, str>>) -> Self {
        Self::Text {
            least: *length.start(),
            most: Some(*length.end()),
            pattern: Some(pattern.into()),
        }
    }

    /// A string of any length in which this expression finds something.
    pub fn pattern(pattern: impl Into<Cow<'static, str>>) -> Self {
        Self::Text {
            least: 0,
            most: None,
            pattern: Some(pattern.into()),
        }
    }

    /// A whole number within bounds.
    pub fn integer(range: RangeInclusive<i64>) -> Self {
        Self::Integer {
            least: *range.start(),
            most: Some(*range.end()),
        }
    }

    /// One of these values.
    pub fn values<V: Into<Value>>(values: impl IntoIterator<Item = V>) -> Self {
        Self::Values(values.into_iter().map(Into::into).collect())
    }

    /// A list of them.
    pub fn list(self) -> Self {
        Self::List {
            items: Box::new(self),
            least: 0,
            most: MAX_LIST,
            unique: false,
        }
    }

    /// The same, or another.
    pub fn or(self, other: Self) -> Self {
        match self {
            Self::AnyOf(mut some) => {
                some.push(other);
                Self::AnyOf(some)
            }
            one => Self::AnyOf(vec![one, other]),
        }
    }

    /// The same, or `null`, unless that may be already.
    pub fn or_null(self) -> Self {
        match &self {
            Self::AnyOf(some) if some.contains(&Self::Null) => self,
            _ => self.or(Self::Null),
        }
    }

    /// The same without `null`.
    pub fn without_null(self) -> Self {
        let Self::AnyOf(mut some) = self else {
            return self;
        };
        some.retain(|one| *one != Self::Null);
        match some.len() {
            1 => some.remove(0),
            _ => Self::AnyOf(some),
        }
    }
}
