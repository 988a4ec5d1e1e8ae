//! The pieces that schemas of request bodies are made of, with the bounds that `domain` enforces.

use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, KnownFormat, Object, ObjectBuilder, OneOfBuilder,
    SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::{RefOr, Schema};

use super::patterns::{EMAIL, NAME, TEXT};
use crate::domain::access_profile_input::MAX_COUNT;
use crate::domain::input::{MAX_DESCRIPTION, MAX_LIST, MAX_NAME};
use crate::domain::model_pattern::MAX_PATTERN;
use crate::domain::permission::Permission;
use crate::domain::policy::PolicyField;
use crate::domain::user::MAX_EMAIL;

pub(super) fn typed(schema_type: Type) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(schema_type)
}

pub(super) fn one_of(schemas: impl IntoIterator<Item = Object>) -> RefOr<Schema> {
    let all = schemas
        .into_iter()
        .fold(OneOfBuilder::new(), OneOfBuilder::item);
    RefOr::T(all.into())
}

pub(super) fn null() -> Object {
    typed(Type::Null).build()
}

fn list_or_null(item: Object) -> RefOr<Schema> {
    let list = ArrayBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Array, Type::Null]))
        .items(item)
        .max_items(Some(MAX_LIST));
    RefOr::T(list.into())
}

pub(super) fn name_object() -> Object {
    typed(Type::String)
        .min_length(Some(1))
        .max_length(Some(MAX_NAME))
        .pattern(Some(NAME))
        .build()
}

/// A name; surrounding white space is removed.
pub fn name() -> RefOr<Schema> {
    name_object().into()
}

/// The name of a model that a call is about: one, not a list of them.
pub fn model() -> RefOr<Schema> {
    typed(Type::String)
        .min_length(Some(1))
        .max_length(Some(MAX_NAME))
        .pattern(Some(NAME.replace("[^", "[^,")))
        .build()
        .into()
}

/// A name, or nothing.
pub fn name_or_null() -> RefOr<Schema> {
    one_of([name_object(), null()])
}

/// A sign-in code: kind, id, secret and checksum.
pub fn sign_in_code() -> RefOr<Schema> {
    typed(Type::String)
        .pattern(Some("^tk_code_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}$"))
        .build()
        .into()
}

/// An e-mail address, with white space around it or not.
pub fn email() -> RefOr<Schema> {
    typed(Type::String)
        .min_length(Some(3))
        .max_length(Some(MAX_EMAIL))
        .pattern(Some(EMAIL))
        .build()
        .into()
}

fn id_object() -> Object {
    typed(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(i64::MAX))
        .build()
}

/// An id, or nothing.
pub fn id_or_null() -> RefOr<Schema> {
    one_of([id_object(), null()])
}

fn ids_of(least: usize, types: SchemaType) -> RefOr<Schema> {
    let id = typed(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(MAX_COUNT));
    let list = ArrayBuilder::new()
        .schema_type(types)
        .items(id.build())
        .min_items((least > 0).then_some(least))
        .max_items(Some(MAX_LIST))
        .unique_items(true);
    RefOr::T(list.into())
}

/// Ids, at least one, each once.
pub fn some_ids() -> RefOr<Schema> {
    ids_of(1, Type::Array.into())
}

/// Ids as numbers or as strings, each once, or nothing.
pub fn loose_ids() -> RefOr<Schema> {
    let number = typed(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(MAX_COUNT));
    let text = typed(Type::String).pattern(Some("^[1-9][0-9]{0,17}$"));
    let id = OneOfBuilder::new().item(number.build()).item(text.build());
    let list = ArrayBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Array, Type::Null]))
        .items(id)
        .max_items(Some(MAX_LIST))
        .unique_items(true);
    RefOr::T(list.into())
}

/// Parts of a policy, at least one, each once.
pub fn policy_fields() -> RefOr<Schema> {
    let field = typed(Type::String).enum_values(Some(PolicyField::ALL.map(|(_, name)| name)));
    let list = ArrayBuilder::new()
        .items(field.build())
        .min_items(Some(1))
        .unique_items(true);
    RefOr::T(list.into())
}

/// US dollars, more than nothing.
pub fn some_dollars() -> RefOr<Schema> {
    typed(Type::Number)
        .minimum(Some(1e-9))
        .maximum(Some(1e9))
        .build()
        .into()
}

/// How long an override lasts.
pub fn override_modes() -> RefOr<Schema> {
    typed(Type::String)
        .enum_values(Some(["cycles", "forever"]))
        .build()
        .into()
}

/// A body of one field that must be there, an id or `null`.
pub fn required_id_or_null(field: &str, description: &str) -> RefOr<Schema> {
    let id = OneOfBuilder::new()
        .item(id_object())
        .item(null())
        .description(Some(description));
    RefOr::T(
        typed(Type::Object)
            .property(field, id)
            .required(field)
            .into(),
    )
}

/// A list of names, such as tags.
pub fn names() -> RefOr<Schema> {
    list_or_null(name_object())
}

/// A list of patterns over model names.
pub fn model_patterns() -> RefOr<Schema> {
    let pattern = typed(Type::String)
        .min_length(Some(1))
        .max_length(Some(MAX_PATTERN))
        .pattern(Some(NAME));
    list_or_null(pattern.build())
}

/// Free text.
pub fn text() -> RefOr<Schema> {
    text_up_to(
        MAX_DESCRIPTION,
        SchemaType::from_iter([Type::String, Type::Null]),
    )
}

/// Text of bounded length.
pub fn text_up_to(max: usize, schema_type: impl Into<SchemaType>) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(schema_type)
        .max_length(Some(max))
        .pattern(Some(TEXT))
        .build()
        .into()
}

/// US dollars: nothing, or an amount that nanodollars can hold.
pub fn dollars() -> RefOr<Schema> {
    let amount = typed(Type::Number).minimum(Some(1e-9)).maximum(Some(1e9));
    one_of([
        typed(Type::Number).enum_values(Some([0])).build(),
        amount.build(),
    ])
}

fn timestamp_object() -> Object {
    typed(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .build()
}

/// An instant, or nothing.
pub fn timestamp_or_null() -> RefOr<Schema> {
    one_of([timestamp_object(), null()])
}

/// An instant; nothing or empty: never.
pub fn expiry() -> RefOr<Schema> {
    let never = typed(Type::String).enum_values(Some([""])).build();
    one_of([timestamp_object(), never, null()])
}

/// `"30d"`, `"12h"` or nanoseconds; empty, 0 or nothing: off.
pub fn rotation_interval() -> RefOr<Schema> {
    let hour = 3_600_000_000_000_i64;
    let span = typed(Type::String).pattern(Some("^([1-9][0-9]{0,9}[smhdw])?$"));
    let nanoseconds = typed(Type::Integer)
        .minimum(Some(hour))
        .maximum(Some(365 * 24 * hour));
    let off = typed(Type::Integer).enum_values(Some([0]));
    one_of([span.build(), nanoseconds.build(), off.build(), null()])
}

/// How long the secret before a rotation works.
pub fn grace() -> RefOr<Schema> {
    let span = typed(Type::String).pattern(Some("^(0[smhdw]?|[1-9][0-9]{0,5}[smhdw])?$"));
    let seconds = typed(Type::Integer)
        .minimum(Some(0))
        .maximum(Some(30 * 86_400));
    one_of([span.build(), seconds.build(), null()])
}

/// Names or ids of permissions, or `["*"]`.
pub fn scopes() -> RefOr<Schema> {
    let names = Permission::all().map(|permission| serde_json::Value::from(permission.to_string()));
    let ids = Permission::all().map(|permission| serde_json::Value::from(permission.id()));
    let some = ObjectBuilder::new()
        .schema_type(SchemaType::AnyValue)
        .enum_values(Some(names.chain(ids)));
    let every = typed(Type::String).enum_values(Some(["*"]));
    let some = ArrayBuilder::new()
        .items(some)
        .max_items(Some(MAX_LIST))
        .build();
    let every = ArrayBuilder::new()
        .items(every)
        .min_items(Some(1))
        .max_items(Some(1))
        .build();
    RefOr::T(OneOfBuilder::new().item(some).item(every).into())
}

/// What the server sets and is read all the same: another value than the one that is shown is refused.
pub fn sent_back() -> RefOr<Schema> {
    let any = ObjectBuilder::new()
        .schema_type(SchemaType::AnyValue)
        .read_only(true)
        .description(Some(
            "Set by the server; may be sent as it is shown, and any other value is refused.",
        ));
    RefOr::T(any.into())
}

/// The schema of a body with another schema for one of its fields.
pub fn with_property(schema: RefOr<Schema>, field: &str, with: RefOr<Schema>) -> RefOr<Schema> {
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            object.properties.insert(field.to_owned(), with);
            RefOr::T(Schema::Object(object))
        }
        other => other,
    }
}

/// The schema of a body without its required fields.
pub fn all_optional(schema: RefOr<Schema>) -> RefOr<Schema> {
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            object.required.clear();
            RefOr::T(Schema::Object(object))
        }
        other => other,
    }
}

/// Takes at most so many items in a list of a body.
pub fn limit(schema: &mut RefOr<Schema>, field: &str, most: usize) {
    if let RefOr::T(Schema::Object(object)) = schema
        && let Some(RefOr::T(Schema::Array(list))) = object.properties.get_mut(field)
    {
        list.max_items = Some(most);
    }
}

/// Takes no other fields than those named here and those of `ignored`, which the server sets and does not read.
pub fn close(schema: &mut RefOr<Schema>, ignored: &[&str]) {
    if let RefOr::T(Schema::Object(object)) = schema
        && !object.properties.is_empty()
    {
        for name in ignored {
            let any = ObjectBuilder::new()
                .schema_type(SchemaType::AnyValue)
                .read_only(true)
                .description(Some("Set by the server; may be sent and is ignored."));
            object
                .properties
                .entry((*name).to_owned())
                .or_insert_with(|| any.build().into());
        }
        object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
    }
}

/// Shows every field always, `null` where there is nothing, but for those that are there when they are asked for.
pub fn complete(schema: &mut RefOr<Schema>, when_asked_for: &[&str]) {
    if let RefOr::T(Schema::Object(object)) = schema {
        let names = object.properties.keys();
        object.required = names
            .filter(|name| !when_asked_for.contains(&name.as_str()))
            .cloned()
            .collect();
    }
}
