//! Bodies of requests: one description of each, which reads it, names its fields to who misspelt one, and says what it may be.

mod fields;
mod form;
pub mod input;
pub mod json;
mod kind;
pub mod patterns;
mod schema;
pub mod stored_texts;
pub mod violation;

pub use form::{Form, ReadForm};
pub use kind::{
    ValueKind, boolean, description, expiry, id, integer, name, refuse_more, timestamp,
};
pub use schema::{BodySchema, FieldSchema, ObjectSchema};

use std::rc::Rc;

use self::fields::Fields;
use self::input::Node;
use self::json::Json;
use self::stored_texts::StoredTexts;
use self::violation::{Violation, Violations};
use crate::error::Result;

/// What reads most bodies from their bytes in one pass, and answers nothing for what it does not take.
pub type ReadBytes<T> = fn(&[u8]) -> Option<T>;

/// The body of a request, an object that becomes a `T`.
pub struct Body<T> {
    name: &'static str,
    about: &'static str,
    is_change: bool,
    envelope: Option<Envelope>,
    quick: Option<ReadBytes<T>>,
    read: ReadForm<T>,
}

/// What a body may stand under, as answers have it.
#[derive(Clone, Copy)]
struct Envelope {
    /// The field.
    field: &'static str,
    /// What may be sent beside it and is ignored.
    beside: &'static [&'static str],
}

impl<T> Body<T> {
    /// A body that is known under this name.
    pub const fn new(name: &'static str, about: &'static str, read: ReadForm<T>) -> Self {
        Self {
            name,
            about,
            is_change: false,
            envelope: None,
            quick: None,
            read,
        }
    }

    /// The same of a change, in which no field is required, and one that is `null` is as if it were left out, unless its kind says more.
    pub const fn change(name: &'static str, about: &'static str, read: ReadForm<T>) -> Self {
        Self {
            is_change: true,
            ..Self::new(name, about, read)
        }
    }

    /// The same, which may also stand alone under this field, as answers have it.
    pub const fn or_under(self, field: &'static str) -> Self {
        self.or_under_beside(field, &[])
    }

    /// The same, which may also stand under this field beside others that are ignored, as answers have it.
    pub const fn or_under_beside(
        self,
        field: &'static str,
        beside: &'static [&'static str],
    ) -> Self {
        Self {
            envelope: Some(Envelope { field, beside }),
            ..self
        }
    }

    /// The same, which is read so first. What that does not take is read field by field, which decides.
    pub const fn quickly(self, quick: ReadBytes<T>) -> Self {
        Self {
            quick: Some(quick),
            ..self
        }
    }

    /// Reads it.
    ///
    /// # Errors
    /// [`crate::error::Error::Invalid`] with every violation.
    pub fn parse(&self, body: &Json<'_>) -> Result<T> {
        self.parse_beside(body, &StoredTexts::None)
    }

    /// Reads it from its bytes.
    ///
    /// # Errors
    /// As [`Self::parse`]; also when they are no JSON.
    pub fn parse_bytes(&self, bytes: &[u8]) -> Result<T> {
        match self.quick.and_then(|quick| quick(bytes)) {
            Some(value) => Ok(value),
            None => self.parse(&json::parse(bytes)?),
        }
    }

    /// Reads it, where it may send these texts back.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_beside(&self, body: &Json<'_>, stored: &StoredTexts) -> Result<T> {
        let violations = Violations::beside(stored.clone());
        let value = self.read_node(&Node::root(body, &violations));
        violations.finish(value)
    }

    /// What can be read of it, and what is wrong with the rest.
    ///
    /// # Errors
    /// [`crate::error::Error::Invalid`] when nothing can be read of it.
    pub fn parse_noting(
        &self,
        body: &Json<'_>,
        stored: StoredTexts,
    ) -> Result<(T, Vec<Violation>)> {
        let violations = Violations::beside(stored);
        match self.read_node(&Node::root(body, &violations)) {
            Some(value) => Ok((value, violations.into_noted())),
            None => violations.finish(None),
        }
    }

    fn read_node(&self, body: &Node<'_>) -> Option<T> {
        let enveloped = self.envelope.and_then(|envelope| envelope.open(body));
        let fields = Fields::of(enveloped.as_ref().unwrap_or(body))?;
        Form::read(fields, self.is_change, self.read)
    }

    /// What it may be.
    pub fn schema(&self) -> ObjectSchema {
        ObjectSchema {
            name: self.name,
            about: self.about,
            fields: Form::describe(self.is_change, self.read),
        }
    }
}

impl Envelope {
    /// What stands in the envelope, if there is one. What is in a body beside it and does not belong there is noted.
    fn open<'v>(self, body: &Node<'v>) -> Option<Node<'v>> {
        if self.beside.is_empty() {
            let Json::Object(members) = body.value else {
                return None;
            };
            return members.alone(self.field).map(|value| Node {
                value,
                path: body.path.field(self.field),
                violations: body.violations,
            });
        }
        if !matches!(body.value, Json::Object(_)) {
            return None;
        }
        let mut fields = Fields::of(body)?;
        // Its name tells the thing itself from an answer.
        let inside = fields.given(self.field).filter(|_| !fields.has("name"))?;
        fields.ignore(self.beside);
        fields.finish();
        Some(inside)
    }
}

/// An object within a body, which is known under this name.
pub fn object<'k, T: 'k>(
    name: &'static str,
    about: &'static str,
    read: impl Fn(&mut Form<'_>) -> Option<T> + 'k,
) -> ValueKind<'k, T> {
    let read = Rc::new(read);
    let described = Rc::clone(&read);
    let schema = move || {
        BodySchema::Object(ObjectSchema {
            name,
            about,
            fields: Form::describe(false, &*described),
        })
    };
    ValueKind::new(schema, move |node| {
        Form::read(Fields::of(node)?, false, &*read)
    })
}

/// A body without fields.
pub const NO_FIELDS: Body<()> = Body::new("NoFields", "Nothing.", |_| Some(()));
