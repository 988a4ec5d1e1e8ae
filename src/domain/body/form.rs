//! The fields of an object, as who reads it asks for them. A form without an object notes what is asked for, so that what reads a body
//! describes it too.

use serde_json::Value;

use super::fields::Fields;
use super::kind::{ValueKind, boolean};
use super::schema::{BodySchema, FieldSchema};
use crate::domain::body::input::Node;

const SET_BY_SERVER: &str = "Set by the server; may be sent and is ignored.";
const FIXED: &str =
    "Set by the server; may be sent as it is shown, and any other value is refused.";

/// How the fields of an object become a value, or nothing where a required one is missing or wrong, which is noted. It asks for every
/// field whatever it finds in the others, because a form that describes finds nothing in any.
pub type ReadForm<T> = fn(&mut Form<'_>) -> Option<T>;

/// An object that is read, or described.
pub struct Form<'v> {
    is_change: bool,
    /// None when it is described.
    fields: Option<Fields<'v>>,
    described: Vec<FieldSchema>,
}

/// When a field must be there, and what `null` is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    /// It must, and `null` is as if it were not.
    Required,
    /// It need not, and `null` is as if it were not.
    Optional,
    /// It need not, and `null` is a value like others.
    Sent,
}

impl<'v> Form<'v> {
    /// What `read` makes of these fields; one that it does not ask for is a violation.
    pub(super) fn read<T>(
        fields: Fields<'v>,
        is_change: bool,
        read: impl FnOnce(&mut Form<'_>) -> Option<T>,
    ) -> Option<T> {
        let mut form = Self {
            is_change,
            fields: Some(fields),
            described: Vec::new(),
        };
        let value = read(&mut form);
        if let Some(fields) = form.fields {
            fields.finish();
        }
        value
    }

    /// The fields that `read` asks for.
    pub(super) fn describe<T>(
        is_change: bool,
        read: impl FnOnce(&mut Form<'_>) -> Option<T>,
    ) -> Vec<FieldSchema> {
        let mut form = Form {
            is_change,
            fields: None,
            described: Vec::new(),
        };
        read(&mut form);
        form.described
    }

    /// Whether it stands under a field of the body, as in an answer.
    pub fn is_enveloped(&self) -> bool {
        self.fields
            .as_ref()
            .is_some_and(|fields| !fields.path().is_root())
    }

    /// Whether it is that of a change, in which no field is required.
    pub fn is_change(&self) -> bool {
        self.is_change
    }

    /// A field that must be there, and not be `null`. In a change it may be left out, which `null` is too.
    pub fn required<T>(
        &mut self,
        name: &'static str,
        kind: ValueKind<'_, T>,
        about: &'static str,
    ) -> Option<T> {
        let presence = if self.is_change {
            Presence::Optional
        } else {
            Presence::Required
        };
        self.field(name, kind, about, presence)
    }

    /// A field that may be left out, which `null` is too.
    pub fn optional<T>(
        &mut self,
        name: &'static str,
        kind: ValueKind<'_, T>,
        about: &'static str,
    ) -> Option<T> {
        self.field(name, kind, about, Presence::Optional)
    }

    /// A field that may be left out; what `null` is there, its kind says.
    pub fn sent<T>(
        &mut self,
        name: &'static str,
        kind: ValueKind<'_, T>,
        about: &'static str,
    ) -> Option<T> {
        self.field(name, kind, about, Presence::Sent)
    }

    /// A field that must be there; what `null` is there, its kind says. Without the field it is refused with this sentence.
    pub fn required_or_null<T>(
        &mut self,
        name: &'static str,
        kind: ValueKind<'_, T>,
        about: &'static str,
        sentence: &'static str,
    ) -> Option<T> {
        let value = self.sent(name, kind, about);
        match &self.fields {
            Some(fields) if !fields.has(name) => fields.refuse(name, "required", sentence),
            Some(_) => {}
            None => self.note_of_last(|field| field.required = true),
        }
        value
    }

    /// `true` or `false`, and what it is when it is left out.
    pub fn flag(&mut self, name: &'static str, default: bool, about: &'static str) -> bool {
        self.flag_if_sent(name, default, about).unwrap_or(default)
    }

    /// The same where it matters whether it was left out.
    pub fn flag_if_sent(
        &mut self,
        name: &'static str,
        default: bool,
        about: &'static str,
    ) -> Option<bool> {
        let value = self.optional(name, boolean(), about);
        self.note_default(default);
        value
    }

    /// What the field that was asked for last is when it is left out. In a change it keeps its value then, and generated clients would
    /// send a default.
    pub fn note_default(&mut self, default: impl Into<Value>) {
        if !self.is_change {
            self.note_of_last(|field| field.default = Some(default.into()));
        }
    }

    fn note_of_last(&mut self, note: impl FnOnce(&mut FieldSchema)) {
        self.described.last_mut().map(note);
    }

    fn field<T>(
        &mut self,
        name: &'static str,
        kind: ValueKind<'_, T>,
        about: &'static str,
        presence: Presence,
    ) -> Option<T> {
        let Some(fields) = &mut self.fields else {
            let schema = kind.schema();
            self.described.push(FieldSchema {
                name,
                about,
                schema: if self.is_change {
                    schema.without_null()
                } else if presence == Presence::Optional && shows_null(&schema) {
                    schema.or_null()
                } else {
                    schema
                },
                required: presence == Presence::Required,
                read_only: false,
                default: None,
            });
            return None;
        };
        let node = match presence {
            Presence::Required => fields.required(name),
            Presence::Optional => fields.given(name),
            Presence::Sent => fields.sent(name),
        };
        kind.into_read(&node?)
    }

    /// A field that the server sets, as it is sent back; nobody is told to write it.
    pub fn sent_back(&mut self, name: &'static str) -> Option<Node<'v>> {
        if let Some(fields) = &mut self.fields {
            return fields.sent_back(name);
        }
        self.describe_read_only(name, SET_BY_SERVER);
        None
    }

    /// Fields that the server sets: accepted so that an answer can be sent back, and not read.
    pub fn ignore(&mut self, names: &[&'static str]) {
        match &mut self.fields {
            Some(fields) => fields.ignore(names),
            None => {
                for name in names {
                    self.describe_read_only(name, SET_BY_SERVER);
                }
            }
        }
    }

    /// A field that the server sets and that may be sent as it is shown, or `null` in its place.
    pub fn fixed(&mut self, name: &'static str) -> Option<(&'static str, Value)> {
        let Some(fields) = &mut self.fields else {
            self.describe_read_only(name, FIXED);
            return None;
        };
        Some((name, fields.given(name)?.value.to_value()))
    }

    fn describe_read_only(&mut self, name: &'static str, about: &'static str) {
        self.described.push(FieldSchema {
            name,
            about,
            schema: BodySchema::Any,
            required: false,
            read_only: true,
            default: None,
        });
    }

    /// A field that answers show and that must not be sent here.
    pub fn not_settable(&mut self, name: &'static str, sentence: &'static str) {
        let sent = self
            .fields
            .as_mut()
            .and_then(|fields| fields.sent_back(name));
        if let Some(node) = sent.filter(|node| !node.value.is_null()) {
            node.refuse::<()>("not_settable", sentence);
        }
    }

    /// Whether a field is there and not `null`.
    pub fn gives(&self, name: &'static str) -> bool {
        self.fields
            .as_ref()
            .is_some_and(|fields| fields.gives(name))
    }

    /// Whether a field is an object without fields.
    pub fn is_empty_object(&self, name: &'static str) -> bool {
        self.fields
            .as_ref()
            .is_some_and(|fields| fields.is_empty_object(name))
    }

    /// Notes a violation about a field, whether it is there or not.
    pub fn refuse(&self, name: &'static str, code: &'static str, sentence: impl std::fmt::Display) {
        if let Some(fields) = &self.fields {
            fields.refuse(name, code, sentence);
        }
    }
}

/// Whether the document says that such a field may be `null` where that is as if it were left out. Of lists it does not, nor of anything in
/// a change: generated clients send `null` for what may be so, and what `null` does there is in words.
fn shows_null(schema: &BodySchema) -> bool {
    !matches!(schema, BodySchema::List { .. } | BodySchema::Values(_))
}
