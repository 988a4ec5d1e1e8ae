//! Kinds of values: what one may be, together with what reads it.

use std::cell::RefCell;
use std::collections::HashSet;
use std::hash::Hash;
use std::ops::RangeInclusive;

use jiff::Timestamp;

use super::patterns::{NAME, TEXT};
use super::schema::BodySchema;
use crate::domain::body::input::{MAX_DESCRIPTION, MAX_NAME, Node, read_description};
use crate::domain::body::json::Json;
use crate::domain::body::violation::{Path, Violations};

/// A kind of value: its schema, and what reads one or notes what is wrong with it.
pub struct ValueKind<'k, T> {
    schema: Box<dyn Fn() -> BodySchema + 'k>,
    read: Read<'k, T>,
}

type Read<'k, T> = Box<dyn Fn(&Node<'_>) -> Option<T> + 'k>;

impl<'k, T: 'k> ValueKind<'k, T> {
    /// What may be so, and is read by `read`.
    pub fn new(
        schema: impl Fn() -> BodySchema + 'k,
        read: impl Fn(&Node<'_>) -> Option<T> + 'k,
    ) -> Self {
        Self {
            schema: Box::new(schema),
            read: Box::new(read),
        }
    }

    /// What it may be.
    pub fn schema(&self) -> BodySchema {
        (self.schema)()
    }

    /// The value that stands there.
    pub(super) fn into_read(self, node: &Node<'_>) -> Option<T> {
        (self.read)(node)
    }

    /// The same, or nothing where `null` stands.
    pub fn or_null(self) -> ValueKind<'k, Option<T>> {
        let Self { schema, read } = self;
        let read = move |node: &Node<'_>| {
            if node.value.is_null() {
                Some(None)
            } else {
                read(node).map(Some)
            }
        };
        ValueKind::new(move || schema().or_null(), read)
    }

    /// The same, with rules that the schema does not say: `check` notes what breaks them.
    pub fn checked(self, check: impl Fn(&Node<'_>, &T) + 'k) -> Self {
        let Self { schema, read } = self;
        Self {
            schema,
            read: Box::new(move |node| {
                let value = read(node)?;
                check(node, &value);
                Some(value)
            }),
        }
    }

    /// A list of them.
    pub fn list(self) -> ValueKind<'k, Vec<T>> {
        let Self { schema, read } = self;
        ValueKind::new(
            move || schema().list(),
            move |node| node.list(|item| read(&item)),
        )
    }

    /// A list of them in which no two have the same `key`. The second of two is refused with this code at its field of this name, or as a
    /// whole.
    pub fn unique_list<K: Hash + Eq>(
        self,
        field: Option<&'static str>,
        code: &'static str,
        key: impl Fn(&T) -> K + 'k,
        sentence: impl Fn(&T) -> String + 'k,
    ) -> ValueKind<'k, Vec<T>> {
        let Self { schema, read } = self;
        let schema = move || match schema().list() {
            BodySchema::List {
                items, least, most, ..
            } => BodySchema::List {
                items,
                least,
                most,
                unique: field.is_none(),
            },
            other => other,
        };
        ValueKind::new(schema, move |node| {
            let seen = RefCell::new(HashSet::new());
            node.list(|item| {
                let value = read(&item)?;
                if !seen.borrow_mut().insert(key(&value)) {
                    let place =
                        field.map_or_else(|| item.path.clone(), |name| item.path.field(name));
                    item.violations.add(&place, code, sentence(&value));
                }
                Some(value)
            })
        })
    }
}

impl<'k, T: 'k> ValueKind<'k, Vec<T>> {
    /// The same list with at most so many elements.
    pub fn at_most(self, most: usize) -> Self {
        let Self { schema, read } = self;
        let schema = move || match schema() {
            BodySchema::List {
                items,
                least,
                unique,
                ..
            } => BodySchema::List {
                items,
                least,
                most,
                unique,
            },
            other => other,
        };
        Self::new(schema, read).checked(move |node, list| {
            refuse_more(node.violations, &node.path, list.len(), most);
        })
    }

    /// The same list with at least one element; without any it is refused with this sentence.
    pub fn not_empty(self, sentence: impl Fn() -> String + 'k) -> Self {
        let Self { schema, read } = self;
        let schema = move || match schema() {
            BodySchema::List {
                items,
                most,
                unique,
                ..
            } => BodySchema::List {
                items,
                least: 1,
                most,
                unique,
            },
            other => other,
        };
        Self::new(schema, move |node| {
            if node.value.as_array().is_some_and(<[_]>::is_empty) {
                return node.refuse("empty", sentence());
            }
            read(node)
        })
    }
}

/// Notes that a list at this place has more elements than it may.
pub fn refuse_more(violations: &Violations, at: &Path, has: usize, most: usize) {
    if has > most {
        let sentence = format_args!("must have at most {most} elements, has {has}");
        violations.add(at, "too_many", sentence);
    }
}

/// A name; surrounding white space is removed. See [`Node::name`].
pub fn name() -> ValueKind<'static, String> {
    ValueKind::new(
        || BodySchema::text(1..=MAX_NAME, NAME),
        |node| node.name(MAX_NAME),
    )
}

/// Free text about something.
pub fn description() -> ValueKind<'static, String> {
    ValueKind::new(
        || BodySchema::text(0..=MAX_DESCRIPTION, TEXT),
        read_description,
    )
}

/// `true` or `false`.
pub fn boolean() -> ValueKind<'static, bool> {
    ValueKind::new(|| BodySchema::Boolean, read_boolean)
}

fn read_boolean(node: &Node<'_>) -> Option<bool> {
    node.boolean()
}

/// A whole number within bounds.
pub fn integer(range: RangeInclusive<i64>) -> ValueKind<'static, i64> {
    let bounds = range.clone();
    ValueKind::new(
        move || BodySchema::integer(bounds.clone()),
        move |node| node.integer(range.clone()),
    )
}

/// The id of something.
pub fn id() -> ValueKind<'static, i64> {
    integer(1..=i64::MAX)
}

/// An instant.
pub fn timestamp() -> ValueKind<'static, Timestamp> {
    ValueKind::new(|| BodySchema::Timestamp, read_timestamp)
}

fn read_timestamp(node: &Node<'_>) -> Option<Timestamp> {
    node.timestamp()
}

/// From when on something is over; empty: never.
pub fn expiry() -> ValueKind<'static, Option<Timestamp>> {
    // As text alone: generated clients can't tell an instant from an empty text.
    let schema = || BodySchema::Text {
        least: 0,
        most: None,
        pattern: None,
    };
    ValueKind::new(schema, |node| match node.value {
        Json::String(text) if text.is_empty() => Some(None),
        _ => node.timestamp().map(Some),
    })
}
