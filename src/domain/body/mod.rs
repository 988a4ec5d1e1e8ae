//! Bodies of requests: one description of each, which reads it, names its fields to who misspelt one, and says what it may be.

mod form;
pub mod input;
pub mod json;
mod kind;
pub mod patterns;
mod schema;
pub mod stored_texts;
pub mod violation;

pub use form::{Form, ReadForm};
pub use kind::{ValueKind, boolean, description, expiry, id, integer, name};
pub use schema::{BodySchema, FieldSchema, ObjectSchema};

use self::input::Node;
use self::json::Json;
use self::stored_texts::StoredTexts;
use self::violation::Violations;
use crate::error::Result;

/// What reads most bodies from their bytes in one pass, and answers nothing for what it does not take.
pub type ReadBytes<T> = fn(&[u8]) -> Option<T>;

/// The body of a request, an object that becomes a `T`.
pub struct Body<T> {
    name: &'static str,
    about: &'static str,
    is_change: bool,
    envelope: Option<&'static str>,
    quick: Option<ReadBytes<T>>,
    read: ReadForm<T>,
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

    /// The same of a change, in which no field is required.
    pub const fn change(name: &'static str, about: &'static str, read: ReadForm<T>) -> Self {
        Self {
            is_change: true,
            ..Self::new(name, about, read)
        }
    }

    /// The same, which may also stand alone under this field, as answers have it.
    pub const fn or_under(self, envelope: &'static str) -> Self {
        Self {
            envelope: Some(envelope),
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

    /// Under which field it may stand.
    pub fn envelope(&self) -> Option<&'static str> {
        self.envelope
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

    fn read_node(&self, body: &Node<'_>) -> Option<T> {
        let enveloped = match (body.value, self.envelope) {
            (Json::Object(fields), Some(name)) => fields.alone(name).map(|value| Node {
                value,
                path: body.path.field(name),
                violations: body.violations,
            }),
            _ => None,
        };
        let fields = enveloped.as_ref().unwrap_or(body).object()?;
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

/// An object within a body, which is known under this name.
pub fn object<T: 'static>(
    name: &'static str,
    about: &'static str,
    read: ReadForm<T>,
) -> ValueKind<'static, T> {
    let schema = move || {
        BodySchema::Object(ObjectSchema {
            name,
            about,
            fields: Form::describe(false, read),
        })
    };
    ValueKind::new(schema, move |node| Form::read(node.object()?, false, read))
}

/// A body without fields.
pub const NO_FIELDS: Body<()> = Body::new("NoFields", "Nothing.", |_| Some(()));
