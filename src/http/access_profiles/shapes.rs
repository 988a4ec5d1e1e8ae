//! The pieces that schemas of the bodies of access profiles are made of, with the bounds that `domain` enforces.

use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, KnownFormat, Object, ObjectBuilder, OneOfBuilder,
    SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::{RefOr, Schema};

use crate::domain::body::input::{MAX_DESCRIPTION, MAX_LIST, MAX_NAME};
use crate::domain::body::patterns::{NAME, TEXT};
use crate::domain::models::model_pattern::MAX_PATTERN;

fn typed(schema_type: Type) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(schema_type)
}

fn one_of(schemas: impl IntoIterator<Item = Object>) -> RefOr<Schema> {
    let all = schemas
        .into_iter()
        .fold(OneOfBuilder::new(), OneOfBuilder::item);
    RefOr::T(all.into())
}

fn null() -> Object {
    typed(Type::Null).build()
}

fn list_or_null(item: Object) -> RefOr<Schema> {
    let list = ArrayBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Array, Type::Null]))
        .items(item)
        .max_items(Some(MAX_LIST));
    RefOr::T(list.into())
}

fn name_object() -> Object {
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
